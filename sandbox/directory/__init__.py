"""The sandbox directory: an Active Directory domain small enough to start with Muster.

Real LDAP v3 over TLS on a loopback port, kept in one SQLite file; AD's rules, limits,
codes and words where a client would notice. Not here: replication, access control
lists, Kerberos, DNS.
"""

from sandbox.directory.sandbox import SandboxDirectory

__all__ = ["SandboxDirectory"]

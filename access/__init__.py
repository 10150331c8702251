"""Who may call: credentials become callers, here and nowhere else.

Bearer tokens, HTTP Basic, tokens of our own OAuth endpoint and of outside issuers, client
certificates that a trusted proxy passes on; scopes, limits, and what is noted of failures.
Knows HTTP, but neither SCIM nor people.
"""

from access.callers import Caller, Denied
from access.gate import Gate
from access.proxies import FromProxies

__all__ = ["Caller", "Denied", "FromProxies", "Gate"]

"""Active Directory over LDAPS: find, create, change, disable, move, link to a manager.

Speaks LDAP through ldap3 and nothing else; what an account should be is decided above.
Accounts are addressed by objectGUID, never by DN. `Config` shows the settings.
"""

from adapters.active_directory.config import Config
from adapters.active_directory.directory import ActiveDirectory

__all__ = ["ActiveDirectory", "Config"]

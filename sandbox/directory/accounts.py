"""What AD's account database asks of users and groups: names, control bits, passwords.

MS-SAMR and MS-ADTS 3.1.1.5 give the rules; they hold whichever way an entry is
written, so both add and modify come through :func:`settle`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from hmac import compare_digest

from sandbox.directory import errors, schema
from sandbox.directory.tree import Entry, Tree
from sandbox.directory.values import NEVER, filetime, fold, seconds_of

DISABLED = 0x2
LOCKOUT = 0x10
PASSWORD_NOT_REQUIRED = 0x20
NORMAL = 0x200
WORKSTATION = 0x1000
NO_EXPIRY = 0x10000
PASSWORD_EXPIRED = 0x800000

_TYPES = NORMAL | WORKSTATION | 0x100 | 0x800 | 0x2000
_NAME_LENGTH = 20
_FORBIDDEN = frozenset('"/\\[]:;|=,+*?<>')
_MINIMUM_PASSWORD = 7
_ROUNDS = 500
_UNKNOWN = "unknown"  # there is a password, and no one knows it

_GLOBAL_SECURITY = -0x7FFFFFFE
_SECURITY_ENABLED = 0x80000000


def defaults(entry: Entry) -> None:
    """Give a new user or group what AD gives it."""
    if entry.kind == "u":
        computer = b"computer" in entry.attributes["objectClass"]
        kind = WORKSTATION if computer else NORMAL
        given = {
            "userAccountControl": kind | DISABLED | PASSWORD_NOT_REQUIRED,
            "accountExpires": NEVER,
            "primaryGroupID": 515 if computer else 513,
        }
        for name in ("pwdLastSet", "lastLogon", "lastLogoff", "badPasswordTime"):
            given[name] = 0
        for name in ("badPwdCount", "logonCount", "codePage", "countryCode"):
            given[name] = 0
    elif entry.kind == "g":
        given = {"groupType": _GLOBAL_SECURITY}
    else:
        return
    for name, number in given.items():
        entry.attributes.setdefault(name, (b"%d" % number,))
    if "sAMAccountName" not in entry.attributes:
        made = f"${secrets.token_hex(3).upper()}-{secrets.token_hex(6).upper()}"
        entry.attributes["sAMAccountName"] = (made[:_NAME_LENGTH].encode(),)


def settle(
    tree: Tree,
    before: Entry | None,
    entry: Entry,
    now: float,
    password: str | None,
    realm: str,
    named: frozenset[str] = frozenset(),
    trusted: bool = False,
) -> None:
    """Check a user or group that is about to be written, and derive what follows from it.

    before    as it was; None for a new one
    password  the new one in clear, None when it stays
    named     the attributes that the operation named
    trusted   put there by the sandbox's owner: a password is not asked for
    Raises Refused.
    """
    _check_name(tree, before, entry)
    if entry.kind == "g":
        entry.attributes["sAMAccountType"] = (b"%d" % _group_type(entry),)
        return
    _check_principal(tree, before, entry, realm)
    if password is not None:
        if not trusted:
            check_password(entry, password)
        entry.secret = hashed(password)
        if "pwdLastSet" not in named:
            entry.attributes["pwdLastSet"] = (b"%d" % filetime(now),)
    elif trusted and not entry.secret:
        entry.secret = _UNKNOWN
    _settle_control(before, entry, trusted)
    if "pwdLastSet" in named and not trusted:
        _settle_last_set(entry, now)
    if "lockoutTime" in named and not trusted and entry.number("lockoutTime") != 0:
        raise errors.service(0x57)


def _group_type(entry: Entry) -> int:
    kind = entry.number("groupType")
    base = 0x10000000 if kind & 0xA else 0x20000000
    return base if kind & _SECURITY_ENABLED else base + 1


def _check_name(tree: Tree, before: Entry | None, entry: Entry) -> None:
    value = entry.one("sAMAccountName")
    if value is None:
        raise errors.service(0x207C)
    name = value.decode()
    if before is not None and before.one("sAMAccountName") == value:
        return
    longest = 256 if entry.kind == "g" else _NAME_LENGTH
    wrong = set(name) & _FORBIDDEN or any(c < " " for c in name) or name[-1] == "."
    if wrong or len(name) > longest or not name.strip(" ."):
        raise errors.Refused(
            80, "00000523: SysErr: DSID-031A1256, problem 22 (Invalid argument), data 0\n\0"
        )
    for other in tree.found("sAMAccountName", fold(name)) or ():
        if other != entry.guid:
            group = tree.entries[other].kind == "g"
            raise errors.update(68, 0x526 if group else 0x524, 6005)


def _check_principal(tree: Tree, before: Entry | None, entry: Entry, realm: str) -> None:
    """A UPN is nobody else's, and not what another one's `account name@realm` says either."""
    value = entry.one("userPrincipalName")
    if value is None or (before is not None and before.one("userPrincipalName") == value):
        return
    principal = value.decode()
    holders = set(tree.found("userPrincipalName", fold(principal)) or ())
    name, at, suffix = principal.rpartition("@")
    if at and fold(suffix) == fold(realm):
        holders |= set(tree.found("sAMAccountName", fold(name)) or ())
    if holders - {entry.guid}:
        number = schema.attribute("userPrincipalName").number
        raise errors.attribute(19, 0x21C8, 1005, "userPrincipalName", number)


def _settle_control(before: Entry | None, entry: Entry, trusted: bool) -> None:
    if "userAccountControl" not in entry.attributes:
        raise errors.service(0x1F)
    # MS-SAMR 3.1.1.8.10: state that is computed elsewhere is not taken from here.
    control = entry.number("userAccountControl") & 0xFFFFFFFF & ~(LOCKOUT | PASSWORD_EXPIRED)
    if not control & _TYPES:
        control |= NORMAL
    was = before.number("userAccountControl") if before is not None else DISABLED
    enabling = not control & DISABLED and (was & DISABLED or before is None)
    if enabling or (was & PASSWORD_NOT_REQUIRED and not control & DISABLED):
        needed = not (control & PASSWORD_NOT_REQUIRED or entry.secret or trusted)
        if needed:
            raise errors.service(0x52D)
    entry.attributes["userAccountControl"] = (b"%d" % control,)
    kind = 0x30000001 if control & (WORKSTATION | 0x2000) else 0x30000000
    entry.attributes["sAMAccountType"] = (b"%d" % kind,)


def _settle_last_set(entry: Entry, now: float) -> None:
    """pwdLastSet takes 0 (must change at next logon) and -1 (now), nothing else."""
    value = entry.number("pwdLastSet")
    if value not in (0, -1):
        raise errors.service(0x57)
    if value == -1:
        entry.attributes["pwdLastSet"] = (b"%d" % filetime(now),)


def clear_password(value: bytes) -> str:
    """The password in a unicodePwd value: UTF-16LE in quotes. Raises Refused (53 0000001F)."""
    try:
        quoted = value.decode("utf-16-le")
    except UnicodeDecodeError:
        raise errors.service(0x1F) from None
    if len(quoted) < 2 or quoted[0] != '"' or quoted[-1] != '"':
        raise errors.service(0x1F)
    return quoted[1:-1]


def check_password(entry: Entry, password: str) -> None:
    """The domain's policy. Raises Refused (53 0000052D)."""
    kinds = (
        any(c.isupper() for c in password),
        any(c.islower() for c in password),
        any(c.isdecimal() for c in password),
        any(not c.isalnum() for c in password),
        any(c.isalpha() and not c.isupper() and not c.islower() for c in password),
    )
    low = fold(password)
    account = fold((entry.one("sAMAccountName") or b"").decode())
    shown = fold((entry.one("displayName") or b"").decode())
    words = [account, *re.split(r"[,.\-_\s#]+", shown)]
    told = any(len(word) >= 3 and word in low for word in words)
    if len(password) < _MINIMUM_PASSWORD or sum(kinds) < 3 or told:
        raise errors.service(0x52D)


def hashed(password: str) -> str:
    """The password as it is kept."""
    salt = secrets.token_bytes(12)
    return salt.hex() + ":" + _digest(salt, password).hex()


def _digest(salt: bytes, password: str) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode("utf-8", "replace"), salt, _ROUNDS)


def opens(entry: Entry, password: str) -> bool:
    """Whether this is the entry's password."""
    salt, _, digest = entry.secret.partition(":")
    return bool(digest) and compare_digest(
        _digest(bytes.fromhex(salt), password), bytes.fromhex(digest)
    )


def expired(entry: Entry, now: float) -> bool:
    """Whether accountExpires has come."""
    ends = entry.number("accountExpires")
    return ends not in (0, NEVER) and seconds_of(ends) <= now


def check_logon(entry: Entry, password: str, now: float) -> None:
    """Raises Refused (49) with the reason, asked for in AD's order."""
    if not opens(entry, password):
        raise errors.logon("52e")
    control = entry.number("userAccountControl")
    if control & DISABLED:
        raise errors.logon("533")
    if expired(entry, now):
        raise errors.logon("701")
    if entry.number("pwdLastSet") == 0 and not control & NO_EXPIRY:
        raise errors.logon("773")


def computed_control(entry: Entry, now: float) -> int:
    """msDS-User-Account-Control-Computed: must change now counts as expired."""
    must_change = entry.number("pwdLastSet") == 0
    lasting = entry.number("userAccountControl") & NO_EXPIRY
    return PASSWORD_EXPIRED if must_change and not lasting else 0

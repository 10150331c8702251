"""From a failed LDAP answer to what Muster should do about it.

The Windows error code at the front of the message decides (MS-ERREF 2.2; the same in
AD and Samba), then the LDAP result, because several different troubles share one result.
The server's own text is only searched, never passed on: it holds names of people.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from adapters.active_directory.connection import Answer
from adapters.target import Refusal, RefusalKind, StepKind, TargetDown, TargetRefused

TRANSIENT_WIN32 = {
    0x4DC,  # the connection is no longer bound
    0x200E,  # busy
    0x200F,  # unavailable
    0x2010,  # no more relative identifiers for now
    0x2011,  # the same, while the pool is being refilled
    0x2024,  # administrative limit
    0x217D,  # version store exhausted
}
TRANSIENT_RESULTS = {3, 11, 51, 52}  # time limit, admin limit, busy, unavailable
STALE_RESULTS = {16}  # deleting a value that is not there: somebody changed it
STALE_WIN32 = {0x2085, 0x200A}
PASSWORD_POLICY = 0x52D
UNSPECIFIC = 0x2095  # Samba's word for a move to a container that is missing

Text = tuple[RefusalKind, str, str]

VALUE: Text = (
    "value",
    "the directory does not take the value",
    "correct it in the HR system or in the mapping; all else was kept up to date",
)
NAME: Text = ("name", "the name is taken in this domain", "the next free name is tried")
GONE: Text = ("gone", "the account is no longer there", "it is looked for again")
CONTAINER: Text = (
    "container",
    "the organisational unit is missing or cannot hold accounts",
    "create the OU, or correct the container rule in the outbound mapping",
)
REFERENCE: Text = (
    "reference",
    "the referenced account is not in this domain",
    "the link is set as soon as that account is there",
)
GROUP: Text = (
    "reference",
    "the group is not in this domain",
    "correct the group in the outbound mapping, or make it",
)
PRIVILEGED_GROUP: Text = (
    "protected",
    "the group is privileged or built in, and no rule may give it",
    "take it out of the outbound mapping, or let an administrator add the member",
)
NO_SUCH_GRANT: Text = (
    "bug",
    "Active Directory gives groups and nothing else",
    "remove it from the outbound mapping",
)
RETURNED: Text = (
    "stale",
    "the account is no longer deleted",
    "the account is looked at again",
)
STALE: Text = (
    "stale",
    "userAccountControl was changed by somebody else after it was read",
    "the account is looked at again",
)
BUG: Text = (
    "bug",
    "no directory would take this write",
    "remove the attribute from the outbound mapping: the directory keeps it itself",
)
SCHEMA: Text = (
    "config",
    "the domain's schema has no such attribute",
    "remove the attribute from the outbound mapping or extend the schema (Exchange adds some)",
)
POLICY: Text = (
    "config",
    "the domain's password policy refused",
    "a generated password has 50 random characters: look for a password filter on the domain "
    "controller; an account without a password must be given one before it can be enabled",
)
CROSS_DOMAIN: Text = (
    "config",
    "the container lies in another domain",
    "moves between domains need a migration tool; correct the container rule",
)
CHILDREN: Text = (
    "config",
    "the account has objects below it",
    "look at the account in the directory's console",
)
ROUTING: Text = (
    "config",
    "this server is not responsible for that part of the directory",
    "correct base_dn, people_ou and url: they must belong to one domain, and no read-only server",
)

BY_WIN32: dict[int, Text] = {
    0x1F: POLICY,
    PASSWORD_POLICY: POLICY,
    0x523: VALUE,  # account name too long or of forbidden form
    0x524: NAME,
    0x526: NAME,
    0x2071: NAME,
    0x217B: NAME,
    0x21C7: NAME,
    0x21C8: NAME,
    0x525: GONE,
    0x2030: GONE,
    0x208D: GONE,
    0x2089: CONTAINER,
    0x2099: CONTAINER,
    0x200B: VALUE,
    0x200D: VALUE,
    0x202F: VALUE,
    0x2032: VALUE,
    0x2081: VALUE,
    0x2082: VALUE,
    0x2083: VALUE,
    0x20B5: REFERENCE,
    0x200A: SCHEMA,
    0x2016: BUG,
    0x2035: BUG,
    0x2077: BUG,
    0x209A: BUG,
    0x20B1: BUG,
    0x20E7: BUG,
    0x213A: BUG,
    0x2018: CROSS_DOMAIN,
    0x2015: CHILDREN,
    0x208C: CHILDREN,
    0x202B: ROUTING,
    0x20D6: ROUTING,
}
BY_RESULT: dict[int, Text] = {
    10: ROUTING,
    16: SCHEMA,
    17: SCHEMA,
    19: VALUE,
    20: VALUE,
    21: VALUE,
    32: GONE,
    34: VALUE,
    53: BUG,
    64: VALUE,
    65: BUG,
    66: CHILDREN,
    67: BUG,
    68: NAME,
    69: BUG,
    71: CROSS_DOMAIN,
}
RIGHTS_WIN32 = {0x5, 0x2098}
MEMBER_ALREADY = {0x528, 0x562, 0x2083}  # of a global group, of a local one, the value
MEMBER_NOT = {0x529, 0x561, 0x2085}

OWNER = {0x524: "sAMAccountName", 0x526: "sAMAccountName", 0x21C8: "userPrincipalName"}
"""Which attribute a name code speaks of, where it is certain."""

DELEGATIONS: dict[StepKind, str] = {
    "create": '/I:T /G "ACCOUNT:CCDC;user" and /I:S /G "ACCOUNT:RPWP;;user" and '
    '/I:S /G "ACCOUNT:CA;Reset Password;user"',
    "restore": '/I:T /G "ACCOUNT:CCDC;user", dsacls <domain> /G '
    '"ACCOUNT:CA;Reanimate Tombstones" and dsacls "CN=Deleted Objects,<domain>" /G "ACCOUNT:LCRP"',
    "delete": '/I:T /G "ACCOUNT:CCDC;user"',
    "grant": '(that of the group) /I:S /G "ACCOUNT:WP;member;group"',
    "revoke": '(that of the group) /I:S /G "ACCOUNT:WP;member;group"',
    "move": '/I:T /G "ACCOUNT:CCDC;user" on the old and the new OU',
    "modify": '/I:S /G "ACCOUNT:RPWP;;user"',
    "refer": '/I:S /G "ACCOUNT:RPWP;manager;user"',
    "disable": '/I:S /G "ACCOUNT:RPWP;userAccountControl;user"',
    "enable": '/I:S /G "ACCOUNT:RPWP;userAccountControl;user"',
}


def is_transient(answer: Answer) -> bool:
    """True when the server is merely busy: nothing was written, waiting helps."""
    if answer.win32 == 0x57 and "0C090850" in answer.message.upper():
        return True
    return answer.win32 in TRANSIENT_WIN32 or answer.result in TRANSIENT_RESULTS


def raise_for_read(answer: Answer) -> None:
    """Raise TargetDown or TargetRefused unless the search succeeded."""
    if answer.result == 0:
        return
    if is_transient(answer):
        raise busy()
    if answer.result == 50 or answer.win32 in RIGHTS_WIN32:
        kind: RefusalKind = "rights"
        message = "the service account may not read here"
        remedy = "grant it 'Read all properties' on the users below base_dn"
    else:
        kind, message, remedy = ROUTING
        message = f"the directory refused the search (LDAP result {answer.result})"
    raise TargetRefused(Refusal(kind, answer.code, message, remedy))


def busy() -> TargetDown:
    """The domain controller answers, but not now."""
    return TargetDown("the domain controller is busy", "it is tried again by itself")


def refusal(
    step: StepKind, answer: Answer, attributes: Collection[str] = (), subject: str | None = None
) -> Refusal:
    """What a refused write means.

    `attributes`: those in the request, among which the culprit is looked for in the
    message; `subject` is the culprit when there can be only one.
    """
    attribute = subject or _culprit(answer, attributes)
    if answer.result == 50 or answer.win32 in RIGHTS_WIN32:
        return Refusal(
            "rights",
            answer.code,
            f"the service account may not do this: {step}",
            f"run on a domain controller: dsacls <OU> {DELEGATIONS[step]}; if that is in place, "
            "the account is protected (adminCount, AdminSDHolder) or guarded from deletion",
            attribute,
        )
    if step in ("enable", "disable") and (
        answer.win32 in STALE_WIN32 or answer.result in STALE_RESULTS
    ):
        kind, message, remedy = STALE
    else:
        kind, message, remedy = _text(answer)
    if kind == "name" and attribute is None:
        attribute = OWNER.get(answer.win32 or 0) or _named(step, attributes)
    return Refusal(kind, answer.code, message, remedy, attribute)


def unwritable(attribute: str) -> Refusal:
    """What no directory would take is not sent."""
    kind, _, remedy = VALUE
    return Refusal(kind, "local", "the value is empty, too long or no text", remedy, attribute)


def _text(answer: Answer) -> Text:
    if answer.win32 == 0x202F and re.search(r"already in use", answer.message):
        return NAME  # Samba's code for a userPrincipalName that is taken, also implicitly
    if answer.win32 is not None and answer.win32 in BY_WIN32:
        return BY_WIN32[answer.win32]
    if answer.result in BY_RESULT:
        return BY_RESULT[answer.result]
    return (
        "config",
        f"the directory refused with LDAP result {answer.result}",
        "look the code up in the domain controller's event log",
    )


def _named(step: StepKind, attributes: Collection[str]) -> str | None:
    """Which name an "already exists" without further words speaks of."""
    if step in ("create", "restore", "move"):
        return "cn"
    return next((name for name in attributes if name.lower() == "samaccountname"), None)


def _culprit(answer: Answer, attributes: Collection[str]) -> str | None:
    """The attribute the server names: `Att 90001 (givenName)` in AD, `attribute 'x'` in Samba."""
    patterns = (
        r"Att [0-9A-Fa-f]+ \(([A-Za-z][\w-]*)\)",
        r"implied by (sAMAccountName)",
        r"attribute '([A-Za-z][\w-]*)'",
        r"(?:SINGLE-VALUE attribute|Element) ([A-Za-z][\w-]*)",
        r"samldb: (samAccountName|userPrincipalName)",
    )
    by_folded = {"cn": "cn", "name": "cn", **{name.lower(): name for name in attributes}}
    for pattern in patterns:
        found = re.search(pattern, answer.message, re.IGNORECASE)
        if found and found[1].lower() in by_folded:
            return by_folded[found[1].lower()]
    return None

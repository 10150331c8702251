"""Groups: which there are, which an account is in, and putting it in or out.

Membership is written on the group, one value at a time (`member`; `memberOf` is computed),
with both ends addressed by `<GUID=...>`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from adapters.active_directory import errors, values
from adapters.active_directory.config import Config
from adapters.active_directory.connection import Answer, Entry, Session
from adapters.active_directory.outcomes import ANYTHING, look, of, refused, settled
from adapters.active_directory.requests import (
    BASE,
    EXTENDED_DN,
    INSERT,
    REMOVE,
    SUBTREE,
    both,
    equals,
)
from adapters.target import Account, Ambiguous, Grant, Outcome, Refusal, Step

FEW = 10  # an ambiguous name needs no longer list

GROUP = equals("objectCategory", b"group")

_FACTS = ("objectGUID", "objectSid", "groupType", "adminCount", "isCriticalSystemObject")
_NAMED = ("sAMAccountName",)
_SPECIAL_TYPES = 0x1 | 0x10 | 0x20  # groupType: made by the system, application groups
_FIRST_OWN_RID = 1000  # below are the well-known groups of a domain (MS-DTYP 2.4.2.4)
_BUILTIN = b"\x01\x02\x00\x00\x00\x00\x00\x05\x20\x00\x00\x00"  # S-1-5-32-
_PRIVILEGED_NAMES = frozenset({b"dnsadmins"})  # without adminCount, and its number is its own


def find(session: Session, config: Config, name: str) -> Grant | None:
    """The group with this DN or sAMAccountName, unless it is one that no rule may give."""
    found: Sequence[Entry]
    if re.match(r"\s*[A-Za-z][\w-]*\s*=", name):
        found = _at(session, name)
    else:
        try:
            condition = both(GROUP, values.equals("sAMAccountName", name))
        except values.Unwritable:
            return None
        answer = session.search(config.domain_dn, condition, SUBTREE, (*_FACTS, *_NAMED), limit=FEW)
        if answer.result != 4:
            errors.raise_for_read(answer)
        found = answer.entries
    if len(found) > 1:
        raise Ambiguous(tuple(entry.dn for entry in found))
    if not found or is_privileged(found[0]):
        return None
    return Grant("group", values.guid(found[0].first("objectGUID")))


def _at(session: Session, dn: str) -> Sequence[Entry]:
    try:
        dn.encode()
    except UnicodeEncodeError:
        return ()
    answer = session.search(dn, GROUP, BASE, (*_FACTS, *_NAMED))
    if answer.result in (10, 32, 34):  # another domain's, none, no DN
        return ()
    errors.raise_for_read(answer)
    return answer.entries


def is_privileged(group: Entry) -> bool:
    """Whether membership would be a right over the domain, or is kept by the system."""
    sid = (group.all("objectSid") or [b""])[0]
    kind = int((group.all("groupType") or [b"0"])[0])
    return (
        bool(kind & _SPECIAL_TYPES)
        or group.all("adminCount") == [b"1"]
        or group.all("isCriticalSystemObject") == [b"TRUE"]
        or sid.startswith(_BUILTIN)
        or int.from_bytes(sid[-4:], "little") < _FIRST_OWN_RID
        or any(name.lower() in _PRIVILEGED_NAMES for name in group.all("sAMAccountName"))
    )


def listed(session: Session, anchor: str) -> frozenset[Grant]:
    """The groups that have this account as a member, as far as this server knows: those of its
    domain, and universal ones of others if it is a global catalogue."""
    address = values.by_guid(anchor)
    found: set[Grant] = set()
    wanted = "memberOf"
    while wanted:
        answer = session.search(address, ANYTHING, BASE, (wanted,), controls=[EXTENDED_DN])
        if answer.result == 32:
            return frozenset()
        errors.raise_for_read(answer)
        wanted = ""
        for name, links in (answer.entries[0].values if answer.entries else {}).items():
            for link in links:
                group, _ = values.extended_dn(link.decode())
                if group:
                    found.add(Grant("group", group))
            wanted = _next_range(name) or wanted
    return frozenset(found)


def _next_range(name: str) -> str | None:
    """What to ask for after `memberOf;range=0-1499`; None after `-*` (MS-ADTS 3.1.1.3.1.3.3)."""
    ranged = re.fullmatch(r"memberOf;range=\d+-(\d+)", name, re.IGNORECASE)
    return f"memberOf;range={int(ranged[1]) + 1}-*" if ranged else None


def give(session: Session, account: Account, step: Step) -> Outcome:
    """Put the account into a group, or take it out."""
    given = step.given
    if given is None or given.kind != "group":
        return refused(Refusal(*of(errors.NO_SUCH_GRANT, "local")))
    try:
        address = values.by_guid(given.anchor)
    except values.Unwritable:
        return refused(Refusal(*of(errors.GROUP, "local")))
    on = step.kind == "grant"
    if on:
        group = look(session, address, *_FACTS, *_NAMED)
        if group is None:
            return refused(Refusal(*of(errors.GROUP, "32")))
        if is_privileged(group):
            return refused(Refusal(*of(errors.PRIVILEGED_GROUP, "local")))
    how = INSERT if on else REMOVE
    member = values.by_guid(account.anchor).encode()
    answer = settled(session.modify(address, {"member": [(how, [member])]}))
    if answer.result == 0 or (_is_there(answer) if on else _is_absent(answer)):
        return Outcome("applied")
    refusal = errors.refusal(step.kind, answer, (), subject="member")
    if refusal.kind == "rights":
        return refused(refusal)
    # Servers differ in what they say; what is so, a look tells.
    if look(session, values.by_guid(account.anchor)) is None:
        return refused(Refusal(*of(errors.GONE, answer.code))) if on else Outcome("applied")
    if (given in listed(session, account.anchor)) is on:
        return Outcome("applied")
    if refusal.kind == "gone":
        refusal = Refusal(*of(errors.GROUP, answer.code))
    return refused(refusal)


def _is_there(answer: Answer) -> bool:
    return answer.result in (20, 68) or answer.win32 in errors.MEMBER_ALREADY


def _is_absent(answer: Answer) -> bool:
    return answer.win32 in errors.MEMBER_NOT

"""What was deleted: `CN=Deleted Objects`, and how an account comes back from there.

With AD's Recycle Bin an account comes back as it was. Without it, only a tombstone is
left, which holds objectGUID, objectSid, sAMAccountName and little else; the password is
lost too. (MS-ADTS 3.1.1.5.3.7, 3.1.1.5.5.1)
"""

from __future__ import annotations

from adapters.active_directory import errors, values
from adapters.active_directory.config import Config
from adapters.active_directory.connection import Answer, Entry, Session
from adapters.active_directory.logon import DISABLED, NORMAL_ACCOUNT, fresh_password
from adapters.active_directory.outcomes import Progress, look, of, protected, refused, settled
from adapters.active_directory.requests import (
    INSERT,
    REMOVE,
    REPLACE,
    SHOW_DELETED,
    SUBTREE,
    Change,
)
from adapters.target import Link, Outcome, Refusal, Step

_KEPT = ("isDeleted", "sAMAccountName", "userAccountControl", "pwdLastSet", "adminCount")


def find(session: Session, anchor: str) -> Entry | None:
    """The entry with this objectGUID, deleted or not; None also where we may not look."""
    try:
        return look(session, values.by_guid(anchor), *_KEPT, controls=[SHOW_DELETED])
    except values.Unwritable:
        return None


def is_deleted(entry: Entry) -> bool:
    """Whether it is a deleted one."""
    return entry.all("isDeleted") == [b"TRUE"]


def restore(session: Session, config: Config, step: Step, written: Progress) -> Outcome:
    """Bring an account back, disabled, in one modify that only this state of it takes.

    Samba does not find a deleted object by `<GUID=...>` here, so its present DN is used:
    that holds the objectGUID and is nobody else's.
    """
    anchor = step.anchor or ""
    entry = find(session, anchor)
    if entry is None:
        return refused(Refusal(*of(errors.GONE, "32")))
    if not is_deleted(entry):
        return refused(Refusal(*of(errors.RETURNED, "local")))
    if entry.all("adminCount") == [b"1"]:
        return refused(protected("adminCount=1"))
    try:
        dn = values.dn(step.name or "", step.container or "")
    except values.Unwritable:
        return refused(errors.unwritable("cn"))
    if _name_is_taken(session, config, entry):
        return refused(Refusal(*of(errors.NAME, "local"), "sAMAccountName"))
    answer = _bring_back(session, entry, dn)
    if answer.result != 0:
        refusal = errors.refusal("restore", answer)
        unclear = refusal.kind in ("gone", "config", "bug")
        if unclear and look(session, step.container or "") is None:
            kind, code, message, remedy = of(errors.CONTAINER, answer.code)
            refusal = Refusal(kind, code, f"{message}: {step.container}", remedy)
        return refused(refusal)
    written.any = True
    if not _disable(session, anchor):
        return Outcome("unknown")
    refusals = () if entry.all("pwdLastSet") else _give_password(session, anchor)
    return Outcome("applied", refusals, Link(anchor, dn))


def _name_is_taken(session: Session, config: Config, entry: Entry) -> bool:
    """Samba would make a second account of the same name, AD would not."""
    for name in entry.all("sAMAccountName"):
        condition = values.equals("sAMAccountName", name.decode())
        answer = session.search(config.domain_dn, condition, SUBTREE, limit=1)
        if answer.entries:
            return True
        if answer.result != 4:
            errors.raise_for_read(answer)
    return False


def _bring_back(session: Session, entry: Entry, dn: str) -> Answer:
    """An account that was deleted while enabled shall not be enabled for a moment: AD may take
    the bit in the same modify. Samba does not; what it refuses has changed nothing."""
    changes: dict[str, list[Change]] = {
        "isDeleted": [(REMOVE, [])],
        "distinguishedName": [(REPLACE, [dn.encode()])],
    }
    control = _control(entry)
    if not control & DISABLED:
        bits = str(control | DISABLED).encode()
        switch: list[Change] = [(REPLACE, [bits])]
        both = {**changes, "userAccountControl": switch}
        answer = settled(session.modify(entry.dn, both, controls=[SHOW_DELETED]))
        if answer.result == 0:
            return answer
    return settled(session.modify(entry.dn, changes, controls=[SHOW_DELETED]))


def _disable(session: Session, anchor: str) -> bool:
    """Whether the account is known to be disabled in the end."""
    address = values.by_guid(anchor)
    for _ in range(2):  # somebody may change other bits between look and write
        entry = look(session, address, "userAccountControl")
        if entry is None:
            return False
        control = _control(entry)
        if control & DISABLED:
            return True
        swap = [
            (REMOVE, [str(control).encode()]),
            (INSERT, [str(control | DISABLED).encode()]),
        ]
        if settled(session.modify(address, {"userAccountControl": swap})).result == 0:
            return True
    return False


def _control(entry: Entry) -> int:
    return int((entry.all("userAccountControl") or [str(NORMAL_ACCOUNT).encode()])[0])


def _give_password(session: Session, anchor: str) -> tuple[Refusal, ...]:
    """A tombstone has lost its password, and without one it could never be enabled."""
    change = {"unicodePwd": [(REPLACE, [fresh_password()])]}
    answer = settled(session.modify(values.by_guid(anchor), change))
    if answer.result == 0:
        return ()
    return (errors.refusal("restore", answer, (), subject="unicodePwd"),)

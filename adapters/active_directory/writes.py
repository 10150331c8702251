"""How each step of a plan becomes LDAP writes. The only code that changes a directory.

A write is sent once. If its answer is lost, the outcome is unknown and nothing more is
sent. When a value is refused, the others are written without it: first all together
(one modify is all or nothing), then one by one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

from adapters.active_directory import deleted, errors, groups, values
from adapters.active_directory.accounts import Shape
from adapters.active_directory.config import Config
from adapters.active_directory.connection import Answer, Lost, Session
from adapters.active_directory.logon import (
    DISABLED,
    NORMAL_ACCOUNT,
    PASSWORD_NOT_REQUIRED,
    fresh_password,
)
from adapters.active_directory.outcomes import Progress, look, of, protected, refused, settled
from adapters.active_directory.requests import EXTENDED_DN, INSERT, REMOVE, REPLACE
from adapters.target import (
    Account,
    Link,
    Outcome,
    Refusal,
    RefusalKind,
    Step,
    TargetDown,
    TargetRefused,
)

_KEPT_BY_STEPS = """
cn distinguishedName member memberOf name objectCategory objectClass objectGUID objectSid
unicodePwd userAccountControl
"""
KEPT_BY_STEPS = frozenset(_KEPT_BY_STEPS.lower().split())
"""Written by create, move, enable and disable, or by nobody; never by attribute rules."""

WHOLE: frozenset[RefusalKind] = frozenset({"gone", "name", "container", "protected", "stale"})
"""Refusals that concern the step, not one value: leaving a value out would not help."""


class Writer:
    """Applies steps over a lent session. Holds no state."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._shape = Shape(config)

    def apply(self, session: Session, account: Account | None, step: Step) -> Outcome:
        """One step; raises TargetDown when the server is busy and nothing was written."""
        written = Progress()
        try:
            if step.kind == "create":
                return self._create(session, step, written)
            if step.kind == "restore":
                return deleted.restore(session, self._config, step, written)
            if account is None:
                raise ValueError(f"{step.kind} needs an account")
            if account.protected and not self._may_disable(step):
                return refused(protected(account.protected))
            if step.kind == "modify":
                return self._modify(session, account, step, written)
            if step.kind == "move":
                return self._move(session, account, step, written)
            if step.kind == "refer":
                return self._refer(session, account, step)
            if step.kind in ("grant", "revoke"):
                return groups.give(session, account, step)
            if step.kind == "delete":
                return self._delete(session, account)
            return self._switch(session, account, step)
        except Lost:
            return Outcome("unknown")
        except (TargetDown, TargetRefused):
            if written.any:
                return Outcome("unknown")
            raise

    def _may_disable(self, step: Step) -> bool:
        return step.kind == "disable" and self._config.privileged == "disable"

    def _create(self, session: Session, step: Step, written: Progress) -> Outcome:
        encoded, left_out = _encode(step)
        if _lacks_required(step, left_out):
            return Outcome("refused", left_out)
        try:
            dn = values.dn(step.name or "", step.container or "")
        except values.Unwritable:
            return refused(errors.unwritable("cn"))
        present = {name: value for name, value in encoded.items() if value}
        links = _links(step)
        answer = self._add(session, dn, {**present, **links}, step.enabled)
        if answer.result != 0 and links and self._refusal(session, step, answer).kind != "name":
            # A link that leads nowhere is no reason to make no account.
            answer = self._add(session, dn, present, step.enabled)
        later: dict[str, list[bytes]] = {}
        if (
            answer.result != 0
            and answer.win32 != errors.PASSWORD_POLICY
            and self._refusal(session, step, answer, present).kind not in WHOLE
        ):
            # One value spoils the whole add: make the account first, and off, then see which.
            required = {name.lower() for name in step.required}
            first = {n: v for n, v in present.items() if n.lower() in required}
            later = {n: v for n, v in present.items() if n not in first}
            if later or step.enabled:
                present, answer = first, self._add(session, dn, first, False)
        if answer.result != 0:
            refusal = self._refusal(session, step, answer, present)
            return Outcome("refused", (*left_out, refusal))
        written.any = True
        made = look(session, dn, *self._shape.asked, controls=[EXTENDED_DN])
        if made is None:
            return Outcome("unknown")
        anchor = values.guid(made.first("objectGUID"))
        refusals = self._one_by_one(session, anchor, later, step)
        account = None
        if not later:
            with contextlib.suppress(
                TargetRefused
            ):  # we may not read all of it: who reads hears so
                account = self._shape.account(made)
        return Outcome("applied", (*left_out, *refusals), Link(anchor, dn), account)

    def _add(
        self, session: Session, dn: str, attributes: Mapping[str, list[bytes]], enabled: bool
    ) -> Answer:
        """Add the account, disabled unless it is wanted `enabled`, with a password that nobody
        knows."""
        control = NORMAL_ACCOUNT if enabled else NORMAL_ACCOUNT | DISABLED
        for _ in range(2):  # by chance a password may hold a part of the person's name
            answer = settled(
                session.add(
                    dn,
                    {
                        **attributes,
                        "userAccountControl": [str(control).encode()],
                        "unicodePwd": [fresh_password()],
                    },
                )
            )
            if answer.win32 != errors.PASSWORD_POLICY:
                break
        return answer

    def _modify(self, session: Session, account: Account, step: Step, written: Progress) -> Outcome:
        encoded, left_out = _encode(step)
        if _lacks_required(step, left_out):
            return Outcome("refused", left_out)
        if not encoded:
            return Outcome("refused" if left_out else "applied", left_out)
        answer = self._replace(session, account.anchor, encoded)
        if answer.result == 0:
            return Outcome("applied", left_out)
        refusal = self._refusal(session, step, answer, encoded)
        if len(encoded) == 1:
            refusal = errors.refusal("modify", answer, (), subject=next(iter(encoded)))
        if refusal.kind in WHOLE or len(encoded) == 1:
            return Outcome("refused", (*left_out, refusal))
        required = {name.lower() for name in step.required}
        first = {n: v for n, v in encoded.items() if n.lower() in required}
        if first:
            answer = self._replace(session, account.anchor, first)
            if answer.result != 0:
                refusal = self._refusal(session, step, answer, first)
                return Outcome("refused", (*left_out, refusal))
            written.any = True
        rest = {n: v for n, v in encoded.items() if n not in first}
        refusals = self._one_by_one(session, account.anchor, rest, step, written)
        applied = bool(first) or len(refusals) < len(rest)
        return Outcome("applied" if applied else "refused", (*left_out, *refusals))

    def _one_by_one(
        self,
        session: Session,
        anchor: str,
        attributes: Mapping[str, list[bytes]],
        step: Step,
        written: Progress | None = None,
    ) -> list[Refusal]:
        refusals = []
        for name, encoded in attributes.items():
            answer = self._replace(session, anchor, {name: encoded})
            if answer.result != 0:
                refusals.append(errors.refusal("modify", answer, (name,), subject=name))
            elif written:
                written.any = True
        return refusals

    def _replace(
        self, session: Session, anchor: str, attributes: Mapping[str, list[bytes]]
    ) -> Answer:
        """Replace is idempotent: what is there already, or absent already, is success."""
        changes = {name: [(REPLACE, found)] for name, found in attributes.items()}
        return settled(session.modify(values.by_guid(anchor), changes))

    def _switch(self, session: Session, account: Account, step: Step) -> Outcome:
        """Enable or disable: one bit, and only if nobody changed the others since the read.

        Deleting the old value and adding the new one in one modify is compare-and-swap.
        """
        old = int(account.state["userAccountControl"])
        new = old | DISABLED
        if step.kind == "enable":
            new = old & ~(DISABLED | PASSWORD_NOT_REQUIRED)
        swap = [
            (REMOVE, [str(old).encode()]),
            (INSERT, [str(new).encode()]),
        ]
        address = values.by_guid(account.anchor)
        answer = settled(session.modify(address, {"userAccountControl": swap}))
        if answer.result != 0:
            return refused(errors.refusal(step.kind, answer, ("userAccountControl",)))
        return Outcome("applied")

    def _move(self, session: Session, account: Account, step: Step, written: Progress) -> Outcome:
        """Rename and move in one write; the new superior is always sent, because Samba
        does not find `<GUID=...>` without it."""
        name, superior = step.name or account.name or "", step.container or account.container or ""
        try:
            rdn, dn = values.common_name(name), values.dn(name, superior)
        except values.Unwritable:
            return refused(errors.unwritable("cn"))
        address = values.by_guid(account.anchor)
        answer = settled(session.modify_dn(address, rdn, superior))
        if answer.result != 0:
            return refused(self._refusal(session, step, answer))
        written.any = True
        there = look(session, address)
        return Outcome("applied", (), Link(account.anchor, there.dn if there else dn))

    def _refer(self, session: Session, account: Account, step: Step) -> Outcome:
        attribute = step.attribute or ""
        encoded: list[bytes] = []
        if step.anchor is not None:
            try:
                there = look(session, values.by_guid(step.anchor))
            except values.Unwritable:
                there = None
            if there is None:
                return refused(Refusal(*of(errors.REFERENCE, "32"), attribute))
            encoded = [there.dn.encode()]
        answer = self._replace(session, account.anchor, {attribute: encoded})
        if answer.result == 0:
            return Outcome("applied")
        refusal = errors.refusal("refer", answer, (attribute,), subject=attribute)
        vanished = refusal.kind == "gone" and look(session, values.by_guid(account.anchor))
        if encoded and (refusal.kind == "value" or vanished):
            return refused(Refusal(*of(errors.REFERENCE, answer.code), attribute))
        return refused(refusal)

    def _delete(self, session: Session, account: Account) -> Outcome:
        """The account alone: with objects below it (a phone's, in Exchange) it stays."""
        answer = settled(session.delete(values.by_guid(account.anchor)))
        if answer.result == 0:
            return Outcome("applied")
        refusal = errors.refusal("delete", answer)
        return Outcome("applied") if refusal.kind == "gone" else refused(refusal)

    def _refusal(
        self, session: Session, step: Step, answer: Answer, attributes: Iterable[str] = ()
    ) -> Refusal:
        """The refusal; "no such object" is the container's when that is what is missing."""
        refusal = errors.refusal(step.kind, answer, tuple(attributes))
        if (
            (refusal.kind == "gone" or answer.win32 == errors.UNSPECIFIC)
            and step.kind in ("create", "move")
            and step.container
            and look(session, step.container) is None
        ):
            kind, code, message, remedy = of(errors.CONTAINER, answer.code)
            return Refusal(kind, code, f"{message}: {step.container}", remedy)
        return refusal


def _encode(step: Step) -> tuple[dict[str, list[bytes]], tuple[Refusal, ...]]:
    """Attributes as bytes, and refusals of those that must not or cannot be written."""
    encoded: dict[str, list[bytes]] = {}
    refusals = []
    for name, value in step.attributes.items():
        if name.lower() in KEPT_BY_STEPS:
            kind, code, message, remedy = of(errors.BUG, "local")
            refusals.append(Refusal(kind, code, message, remedy, name))
            continue
        try:
            encoded[name] = values.encode(name, value)
        except values.Unwritable:
            refusals.append(errors.unwritable(name))
    return encoded, tuple(refusals)


def _links(step: Step) -> dict[str, list[bytes]]:
    """Links of a new account, by GUID: AD finds the DN (MS-ADTS 3.1.1.3.1.2.4)."""
    found = {}
    for attribute, anchor in step.references.items():
        with contextlib.suppress(values.Unwritable):
            found[attribute] = [values.by_guid(anchor).encode()]
    return found


def _lacks_required(step: Step, left_out: Iterable[Refusal]) -> bool:
    required = {name.lower() for name in step.required}
    return any((refusal.attribute or "").lower() in required for refusal in left_out)

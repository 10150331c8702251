"""A directory in memory that keeps Target's promises, and breaks them on order."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from adapters.target import (
    Account,
    Ambiguous,
    Grant,
    GrantKind,
    Key,
    Link,
    NameKind,
    Outcome,
    Refusal,
    RefusalKind,
    Step,
    TargetDown,
)

Fault = Literal["before", "after", "down"]


class Directory:
    """`accounts` by anchor; `writes` counts what was applied; `fault` strikes before a step.

    `bin` holds deleted accounts, `known` what can be given by kind and name, `given` what
    each account has. With `at_once`, an account that is to be enabled is made so.
    """

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.bin: dict[str, Account] = {}
        self.known: dict[tuple[GrantKind, str], Grant] = {}
        self.given: dict[str, frozenset[Grant]] = {}
        self.writes: list[Step] = []
        self.down = False
        self.at_once = False
        self.fault: Callable[[Step], Fault | Refusal | None] = lambda step: None

    def put(self, name: str = "Somebody", enabled: bool = True, **attributes: str) -> str:
        """An account that is there already; returns its anchor."""
        anchor = str(uuid.uuid4())
        self.accounts[anchor] = Account(
            anchor, f"CN={name},OU=People", enabled, attributes, name, "OU=People"
        )
        return anchor

    def offer(self, kind: GrantKind, name: str) -> Grant:
        """A group or licence that there is to give."""
        return self.known.setdefault((kind, name.casefold()), Grant(kind, str(uuid.uuid4())))

    def one(self, **attributes: str) -> Account:
        """The only account with these attributes."""
        (found,) = [
            a
            for a in self.accounts.values()
            if all(a.attributes.get(k) == v for k, v in attributes.items())
        ]
        return found

    def read(self, link: Link | None, key: Key | None) -> Account | None:
        self._answer()
        if link is not None and link.anchor in self.accounts:
            return self.accounts[link.anchor]
        found = self._carriers(key) if key else ()
        if len(found) > 1:
            raise Ambiguous(tuple(a.hint for a in found))
        return found[0] if found else None

    def several(self, anchors: Collection[str]) -> dict[str, Account]:
        self._answer()
        return {anchor: self.accounts[anchor] for anchor in anchors if anchor in self.accounts}

    def carriers(self, keys: Sequence[Key]) -> list[tuple[Account, ...]]:
        self._answer()
        return [self._carriers(key) for key in keys]

    def _carriers(self, key: Key) -> tuple[Account, ...]:
        there = self.accounts.values()
        return tuple(a for a in there if all(a.attributes.get(n) == v for n, v in key.items()))

    def every(self) -> Iterator[Account]:
        self._answer()
        yield from list(self.accounts.values())

    def in_bin(self, link: Link) -> bool:
        self._answer()
        return link.anchor in self.bin

    def find_grant(self, kind: GrantKind, name: str) -> Grant | None:
        self._answer()
        return self.known.get((kind, name.casefold()))

    def grants(self, account: Account) -> frozenset[Grant]:
        self._answer()
        return self.given.get(account.anchor, frozenset())

    def holder(self, kind: NameKind, value: str) -> str | None:
        self._answer()
        attribute = {
            "accountName": "sAMAccountName",
            "userPrincipalName": "userPrincipalName",
            "mail": "mail",
        }[kind]
        for account in self.accounts.values():
            if str(account.attributes.get(attribute, "")).casefold() == value.casefold():
                return account.anchor
        return None

    def holders(self, names: Sequence[tuple[NameKind, str]]) -> list[str | None]:
        return [self.holder(kind, value) for kind, value in names]

    def apply(self, account: Account | None, step: Step) -> Outcome:
        self._answer()
        fault = self.fault(step)
        if isinstance(fault, Refusal):
            return Outcome("refused", (fault,))
        if fault == "before":
            return Outcome("unknown")
        if fault == "down":
            raise TargetDown("gone in the middle")
        outcome = self._apply(account, step)
        if outcome.result == "applied":
            self.writes.append(step)
        return Outcome("unknown") if fault == "after" else outcome

    def close(self) -> None: ...

    def _answer(self) -> None:
        if self.down:
            raise TargetDown("nobody answers", "start it")

    def _apply(self, account: Account | None, step: Step) -> Outcome:
        if step.kind == "create":
            return self._create(step)
        if step.kind == "restore":
            return self._restore(step)
        assert account is not None
        now = self.accounts.get(account.anchor)
        if step.kind == "delete":
            if now is not None:
                self.bin[now.anchor] = replace(self.accounts.pop(now.anchor), references={})
                self._unlink(now.anchor)
                self.given.pop(now.anchor, None)
            return Outcome("applied")
        if now is None:
            return refused("gone")
        if step.kind in ("grant", "revoke") and step.given is not None:
            return self._give(now.anchor, step.given, step.kind == "grant")
        if step.kind in ("enable", "disable"):
            now = replace(now, enabled=step.kind == "enable")
        elif step.kind == "move":
            if self._cn_taken(step, now.anchor):
                return refused("name", "cn")
            now = replace(
                now,
                name=step.name,
                container=step.container,
                hint=f"CN={step.name},{step.container}",
            )
        elif step.kind == "modify":
            merged = {**now.attributes, **step.attributes}
            now = replace(now, attributes={k: v for k, v in merged.items() if v is not None})
        elif step.kind == "refer" and step.attribute:
            if step.anchor is not None and step.anchor not in self.accounts:
                return refused("reference", step.attribute)
            links = {**now.references, step.attribute: step.anchor}
            now = replace(now, references={k: v for k, v in links.items() if v is not None})
        self.accounts[now.anchor] = now
        return Outcome("applied", link=Link(now.anchor, now.hint))

    def _unlink(self, gone: str) -> None:
        """Links to what is deleted vanish."""
        for anchor, account in self.accounts.items():
            if gone in account.references.values():
                kept = {k: v for k, v in account.references.items() if v != gone}
                self.accounts[anchor] = replace(account, references=kept)

    def _restore(self, step: Step) -> Outcome:
        lost = self.bin.get(step.anchor or "")
        if lost is None:
            return refused("gone")
        if self._cn_taken(step, None):
            return refused("name", "cn")
        place = f"CN={step.name},{step.container}"
        self.accounts[lost.anchor] = replace(
            lost, enabled=False, name=step.name, container=step.container, hint=place
        )
        del self.bin[lost.anchor]
        return Outcome("applied", link=Link(lost.anchor, place))

    def _give(self, anchor: str, grant: Grant, on: bool) -> Outcome:
        if on and grant not in self.known.values():
            return refused("reference")
        has = self.given.get(anchor, frozenset())
        self.given[anchor] = has | {grant} if on else has - {grant}
        return Outcome("applied")

    def _create(self, step: Step) -> Outcome:
        for kind in ("accountName", "userPrincipalName"):
            attribute = "sAMAccountName" if kind == "accountName" else kind
            if self.holder(kind, str(step.attributes[attribute])):  # type: ignore[arg-type]
                return refused("name", attribute)
        if self._cn_taken(step, None):
            return refused("name", "cn")
        anchor = str(uuid.uuid4())
        made = Account(
            anchor,
            f"CN={step.name},{step.container}",
            self.at_once and step.enabled,
            {k: v for k, v in step.attributes.items() if v is not None},
            step.name,
            step.container,
        )
        self.accounts[anchor] = made
        return Outcome(
            "applied", link=Link(anchor, made.hint), account=made if self.at_once else None
        )

    def _cn_taken(self, step: Step, own: str | None) -> bool:
        return any(
            a.name == step.name and a.container == step.container and a.anchor != own
            for a in self.accounts.values()
        )


def refused(kind: RefusalKind, attribute: str | None = None) -> Outcome:
    return Outcome("refused", (Refusal(kind, "0", "refused on order", "none", attribute),))

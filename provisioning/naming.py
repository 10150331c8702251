"""The names of one person during one look: found, kept or reserved (P3, P4).

`names.py` holds the reservations; here is what asks the targets. An account that is
already this person's, in any target, is not "somebody else": it is linked, or carries
the person's key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any

from sqlalchemy import bindparam, select

from adapters.target import Account, Ambiguous, NameKind, Target, TargetDown, TargetRefused
from mappings.documents import Outbound, account_name_rules
from mappings.language.running import Given
from provisioning import names
from provisioning.finding import Contradicted, find
from provisioning.names import ACCOUNT_NAME, MAIL
from provisioning.snapshot import Snapshot
from provisioning.told import Name, Told
from settings import Settings
from store.database import Database
from store.tables import account as account_table

_LINKED = select(account_table.c.anchor).where(
    account_table.c.person == bindparam("the_person"),
    account_table.c.target == bindparam("the_target"),
)


_UNIQUE: dict[str, NameKind] = {
    "sAMAccountName": "accountName",
    "mailNickname": "accountName",
    "userPrincipalName": "userPrincipalName",
    "mail": "mail",
}
"""Attributes that a target itself keeps unique, everywhere in it."""

_GUESSES = 20
"""Candidates among which a name is guessed before it is reserved."""


class Naming:
    """Made anew for every look, at business time `now`. `keep=False` reserves nothing."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        targets: Mapping[str, Target],
        outbounds: Mapping[str, Outbound],
        snapshot: Snapshot,
        target: str,
        actual: Account | None,
        now: float,
        given: Given,
        *,
        keep: bool,
        told: Told,
    ) -> None:
        self._database = database
        self._settings = settings
        self._targets = targets
        self._outbounds = outbounds
        self._snapshot = snapshot
        self._target = target
        self._actual = actual
        self._now = now
        self._given = given
        self._keep = keep
        self._told = told

    def account_name(self) -> str:
        """The person's one account name: kept for good, else an account's own, else new.

        Raises names.NoNameLeft.
        """
        if ACCOUNT_NAME in self._snapshot.names:
            return self._snapshot.names[ACCOUNT_NAME]
        present = self._present

        def order() -> Iterator[str]:
            yield from present
            yield from names.numbered(self._candidates())

        def is_foreign(name: str) -> bool:
            asked = self._both(name)
            return self._is_foreign(asked[:1] if name in present else asked)

        return names.reserve(
            self._database,
            self._snapshot.person,
            ACCOUNT_NAME,
            order(),
            is_foreign,
            self._now,
            keep=self._keep,
            once=True,
        )

    def mail(self) -> str | None:
        """The work address if it is this person's alone (P4), else None."""
        address = str(self._snapshot.facts["mail"])
        if self._snapshot.names.get(MAIL) == address:
            return address
        try:
            return names.reserve(
                self._database,
                self._snapshot.person,
                MAIL,
                [address],
                lambda value: self._is_foreign([("mail", value)]),
                self._now,
                keep=self._keep,
            )
        except names.NoNameLeft:
            return None

    def cn(self, context: Mapping[str, Any]) -> str | None:
        """The RDN in this target: the one in use while the rules still give it."""
        candidates = self._outbounds[self._target].candidates("cn", context, self._given)
        kind = names.cn_kind(self._target)
        current = self._snapshot.names.get(kind)
        if not candidates or current in candidates:
            return current if candidates else None
        return names.reserve(
            self._database,
            self._snapshot.person,
            kind,
            candidates,
            lambda _value: False,  # a CN is per OU: the directory itself says so
            self._now,
            keep=self._keep,
        )

    def wanted(self, account_name: str) -> dict[str, Sequence[str]]:
        """What else is reserved for who is given this account name: kind -> candidates, as far
        as it can be told beforehand."""
        kind, domain = names.cn_kind(self._target), self._settings.targets[self._target].domain
        if kind in self._snapshot.names:
            return {}
        named = {"accountName": account_name, "userPrincipalName": f"{account_name}@{domain}"}
        context = {**self._snapshot.facts, **named}
        candidates = self._outbounds[self._target].candidates("cn", context, self._given)
        return {kind: candidates} if candidates else {}

    def chosen(self, attribute: str, candidates: Iterable[str]) -> str:
        """One of the values a mapping offers for an attribute: the one in use, else what the
        account has, else the first that is free. Raises names.NoNameLeft."""
        kind = names.chosen_kind(attribute, self._target)
        current = self._snapshot.names.get(kind)
        if current is not None:
            return current
        own = self._actual.attributes.get(attribute) if self._actual is not None else None

        def order() -> Iterator[str]:
            if isinstance(own, str) and own:
                yield own
            yield from candidates

        return names.reserve(
            self._database,
            self._snapshot.person,
            kind,
            order(),
            lambda value: self._carries(attribute, value),
            self._now,
            keep=self._keep,
        )

    def _carries(self, attribute: str, value: str) -> bool:
        """Whether an account of the target that is not this person's has the value."""
        system = self._targets[self._target]
        kind = _UNIQUE.get(attribute)
        if kind is not None:
            holder = system.holder(kind, value)
            return holder is not None and holder not in self._anchors(self._target)
        try:
            account = system.read(None, {attribute: value})
        except Ambiguous:
            return True
        return account is not None and account.anchor not in self._anchors(self._target)

    def _candidates(self) -> list[str]:
        outbound = self._outbounds[self._target]
        rules = account_name_rules(self._settings.account_name, str(self._settings.path))
        if rules:
            outbound = replace(outbound, names={**outbound.names, ACCOUNT_NAME: rules})
        return outbound.candidates(ACCOUNT_NAME, self._snapshot.facts, self._given)

    @cached_property
    def _own(self) -> dict[str, Account]:
        """Accounts that carry this person's key, whether we made them or not.

        The target we are looking at has answered already; another one that is down does
        not hold this one up: what it hides is found, and solved, when it is back.
        """
        found = {self._target: self._actual} if self._actual else {}
        for other, system in self._targets.items():
            if other == self._target:
                continue
            outbound = self._outbounds[other]
            try:
                own = find(self._told.reader(other, system), outbound.matches(self._snapshot.facts))
            except (TargetDown, TargetRefused, Ambiguous, Contradicted):
                continue
            if own is not None:
                found[other] = own.account
        return found

    def _is_foreign(self, asked: Sequence[Name]) -> bool:
        """Does an account that is not this person's hold one of the names, in any target?"""
        for other, system in self._targets.items():
            try:
                found = self._told.holders(other, system, asked)
            except (TargetDown, TargetRefused):
                if other == self._target:
                    raise
                continue
            holders = {holder for holder in found if holder is not None}
            if holders and not holders <= self._anchors(other):
                return True
        return False

    def guess(self, is_taken: Callable[[str, str], bool]) -> list[Name]:
        """The names that targets will be asked about, as far as it can be told beforehand.
        `is_taken` says whether a name of a kind is reserved for somebody else."""
        asked: list[Name] = []
        if ACCOUNT_NAME not in self._snapshot.names and not self._present:
            order = islice(names.numbered(self._candidates()), _GUESSES)
            name = next((one for one in order if not is_taken(ACCOUNT_NAME, one)), None)
            asked += self._both(name) if name is not None else ()
        mail = self._snapshot.facts.get("mail")
        if mail and self._snapshot.names.get(MAIL) != str(mail) and not is_taken(MAIL, str(mail)):
            asked.append(("mail", str(mail)))
        return asked

    def _both(self, name: str) -> list[Name]:
        """An account name as the targets know it."""
        domain = self._settings.targets[self._target].domain
        return [("accountName", name), ("userPrincipalName", f"{name}@{domain}")]

    @property
    def _present(self) -> list[str]:
        """Account names that the person's own accounts have."""
        return [name for account in self._own.values() if (name := _account_name_of(account))]

    def _anchors(self, target: str) -> set[str]:
        """This person's account there: by its key, and by the link as it is now."""
        with self._database.read() as connection:
            whose = {"the_person": self._snapshot.person, "the_target": target}
            linked = connection.execute(_LINKED, whose).scalar()
        keyed = self._own[target].anchor if target in self._own else None
        return {anchor for anchor in (linked, keyed) if anchor}


def _account_name_of(account: Account) -> str | None:
    for attribute in ("sAMAccountName", "mailNickname"):
        value = account.attributes.get(attribute)
        if isinstance(value, str) and value:
            return value
    return None

"""The `Target` of one Active Directory domain: how accounts are found and read."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeVar

from adapters.active_directory import deleted, groups, values
from adapters.active_directory.accounts import PERSON, Shape
from adapters.active_directory.config import Config
from adapters.active_directory.connection import Answer, Entry, Lost, Session
from adapters.active_directory.errors import raise_for_read
from adapters.active_directory.hands import Hands
from adapters.active_directory.pool import Pool
from adapters.active_directory.requests import (
    BASE,
    EXTENDED_DN,
    LEVEL,
    SUBTREE,
    Filter,
    both,
    either,
    equals,
)
from adapters.active_directory.writes import Writer
from adapters.target import (
    Account,
    Ambiguous,
    Grant,
    GrantKind,
    Key,
    Link,
    NameKind,
    Outcome,
    Step,
    TargetDown,
    folded,
)

FEW = 10  # an ambiguous key needs no longer list
TOGETHER = 100  # accounts in one search: a filter of 6 kB
PAGE = 500  # entries in one answer; AD gives at most 1000 (MaxPageSize)

USER = equals("objectClass", b"user")

T = TypeVar("T")


class ActiveDirectory:
    """One domain. Safe for several threads; connects when first asked.

    ad = ActiveDirectory(Config(url="ldaps://dc1.norhaven.example", bind_dn=..., ...))
    account = ad.read(None, {"employeeID": "10042"})
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._pool = Pool(config)
        self._writer = Writer(config)
        self._shape = Shape(config)
        self._hands = Hands(config.connections)

    def read(self, link: Link | None, key: Key | None) -> Account | None:
        """See `Target.read`. Found by objectGUID wherever it was moved to; a key searches
        users below `base_dn`."""
        return self._ask(lambda session: self._read(session, link, key))

    def several(self, anchors: Collection[str]) -> dict[str, Account]:
        """See `Target.several`."""
        filters = []
        for anchor in anchors:
            with contextlib.suppress(values.Unwritable):
                filters.append(values.has_guid(anchor))
        found: dict[str, Account] = {}
        for chunk in batched(filters, TOGETHER):
            condition = both(USER, either(*chunk))
            for entry in self._ask(lambda session, c=condition: self._anywhere(session, c)):  # type: ignore[misc]
                account = self._shape.account(entry)
                found[account.anchor] = account
        return found

    def carriers(self, keys: Sequence[Key]) -> list[tuple[Account, ...]]:
        """See `Target.carriers`."""
        filters: dict[int, Filter] = {}
        for number, key in enumerate(keys):
            with contextlib.suppress(values.Unwritable):
                if key:
                    filters[number] = _carries(key)
        found: list[tuple[Account, ...]] = [()] * len(keys)
        for piece in batched(list(filters), TOGETHER):
            condition = both(*PERSON, either(*(filters[n] for n in piece)))
            few = FEW * len(piece)
            answer = self._ask(
                lambda session, c=condition, few=few: self._search(session, None, c, few)  # type: ignore[misc]
            )
            accounts = [self._shape.account(entry) for entry in _entries(answer)]
            for number in piece:
                found[number] = tuple(a for a in accounts if _has(a, keys[number]))
            if answer.result == 4 or {a.anchor for n in piece for a in found[n]} != {
                a.anchor for a in accounts
            }:  # too many, or AD compares otherwise than we do
                for number in piece:
                    condition = both(*PERSON, filters[number])
                    alone = self._ask(lambda session, c=condition: self._search(session, None, c))  # type: ignore[misc]
                    found[number] = tuple(self._shape.account(e) for e in _entries(alone))
        return found

    def every(self) -> Iterator[Account]:
        """See `Target.every`. Users below `base_dn`; privileged ones too, they say so.

        Holds a connection of its own until it ends or is closed. A page is asked for when
        the one before is used up: who takes minutes over one may find the connection closed
        (TargetDown).
        """
        cookie = b""
        with self._pool.separate() as session:
            while True:
                try:
                    answer = session.search(
                        self._config.base_dn,
                        both(*PERSON),
                        SUBTREE,
                        self._shape.asked,
                        controls=[EXTENDED_DN],
                        page=(PAGE, cookie),
                    )
                except Lost:
                    raise _silent() from None
                raise_for_read(answer)
                for entry in answer.entries:
                    yield self._shape.account(entry)
                cookie = answer.cookie
                if not cookie:
                    return

    def in_bin(self, link: Link) -> bool:
        """See `Target.in_bin`. False also where the service account may not look."""
        entry = self._ask(lambda session: deleted.find(session, link.anchor))
        return entry is not None and deleted.is_deleted(entry)

    def find_grant(self, kind: GrantKind, name: str) -> Grant | None:
        """See `Target.find_grant`. Never a group that is privileged or built in."""
        if kind != "group" or not name.strip():
            return None
        return self._ask(lambda session: groups.find(session, self._config, name))

    def grants(self, account: Account) -> frozenset[Grant]:
        """See `Target.grants`."""
        return self._ask(lambda session: groups.listed(session, account.anchor))

    def holder(self, kind: NameKind, value: str) -> str | None:
        """See `Target.holder`. The domain controller compares: AD ignores case and accents.

        An account name is also held by computers and groups, and by who has
        `name@domain` as userPrincipalName; that UPN by who has the account name.
        """
        return self.holders([(kind, value)])[0]

    def holders(self, names: Sequence[tuple[NameKind, str]]) -> list[str | None]:
        """See `Target.holders` and :meth:`holder`; up to :data:`TOGETHER` in one search."""
        found: list[str | None] = [None] * len(names)
        together = [n for n, (kind, _) in enumerate(names) if kind != "cn"]
        pieces = [
            *batched(together, TOGETHER),
            *([n] for n in range(len(names)) if n not in together),
        ]
        for piece in pieces:
            for number, anchor in zip(piece, self._hold([names[n] for n in piece]), strict=True):
                found[number] = anchor
        return found

    def _hold(self, names: Sequence[tuple[NameKind, str]]) -> list[str | None]:
        claims = [self._claims(kind, value) for kind, value in names]
        filters: dict[tuple[str, str], Filter] = {}
        for number, claim in enumerate(claims):
            try:
                filters |= {one: values.equals(*one) for one in claim}
            except values.Unwritable:
                claims[number] = []  # what cannot be written is held by nobody
        if not any(claims):
            return [None] * len(names)
        base, scope = self._config.base_dn, SUBTREE
        if names[0][0] == "cn":
            base, scope = self._config.people_ou, LEVEL
        shown = ("objectGUID", *{attribute for attribute, _ in filters})
        condition, limit = either(*filters.values()), FEW * len(names)
        entries = self._ask(
            lambda session: _entries(session.search(base, condition, scope, shown, limit=limit))
        )
        places = [[_place(entry, claim) for entry in entries] for claim in claims]
        if len(names) > 1 and not all(
            any(place[number] < len(claim) for place, claim in zip(places, claims, strict=True))
            for number in range(len(entries))
        ):  # AD compares otherwise than we do
            return [self._hold([name])[0] for name in names]
        found: list[str | None] = []
        for claim, place in zip(claims, places, strict=True):
            single = len(names) == 1
            held = [n for n in range(len(entries)) if single or place[n] < len(claim)]
            # Who holds the very attribute comes first.
            held.sort(key=lambda n: place[n])
            found.append(values.guid(entries[held[0]].first("objectGUID")) if held else None)
        return found

    def _claims(self, kind: NameKind, value: str) -> list[tuple[str, str]]:
        """The attributes and values that mean holding a name, the very attribute first."""
        name, _, suffix = value.rpartition("@")
        if kind == "accountName":
            own = f"{value}@{self._config.domain}"
            return [("sAMAccountName", value), ("userPrincipalName", own)]
        if kind == "userPrincipalName":
            implied = [("sAMAccountName", name)] if suffix.lower() == self._config.domain else []
            return [("userPrincipalName", value), *(implied if name else [])]
        if kind == "mail":
            return [("mail", value), ("proxyAddresses", f"smtp:{value}")]
        return [("cn", value)]

    def apply(self, account: Account | None, step: Step) -> Outcome:
        """See `Target.apply`. Raises TargetDown only while nothing has been written."""
        with self._pool.lend() as session:
            return self._writer.apply(session, account, step)

    def apply_together(
        self, asked: Sequence[tuple[Account | None, Step]]
    ) -> list[tuple[Outcome | Exception, float]]:
        """See `Together.apply_together`: over several connections when the domain is slow.
        After an answer that was lost nothing more is begun."""
        lost = threading.Event()

        def one(account: Account | None, step: Step) -> Outcome:
            if lost.is_set():
                raise _silent()
            outcome = self.apply(account, step)
            if outcome.result == "unknown":
                lost.set()
            return outcome

        return self._hands.each(lambda each: one(*each), asked)

    def close(self) -> None:
        """See `Target.close`."""
        self._hands.close()
        self._pool.close()

    def _ask(self, question: Callable[[Session], T]) -> T:
        """A read; asked again once when an idle connection turned out to be dead."""
        for fresh in (False, True):
            reused = False
            try:
                with self._pool.lend(fresh=fresh) as session:
                    reused = session.reused
                    return question(session)
            except Lost:
                if not reused:
                    break
        raise _silent()

    def _anywhere(self, session: Session, condition: Filter) -> tuple[Entry, ...]:
        """Entries of the whole domain: an account is found wherever it was moved to."""
        answer = session.search(
            self._config.domain_dn,
            condition,
            SUBTREE,
            self._shape.asked,
            controls=[EXTENDED_DN],
        )
        raise_for_read(answer)
        return answer.entries

    def _read(self, session: Session, link: Link | None, key: Key | None) -> Account | None:
        found: Sequence[Entry] = ()
        try:
            if link is not None:
                found = _entries(self._search(session, values.by_guid(link.anchor), USER))
            if not found and key:
                found = _entries(self._search(session, None, both(*PERSON, _carries(key))))
        except values.Unwritable:
            return None
        if len(found) > 1:
            raise Ambiguous(tuple(values.extended_dn(entry.dn)[1] for entry in found))
        return self._shape.account(found[0]) if found else None

    def _search(
        self, session: Session, base: str | None, condition: Filter, few: int = FEW
    ) -> Answer:
        answer = session.search(
            base or self._config.base_dn,
            condition,
            SUBTREE if base is None else BASE,
            self._shape.asked,
            controls=[EXTENDED_DN],
            limit=few if base is None else 0,
        )
        if base is not None and answer.result == 32:
            return Answer(0, "")  # no such object: a fact, not a failure
        return answer


def _carries(key: Key) -> Filter:
    """Raises Unwritable."""
    return both(*(values.equals(attribute, value) for attribute, value in key.items()))


def _has(account: Account, key: Key) -> bool:
    return all(folded(str(account.attributes.get(a, ""))) == folded(v) for a, v in key.items())


def _entries(answer: Answer) -> tuple[Entry, ...]:
    """The entries; too many (result 4) is an answer too, a wrong base is not."""
    if answer.result != 4:
        raise_for_read(answer)
    return answer.entries


def _place(entry: Entry, claim: Sequence[tuple[str, str]]) -> int:
    """Which of these values the entry holds, by its place; their number when none."""
    for place, (attribute, value) in enumerate(claim):
        wanted = folded(value)
        texts = (found.decode(errors="replace") for found in entry.all(attribute))
        if any(folded(text) == wanted for text in texts):
            return place
    return len(claim)


def _silent() -> TargetDown:
    return TargetDown("the domain controller stopped answering", "check its load and the network")


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Pieces of at most `size` items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]

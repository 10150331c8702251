"""The house against a brute-force reference: any order of pushes, dates, faults and crashes.

After settling, every directory holds what `reference.py` computes from the list of all
that was accepted and the clock. MUSTER_MODEL_EXAMPLES=20000 looks for hours, at random.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy import select, update

from adapters.target import Account, Outcome, Step
from policy_settings import Leavers
from provisioning import claims, pairs
from provisioning.claims import Claim, Result
from provisioning.worker import Lease
from scim.errors import ScimError
from store import journal
from store.clocks import iso, machine_now, parse_instant
from store.tables import pair
from tests.provisioning.directory import Directory, Fault
from tests.provisioning.house import START, House, worker
from tests.provisioning.reference import (
    DELETE_AFTER_DAYS,
    KEPT,
    SOURCES,
    Kept,
    Reference,
    Said,
    day,
)

TARGETS = ("ad", "cloud")
SESSIONS = "cloud"
"""The target whose accounts have sessions that outlive a disable."""
NUMBERS = ("E1", "E2", "E3")
NAMES = (("Anna", "Lindqvist"), ("Anna", "Lindqvist"), ("Mia", "Boss"))
TITLES = ("Engineer", "Chief", None)
MAILS = ("own", "shared@norhaven.example", None)
MANAGERS = (*NUMBERS, "E9", "NO_MANAGER", None)
DAYS = st.sampled_from((None, 0, 2, 20, -3))
_DAY = 86400.0

EXAMPLES = int(os.environ.get("MUSTER_MODEL_EXAMPLES", "0"))
numbers, sources = st.sampled_from(NUMBERS), st.sampled_from(SOURCES)
fields = st.one_of(
    st.tuples(st.just("title"), st.sampled_from(TITLES)),
    st.tuples(st.just("department"), st.sampled_from(("Care", None))),
    st.tuples(st.just("mail"), st.sampled_from(MAILS)),
    st.tuples(st.just("name"), st.sampled_from(NAMES)),
    st.tuples(st.just("manager"), st.sampled_from(MANAGERS)),
    st.tuples(st.just("manager"), st.tuples(numbers, sources)),  # by SCIM id
    st.tuples(st.just("active"), st.sampled_from((True, False, None))),
    st.tuples(st.just("involuntary"), st.sampled_from((True, None))),
    st.tuples(st.just("onLeave"), st.sampled_from((True, None))),
    st.tuples(st.just("hireDate"), st.integers(-400, 45)),
    st.tuples(st.just("terminationDate"), DAYS),
    st.tuples(st.just("contractEndDate"), DAYS),
    st.tuples(st.just("effectiveDate"), st.sampled_from((None, None, 2, 9))),
    st.tuples(st.just("stamp"), st.one_of(st.none(), st.integers(-5, 5))),
)
hiring = st.tuples(  # what a record is worth looking at for
    st.tuples(st.just("terminationDate"), DAYS),
    st.tuples(st.just("manager"), st.sampled_from(MANAGERS)),
    fields,
).map(list)
faults = st.lists(st.sampled_from((None, "before", "after", "down")), max_size=4)


somebody = precondition(lambda self: self.reference.log)


class Crash(BaseException):
    """The process dies here."""


class Machines:
    """What may happen to a look at its n-th write, to the database or to a directory."""

    def __init__(self) -> None:
        self.left = 0
        self.strike: Callable[[], None] | None = None

    def point(self) -> None:
        if self.strike is None:
            return
        self.left -= 1
        if self.left <= 0:
            strike, self.strike = self.strike, None
            strike()


class Watched(Directory):
    """Remembers whose sessions a step ended, and dies on order before or after a step."""

    def __init__(self, machines: Machines) -> None:
        super().__init__()
        self.machines = machines
        self.ended: list[str] = []
        self.faults: list[Fault | None] = []
        self.fault = lambda step: self.faults.pop(0) if self.faults else None

    def apply(self, account: Account | None, step: Step) -> Outcome:
        self.machines.point()
        outcome = super().apply(account, step)
        self.machines.point()
        return outcome

    def _apply(self, account: Account | None, step: Step) -> Outcome:
        if account is not None and step.kind == "disable":
            self.ended.append(account.anchor)
        return super()._apply(account, step)


@dataclass
class Was:
    """What one account may hold: what it held at the last rest, and all wanted since."""

    exists: set[bool]
    values: dict[str, set[Any]]


class Model(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.house = House(Path(self.folder.name), TARGETS, ("employeeNumber", "workerId"))
        self.machines = Machines()
        self.in_step = False
        self.directories = {t: Watched(self.machines) for t in TARGETS}
        self.house.directories = cast("dict[str, Directory]", self.directories)
        cloud = replace(self.house.settings.targets[SESSIONS], kind="entra_id")
        cast("dict[str, Any]", self.house.settings.targets)[SESSIONS] = cloud
        self.house.policy(leavers=Leavers(delete_after_days=DELETE_AFTER_DAYS))
        self.house.reopen()
        write = self.house.database.write

        def watched(*args: Any, **options: Any) -> Any:
            self.machines.point()
            result = write(*args, **options)
            self.machines.point()
            return result

        self.house.database.write = watched  # type: ignore[method-assign]
        self.reference = Reference()
        self.live: dict[tuple[str, str], str] = {}
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.was = {(t, n): Was({False}, {}) for t in TARGETS for n in NUMBERS}
        self.names: dict[str, tuple[Any, ...]] = {}
        self.owed: dict[str, int] = {}
        self.worked: set[str] = set()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.settle()
        finally:
            self.house.database.close()
            self.folder.cleanup()

    # -- what HR says ------------------------------------------------------------------------

    @initialize(first=st.booleans(), second=st.booleans())
    def somebody_elses_accounts(self, first: bool, second: bool) -> None:
        """Names that are taken, and an account that waits for its person."""
        if first:
            self.directories["cloud"].put(
                "Service", sAMAccountName="alindqvist", userPrincipalName="a@norhaven.example"
            )
        if second:
            self.directories["ad"].put("Old", False, employeeID="E3", sAMAccountName="old.boss")
            self.was["ad", "E3"].exists = {True}

    @rule(number=numbers, source=sources, changes=hiring, rested=st.booleans())
    def hire(self, number: str, source: str, changes: list[tuple[str, Any]], rested: bool) -> None:
        """POST; refused while this source has a record of the same person."""
        self._rest(rested)
        facts = {"name": NAMES[NUMBERS.index(number)], "active": True, "hireDate": "2021-04-01"}
        self._push(number, source, self._changed(facts, changes))

    @precondition(lambda self: self.live)
    @rule(data=st.data(), changes=st.lists(fields, min_size=1, max_size=3), rested=st.booleans())
    def change(self, data: st.DataObject, changes: list[tuple[str, Any]], rested: bool) -> None:
        """PUT of the whole record; of `active` alone it is a sparse change of state."""
        self._rest(rested)
        number, source = data.draw(st.sampled_from(sorted(self.live)))
        facts = self._changed(self.documents[number, source], changes)
        self._push(number, source, facts, self.live[number, source])

    @precondition(lambda self: self.live)
    @rule(data=st.data(), rested=st.booleans())
    def withdraw(self, data: st.DataObject, rested: bool) -> None:
        self._rest(rested)
        self._withdraw(*data.draw(st.sampled_from(sorted(self.live))))

    @somebody
    @rule(hours=st.sampled_from((1.0, 15.0, 24.0, 24.0 * 7, 24.0 * 32)))
    def time_passes(self, hours: float) -> None:
        self.house.now += hours * 3600
        self._note()

    # -- what machines do --------------------------------------------------------------------

    @somebody
    @rule(looks=st.integers(1, 6), strikes=faults, where=st.sampled_from(TARGETS))
    def look_with_faults(self, looks: int, strikes: list[Fault | None], where: str) -> None:
        self.directories[where].faults = list(strikes)
        self._looks(looks)
        self.directories[where].faults = []

    @somebody
    @rule(looks=st.integers(1, 6), where=st.sampled_from(TARGETS))
    def look_while_a_target_is_down(self, looks: int, where: str) -> None:
        self.directories[where].down = True
        self._looks(looks)
        self.directories[where].down = False

    @somebody
    @rule(after=st.integers(1, 25), looks=st.integers(1, 6))
    def crash(self, after: int, looks: int) -> None:
        """Before or after any write, to the database or to a directory."""

        def die() -> None:
            raise Crash

        self._strike(after, die)
        try:
            self._looks(looks)
        except Crash:
            self.house.reopen()
            claims.free_leases(self.house.database)  # as a worker does when it starts
        self.machines.strike = None

    @precondition(lambda self: self.live)
    @rule(after=st.integers(2, 25), looks=st.integers(1, 4), data=st.data())
    def push_during_a_look(self, after: int, looks: int, data: st.DataObject) -> None:
        number, source = data.draw(st.sampled_from(sorted(self.live)))
        changes = data.draw(st.one_of(st.none(), st.lists(fields, min_size=1, max_size=2)))

        def push() -> None:
            if changes is None:
                self._withdraw(number, source)
                return
            facts = self._changed(self.documents[number, source], changes)
            self._push(number, source, facts, self.live[number, source])

        self._strike(after, push)
        self._looks(looks)
        self.machines.strike = None

    @somebody
    @rule(after=st.integers(2, 20), looks=st.integers(1, 4))
    def look_during_a_look(self, after: int, looks: int) -> None:
        """Two threads of a worker, at every pair of points where they can meet."""
        self._strike(after, lambda: self._looks(2))
        self._looks(looks)
        self.machines.strike = None

    @somebody
    @rule(where=st.sampled_from(TARGETS), number=numbers, title=st.sampled_from(TITLES))
    def drift(self, where: str, number: str, title: str | None) -> None:
        """Somebody edits the account by hand; an operator asks for everybody."""
        account = self._accounts(where).get(number)
        if account is not None:
            kept = {k: v for k, v in account.attributes.items() if k != "title"}
            attributes = kept | ({"title": title} if title else {})
            changed = replace(account, attributes=attributes)
            self.directories[where].accounts[account.anchor] = changed
            self.was[where, number].values.setdefault("title", {None}).add(title)
        self.house.database.write(lambda tx: pairs.ask_all(tx, machine_now()))

    # -- and what must come of it ------------------------------------------------------------

    @somebody
    @rule()
    def settle(self) -> None:
        self._come_to_rest()
        if self._operator_solves_names():
            self._come_to_rest()
        for target in TARGETS:
            self._compare(target)
        with self.house.database.read() as connection:
            held = connection.execute(select(pair.c.held).where(pair.c.held.is_not(None))).all()
            assert held == []
            assert journal.verify(connection) is None

    def _come_to_rest(self) -> None:
        for _ in range(40):
            if self._looks(40) == 0 and not self._force_due():
                return
        raise AssertionError("the house does not come to rest")

    def _operator_solves_names(self) -> bool:
        """A name that was given while the target in which somebody else has it was down is
        a case: the operator gives the other account another name."""
        with self.house.database.read() as connection:
            held = connection.execute(select(pair.c.held).where(pair.c.held.is_not(None)))
            cases = [why for why in held.scalars() if "AccountName" in why or "PrincipalN" in why]
        for account in self._all(SESSIONS):
            if cases and "employeeID" not in account.attributes:
                renamed = {"sAMAccountName": "service", "userPrincipalName": "service@x.example"}
                changed = replace(account, attributes={**account.attributes, **renamed})
                self.directories[SESSIONS].accounts[account.anchor] = changed
        if cases:
            self.house.ask()
        return bool(cases)

    def _compare(self, target: str) -> None:
        accounts = self._accounts(target)
        assert len(accounts) == sum("employeeID" in a.attributes for a in self._all(target)), (
            "somebody has two accounts"
        )
        for number in NUMBERS:
            was, account = self.was[target, number], accounts.get(number)
            stage = self.reference.stage(number, self.house.now)
            expected = was.exists
            if stage == "deleted":
                expected = {False}
            elif True in was.exists and stage in ("works", "prehire"):
                expected = {True}
            assert (account is not None) in expected, (target, number, stage)
            was.exists = {account is not None}
            if account is None or self.reference.known(number, self.house.now) is None:
                continue
            assert account.enabled == (stage == "works"), (target, number, stage)
            for name, wanted in self._wanted(target, number).items():
                found = self._found(target, account, name)
                allowed = was.values.get(name, {None}) if isinstance(wanted, Kept) else {wanted}
                if name == "manager" and isinstance(wanted, Kept):
                    allowed = allowed | {None}  # a link to what was deleted is gone
                assert found in allowed, (target, number, name, found, allowed)
                was.values[name] = {found}
            self._compare_names(account)
        self._compare_sessions(target, accounts)
        mails = [a.attributes["mail"] for a in accounts.values() if "mail" in a.attributes]
        assert len(mails) == len(set(mails))

    def _compare_names(self, account: Account) -> None:
        attributes = account.attributes
        names = (attributes["sAMAccountName"], attributes.get("userPrincipalName"))
        assert names == self.names.setdefault(account.anchor, names), "a name was changed"
        assert re.fullmatch(r"(alindqvist|mboss|old\.boss)\d*", str(names[0]))
        shown = str(attributes.get("displayName"))
        assert account.name == shown or str(account.name).startswith(f"{shown} (")

    def _compare_sessions(self, target: str, accounts: Mapping[str, Account]) -> None:
        if target == SESSIONS:
            for number, before in self.owed.items():
                ended = self.directories[target].ended[before:]
                if number not in accounts:
                    continue  # deleted: what was signed in is out
                assert accounts[number].anchor in ended, f"sessions of {number} were not ended"
            self.owed = {}
        everybody = [a.attributes.get("sAMAccountName") for a in self._all(target)]
        assert len(everybody) == len(set(everybody))

    def _wanted(self, target: str, number: str) -> dict[str, Any]:
        wanted = self.reference.attributes(number, self.house.now)
        manager = self.reference.manager(number, self.house.now)
        there = manager is None or manager in self._accounts(target)
        wanted["manager"] = manager if there else KEPT
        stage = self.reference.stage(number, self.house.now)
        places = {"left": "OU=Leavers", "deleted": "OU=Leavers", "ahead": KEPT}
        wanted["container"] = places.get(stage, "OU=People")
        return wanted

    def _found(self, target: str, account: Account, name: str) -> Any:
        if name == "container":
            return account.container
        if name == "manager":
            anchor = account.references.get("manager")
            linked = self.directories[target].accounts[anchor] if anchor else None
            return linked.attributes["employeeID"] if linked else None
        return account.attributes.get(name)

    def _note(self) -> None:
        """What is wanted now may be found later, if nothing is wanted then."""
        for number in NUMBERS:
            if self.reference.known(number, self.house.now) is None:
                continue
            stage = self.reference.stage(number, self.house.now)
            for target in TARGETS:
                was = self.was[target, number]
                if stage in ("works", "prehire"):
                    was.exists.add(True)
                if stage == "deleted":
                    was.exists.add(False)
                wanted = self._wanted(target, number)
                wanted["manager"] = self.reference.manager(number, self.house.now)
                said = self.reference.known(number, self.house.now)
                if said is not None and said.facts.get("mail"):
                    wanted["mail"] = said.facts["mail"]
                wanted["container"] = wanted["container"] if stage != "ahead" else "OU=People"
                for name, value in wanted.items():
                    if isinstance(value, Kept):
                        continue
                    was.values.setdefault(name, {None}).add(value)
            account = self._accounts(SESSIONS).get(number)
            if stage == "works":
                self.worked.add(number)
            elif number in self.worked:
                self.worked.remove(number)
                if account is not None and account.enabled:
                    self.owed[number] = len(self.directories[SESSIONS].ended)

    def _rest(self, rested: bool) -> None:
        if rested:
            self.settle()

    # -- the hands ---------------------------------------------------------------------------

    def _changed(self, facts: Mapping[str, Any], changes: list[tuple[str, Any]]) -> dict[str, Any]:
        changed = dict(facts)
        for name, value in changes:
            if isinstance(value, int) and not isinstance(value, bool):
                value = (
                    iso(parse_instant(START) + value * 3600)
                    if name == "stamp"
                    else day(self.house.now + value * _DAY)
                )
            elif isinstance(value, tuple) and name == "manager":
                value = self.live.get(value, "E9")
            changed[name] = value
        return {name: value for name, value in changed.items() if value is not None}

    def _push(self, number: str, source: str, facts: dict[str, Any], id: str = "") -> None:
        given, family = facts["name"]
        mail = f"{number}@norhaven.example" if facts.get("mail") == "own" else facts.get("mail")
        plain = {k: v for k, v in facts.items() if k not in ("name", "mail", "department", "stamp")}
        document = worker(number, given, family, **plain)
        if "active" not in facts:
            del document["active"]
        if mail:
            document["emails"] = [{"type": "work", "value": mail}]
        if "department" in facts:
            enterprise = next(v for k, v in document.items() if "enterprise" in k)
            enterprise["department"] = facts["department"]
        if "stamp" in facts:
            extension = next(v for k, v in document.items() if "muster" in k)
            extension["sourceModifiedAt"] = facts["stamp"]
        said = {k: v for k, v in facts.items() if k != "name"}
        said |= {"givenName": given, "familyName": family, "displayName": f"{given} {family}"}
        if mail:
            said["mail"] = mail
        if said.get("manager") == "NO_MANAGER":
            said["manager"] = None
        twin = not id and (number, source) in self.live
        stale = not twin and self.reference.is_stale(number, source, said)
        if twin:
            with pytest.raises(ScimError, match="same person key"):
                self.house.push(document, source)
            return
        identifier = self.house.push(document, source, id)
        if not stale:
            self.live[number, source] = identifier
            self.documents[number, source] = facts
            self.reference.log.append(
                Said(self.house.now, number, source, identifier, said, fresh=not id)
            )
        self._note()

    def _withdraw(self, number: str, source: str) -> None:
        id = self.live.pop((number, source))
        self.house.withdraw(id)
        self.reference.log.append(Said(self.house.now, number, source, id, None))
        self._note()

    def _strike(self, after: int, what: Callable[[], None]) -> None:
        self.machines.left, self.machines.strike = after, what

    def _looks(self, most: int) -> int:
        """As the worker does it, now one by one, now in step; how many looks were taken."""
        database, looks = self.house.database, 0
        pairs.tick(database, self.house.now, machine_now())
        while looks < most:
            self.in_step = not self.in_step
            at_once = min(most - looks, 4) if self.in_step else 1
            taken = claims.claim_some(database, machine_now(), at_once)
            if not taken:
                break
            for claim, end in zip(taken, self._ends(taken), strict=True):
                assert isinstance(end, Result), end
                assert claims.finish(database, claim, end, machine_now())
            looks += len(taken)
        return looks

    def _ends(self, taken: Sequence[Claim]) -> Sequence[Result | Exception]:
        converger = self.house.converger
        leases = [Lease(self.house.database, claim) for claim in taken]
        prepared = converger.prepare(taken) if len(taken) > 1 else None
        if prepared is not None:
            return converger.look_together(taken, leases, prepared)
        return [converger.look(claim, lease) for claim, lease in zip(taken, leases, strict=True)]

    def _force_due(self) -> bool:
        """Back-off is over. Whether anything is due now."""
        waiting = pair.c.due.is_not(None)
        self.house.database.write(
            lambda tx: tx.execute(
                update(pair).where(waiting, pair.c.due > machine_now()).values(due=machine_now())
            )
        )
        with self.house.database.read() as connection:
            return connection.execute(select(pair.c.person).where(waiting)).first() is not None

    def _all(self, target: str) -> list[Account]:
        return list(self.directories[target].accounts.values())

    def _accounts(self, target: str) -> dict[str, Account]:
        return {
            str(a.attributes["employeeID"]): a
            for a in self._all(target)
            if "employeeID" in a.attributes
        }


TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=EXAMPLES or 50,
    stateful_step_count=25,
    derandomize=not EXAMPLES,
    database=None,
)


class ModelOnPostgres(Model):
    """The same where transactions are refused and tried again."""


TestModelOnPostgres = pytest.mark.usefixtures("on_postgres")(ModelOnPostgres.TestCase)
TestModelOnPostgres.settings = settings(
    TestModel.settings, max_examples=EXAMPLES or 10, stateful_step_count=15
)

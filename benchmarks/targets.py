"""What the adapters and the stand-ins for both targets cost, in processor time per operation.

    PEOPLE=1000 CROWD=20000 scripts/bench targets

Each stand-in runs in a process of its own, so that its processor time is told apart from the
adapter's. Eight threads hire people as a worker does (look, names, create, manager, enable),
then read and change them; then accounts that were there before are listed. Others running beside
it change the rates, not the milliseconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.active_directory import ActiveDirectory
from adapters.active_directory import Config as AdConfig
from adapters.entra_id import Config as EntraConfig
from adapters.entra_id import EntraId
from adapters.target import Account, Link, NameKind, Step, Target, Value
from benchmarks.push_to_account import resident

THREADS = 8
EVERYBODY, MEMBERS = "Everybody", 5000
NAMES: tuple[NameKind, ...] = ("accountName", "userPrincipalName", "mail", "cn")


@dataclass(frozen=True)
class Words:
    """What a target calls things."""

    key: str
    account_name: str
    title: str


@dataclass(frozen=True)
class Place:
    """A target, the process behind it, and how to ask for new people there."""

    target: Target
    words: Words
    people: str | None
    pid: int


def main() -> None:
    """Prints one line per target and operation."""
    people, crowd = (int(os.environ.get(n, d)) for n, d in (("PEOPLE", "500"), ("CROWD", "10000")))
    for name in os.environ.get("ONLY", "directory entra").split():
        with place(name, crowd) as there:
            print(f"{name}: ms of processor time per operation, adapter + stand-in")
            measure(there, people, crowd)


@contextmanager
def place(name: str, crowd: int) -> Iterator[Place]:
    """A stand-in with `crowd` accounts in it, and an adapter on it."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.targets", name, folder, str(crowd)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin
        assert process.stdout
        settings = json.loads(process.stdout.readline())
        target = _directory(settings) if name == "directory" else _entra(settings)
        words = (
            Words("employeeID", "sAMAccountName", "title")
            if name == "directory"
            else Words("employeeId", "mailNickname", "jobTitle")
        )
        try:
            yield Place(target, words, settings.get("people_ou"), process.pid)
        finally:
            target.close()
            process.stdin.close()
            process.wait(30)


def _directory(settings: dict[str, Any]) -> Target:
    return ActiveDirectory(
        AdConfig(
            url=settings["url"],
            bind_dn=settings["bind_dn"],
            password=lambda: settings["password"],
            base_dn=settings["base_dn"],
            people_ou=settings["people_ou"],
            ca_file=settings["ca_file"],
            connections=THREADS,
        )
    )


def _entra(settings: dict[str, Any]) -> Target:
    return EntraId(
        EntraConfig(
            settings["tenant_id"],
            settings["client_id"],
            client_secret=lambda: settings["client_secret"],
            graph=settings["graph"],
            authority=settings["authority"],
            ca_file=Path(settings["ca_file"]),
            writes_per_second=0,
        )
    )


def measure(there: Place, people: int, crowd: int) -> None:
    """Hire, then read and change, then list."""
    target, words = there.target, there.words
    links: dict[int, Link] = {}
    boss = _hire(there, 0)

    def hire(number: int) -> None:
        links[number] = _hire(there, number, boss)

    def read(number: int) -> None:
        assert target.read(links[number], None) is not None

    def modify(number: int) -> None:
        account = Account(links[number].anchor, "", True, {})
        outcome = target.apply(account, Step("modify", {words.title: f"Title {number}"}))
        assert outcome.result == "applied", outcome

    numbers = range(1, people + 1)
    report(there, "hire (looks, create, link, enable)", hire, numbers)
    report(there, "read by link", read, numbers)
    report(there, "modify one attribute", modify, numbers)
    group = target.find_grant("group", EVERYBODY)
    assert group is not None

    def grant(number: int) -> None:
        account = Account(links[number].anchor, "", True, {})
        outcome = target.apply(account, Step("grant", given=group))
        assert outcome.result == "applied", outcome

    report(there, "into a group of everybody", grant, numbers)
    anchors = [link.anchor for link in links.values()]
    chunks = [anchors[start : start + 100] for start in range(0, len(anchors), 100)]

    def several(number: int) -> None:
        assert len(target.several(chunks[number])) == len(chunks[number])

    report(there, "several, per account", several, range(len(chunks)), len(anchors))
    before = resident(os.getpid())
    highest = before

    def every(_: int) -> None:
        nonlocal highest
        for count, _account in enumerate(target.every()):
            if count % 1000 == 0:
                highest = max(highest, resident(os.getpid()))

    report(there, f"every, per account ({crowd + people + 1})", every, [0], crowd + people + 1)
    print(
        f"  memory: adapter {before:.0f} MiB before, at most {highest:.0f} while listing; "
        f"stand-in {resident(there.pid):.0f}"
    )


def _hire(there: Place, number: int, boss: Link | None = None) -> Link:
    """What a worker asks of a target for one new person."""
    target, words = there.target, there.words
    login = f"bench{number}"
    principal = f"{login}@norhaven.example"
    assert target.read(None, {words.key: str(number)}) is None
    names = (login, principal, principal, f"Bench Person {number}")
    for kind, value in zip(NAMES, names, strict=True):
        assert target.holder(kind, value) is None
    attributes: dict[str, Value] = {
        words.key: str(number),
        words.account_name: login,
        words.title: "Nurse",
        "userPrincipalName": principal,
        "mail": principal,
        "displayName": f"Bench Person {number}",
        "givenName": "Bench",
        "department": "Ward 7",
        "city" if there.people is None else "l": "Oslo",
    }
    create = Step("create", attributes, name=f"Bench Person {number}", container=there.people)
    outcome = target.apply(None, create)
    assert outcome.link is not None, outcome
    account = target.read(outcome.link, None)
    assert account is not None
    steps = [Step("enable")]
    if boss is not None:
        steps.insert(0, Step("refer", attribute="manager", anchor=boss.anchor))
    for step in steps:
        outcome = target.apply(account, step)
        assert outcome.result == "applied", outcome
    return Link(account.anchor)


def report(
    there: Place,
    what: str,
    work: Callable[[int], None],
    numbers: range | list[int],
    operations: int | None = None,
) -> None:
    """Do the work in all threads and print what one operation cost."""
    count = operations or len(numbers)
    began, ours, theirs = time.perf_counter(), time.process_time(), _processor_time(there.pid)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, numbers))
    ours = (time.process_time() - ours) * 1000 / count
    theirs = (_processor_time(there.pid) - theirs) * 1000 / count
    rate = count / (time.perf_counter() - began)
    print(f"  {what:<34} {ours:>7.2f} + {theirs:>6.2f}   {rate:>7.0f}/s", flush=True)


def _processor_time(pid: int) -> float:
    """Seconds that a process has computed."""
    fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def serve(name: str, folder: str, crowd: int) -> None:
    """A stand-in, until standard input is closed."""
    from sandbox.directory import SandboxDirectory
    from sandbox.entra import SandboxEntra

    sandbox: Any = (SandboxDirectory if name == "directory" else SandboxEntra)(Path(folder))
    sandbox.start()
    settings = dict(sandbox.settings())
    crowd = max(crowd, 1)  # somebody must be in the group
    for start in range(0, crowd, 1000):
        numbers = range(start, min(start + 1000, crowd))
        sandbox.put([_there_before(name, number, settings) for number in numbers])
    print(json.dumps(settings), flush=True)
    sys.stdin.read()
    sandbox.stop()


def _there_before(name: str, number: int, settings: dict[str, Any]) -> dict[str, Any]:
    login = f"crowd{number}"
    facts = {"displayName": f"Crowd {number}", "mail": f"{login}@norhaven.example"}
    if name == "entra":
        principal = f"{login}@norhaven.example"
        names = {"userPrincipalName": principal, "employeeId": login, "mailNickname": login}
        return {**names, **facts, "groups": [EVERYBODY] if number < MEMBERS else []}
    ou = f"OU=Unit {number % 100},{settings['people_ou']}"
    attributes: dict[str, Any] = {
        "sAMAccountName": login,
        "employeeID": login,
        "userAccountControl": 512,
        **facts,
    }
    if number < MEMBERS:
        attributes["memberOf"] = [f"CN={EVERYBODY},OU=Groups,{settings['base_dn']}"]
    return {"dn": f"CN=Crowd {number},{ou}", "attributes": attributes}


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))

"""People a second through the shipped mapping of Active Directory, on one core.

Beside it the same rules by a walk over the tree, and by reading each expression anew; the
memory that 100,000 people leave behind; and where the time goes.
"""

from __future__ import annotations

import cProfile
import gc
import pstats
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from benchmarks._tree_walk import walk
from mappings.documents import load_outbound
from mappings.facts import Context, fact
from mappings.language.compiling import Names
from mappings.language.grammar import parse
from mappings.language.running import Fail, Given, Run
from mappings.outbound import Outbound

PEOPLE = 2_000
NOW = datetime(2026, 3, 16, 9, tzinfo=UTC)
_GIVEN = ["Zoë", "Paweł", "Øystein", "Иван", "Anna", "Jürgen", "小明", "Maria"]
_FAMILY = ["O'Neil", "Świętochowski", "Åsgård", "Смирнов", "Berg", "Groß", "王", "van der Berg"]
_COUNTRIES = ["FR", "PL", "NO", "DE", "GB"]


def people(count: int) -> Iterator[dict[str, Any]]:
    """Facts and names as provisioning gives them to a mapping; no two people are alike."""
    for number in range(count):
        given, family = _GIVEN[number % 8], _FAMILY[number // 8 % 8]
        yield {
            "workerId": f"E{number:06}", "employeeNumber": f"E{number:06}", "active": True,
            "loginName": f"login{number}@norhaven.example", "givenName": given,
            "familyName": family, "displayName": f"{given} {family}", "title": f"Designer {number}",
            "department": f"Optics {number % 40}", "company": "Norhaven Optics GmbH",
            "division": None, "mail": f"login{number}@norhaven.example", "workerType": "Employee",
            "phone": f"+49 30 5550 {number:04}", "mobile": f"+49 170 5550 {number:04}",
            "street": f"Nordkai {number % 90}", "city": "Berlin", "region": "BE",
            "postalCode": "10115", "country": _COUNTRIES[number % 5], "office": f"B-{number % 300}",
            "location": "Berlin", "preferredLanguage": "de-DE", "hireDate": "2021-04-01",
            "timezone": "Europe/Berlin", "groups": ["a", "b"], "jobCode": "J7", "costCenter": "C1",
            "accountName": f"login{number}", "userPrincipalName": f"login{number}@norhaven.example",
            "cn": f"{given} {family}", "enabled": True, "managerPerson": f"p-{number // 9}",
            "endsAt": "2026-12-31T23:00:00.000Z" if number % 3 else None,
        }  # fmt: skip


def main() -> None:
    """Prints the figures."""
    outbound = load_outbound("active_directory")
    contexts = list(people(PEOPLE))
    rules = [rule.rule for rule in (*outbound.attributes, *outbound.references)]
    print(f"{len(rules)} rules, {PEOPLE} people, processor time of one core")
    whole = _rate(lambda: _evaluated(outbound, contexts))
    print(f"accounts, as provisioning asks for them  {whole:9,.0f} people/s")
    compiled = _rate(lambda: _compiled(outbound, contexts))
    print(f"expressions alone, compiled              {compiled:9,.0f} people/s")
    naive = _rate(lambda: _walked(outbound, contexts))
    print(f"expressions alone, walking the tree      {naive:9,.0f} people/s")
    few = contexts[: PEOPLE // 20]
    reading = _rate(lambda: _read_anew(outbound, few), len(few))
    print(f"expressions alone, read anew each time   {reading:9,.0f} people/s")
    print(f"compiled is {compiled / naive:.1f} times as fast as the walk")
    print(f"memory left behind by 100,000 people     {_left_behind(outbound) / 1024:9,.0f} KiB")
    _profile(outbound, contexts)


def _rate(work: Callable[[], object], count: int = PEOPLE) -> float:
    """People a second: the best of five, so that what else runs here counts little."""
    best = float("inf")
    for _ in range(5):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return count / best


def _evaluated(outbound: Outbound, contexts: list[dict[str, Any]]) -> None:
    given = Given(now=NOW)
    for context in contexts:
        outbound.evaluate(context, given)


def _compiled(outbound: Outbound, contexts: list[dict[str, Any]]) -> None:
    expressions = [r.rule.expression for r in (*outbound.attributes, *outbound.references)]
    for context in contexts:
        document = Context(context)
        for expression in expressions:
            expression.run(document)


def _walked(outbound: Outbound, contexts: list[dict[str, Any]]) -> None:
    roots = [r.rule.expression.root for r in (*outbound.attributes, *outbound.references)]
    names = Names(fact, {})
    for context in contexts:
        document = Context(context)
        for root in roots:
            with suppress(Fail):
                walk(root, names, Run(document))


def _read_anew(outbound: Outbound, contexts: list[dict[str, Any]]) -> None:
    sources = [r.rule.expression.source for r in (*outbound.attributes, *outbound.references)]
    names = Names(fact, {})
    for context in contexts:
        document = Context(context)
        for source in sources:
            with suppress(Fail):
                walk(parse(source), names, Run(document))


def _left_behind(outbound: Outbound) -> int:
    """Bytes more in use after 100,000 people than after the first 1,000."""
    tracemalloc.start()
    for context in people(1_000):
        outbound.evaluate(context, Given(now=NOW))
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for context in people(100_000):
        outbound.evaluate(context, Given(now=NOW))
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return after - before


def _profile(outbound: Outbound, contexts: list[dict[str, Any]]) -> None:
    """The functions of ours that take the most time by themselves."""
    profile = cProfile.Profile()
    profile.enable()
    for context in contexts:
        outbound.evaluate(context, Given(now=NOW))
    profile.disable()
    stats: Any = pstats.Stats(profile)
    total = stats.total_tt
    print("where the time goes (share of its own, under the profiler)")
    shares = sorted(stats.stats.items(), key=lambda item: -item[1][2])[:12]
    for (file, line, name), (_, calls, own, _, _) in shares:
        place = f"{file.rpartition('/mappings/')[2]}:{line}" if "/mappings/" in file else "built in"
        print(f"  {own / total:6.1%}  {calls / len(contexts):7.1f} calls a person  {place} {name}")

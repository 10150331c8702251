"""A large company at rest: everybody planned again, looked at again, and an urgent leaver.

    PEOPLE=100000 scripts/bench large_company

Nothing is wrong in it, so that nothing may be written. `plan --all` is a program of its
own; then the worker looks at everybody; then somebody is dismissed while everybody is due.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

from sqlalchemy import func, select

from benchmarks.company import SOURCE, Company, founded, people_of
from benchmarks.push_to_account import hire, resident
from provisioning import pairs
from store.clocks import machine_now
from store.tables import journal, pair
from tests.end_to_end.gateway import ROOT
from tests.end_to_end.sandbox_gateway import SandboxGateway


def main() -> None:
    people = people_of(100_000)
    began = time.perf_counter()
    for gateway, company in founded(people):
        print(f"{people} people and accounts put there in {time.perf_counter() - began:.0f} s")
        plan_all(gateway)
        look_at_everybody(gateway, company)
        dismiss_somebody(gateway, company)


def plan_all(gateway: SandboxGateway) -> None:
    began = time.perf_counter()
    shown = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "plan", "--all", "--summary"],
        env=gateway.environ,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    took = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(shown.rstrip())
    assert shown.count(" 0 would change, 0 held, 0 waiting") == 2, shown
    print(
        f"plan --all, both targets: {took:.0f} s, at most {used.ru_maxrss / 1024:.0f} MiB, "
        f"{used.ru_utime + used.ru_stime:.0f} s of processor time"
    )


def writes(company: Company) -> int:
    with company.database.read() as connection:
        made = select(func.count()).select_from(journal).where(journal.c.kind == "operation")
        return int(connection.execute(made).scalar_one())


def look_at_everybody(gateway: SandboxGateway, company: Company) -> None:
    before = writes(company)
    company.database.write(lambda tx: pairs.ask_all(tx, machine_now()))
    began = time.perf_counter()
    highest = 0.0
    while not gateway.send("POST", "/sandbox/settle", {"timeout": 5})["settled"]:
        highest = max(highest, resident(gateway.pid("muster worker")))
    print(
        f"the worker looked at everybody in both targets: {time.perf_counter() - began:.0f} s, "
        f"{writes(company) - before} writes, at most {highest:.0f} MiB"
    )


def dismiss_somebody(gateway: SandboxGateway, company: Company) -> None:
    numbers = [11, 12, 13, 14, 15]
    took = []
    for number in numbers:
        company.database.write(lambda tx: pairs.ask_all(tx, machine_now()))
        with company.database.read() as connection:
            due = select(func.count()).select_from(pair).where(pair.c.due.is_not(None))
            waiting = connection.execute(due).scalar_one()
        key = f"B{number}"
        document = hire(key) | {"active": False}
        began = time.perf_counter()
        answer = gateway.scim(
            "PUT", f"/Users/00000000-0000-4000-8000-{number:012d}", document, SOURCE
        )
        assert answer.status_code == 200, answer.text
        id = answer.headers["Muster-Receipt"]
        headers = {"Authorization": f"Bearer {gateway.about['tokens'][SOURCE]}"}
        while True:
            told = gateway.ask(f"/receipts/{id}", headers)
            if all(t["result"] == "applied" for t in told["targets"].values()):
                break
            time.sleep(0.01)
        took.append(time.perf_counter() - began)
        print(f"dismissed with {waiting} due: out of both after {took[-1] * 1000:.0f} ms")


if __name__ == "__main__":
    main()

"""How long from HR's request to an enabled account, and what the processes weigh.

    PEOPLE=200 scripts/bench push_to_account

Starts a gateway and a Samba domain of its own, hires people one after another as one HR
client does, and asks the domain itself, as its administrator, whether each account is
there and enabled. Then hires the same number at once and waits for the last.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from sandbox.samba import SambaDomain
from tests.end_to_end.gateway import Gateway
from tests.provisioning.house import worker
from tests.samba import Administrator, Ous


def main() -> None:
    people = int(os.environ.get("PEOPLE", "200"))
    folder = Path(tempfile.mkdtemp(prefix="muster-bench-"))
    domain = SambaDomain(folder / "dc", "127.0.0.30")
    domain.ensure()
    domain.start()
    place = domain.settings()
    gateway = Gateway(folder, domain, Ous(place["people_ou"], place["leavers_ou"]))
    gateway.start()
    try:
        measure(gateway, Administrator(domain), people)
    finally:
        gateway.kill()
        domain.stop()
        shutil.rmtree(folder)


def measure(gateway: Gateway, admin: Administrator, people: int) -> None:
    answers, accounts = [], []
    for number in range(people):
        key = f"A{number}"
        began = time.perf_counter()
        assert gateway.call("POST", "/Users", hire(key)).status_code == 201
        answers.append(time.perf_counter() - began)
        wait(admin, key)
        accounts.append(time.perf_counter() - began)
    print(f"{people} hires one after another, {gateway_is()}")
    print(f"  answer 201            {quantiles(answers)}")
    print(f"  enabled in the domain {quantiles(accounts)}")
    began = time.perf_counter()
    for number in range(people):
        assert gateway.call("POST", "/Users", hire(f"B{number}")).status_code == 201
    answered = time.perf_counter() - began
    gateway.settle(600)
    wait(admin, f"B{people - 1}")
    total = time.perf_counter() - began
    print(f"{people} hires at once: all answered in {answered:.1f} s, all enabled in {total:.1f} s")
    for name, pid in sorted(gateway.pids().items()):
        print(f"  {name:<14} {resident(pid):>6.1f} MiB resident")


def hire(key: str) -> dict[str, object]:
    return worker(key, "Person", f"Number{key}", title="Engineer")


def wait(admin: Administrator, key: str) -> None:
    """Until the domain itself shows the account enabled (bit ACCOUNTDISABLE clear)."""
    enabled = "(!(userAccountControl:1.2.840.113556.1.4.803:=2))"
    while not admin.entries(admin.domain.base_dn, f"(&(employeeID={key}){enabled})", ["cn"]):
        time.sleep(0.005)


def gateway_is() -> str:
    return "SQLite with synchronous=FULL, one Samba domain controller over LDAPS"


def quantiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p95 = ordered[int(len(ordered) * 0.95) - 1]
    return (
        f"p50 {statistics.median(ordered) * 1000:6.1f} ms   p95 {p95 * 1000:6.1f} ms   "
        f"max {ordered[-1] * 1000:6.1f} ms"
    )


def resident(pid: int) -> float:
    """MiB of the process in memory (VmRSS)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"process {pid} has no VmRSS")


if __name__ == "__main__":
    main()

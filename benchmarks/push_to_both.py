"""How long from HR's request to both accounts being right, and what the processes weigh.

    PEOPLE=200 scripts/bench push_to_both

Starts the gateway as a newcomer does, with the embedded directories, and hires people
through SCIM, one after another and then at once. Each directory is asked by a client of
our own: LDAP over TLS, and the accounts as the tenant shows them.
"""

from __future__ import annotations

import os
import time

from benchmarks.push_to_account import hire, quantiles, resident
from tests.end_to_end.sandbox_gateway import Domain, SandboxGateway
from tests.samba import Administrator

ENABLED = "(!(userAccountControl:1.2.840.113556.1.4.803:=2))"


def main() -> None:
    people = int(os.environ.get("PEOPLE", "200"))
    gateway = SandboxGateway()
    first = gateway.start()
    gateway.settle()
    gateway.stop()
    second = gateway.start()
    print(f"first page after {first:.1f} s, at the second start after {second:.1f} s")
    try:
        measure(gateway, people)
    finally:
        gateway.end()


def measure(gateway: SandboxGateway, people: int) -> None:
    gateway.reset()
    admin = Administrator(Domain(gateway))
    both = []
    for number in range(people):
        key = f"A{number}"
        began = time.perf_counter()
        assert gateway.scim("POST", "/Users", hire(key)).status_code == 201
        while not admin.entries(admin.domain.base_dn, f"(&(employeeID={key}){ENABLED})", ["cn"]):
            time.sleep(0.005)
        while not any(
            user.get("employeeId") == key and user["accountEnabled"]
            for user in gateway.accounts()["entra"]
        ):
            time.sleep(0.005)
        both.append(time.perf_counter() - began)
    print(f"{people} hires one after another: both accounts enabled {quantiles(both)}")
    began = time.perf_counter()
    for number in range(people):
        assert gateway.scim("POST", "/Users", hire(f"B{number}")).status_code == 201
    gateway.settle(300)
    print(f"{people} hires at once: all right in {time.perf_counter() - began:.1f} s")
    names = ("muster", "muster web", "muster worker", "muster sandbox")
    weights = {name: resident(gateway.pid(name)) for name in names}
    for name, weight in weights.items():
        print(f"  {name:<14} {weight:>6.1f} MiB resident")
    print(f"  {'together':<14} {sum(weights.values()):>6.1f} MiB")


if __name__ == "__main__":
    main()

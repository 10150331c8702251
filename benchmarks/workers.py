"""A company pushed by single POSTs until both directories are right: rates, failures, memory.

    WORKERS=20000 scripts/bench workers

The people of `app.py sandbox people`, without a past, into the embedded directories.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from datetime import date

from benchmarks._load import request, run
from benchmarks.push_to_account import resident
from sandbox.population import company
from tests.end_to_end.sandbox_gateway import SandboxGateway

_NAMES = ("muster web", "muster worker", "muster sandbox")
_PATIENCE = 3600.0


def main() -> None:
    workers = int(os.environ.get("WORKERS", "20000"))
    gateway = SandboxGateway()
    gateway.start()
    gateway.settle()
    gateway.reset()
    try:
        measure(gateway, workers)
    finally:
        gateway.end()


def measure(gateway: SandboxGateway, workers: int) -> None:
    today = date.today()
    founders = iter(company(workers, 0, 1, today).founders)
    headers = {"Authorization": f"Bearer {gateway.about['tokens']['workday']}"}
    quarter = max(workers // 4, 1)
    began = time.perf_counter()
    taken = 0.0
    print(f"{workers} workers; MiB of {', '.join(_NAMES)}: {weights(gateway)}")
    for _ in range(4):
        piece = [
            request("POST", "/scim/v2/Users", headers, json.dumps(one.document(today)).encode())
            for one in itertools.islice(founders, quarter)
        ]
        result = run(gateway.port, iter(piece), connections=16, seconds=_PATIENCE).only(201)
        taken += result.seconds
        print(
            f"  {len(result.took)} at {result.rate:.0f}/s, p50 {result.quantile(0.5):.0f} ms, "
            f"p99 {result.quantile(0.99):.0f} ms; {weights(gateway)}"
        )
    while True:
        told = gateway.send("POST", "/sandbox/settle", {"timeout": 300})
        if told["settled"]:
            break
        assert time.perf_counter() - began < _PATIENCE, told["unsettled"][:3]
    total = time.perf_counter() - began
    assert told["held"] == told["waiting"] == [], told
    found = gateway.accounts()
    pushed = quarter * 4
    assert len(found["ad"]) == len(found["entra"]) == pushed
    print(f"all taken in {taken:.0f} s ({pushed / taken:.0f}/s)")
    print(f"all right in both directories in {total:.0f} s ({pushed / total:.0f} people a second)")
    print(f"  {weights(gateway)}")


def weights(gateway: SandboxGateway) -> str:
    return ", ".join(f"{resident(gateway.pid(name)):.0f}" for name in _NAMES)


if __name__ == "__main__":
    main()

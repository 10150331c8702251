"""Push to account right in both targets while HR pushes at a steady rate.

    RATE=20 SECONDS=60 scripts/bench steady

Half of the pushes are hires, the others changes of those hired before. What is measured
is Muster's own account of it: from the instant at which a push was taken to the last
answer of each directory, as the receipts tell.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from benchmarks.push_to_account import hire, quantiles, resident
from tests.end_to_end.sandbox_gateway import SandboxGateway


def main() -> None:
    rate, seconds = (int(os.environ.get(n, d)) for n, d in (("RATE", "20"), ("SECONDS", "60")))
    gateway = SandboxGateway()
    gateway.start()
    gateway.settle()
    gateway.reset()
    try:
        measure(gateway, rate, seconds)
    finally:
        gateway.end()


def measure(gateway: SandboxGateway, rate: int, seconds: int) -> None:
    receipts: list[str] = []
    answers: list[float] = []
    ids: list[str] = []
    lock = threading.Lock()

    def push(number: int) -> None:
        began = time.perf_counter()
        if number % 2 and ids:
            with lock:
                id = ids[number % len(ids)]
            path, method = f"/Users/{id}", "PATCH"
            operation = {"op": "replace", "path": "title", "value": f"Title {number}"}
            body: dict[str, Any] = {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [operation],
            }
        else:
            path, method, body = "/Users", "POST", hire(f"S{number}")
        answer = gateway.once("workday", method, path, body)
        assert answer.status_code in (200, 201), answer.text
        with lock:
            answers.append(time.perf_counter() - began)
            receipts.append(answer.headers["Muster-Receipt"])
            if method == "POST":
                ids.append(answer.json()["id"])

    began = time.perf_counter()
    threads = []
    for number in range(rate * seconds):
        wait = began + number / rate - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        threads.append(threading.Thread(target=push, args=(number,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    gateway.settle(300)
    headers = {"Authorization": f"Bearer {gateway.about['tokens']['workday']}"}
    right: dict[str, list[float]] = {"ad": [], "entra": []}
    for receipt in receipts:
        told = gateway.ask(f"/receipts/{receipt}", headers)
        for target, said in told["targets"].items():
            if "afterMs" in said:
                right[target].append(said["afterMs"] / 1000)
    print(f"{len(receipts)} pushes in {took:.0f} s, {len(receipts) / took:.1f} a second")
    print(f"  answered        {quantiles(answers)}")
    for target, times in right.items():
        print(f"  right in {target:<6} {quantiles(times)} ({len(times)} looks)")
    for name in ("muster web", "muster worker", "muster sandbox"):
        print(f"  {name:<14} {resident(gateway.pid(name)):>6.1f} MiB resident")


if __name__ == "__main__":
    main()

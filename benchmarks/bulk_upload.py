"""bulkUpload of 50 beside single POSTs, by users a second.

    SECONDS=10 scripts/bench bulk_upload

A sandbox as a newcomer starts it, with intake, persons, pairs and journal. Both directories
refuse every connection meanwhile, so that what is measured is the taking in of records.

First one client, which waits for each answer as scripts and CSV2SCIM do: once as cheap as a
client can be, so that nearly all the time is ours, and once as scripts are written, with
`requests`. Then as many connections as keep both processors busy, where what is saved is the
cost of a request alone.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Iterator
from typing import Any

from requests import Session

from benchmarks._load import request, run
from benchmarks.scim import processor_seconds, user
from tests.end_to_end.gateway import processes_of
from tests.end_to_end.sandbox_gateway import SandboxGateway

PIECE = 50


def main() -> None:
    seconds = float(os.environ.get("SECONDS", "5"))
    gateway = SandboxGateway()
    gateway.start()
    gateway.settle()
    gateway.reset()
    gateway.faults(*({"target": t, "operation": "*", "effect": "refuse"} for t in ("ad", "entra")))
    try:
        measure(gateway, seconds)
    finally:
        gateway.end()


def measure(gateway: SandboxGateway, seconds: float) -> None:
    headers = {"Authorization": f"Bearer {gateway.about['tokens']['generic']}"}
    address = gateway.about["bulkUpload"]["generic"]["bulkUpload"].removeprefix(gateway.base)
    numbers = itertools.count(1)

    def piece() -> dict[str, Any]:
        operations = [
            {"method": "POST", "bulkId": str(n), "path": "/Users", "data": user(n)}
            for n in itertools.islice(numbers, PIECE)
        ]
        return {"Operations": operations}

    def singles() -> Iterator[bytes]:
        for number in numbers:
            body = json.dumps(user(number)).encode()
            yield request("POST", "/scim/v2/Users", headers, body)

    def pieces() -> Iterator[bytes]:
        while True:
            yield request("POST", address, headers, json.dumps(piece()).encode())

    def script(path: str, status: int, users: int) -> float:
        """Users a second of a script that sends one request after another."""
        with Session() as session:
            session.headers.update(headers | {"Content-Type": "application/scim+json"})
            began, done = time.perf_counter(), 0
            while time.perf_counter() - began < seconds:
                body = json.dumps(piece() if users > 1 else user(next(numbers)))
                answer = session.post(gateway.base + path, data=body.encode(), timeout=60)
                assert answer.status_code == status, answer.text
                done += users
            return done / (time.perf_counter() - began)

    run(gateway.port, singles(), connections=4, seconds=1)  # both processes are warm now
    for who, single, bulk in (("one client", 1, 1), ("many", 16, 4)):
        work = {
            "POST /Users": (singles, single, 1, 201),
            f"bulkUpload of {PIECE}": (pieces, bulk, PIECE, 202),
        }
        found: dict[str, tuple[float, float]] = {}
        for name, (requests, connections, each, status) in work.items():
            before = web_seconds(gateway)
            result = run(
                gateway.port,
                requests(),
                connections=connections,
                seconds=seconds,
                foreseen=2000 // each,
            )
            users = len(result.only(status).took) * each
            spent = (web_seconds(gateway) - before) / users * 1000
            found[name] = (users / result.seconds, spent)
            print(
                f"{who:10} {name:18} {found[name][0]:7,.0f} users/s, "
                f"{spent:5.2f} ms of a processor each, p50 {result.quantile(0.5):.0f} ms an answer"
            )
        (rate, spent), (bulk_rate, bulk_spent) = found.values()
        print(f"{who:10} ratio {bulk_rate / rate:.1f}; by processor time {spent / bulk_spent:.1f}")
    for _ in range(3):
        rate, bulk_rate = script("/scim/v2/Users", 201, 1), script(address, 202, PIECE)
        print(
            f"{'a script':10} {rate:7,.0f} users/s by POST /Users, {bulk_rate:,.0f} by bulkUpload "
            f"of {PIECE}: ratio {bulk_rate / rate:.1f}"
        )


def web_seconds(gateway: SandboxGateway) -> float:
    """Processor time of the web processes until now."""
    assert gateway.process is not None
    return processor_seconds(
        [pid for name, pid in processes_of(gateway.process) if name == "muster web"]
    )


if __name__ == "__main__":
    main()

"""bulkUpload of 50 beside single POSTs, by users a second.

    SECONDS=10 scripts/bench bulk_upload

A sandbox as a newcomer starts it, with intake, persons, pairs and journal. Both directories
refuse every connection meanwhile, so that what is measured is the taking in of records.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator

from benchmarks._load import Result, request, run
from benchmarks.scim import user
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

    def singles() -> Iterator[bytes]:
        for number in numbers:
            body = json.dumps(user(number)).encode()
            yield request("POST", "/scim/v2/Users", headers, body)

    def pieces() -> Iterator[bytes]:
        while True:
            operations = [
                {"method": "POST", "bulkId": str(n), "path": "/Users", "data": user(n)}
                for n in itertools.islice(numbers, PIECE)
            ]
            yield request("POST", address, headers, json.dumps({"Operations": operations}).encode())

    run(gateway.port, singles(), connections=4, seconds=1)  # both processes are warm now
    found: dict[str, tuple[float, Result]] = {}
    for _ in range(2):  # twice, one after the other: the machine may be busy with other work
        one = run(gateway.port, singles(), connections=16, seconds=seconds).only(201)
        many = run(gateway.port, pieces(), connections=4, seconds=seconds).only(202)
        for name, rate, result in (("single", one.rate, one), ("50", many.rate * PIECE, many)):
            if name not in found or rate > found[name][0]:
                found[name] = (rate, result)
    (single, alone), (bulk, together) = found["single"], found["50"]
    print(f"POST /Users, 16 connections  {single:7,.0f} users/s  p50 {alone.quantile(0.5):.0f} ms")
    print(f"bulkUpload of 50, 4          {bulk:7,.0f} users/s  p50 {together.quantile(0.5):.0f} ms")
    print(f"ratio                        {bulk / single:7.1f}")


if __name__ == "__main__":
    main()

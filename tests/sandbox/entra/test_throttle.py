"""Quotas: the real buckets, scaled."""

from __future__ import annotations

import pytest

from sandbox.entra import SandboxEntra
from sandbox.entra.errors import GraphError
from sandbox.entra.throttle import Throttle, units
from tests.sandbox.entra.conftest import Client, said


class Meter:
    """A throttle on a clock of its own."""

    def __init__(self, factor: float = 1.0, users: int = 1000, decimal: bool = False) -> None:
        self.now = 1000.0
        self.users = users
        self.decimal = decimal
        self.throttle = Throttle(lambda: self.now)
        self.throttle.scale(factor)

    def take(self, *, write: bool, units: int = 1) -> dict[str, str]:
        return dict(
            self.throttle.take(
                write=write,
                units=units,
                users=lambda: self.users,
                tenant="t",
                app="a",
                decimal=self.decimal,
            )
        )

    def until_refused(self, *, write: bool, units: int = 1) -> tuple[int, GraphError]:
        for number in range(20_000):
            try:
                self.take(write=write, units=units)
            except GraphError as error:
                return number, error
        raise AssertionError("never refused")


def test_writes_3000_in_150_seconds_then_20_a_second() -> None:
    meter = Meter()
    number, error = meter.until_refused(write=True)
    assert number == 3000
    assert (error.status, error.code) == (429, "TooManyRequests")
    assert error.headers["Retry-After"] == "1"
    assert error.headers["x-ms-throttle-scope"] == "Tenant_Application/Write/a/t"
    assert error.headers["x-ms-throttle-information"] == "WriteLimitExceeded"
    meter.now += 10
    assert meter.until_refused(write=True)[0] == 200


@pytest.mark.parametrize(("users", "budget"), [(10, 3500), (50, 5000), (500, 5000), (501, 8000)])
def test_resource_units_go_by_the_size_of_the_tenant(users: int, budget: int) -> None:
    number, error = Meter(users=users).until_refused(write=False, units=5)
    assert number == budget // 5
    assert error.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"


def test_the_percentage_shows_above_eighty() -> None:
    meter = Meter(0.01)
    shown = [meter.take(write=True).get("x-ms-throttle-limit-percentage") for _ in range(30)]
    assert shown[:23] == [None] * 23
    assert shown[24:] == ["0.83", "0.87", "0.90", "0.93", "0.97", "1.00"]


def test_retry_after_may_be_decimal() -> None:
    _, error = Meter(1 / 3000, decimal=True).until_refused(write=True)
    assert error.headers["Retry-After"] == "150.000"


def test_off_is_off() -> None:
    meter = Meter(0)
    for _ in range(10_000):
        meter.take(write=True)


@pytest.mark.parametrize(
    ("path", "query", "cost"),
    [
        ("users", {}, 2),
        ("users", {"$select": "id"}, 1),
        ("users", {"$select": "id", "$top": "5"}, 1),
        ("users", {"$expand": "manager"}, 3),
        ("users/x", {}, 1),
        ("users/x", {"$expand": "manager"}, 2),
        ("groups/x/members", {}, 3),
        ("users/x/memberOf", {"$top": "100"}, 2),
    ],
)
def test_what_a_read_costs(path: str, query: dict[str, str], cost: int) -> None:
    assert units(tuple(path.split("/")), query) == cost


def test_over_the_wire(client: Client, sandbox: SandboxEntra) -> None:
    sandbox.configure(throttle=1 / 1000)
    statuses = []
    for n in range(5):
        answer = client("PATCH", "/users/nobody", {"jobTitle": str(n)})
        statuses.append(answer.status_code)
    assert statuses == [404, 404, 404, 429, 429]
    assert said(answer)[1:] == ("TooManyRequests", "Too many requests.")
    assert 40 <= int(answer.headers["Retry-After"]) <= 50
    assert answer.headers["x-ms-throttle-scope"].endswith(client.settings["tenant_id"])
    read = client("GET", "/users/nobody")
    assert (read.status_code, read.headers.get("x-ms-resource-unit")) == (404, None)
    sandbox.reset()
    made = client.user()
    assert client("GET", f"/users/{made['id']}").headers["x-ms-resource-unit"] == "1"

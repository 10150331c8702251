"""Rules of faults: parsing, matching, counting."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from sandbox.faults import Fault, Faults


def rule(**changes: Any) -> dict[str, Any]:
    return {"target": "entra", "operation": "PATCH /users/[^/]+$", "effect": "delay"} | changes


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"target": "okta"}, "target"),
        ({"effect": "explode"}, "effect"),
        ({"operation": ""}, "operation"),
        ({"operation": "GET ("}, "operation"),
        ({"target": "ad", "operation": "compare"}, "operation"),
        ({"probability": 1.5}, "probability"),
        ({"probability": "often"}, "probability"),
        ({"count": -1}, "count"),
        ({"count": True}, "count"),
        ({"value": -1}, "value"),
        ({"value": "soon"}, "value"),
        ({"effect": "error"}, "value"),
        ({"effect": "error", "value": 200}, "value"),
        ({"effect": "error", "value": {"status": 429, "wait": 2}}, "value"),
        ({"target": "ad", "operation": "add", "effect": "error", "value": 0}, "value"),
        ({"speed": 3}, "unknown key"),
    ],
)
def test_a_wrong_rule_says_what_is_wrong(wrong: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Fault.parse(rule(**wrong))


@pytest.mark.parametrize("missing", ["target", "operation", "effect"])
def test_a_rule_needs_its_three_keys(missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        Fault.parse({key: value for key, value in rule().items() if key != missing})


@pytest.mark.parametrize(
    ("target", "operation", "value", "code", "detail"),
    [
        ("entra", "* .*", 503, 503, None),
        ("entra", "* .*", "429/2", 429, "2"),
        ("entra", "* .*", {"status": 429, "retryAfter": 2.5}, 429, "2.5"),
        ("ad", "add", "68/00000524", 68, "00000524"),
        ("ad", "add", {"result": 51, "win32": "0000200E"}, 51, "0000200E"),
        ("ad", "add", 51, 51, None),
    ],
)
def test_the_forms_of_an_error(
    target: Any, operation: str, value: Any, code: int, detail: str | None
) -> None:
    fault = Fault.parse(rule(target=target, operation=operation, effect="error", value=value))
    assert (fault.code, fault.detail) == (code, detail)


def test_seconds_have_defaults() -> None:
    assert Fault("entra", "* .*", "delay").seconds == 1
    assert Fault("entra", "* .*", "delay", 0.25).seconds == 0.25
    assert Fault("entra", "* .*", "drop_after").seconds == 0


@pytest.mark.parametrize(
    ("operation", "asked", "struck"),
    [
        ("PATCH /users/[^/]+$", "PATCH /v1.0/users/x", True),
        ("PATCH /users/[^/]+$", "GET /v1.0/users/x", False),
        ("PATCH /users/[^/]+$", "PATCH /v1.0/users/x/manager", False),
        ("* /token$", "POST /t/oauth2/v2.0/token", True),
        ("patch /users", "PATCH /v1.0/users/x", True),
        ("/users", "DELETE /v1.0/users/x", True),
        ("*", "GET /v1.0/anything", True),
        ("* .*", "GET /v1.0/anything", True),
    ],
)
def test_http_operations_match_by_method_and_path(operation: str, asked: str, struck: bool) -> None:
    faults = Faults("entra")
    faults.replace([Fault("entra", operation, "hang")])
    assert (faults.match(asked) is not None) is struck
    assert faults.fired == int(struck)


def test_ldap_operations_match_by_name() -> None:
    faults = Faults("ad")
    faults.replace([Fault("ad", "modify", "hang"), Fault("entra", "* .*", "hang")])
    assert faults.match("modify") is not None
    assert faults.match("modify_dn") is None


def test_a_count_is_spent_and_the_next_rule_takes_over() -> None:
    faults = Faults("ad")
    first, second = Fault("ad", "add", "delay", 1, count=2), Fault("ad", "add", "hang", count=1)
    faults.replace([first, second])
    assert [faults.match("add") for _ in range(4)] == [first, first, second, None]
    faults.replace([])
    assert (faults.match("add"), faults.fired) == (None, 0)


def test_probability_is_honoured() -> None:
    faults = Faults("ad", random.Random(7))
    faults.replace([Fault("ad", "add", "hang", probability=0.25)])
    struck = sum(faults.match("add") is not None for _ in range(2000))
    assert 400 < struck < 600


def test_a_count_holds_under_threads() -> None:
    faults = Faults("ad")
    faults.replace([Fault("ad", "add", "hang", count=50)])
    struck: list[bool] = []

    def work() -> None:
        struck.extend(faults.match("add") is not None for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(struck) == 50


def test_only_an_endless_rule_for_everything_closes_the_port() -> None:
    faults = Faults("entra")
    for rules, refusing in [
        ([Fault("entra", "*", "refuse")], True),
        ([Fault("entra", "* .*", "refuse")], True),
        ([Fault("entra", "*", "refuse", count=1)], False),
        ([Fault("entra", "GET /users", "refuse")], False),
        ([Fault("entra", "*", "hang")], False),
    ]:
        faults.replace(rules)
        assert faults.refusing is refusing

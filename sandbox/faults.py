"""Faults on order: what should go wrong, where, how often.

Both sandboxes ask :meth:`Faults.match` once per operation and do what the fault
says. The rules live in memory only; they are for tests and demonstrations.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

Target: TypeAlias = Literal["ad", "entra"]
Effect: TypeAlias = Literal["delay", "hang", "refuse", "drop_before", "drop_after", "error", "lag"]

LDAP_OPERATIONS = frozenset({"bind", "search", "add", "modify", "modify_dn", "delete"})

_TARGETS: tuple[str, ...] = get_args(Target)
_EFFECTS: tuple[str, ...] = get_args(Effect)
_KEYS = frozenset({"target", "operation", "effect", "value", "probability", "count"})
_DEFAULT_SECONDS = {"delay": 1.0, "hang": 3600.0, "lag": 5.0}
_EVERYTHING = frozenset({"*", ".*", "* .*", "* *", "* /", "* ^/"})


@dataclass(frozen=True)
class Fault:
    """One rule.

    operation   LDAP: `bind`, `search`, `add`, `modify`, `modify_dn`, `delete`.
                HTTP: `METHOD path-regex`, for example `PATCH /users/[^/]+$`; the
                expression is searched for in the path without query, `*` is any
                method. `*` alone is every operation of the target.
    effect      delay        answer `value` seconds later
                hang         no answer; the connection is closed after `value` seconds
                refuse       connection reset, nothing done; a rule for every operation
                             (`*`, without count) closes the port (:attr:`Faults.refusing`)
                drop_before  connection dropped, nothing done
                drop_after   done and committed, connection dropped before the answer
                error        `value`: LDAP result code, `"68/00000524"` with the win32
                             code or `{"result": 68, "win32": "00000524"}`; HTTP status,
                             `"429/2"` with Retry-After or `{"status": 429, "retryAfter": 2}`
                lag          done, but readers see it only `value` seconds later
    probability between 0 and 1
    count       how often it strikes before it is spent; None is without end

    Raises ValueError when a field is not as above; the text says which.
    """

    target: Target
    operation: str
    effect: Effect
    value: Any = None
    probability: float = 1.0
    count: int | None = None

    def __post_init__(self) -> None:
        _require(self.target in _TARGETS, "target", f"one of {', '.join(_TARGETS)}")
        _require(self.effect in _EFFECTS, "effect", f"one of {', '.join(_EFFECTS)}")
        _require(isinstance(self.operation, str) and self.operation != "", "operation", "a text")
        _require(
            _is_number(self.probability) and 0 <= self.probability <= 1,
            "probability",
            "a number from 0 to 1",
        )
        _require(
            self.count is None
            or (
                (isinstance(self.count, int) and not isinstance(self.count, bool))
                and self.count >= 0
            ),
            "count",
            "a whole number from 0",
        )
        if self.target == "ad":
            _require(
                self.operation in LDAP_OPERATIONS | {"*"},
                "operation",
                f"one of {', '.join(sorted(LDAP_OPERATIONS))} or *",
            )
        else:
            try:
                _ = self._pattern
            except re.error as error:
                raise ValueError(f"operation: not a regular expression: {error}") from None
        if self.effect == "error":
            code = self._code_and_detail[0]
            _require(self.target == "ad" or 400 <= code <= 599, "value", "a status from 400 to 599")
            _require(code > 0, "value", "an LDAP result code other than 0")
        elif self.value is not None:
            _require(
                _is_number(self.value) and self.value >= 0, "value", "seconds, a number from 0"
            )

    @classmethod
    def parse(cls, rule: Mapping[str, Any]) -> Fault:
        """A fault from its JSON form. Raises ValueError naming the field that is wrong."""
        if not isinstance(rule, Mapping):
            raise ValueError("a fault must be an object")
        if unknown := set(rule) - _KEYS:
            raise ValueError(f"unknown key: {', '.join(sorted(unknown))}")
        for key in ("target", "operation", "effect"):
            _require(key in rule, key, "given")
        given = {key: value for key, value in rule.items() if value is not None}
        return cls(**given)

    @property
    def seconds(self) -> float:
        """For delay, hang and lag: how long. Without a value 1, 3600 and 5 seconds."""
        return _DEFAULT_SECONDS.get(self.effect, 0.0) if self.value is None else float(self.value)

    @property
    def code(self) -> int:
        """For error: the LDAP result code or the HTTP status."""
        return self._code_and_detail[0]

    @property
    def detail(self) -> str | None:
        """For error: the win32 code (AD) or Retry-After (Entra), if one was ordered."""
        return self._code_and_detail[1]

    @property
    def everything(self) -> bool:
        """Whether the rule is for every operation, always and without end."""
        return self.operation in _EVERYTHING and self.probability == 1 and self.count is None

    def concerns(self, operation: str) -> bool:
        """Whether `operation` (`search`, or `PATCH /v1.0/users/x`) is meant."""
        if self.operation in _EVERYTHING:
            return True
        if self.target == "ad":
            return self.operation == operation
        wanted, pattern = self._pattern
        method, _, path = operation.partition(" ")
        return wanted in ("*", method) and pattern.search(path) is not None

    @cached_property
    def _pattern(self) -> tuple[str, re.Pattern[str]]:
        method, space, expression = self.operation.partition(" ")
        if not space:
            method, expression = "*", self.operation
        if self.operation in _EVERYTHING:
            expression = ""
        return method.upper(), re.compile(expression.strip())

    @cached_property
    def _code_and_detail(self) -> tuple[int, str | None]:
        value = self.value
        detail: Any = None
        if isinstance(value, Mapping):
            names = {"status", "result", "code", "win32", "retryAfter"}
            _require(set(value) <= names, "value", f"an object of {', '.join(sorted(names))}")
            detail = value.get("win32", value.get("retryAfter"))
            value = value.get("status", value.get("result", value.get("code")))
        elif isinstance(value, str):
            value, _, rest = value.partition("/")
            detail = rest or None
        try:
            code = int(value)
        except (TypeError, ValueError):
            raise ValueError("value: an error needs a code") from None
        return code, None if detail is None else str(detail)


@dataclass
class _Armed:
    fault: Fault
    left: int | None


@dataclass
class Faults:
    """The rules in force for one target. Safe to use from several threads.

    `chance` gives a number from 0 up to 1; tests pass their own.
    """

    target: Target
    chance: random.Random = field(default_factory=random.Random)
    _armed: list[_Armed] = field(default_factory=list)
    _fired: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def replace(self, faults: Iterable[Fault]) -> None:
        """Forget all rules and take these, as far as they are for this target."""
        mine = [_Armed(fault, fault.count) for fault in faults if fault.target == self.target]
        with self._lock:
            self._armed = mine
            self._fired = 0

    def match(self, operation: str) -> Fault | None:
        """The first rule that strikes this operation; its count goes down by one."""
        with self._lock:
            for armed in self._armed:
                if armed.left == 0 or not armed.fault.concerns(operation):
                    continue
                if armed.fault.probability < 1 and self.chance.random() >= armed.fault.probability:
                    continue
                if armed.left is not None:
                    armed.left -= 1
                self._fired += 1
                return armed.fault
        return None

    @property
    def refusing(self) -> bool:
        """Whether the whole target is to be down: its port should be closed."""
        with self._lock:
            return any(a.fault.effect == "refuse" and a.fault.everything for a in self._armed)

    @property
    def fired(self) -> int:
        """How often a rule has struck since the last :meth:`replace`."""
        with self._lock:
            return self._fired


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _require(condition: bool, name: str, must_be: str) -> None:
    if not condition:
        raise ValueError(f"{name}: must be {must_be}")

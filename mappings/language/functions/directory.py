"""Directories and roles"""

from __future__ import annotations

import json
import uuid
from typing import Any

from mappings.language.compiling import Builder, Code
from mappings.language.registry import function, special
from mappings.language.running import Fail, Run
from mappings.language.syntax import Attribute, Call
from mappings.language.values import Scalar, Value, empty, text

DIGITS = "0123456789"
SPECIAL = "~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWER = "abcdefghijklmnopqrstuvwxyz"
LONGEST_RANDOM = 256


@function("DefaultDomain()", needs_run=True)
def default_domain(run: Run) -> str:
    """The default domain of the target; a failure when there is none.

    Join("@", "zoe", DefaultDomain()) → zoe@norhaven.example
    """
    if not run.given.default_domain:
        raise Fail("DefaultDomain: no default domain is known")
    return run.given.default_domain


def _at_the_top(build: Builder, call: Call) -> str | None:
    if not isinstance(build.root, Call) or build.root.start != call.start:
        return "it has to be the whole rule and cannot stand inside another call"
    return None


@special("SelectUniqueValue(rule, rule...)", least=2, check=_at_the_top)
def select_unique_value(build: Builder, call: Call, several: bool) -> Code:
    """The first rule whose value nobody else has. Only as a whole rule.

    In a document the rules are candidates: they are tried in order against the names that
    are reserved and against the targets, and what is found stays with the person. A rule
    that gives nothing is passed over; when all are taken, the person waits for a human.

    SelectUniqueValue(Join(".", "zoe", "oneil"), Join(".", "z", "oneil")) → zoe.oneil
    """
    rules = [build.value(node) for node in call.arguments]

    def evaluate(run: Run) -> Any:
        for rule in rules:
            value = text(rule(run))
            if value and value.lower() not in run.given.taken:
                return value
        raise Fail("SelectUniqueValue: every value is taken")

    return Code(evaluate, "text")


@special("NewPassword()", least=0, check=_at_the_top, entra=False)
def new_password(build: Builder, call: Call, several: bool) -> Code:
    """Asks for a password to be made and handed over. Only as a whole rule; it has no value."""

    def evaluate(run: Run) -> Any:
        raise Fail("NewPassword: a password has no value to be looked at")

    return Code(evaluate, "text")


@function("Guid()", needs_run=True)
def guid(run: Run) -> str:
    """A random GUID; for the same person and rule always the same.

    Len(Guid()) → 36
    """
    return run.next_guid() or str(uuid.UUID(bytes=run.draw("Guid")[:16], version=4))


@function(
    "RandomString(length: whole, digits: whole, special: whole, upper: whole, lower: whole, "
    "avoid?: text)",
    needs_run=True,
)
def random_string(
    run: Run,
    length: int,
    digits: int,
    special: int,
    upper: int,
    lower: int,
    avoid: str | None = None,
) -> str:
    """Random text with at least so many digits, special characters, upper and lower case letters.

    At most 256 characters; what the minimums leave open is filled from the kinds asked
    for. For the same person and rule always the same, so it is no password: see
    `NewPassword`.

    Len(RandomString(3, 3, 0, 0, 0)) → 3
    """
    least = (digits, special, upper, lower)
    if min(least) < 0 or not sum(least) <= length <= LONGEST_RANDOM:
        raise Fail("RandomString: the length is at least the sum of the minimums, at most 256")
    kinds = [
        ("".join(c for c in letters if c not in (avoid or "")), count)
        for letters, count in zip((DIGITS, SPECIAL, UPPER, LOWER), least, strict=True)
    ]
    if any(count and not letters for letters, count in kinds):
        raise Fail("RandomString: every character of a kind is to be avoided")
    pool = "".join(letters for letters, count in kinds if count) or kinds[0][0] + kinds[3][0]
    picked = [letters[_below(run, len(letters))] for letters, count in kinds for _ in range(count)]
    picked += [pool[_below(run, len(pool))] for _ in range(length - len(picked))]
    for index in range(len(picked) - 1, 0, -1):  # Fisher-Yates
        other = _below(run, index + 1)
        picked[index], picked[other] = picked[other], picked[index]
    return "".join(picked)


def _below(run: Run, limit: int) -> int:
    return int.from_bytes(run.draw("RandomString"), "big") % limit


def _roles(build: Builder, call: Call) -> Any:
    """A closure that gives role objects: `{id, value, displayName}`."""
    node = call.arguments[0]
    if not isinstance(node, Attribute):
        raise build.error(node, f"{call.name} takes an attribute", "write [appRoleAssignments]")
    try:
        reader = build.names.attribute(node.name)
    except ValueError as error:
        problem, _, remedy = str(error).rpartition("; ")
        raise build.error(node, problem, remedy) from error

    def read(run: Run) -> list[dict[str, Any]]:
        run.reads.append(reader)
        return [_role(one) for one in reader.raw(run.document)]

    return read


def _role(raw: Any) -> dict[str, Any]:
    if isinstance(raw, str) and raw.lstrip().startswith("{"):
        try:
            raw = json.loads(raw)
        except ValueError as error:
            raise Fail("the role is not JSON") from error
    if not isinstance(raw, dict):
        raw = {"value": raw}
    folded = {str(key).lower(): value for key, value in raw.items()}
    name = folded.get("displayname", folded.get("display"))
    value = folded.get("value", name)
    return {"id": folded.get("id"), "value": value, "displayName": name if name else value}


@special("SingleAppRoleAssignment(appRoleAssignments)", gives="text")
def single_role(build: Builder, call: Call, several: bool) -> Code:
    """The one role of `[appRoleAssignments]`; several are a failure.

    SingleAppRoleAssignment([role]) → editor
    """
    roles = _roles(build, call)

    def evaluate(run: Run) -> Any:
        found = roles(run)
        if len(found) > 1:
            raise Fail("SingleAppRoleAssignment: there are several roles")
        return found[0]["value"] if found else None

    return Code(evaluate, "text")


def _as_json(roles: list[dict[str, Any]]) -> tuple[Scalar, ...] | None:
    return tuple(json.dumps(r, ensure_ascii=False, separators=(",", ":")) for r in roles) or None


@special("AppRoleAssignmentsComplex(appRoleAssignments)", gives="list")
def complex_roles(build: Builder, call: Call, several: bool) -> Code:
    """Every role as the JSON object Entra adds to `roles`.

    AppRoleAssignmentsComplex([role]) → {"value":"editor","displayName":"editor"}
    """
    roles = _roles(build, call)
    return Code(
        lambda run: _as_json([{k: v for k, v in role.items() if v} for role in roles(run)]), "list"
    )


@special("AppRoleAssignments(appRoleAssignments)", gives="list")
def role_names(build: Builder, call: Call, several: bool) -> Code:
    """The value of every role.

    Join(",", AppRoleAssignments([role])) → editor
    """
    roles = _roles(build, call)

    def evaluate(run: Run) -> Value:
        return tuple(role["value"] for role in roles(run) if not empty(role["value"])) or None

    return Code(evaluate, "list")


@special("AssertiveAppRoleAssignmentsComplex(appRoleAssignments)", gives="list")
def assertive_roles(build: Builder, call: Call, several: bool) -> Code:
    """Every role as the JSON object Entra puts in the place of all `roles`.

    Left(AssertiveAppRoleAssignmentsComplex([role]), 16) → {"primary":false
    """
    roles = _roles(build, call)

    def assertive(role: dict[str, Any]) -> dict[str, Any]:
        return {
            "primary": False,
            "type": "WindowsAzureActiveDirectoryRole",
            "display": role["displayName"],
            "value": role["value"],
        }

    return Code(lambda run: _as_json([assertive(role) for role in roles(run)]), "list")

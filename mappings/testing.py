"""Tests beside a mapping: `tests/*.yaml` in a folder with mappings.

    inbound: workday
    outbound: active_directory
    domain: norhaven.example
    now: 2026-03-16T09:00:00Z
    tests:
      - name: a hire becomes an account
        resource: {userName: zoneil, title: Clerk}
        facts: {title: Clerk}
        account: {title: Clerk, department: null}
        keeps: [company]

What is expected is compared where it is listed: `null` means said to be empty, and cleared.
Names that provisioning would reserve are the first candidates, unless `with:` says others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from marshmallow import Schema, fields, validate

from mappings.documents import load_inbound, load_outbound
from mappings.inbound import Inbound
from mappings.language.running import Given
from mappings.outbound import Outbound
from mappings.results import Evaluation, Facts, Origin
from mappings.sources import HOME, MappingError
from yaml_lines import YamlDocument, YamlError, read_yaml

FOLDER = "tests"
_NOW = "2026-03-16T09:00:00Z"


class _CaseForm(Schema):
    name = fields.String(required=True)
    now = fields.String()
    resource = fields.Dict()
    cleared = fields.List(fields.String())
    given = fields.Dict()
    facts = fields.Dict()
    unsaid = fields.List(fields.String())
    account = fields.Dict()
    keeps = fields.List(fields.String())
    references = fields.Dict()
    candidates = fields.Dict()
    container = fields.String(allow_none=True)
    enabled = fields.Boolean(truthy={True}, falsy={False}, allow_none=True)
    scope = fields.String(validate=validate.OneOf(["inside", "outside"]))
    problems = fields.List(fields.String())
    words = fields.Dict(data_key="with")


class _FileForm(Schema):
    inbound = fields.String()
    outbound = fields.String()
    domain = fields.String()
    now = fields.String()
    tests = fields.List(fields.Nested(_CaseForm), required=True)


@dataclass(frozen=True)
class Difference:
    """What is not as expected; `origin` is the rule behind it."""

    what: str
    expected: Any
    found: Any
    origin: Origin | None = None


@dataclass(frozen=True)
class Case:
    """One test, with its place."""

    file: str
    line: int
    name: str
    inbound: Inbound | None
    outbound: Outbound | None
    domain: str
    body: Mapping[str, Any]
    now: datetime

    def run(self) -> list[Difference]:
        """Everything that is not as expected; nothing when all is."""
        facts = self._facts()
        found = list(_fact_differences(self.body, facts))
        problems = [f"{p.rule}: {p.message}" for p in facts.problems]
        if self.outbound is not None:
            context = self._context(self.outbound, facts.values)
            given = Given(now=self.now, seed=self.name, default_domain=self.domain)
            evaluation = self.outbound.evaluate(context, given)
            found += _account_differences(self.body, evaluation)
            found += self._candidate_differences(self.outbound, facts.values)
            problems += [f"{p.rule}: {p.message}" for p in evaluation.problems]
        return found + list(_problem_differences(self.body.get("problems", ()), problems))

    def _facts(self) -> Facts:
        given = self.body.get("given", {})
        if self.inbound is None or "resource" not in self.body:
            return Facts(dict(given))
        facts = self.inbound.facts(self.body["resource"], self.body.get("cleared", ()))
        facts.values.update(given)
        return facts

    def _context(self, outbound: Outbound, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Facts and names, as provisioning gives them to the mapping."""
        said = self.body.get("with", {})
        context = {**facts, **said}
        if "accountName" not in said:
            for name in outbound.candidates("accountName", context)[:1]:
                context["accountName"] = name
        if "accountName" in context and "userPrincipalName" not in said:
            context["userPrincipalName"] = f"{context['accountName']}@{self.domain}"
        if "cn" not in said:
            for name in outbound.candidates("cn", context)[:1]:
                context["cn"] = name
        return context

    def _candidate_differences(
        self, outbound: Outbound, facts: Mapping[str, Any]
    ) -> Iterator[Difference]:
        context = {**facts, **self.body.get("with", {})}
        for kind, expected in self.body.get("candidates", {}).items():
            found = outbound.candidates(kind, context)
            if found != expected:
                yield Difference(f"candidates {kind}", expected, found)


def _fact_differences(body: Mapping[str, Any], facts: Facts) -> Iterator[Difference]:
    for name, expected in body.get("facts", {}).items():
        found = facts.values.get(name, NOT_SAID)
        if found != expected:
            yield Difference(f"fact {name}", expected, found, facts.origins.get(name))
    for name in body.get("unsaid", ()):
        if name in facts.values:
            yield Difference(f"fact {name}", NOT_SAID, facts.values[name], facts.origins.get(name))


def _account_differences(body: Mapping[str, Any], evaluation: Evaluation) -> Iterator[Difference]:
    for section, wishes in (("account", evaluation.wishes), ("references", evaluation.references)):
        for name, expected in body.get(section, {}).items():
            wish = wishes.get(name)
            value = KEPT if wish is None else _plain(wish.value)
            if value != expected:
                origin = wish.origin if wish else evaluation.kept.get(name)
                yield Difference(name, expected, value, origin)
    for name in body.get("keeps", ()):
        if name in evaluation.wishes:
            wish = evaluation.wishes[name]
            yield Difference(name, KEPT, _plain(wish.value), wish.origin)
    container = evaluation.container
    found = {
        "container": container.value if container else None,
        "enabled": evaluation.enabled,
        "scope": _side(evaluation),
    }
    for key, value in found.items():
        if key in body and body[key] != value:
            origin = container.origin if key == "container" and container else None
            yield Difference(key, body[key], value, origin)


def _problem_differences(expected: Sequence[str], found: Sequence[str]) -> Iterator[Difference]:
    for part in expected:
        if not any(part in problem for problem in found):
            yield Difference("problem", part, "none like it")
    for problem in found:
        if not any(part in problem for part in expected):
            yield Difference("problem", "none", problem)


NOT_SAID, KEPT = "(not said)", "(kept as it is)"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _side(evaluation: Evaluation) -> str:
    inside = evaluation.scope.inside if evaluation.scope is not None else True
    return "unknown" if inside is None else "inside" if inside else "outside"


def case_files(folders: Sequence[Path]) -> list[Path]:
    """The test files of these folders and of ours, in order."""
    return [
        file for folder in (*folders, HOME) for file in sorted((folder / FOLDER).glob("*.yaml"))
    ]


def read_cases(file: Path, folders: Sequence[Path]) -> list[Case]:
    """The tests of one file. Raises :class:`MappingError`."""
    shown = f"{HOME.name}/{FOLDER}/{file.name}" if file.parent.parent == HOME else str(file)
    try:
        document = read_yaml(file)
    except YamlError as error:
        raise MappingError(shown, error.line, error.problem, error.remedy) from error
    errors = _FileForm().validate(document.data if isinstance(document.data, dict) else {})
    if errors:
        raise _mistake(shown, document, errors)
    data = document.data
    inbound = load_inbound(data["inbound"], folders) if "inbound" in data else None
    outbound = load_outbound(data["outbound"], folders) if "outbound" in data else None
    cases = []
    for index, body in enumerate(data["tests"]):
        line = document.line("tests", index)
        now = _instant(body.get("now", data.get("now", _NOW)), shown, line)
        domain = data.get("domain", "norhaven.example")
        cases.append(Case(shown, line, body["name"], inbound, outbound, domain, body, now))
    return cases


def _mistake(shown: str, document: YamlDocument, errors: Any) -> MappingError:
    place: list[str | int] = []
    while isinstance(errors, dict):
        key, errors = next(iter(errors.items()))
        place.append(key)
    message = str(errors[0]).rstrip(".")
    where = ".".join(map(str, place))
    return MappingError(shown, document.line(*place), f"{where}: {message}", "see docs/mappings.md")


def _instant(written: Any, shown: str, line: int) -> datetime:
    try:
        moment = datetime.fromisoformat(str(written))
    except ValueError as error:
        problem = f"now: {written} is no instant"
        raise MappingError(shown, line, problem, "write 2026-03-16T09:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

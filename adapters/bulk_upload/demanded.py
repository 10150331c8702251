"""What came of a look on demand, in the words of provisionOnDemand: a result, and what was
done step by step.

Entra's job has one target and answers of one subject. Here the answer is of the first
subject in the first target, Entra if there is one; the others stand beside it in the same
shape, as `furtherTargets` and `furtherSubjects`, and the result is the worst of all.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from adapters.bulk_upload import logs, principal
from provisioning.receipts import plan_shown
from store import journal
from store.clocks import iso
from store.tables import account

_STEPS = {"applied": "Success", "refused": "Failure"}
_REDUNDANT = ("RedundantExport", "nothing to do: the account is as it should be")
_OUTSIDE = ("NotEffectivelyEntitled", "nothing to do: the person is outside the target's scope")
_LATER = ("InProgress", "not looked at yet; see auditLogs/provisioning")
_HARM = {"Failure": 3, "InProgress": 2, "Success": 1}


@dataclass(frozen=True)
class Look:
    """One person in one target, who was asked to be looked at."""

    subject: str
    """As the request names them."""
    person: str
    target: str
    row: Row[Any] | None
    """The pair."""
    is_over: bool
    """Whether they have been looked at since."""


@dataclass(frozen=True)
class _Outcome:
    """`status` is Success, Skipped or Failure; `code` and `reason` say why not the first."""

    status: str
    code: str | None = None
    reason: str | None = None
    remedy: str | None = None

    @property
    def harm(self) -> int:
        return _HARM.get(self.code if self.code == _LATER[0] else self.status, 0)

    def key(self) -> dict[str, Any]:
        if self.code is None:
            return {"result": self.status, "details": {}}
        details = {"errorCode": self.code, "errorMessage": self.reason}
        return {"result": self.status, "details": details}

    def info(self) -> dict[str, Any]:
        failed = self.status == "Failure"
        return {
            "status": self.status,
            "errorCode": self.code if failed else None,
            "reason": self.reason,
            "additionalDetails": None,
            "errorCategory": "NonServiceFailure" if failed else None,
            "recommendedAction": self.remedy,
        }


def pair_of_texts(
    connection: Connection,
    source: str,
    looks: Sequence[Sequence[Look]],
    after: int,
    asked: float,
    now: float,
) -> dict[str, str]:
    """The stringKeyStringValuePair. `looks` has the targets of each subject; what was done
    stands behind entry `after` of the journal. `asked` and `now` are machine time."""
    outcomes: list[_Outcome] = []
    told: list[dict[str, Any]] = []
    for one in looks:
        shown = []
        for look in one:
            outcome, summary = _summary(connection, source, look, after, asked, now)
            outcomes.append(outcome)
            shown.append(summary)
        told += [{**first, "furtherTargets": shown[1:]} for first in shown[:1]]
    if not outcomes:
        return {"key": json.dumps(_Outcome("Success").key()), "value": "{}"}
    worst = max(outcomes, key=lambda one: one.harm)
    value = told[0] | ({"furtherSubjects": told[1:]} if told[1:] else {})
    return {"key": json.dumps(worst.key()), "value": json.dumps(value, ensure_ascii=False)}


def _summary(
    connection: Connection, source: str, look: Look, after: int, asked: float, now: float
) -> tuple[_Outcome, dict[str, Any]]:
    later = journal.entries(
        connection, person=look.person, target=look.target, after=after, limit=500
    )
    plans = [plan_shown(one, later) for one in later if one.kind == "plan"]
    done = {(e.ref, e.body["step"]): iso(e.at) for e in later if e.kind == "operation"}
    ends = [e.at for e in later]
    steps = [
        (step, done.get((plan["plan"], number), plan["at"]))
        for plan in plans
        for number, step in enumerate(plan["steps"])
    ]
    outcome = _outcome(look, [step for step, _ in steps])
    end = iso(max(ends, default=now))
    exported = [_exported(step, at) for step, at in steps]
    if not exported and outcome.status == "Skipped":
        details = {"SkipReason": outcome.code}
        skip = "EntrySynchronizationSkip"
        exported = [_step(skip, "Export", "Skipped", outcome.reason or "", end, details)]
    names = {name for step, _ in steps for name in logs.names_of(step)}
    mine = (account.c.person == look.person, account.c.target == look.target)
    anchor = connection.execute(select(account.c.anchor).where(*mine)).scalar()
    return outcome, {
        "action": logs.action([step["kind"] for step, _ in steps]).title(),
        "changeId": plans[-1]["plan"] if plans else str(uuid.uuid4()),
        "startTime": iso(asked),
        "endTime": end,
        "reportableIdentifier": look.subject,
        "modifiedProperties": [
            {"displayName": name, "oldValue": None, "newValue": None} for name in sorted(names)
        ],
        "provisioningSteps": [
            _step("EntryImport", "Import", "Success", "what HR said last", iso(asked), {}),
            *exported,
        ],
        "statusInfo": outcome.info(),
        "sourceIdentity": _identity(look.subject),
        "sourceSystem": {"id": principal.app_id(source), "name": source, "details": {}},
        "targetIdentity": _identity(anchor),
        "targetSystem": {"id": look.target, "name": look.target, "details": {}},
    }


def _outcome(look: Look, steps: Sequence[Mapping[str, Any]]) -> _Outcome:
    row = look.row
    if row is None or not (look.is_over or row.problem):
        return _Outcome("Skipped", *_LATER)
    if row.held:
        return _Outcome("Failure", "Held", str(row.held))
    if row.problem:
        return _Outcome("Failure", "BackOff", str(row.problem))
    if row.waits_on:
        return _Outcome("Failure", "WaitsOn", f"waits on {row.waits_on}")
    for step in steps:
        if step.get("result") == "refused":
            refusals = step.get("refusals") or [{}]
            kind, remedy = refusals[0].get("kind"), refusals[0].get("remedy")
            return _Outcome("Failure", "Refused", f"{step['kind']} was refused ({kind})", remedy)
    if steps:
        return _Outcome("Success")
    return _Outcome("Skipped", *(_OUTSIDE if row.outside_since is not None else _REDUNDANT))


def _exported(step: Mapping[str, Any], at: str) -> dict[str, Any]:
    kind = str(step["kind"])
    status = _STEPS.get(str(step.get("result")), "Skipped")
    said = ", ".join(logs.names_of(step))
    return _step(f"EntryExport{kind.title().replace('_', '')}", "Export", status, said, at, {})


def _step(
    name: str, type: str, status: str, said: str, at: str, details: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "name": name,
        "type": type,
        "status": status,
        "description": said,
        "timestamp": at,
        "details": details,
    }


def _identity(id: str | None) -> dict[str, Any]:
    return {"id": id, "type": "User", "displayName": None, "details": {}}

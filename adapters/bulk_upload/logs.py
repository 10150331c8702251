"""auditLogs/provisioning: what became of a source's pushes, from the journal.

One provisioningObjectSummary per push and target; `changeId` is the receipt, `cycleId` the
upload it came with. A push is in the log once a target has been dealt with, a refused or
redundant one at once. Names of attributes are shown and no values: what an account holds
may come from another source.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from adapters.bulk_upload import principal
from adapters.bulk_upload.odata import Filter
from provisioning.receipts import receipt
from store import journal
from store.clocks import iso, parse_instant
from store.journal import Entry
from store.tables import account, resource

MOST = 1000
"""Entries of one page."""
_SCANNED = 1000
"""Journal entries read for one page."""
_CHUNK = 200
_SPLIT = 1000
"""A page's token is the number of a journal entry times this, plus how many of what the log
says of that entry have been told; none: all of it."""
_PENDING = frozenset({"due", "working"})
_STATUS = {
    "applied": "success",
    "applied in part": "warning",
    "nothing to do": "skipped",
    "superseded": "skipped",
    "gone": "skipped",
}
_ACTIONS = ("delete", "create", "restore", "disable")
_LINKS = {"create": "create", "restore": "create", "disable": "disable", "delete": "delete"}


def page(
    connection: Connection, source: str, wanted: Filter, top: int, token: int | None, now: float
) -> tuple[list[dict[str, Any]], int | None]:
    """At most `top` entries, newest first, from `token` on; and the token of the next page,
    if there may be one. `now` is machine time."""
    log = Log(connection, source, wanted, now)
    begun, told = divmod(token, _SPLIT) if token is not None else (None, 0)
    found: list[dict[str, Any]] = []
    for scanned, entry in enumerate(log.entries(begun + 1 if begun and told else begun), 1):
        fresh = [one for one in log.summaries(entry) if wanted.meets(one)]
        skipped = told if entry.seq == begun else 0
        room = top - len(found)
        found += fresh[skipped : skipped + room]
        if len(fresh) - skipped > room:
            return found, entry.seq * _SPLIT + skipped + room
        if scanned >= _SCANNED or len(found) == top:
            return found, entry.seq * _SPLIT
    return found, None


class Log:
    """What the log says of the pushes and uploads of one source."""

    def __init__(self, connection: Connection, source: str, wanted: Filter, now: float) -> None:
        self._connection = connection
        self.source = source
        self._pinned = wanted.pinned
        self._now = now
        self._cycles: dict[str, str] = {}
        self._resources: frozenset[str] | None = None
        if key := self._pinned.get("sourceidentity/id"):
            mine = (resource.c.source == source, resource.c.external_id == key)
            ids = connection.execute(select(resource.c.id).where(*mine)).scalars()
            self._resources = frozenset(ids)

    def entries(self, before: int | None) -> Iterator[Entry]:
        """The source's pushes and uploads, newest first."""
        if (narrow := self.narrow()) is not None:
            yield from (one for one in narrow if before is None or one.seq < before)
            return
        while True:
            chunk = journal.newest(
                self._connection, kinds=("intake", "upload"), before=before, limit=_CHUNK
            )
            yield from (one for one in chunk if one.body.get("source") == self.source)
            if len(chunk) < _CHUNK:
                return
            before = chunk[-1].seq

    def narrow(self) -> list[Entry] | None:
        """All pushes and uploads, where the filter names one of them; else None."""
        if (change := self._pinned.get("changeid")) is not None:
            return self._of(change, "intake") + self._of_upload(change.partition(".")[0])
        if (cycle := self._pinned.get("cycleid")) is not None:
            return self._of_upload(cycle)
        return None

    def _of(self, ref: str, kind: str) -> list[Entry]:
        found = journal.entries(self._connection, ref=ref, kind=kind, limit=1)
        return [one for one in found if one.body.get("source") == self.source]

    def _of_upload(self, cycle: str) -> list[Entry]:
        """An upload, and what intake noted of its operations, newest first."""
        uploads = self._of(cycle, "upload")
        receipts = [
            r for one in uploads for op in one.body["operations"] if (r := op.get("receipt"))
        ]
        intakes = [entry for one in receipts for entry in self._of(one, "intake")]
        return sorted((*uploads, *intakes), key=lambda entry: -entry.seq)

    def summaries(self, entry: Entry) -> list[dict[str, Any]]:
        """What the log says of an entry."""
        if entry.kind == "upload":
            return self._of_operations(entry)
        wanted = self._resources
        if wanted is not None and entry.body.get("resource") not in wanted:
            return []
        return self._of_push(entry)

    # -- an upload ---------------------------------------------------------------------------

    def _of_operations(self, entry: Entry) -> list[dict[str, Any]]:
        """The operations that intake was not told of: refused, or nothing new."""
        assert entry.ref is not None
        refused = {one["number"]: one for one in (entry.values or {}).get("refused", ())}
        found = []
        for number, one in enumerate(entry.body["operations"]):
            if one.get("receipt"):
                self._cycles[one["receipt"]] = entry.ref
                continue
            said = refused.get(number, {})
            key = said.get("externalId")
            if one.get("resource"):
                if self._resources is not None and one["resource"] not in self._resources:
                    continue
                key = self._identity(one["resource"])["id"]
            summary = self._summary(entry, f"{entry.ref}.{number}", entry.ref, key)
            if one["result"] == "refused":
                summary["provisioningStatusInfo"] = _failed(
                    str(one.get("type") or f"Http{one['status']}"),
                    said.get("why") or "The record was refused; its values are forgotten.",
                )
                summary["provisioningSteps"] = [_step("EntryImport", "import", "failure")]
            else:
                summary["provisioningStatusInfo"] = {"status": "skipped", "errorInformation": None}
                summary["provisioningSteps"] = [
                    _step("EntryImport", "import", "success"),
                    _step("RedundantImport", "processing", "skipped", "nothing new was said"),
                ]
            summary["statusInfo"] = summary["provisioningStatusInfo"]
            found.append(summary)
        return found

    # -- a push ------------------------------------------------------------------------------

    def _of_push(self, entry: Entry) -> list[dict[str, Any]]:
        assert entry.ref is not None
        told = receipt(self._connection, entry.ref, self._now)
        if told is None:
            return []
        who = self._identity(entry.body.get("resource"))
        cycle = self._cycle(entry)
        if told["what"] == "stale" or not told["targets"]:
            summary = self._summary(entry, entry.ref, cycle, who["id"], who)
            return [
                _skipped(summary, "older than what is known" if told["what"] == "stale" else "")
            ]
        found = []
        for target, said in told["targets"].items():
            if said["result"] not in _PENDING or said.get("why"):
                summary = self._summary(entry, entry.ref, cycle, who["id"], who, target)
                found.append(self._outcome(entry, summary, target, said, told))
        return found

    def _outcome(
        self,
        entry: Entry,
        summary: dict[str, Any],
        target: str,
        said: Mapping[str, Any],
        told: Mapping[str, Any],
    ) -> dict[str, Any]:
        steps = [step for plan in said.get("plans", ()) for step in plan["steps"]]
        took = said.get("afterMs", 0)
        names = {name for step in steps for name in names_of(step)}
        status = _STATUS.get(said["result"], "failure")
        imported = [_step("EntryImport", "import", "success")]
        if told["case"]:
            imported.append(_step("EntryMatch", "matching", "failure", told["case"]))
        if "supersededBy" in said:
            why = f"dealt with together with {said['supersededBy']}"
            imported.append(_step("Superseded", "processing", "skipped", why))
        summary |= {
            "activityDateTime": iso(parse_instant(told["accepted"]) + took / 1000),
            "durationInMilliseconds": round(took),
            "provisioningAction": action([step["kind"] for step in steps]),
            "modifiedProperties": [
                {"displayName": name, "oldValue": None, "newValue": None} for name in sorted(names)
            ],
            "provisioningSteps": [*imported, *map(_exported, steps)],
            "targetIdentity": self._target_identity(entry.person, target),
        }
        info: dict[str, Any] = {"status": status, "errorInformation": None}
        if status in ("failure", "warning"):
            info = _failed(said["result"], *_reason(said, steps)) | {"status": status}
        summary["provisioningStatusInfo"] = summary["statusInfo"] = info
        return summary

    def _cycle(self, entry: Entry) -> str:
        """The upload that a push came with: the next one in the journal, if it names it; a push
        by SCIM is a cycle of its own."""
        assert entry.ref is not None
        if entry.ref not in self._cycles:
            after = journal.entries(self._connection, kind="upload", after=entry.seq, limit=1)
            for one in after:
                for operation in one.body["operations"]:
                    self._cycles[str(operation.get("receipt"))] = str(one.ref)
        return self._cycles.setdefault(entry.ref, entry.ref)

    def _identity(self, id: str | None) -> dict[str, Any]:
        columns = (resource.c.external_id, resource.c.user_key)
        row = self._connection.execute(select(*columns).where(resource.c.id == id)).one_or_none()
        key = None if row is None else row.external_id or row.user_key
        return {"id": key, "displayName": key, "identityType": "User", "details": {"scimId": id}}

    def _target_identity(self, person: str | None, target: str) -> dict[str, Any]:
        mine = (account.c.person == person, account.c.target == target)
        anchor = self._connection.execute(select(account.c.anchor).where(*mine)).scalar()
        return {"id": anchor, "displayName": "", "identityType": "User", "details": {}}

    def _summary(
        self,
        entry: Entry,
        change: str,
        cycle: str,
        key: str | None,
        who: Mapping[str, Any] | None = None,
        target: str | None = None,
    ) -> dict[str, Any]:
        source = self.source
        own = f"{change}/{target or ''}"
        return {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, own)),
            "activityDateTime": iso(entry.at),
            "tenantId": principal.tenant_id(),
            "jobId": principal.job_id(source),
            "cycleId": cycle,
            "changeId": change,
            "provisioningAction": "other",
            "durationInMilliseconds": 0,
            "initiatedBy": {"id": "", "displayName": source, "initiatorType": "application"},
            "servicePrincipal": {"id": principal.principal_id(source), "displayName": source},
            "sourceSystem": {"id": principal.app_id(source), "displayName": source, "details": {}},
            "targetSystem": {"id": target or "", "displayName": target or "", "details": {}},
            "sourceIdentity": who
            or {"id": key, "displayName": key, "identityType": "User", "details": {}},
            "targetIdentity": None,
            "modifiedProperties": [],
            "provisioningSteps": [],
        }


def action(kinds: Sequence[str]) -> str:
    """What steps of these kinds come to, as a provisioningAction."""
    kind = next((one for one in _ACTIONS if one in kinds), "update" if kinds else "other")
    return _LINKS.get(kind, kind)


def names_of(step: Mapping[str, Any]) -> list[str]:
    """The attributes that a step writes."""
    return [*step.get("attributes", ()), *filter(None, [step.get("attribute")])]


def _skipped(summary: dict[str, Any], why: str) -> dict[str, Any]:
    info = {"status": "skipped", "errorInformation": None}
    summary["provisioningStatusInfo"] = summary["statusInfo"] = info
    summary["provisioningSteps"] = [_step("EntryImport", "import", "skipped", why)]
    return summary


def _failed(code: str, reason: str, remedy: str | None = None) -> dict[str, Any]:
    return {
        "status": "failure",
        "errorInformation": {
            "errorCode": "".join(word[:1].upper() + word[1:] for word in re.split(r"[ -]", code)),
            "reason": reason,
            "recommendedAction": remedy,
            "errorCategory": "nonServiceFailure",
            "additionalDetails": None,
        },
    }


def _reason(said: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> tuple[str, str | None]:
    """Why, and what to do."""
    refusals = [one for step in steps for one in step.get("refusals") or ()]
    if refusals and said["result"] == "applied in part":
        names = ", ".join(str(one.get("attribute") or "all of it") for one in refusals)
        kinds = ", ".join(dict.fromkeys(str(one.get("kind")) for one in refusals))
        return f"{names} refused ({kinds})", str(refusals[0].get("remedy") or "") or None
    return str(said.get("why") or said["result"]), None


def _exported(step: Mapping[str, Any]) -> dict[str, Any]:
    status = {"applied": "success", "refused": "failure"}.get(str(step.get("result")), "skipped")
    if status == "success" and step.get("refusals"):
        status = "warning"
    named = names_of(step)
    kind = str(step["kind"])
    name = f"EntryExport{kind.title().replace('_', '')}"
    return _step(name, "export", status, f"{kind} {', '.join(named)}".strip())


def _step(name: str, type: str, status: str, description: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "provisioningStepType": type,
        "status": status,
        "description": description,
        "details": {},
    }

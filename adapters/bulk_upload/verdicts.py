"""What became of each operation, for who asks by `Prefer: return=representation`.

A SCIM BulkResponse (RFC 7644 section 3.7), with `result`, `receipt`, `changed`, `problems`
and `case` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.bulk_upload.request import Operation
from adapters.bulk_upload.uploads import Taken
from provisioning.dated import ABOUT_THE_PUSH
from scim.batch import Verdict
from store.clocks import iso

_URN = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


def body(
    taken: Taken, operations: Sequence[Operation], base: str, *, rehearsed: bool
) -> dict[str, Any]:
    """The answer. `base` is the address of /scim/v2; `rehearsed`: nothing was stored."""
    shown: dict[str, Any] = {"schemas": [_URN]}
    if rehearsed:
        shown["dryRun"] = True
    elif taken.waits:
        shown["waiting"] = True
    stored = not rehearsed and not taken.waits
    shown["cycleId"] = taken.cycle if not rehearsed else None
    shown["Operations"] = [
        _one(said, verdict, noted, base, stored=stored)
        for said, verdict, noted in zip(operations, taken.verdicts, taken.noted, strict=True)
    ]
    return shown


def _one(
    said: Operation,
    verdict: Verdict,
    noted: Mapping[str, Any] | None,
    base: str,
    *,
    stored: bool,
) -> dict[str, Any]:
    shown: dict[str, Any] = {"method": "POST"}
    if said.bulk_id is not None:
        shown["bulkId"] = said.bulk_id
    shown |= {"status": str(verdict.status), "result": verdict.result}
    if verdict.error is not None:
        return shown | {"response": verdict.error.body()}
    written = verdict.written
    assert written is not None
    if stored or verdict.result != "created":  # a rehearsal's new resource does not exist
        shown["location"] = f"{base}/Users/{written.resource.id}"
    if stored:
        shown["version"] = f'W/"{written.resource.version}"'
        shown["receipt"] = written.receipt
    if noted is not None and "changed" in noted:
        shown["changed"] = [name for name in noted["changed"] if name not in ABOUT_THE_PUSH]
        shown["problems"] = list(noted["problems"])
        shown["case"] = noted["case"]
        shown["dated"] = [
            {"from": at if isinstance(at, str) else iso(at), "changes": names}
            for at, names in noted.get("ahead", ())
        ]
    return shown

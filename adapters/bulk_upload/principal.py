"""A source as Microsoft's clients look for it: a service principal with one job.

The ids follow from the source's name, so that they are the same after a reset, on another
machine, and in the script that was written against this one.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

_SPACE = uuid.UUID("6f2f1a4e-0d3c-5b7e-9a41-8c5d20b7e613")
_TEMPLATE = "API2AAD"


def principal_id(source: str) -> str:
    """The object id of the source's service principal."""
    return str(uuid.uuid5(_SPACE, f"servicePrincipal {source}"))


def app_id(source: str) -> str:
    """The appId by which scripts find it."""
    return str(uuid.uuid5(_SPACE, f"appId {source}"))


def job_id(source: str) -> str:
    """The id of its job, in the form of Microsoft's."""
    tenant, own = uuid.uuid5(_SPACE, "tenant"), uuid.uuid5(_SPACE, f"job {source}")
    return f"{_TEMPLATE}.{tenant.hex}.{own}"


def tenant_id() -> str:
    """The tenant that provisioning logs name."""
    return str(uuid.uuid5(_SPACE, "tenant"))


def principal(source: str) -> dict[str, Any]:
    """The servicePrincipal resource."""
    return {
        "id": principal_id(source),
        "appId": app_id(source),
        "displayName": source,
        "appDisplayName": source,
        "accountEnabled": True,
        "servicePrincipalType": "Application",
        "appOwnerOrganizationId": tenant_id(),
        "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
    }


def about(source: str, base: str) -> dict[str, str]:
    """What a script has to be told of a source; `base` is the public address."""
    jobs = f"{base.rstrip('/')}/v1.0/servicePrincipals/{principal_id(source)}/synchronization/jobs"
    return {
        "servicePrincipalId": principal_id(source),
        "appId": app_id(source),
        "jobId": job_id(source),
        "bulkUpload": f"{jobs}/{job_id(source)}/bulkUpload",
    }


def job(
    source: str, *, paused: bool, people: int, last: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The synchronizationJob resource. `people` are the live users of the source, `last` is
    the newest upload as `execution` gives it."""
    return {
        "id": job_id(source),
        "templateId": _TEMPLATE,
        "schedule": {
            "expiration": None,
            "interval": "PT0S",  # there is no cycle: a push is looked at when it comes
            "state": "Paused" if paused else "Active",
        },
        "status": {
            "code": "Paused" if paused else "Active",
            "countSuccessiveCompleteFailures": 0,
            "escrowsPruned": False,
            "lastExecution": last,
            "lastSuccessfulExecution": last if last and last["state"] == "Succeeded" else None,
            "lastSuccessfulExecutionWithExports": None,
            "progress": [],
            "quarantine": None,
            "steadyStateFirstAchievedTime": "0001-01-01T00:00:00Z",
            "steadyStateLastAchievedTime": "0001-01-01T00:00:00Z",
            "synchronizedEntryCountByType": [{"key": "User", "value": people}],
            "troubleshootingUrl": None,
        },
        "synchronizationJobSettings": [],
    }


def execution(cycle: str, at: str, operations: int, refused: int) -> dict[str, Any]:
    """One upload as a synchronizationTaskExecution; `at` is an ISO instant."""
    return {
        "activityIdentifier": cycle,
        "countEntitled": 0,
        "countEntitledForProvisioning": 0,
        "countEscrowed": refused,
        "countEscrowedRaw": refused,
        "countExported": 0,
        "countExports": 0,
        "countImported": operations - refused,
        "countImportedDeltas": operations - refused,
        "countImportedReferenceDeltas": 0,
        "error": None,
        "state": "EntryLevelErrors" if refused else "Succeeded",
        "timeBegan": at,
        "timeEnded": at,
    }

"""POST /sources/NAME/workers: workers as Workday has them, several in one durable commit.

XML of Core Connector: Worker or Get_Workers, a report's JSON, or SCIM users as the
stylesheet makes them. Each is stored under its externalId: what it says replaces, null
empties, the rest stays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, request

from access import Gate
from adapters.workday import episodes, report
from adapters.workday.episodes import PassedOver
from policy_settings import People
from scim import messages
from scim.auth import admit
from scim.batch import Verdict, carry_out
from scim.bodies import decode, encode
from scim.discovery import Limits
from scim.errors import ScimError, invalid_syntax
from scim.listener import Listener
from scim.profiles import HR
from scim.schema import Registry, ResourceType
from scim.service import Client, Service, Work
from scim.upsert import Record, storing
from store.clocks import BusinessClock, machine_now, to_datetime
from store.database import Database

XML = ("application/xml", "text/xml", "application/soap+xml")
JSON = ("application/json", messages.MEDIA_TYPE)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_log = logging.getLogger("muster.workday")


def create_blueprint(
    db: Database,
    registry: Registry,
    listener: Listener,
    sources: Collection[str],
    limits: Limits,
    base_url: str = "",
    gate: Gate | None = None,
    business: BusinessClock | None = None,
    people: People | None = None,
) -> Blueprint:
    """The address for the configured `sources`; `base_url` and `gate` as in
    `scim/endpoints.py`. `business` and `people` tell which day it is for a source."""
    scim_base = base_url.rstrip("/") + "/scim/v2"
    service = Service(db, registry, listener, machine_now, scim_base)
    gate = gate or Gate(db, base_url=base_url.rstrip("/"), now=machine_now)
    clock, policy = business or BusinessClock(), people or People()

    def today(source: str) -> date:
        zone = ZoneInfo(policy.sources.get(source) or policy.timezone)
        return to_datetime(clock.now()).astimezone(zone).date()

    desk = _Desk(gate, service, frozenset(sources), limits, today)
    pages = Blueprint("workers", __name__)
    pages.add_url_rule(
        "/sources/<name>/workers",
        view_func=desk.take,
        methods=_METHODS,
        provide_automatic_options=False,
    )
    return pages


class _Desk:
    """Takes workers in, and answers what became of each."""

    def __init__(
        self,
        gate: Gate,
        service: Service,
        sources: frozenset[str],
        limits: Limits,
        today: Callable[[str], date],
    ) -> None:
        self._gate = gate
        self._service = service
        self._sources = sources
        self._limits = limits
        self._today = today

    def take(self, name: str) -> Response:
        """The answer to a request; never raises."""
        try:
            return self._take(name)
        except Exception as error:
            return messages.refusal(messages.failure(error, _log)).response()

    def _take(self, name: str) -> Response:
        if request.method != "POST":
            why = f"{request.method} is not for this address; POST the workers."
            raise ScimError(405, why, headers={"Allow": "POST"})
        caller = admit(self._gate, request.environ, {}, "bulk")
        if caller.source != name or name not in self._sources:
            raise ScimError(404, "The token is not for a source of that name.")
        found = self._read()
        most = self._limits.max_operations
        if len(found) > most:
            raise ScimError(413, f"More than {most} workers (scim.max_operations); send fewer.")
        rehearse = request.args.get("dryRun", "").lower() == "true"
        shown = self._store(Client(name, HR), found, rehearse)
        return Response(
            encode({"dryRun": rehearse, "workers": shown}),
            _status(shown),
            content_type="application/json",
        )

    def _store(self, client: Client, found: list[Any], rehearse: bool) -> list[dict[str, Any]]:
        """What became of each worker."""
        kind = self._service.registry.type_named("User")
        assert kind is not None
        today = self._today(client.source)
        records = [_record(kind, one) for one in found]
        delivered = [
            episodes.episode(one.said) if isinstance(one, Record) else None for one in records
        ]
        passed = episodes.passed_over(delivered, today)
        wids: dict[str, set[str]] = {}
        for one in delivered:
            if one is not None:
                wids.setdefault(one.key, set()).add(one.source_id)
        works = []
        for at, (record, episode) in enumerate(zip(records, delivered, strict=True)):
            if at in passed:
                continue
            work = self._work(client, record)
            if episode is not None and not isinstance(work, ScimError):
                work = episodes.minding(work, client, kind, episode, today, wids[episode.key])
            works.append(work)
        verdicts = iter(carry_out(self._service, works, lambda tx, done: None, rehearse=rehearse))
        shown = [
            _passed(user, passed[at].why)
            if at in passed
            else _shown(user, next(verdicts), rehearse)
            for at, user in enumerate(found)
        ]
        pairs = zip(delivered, shown, strict=True)
        ids = {one.key: answer["id"] for one, answer in pairs if one and answer.get("id")}
        for at, other in passed.items():
            shown[at]["id"] = ids.get(other.key)
        return shown

    def _read(self) -> list[Any]:
        raw = messages.raw(request.environ, self._limits, (*XML, *JSON))
        if request.mimetype in XML:
            # Imported when the first XML comes: lxml takes 7 MB of every web process.
            from adapters.workday import connector

            return connector.users(raw)
        body = decode(raw)
        if "Report_Entry" in body:
            return report.users(body)
        users = body.get("workers")
        if isinstance(users, dict):
            users = [users]
        if not isinstance(users, list):
            raise invalid_syntax("Report_Entry or workers: a list is expected in the object.")
        return users

    def _work(self, client: Client, record: Record | ScimError) -> Work | ScimError:
        if isinstance(record, ScimError):
            return record
        try:
            return storing(self._service, client, record)
        except ScimError as error:
            return error


def _record(kind: ResourceType, user: Any) -> Record | ScimError:
    if not isinstance(user, dict):
        return invalid_syntax("A worker is an object.")
    try:
        return Record(kind, HR, user, clear=True)
    except ScimError as error:
        return error


def _status(shown: list[dict[str, Any]]) -> int:
    """That of a single worker; of several 200, or 207 when not all were taken."""
    if len(shown) == 1:
        return int(shown[0]["status"])
    return 207 if any(one["result"] == "refused" for one in shown) else 200


def _key(user: Any) -> str | int | None:
    key = user.get("externalId") if isinstance(user, dict) else None
    return key if isinstance(key, str | int) else None


def _passed(user: Any, why: str) -> dict[str, Any]:
    """A worker of whom another record was taken."""
    about = {"externalId": _key(user), "result": "stale", "status": 200, "detail": why}
    return about | {"id": None, "receipt": None}


def _shown(user: Any, verdict: Verdict, rehearsed: bool) -> dict[str, Any]:
    shown = {"externalId": _key(user), "result": verdict.result, "status": verdict.status}
    if verdict.error is not None:
        body = verdict.error.body()
        return shown | {k: body[k] for k in ("scimType", "detail") if body.get(k)}
    assert verdict.written is not None
    if isinstance(verdict.written, PassedOver):
        shown["detail"] = verdict.written.why
    made = verdict.result == "created"
    return shown | {
        "id": None if rehearsed and made else verdict.written.resource.id,
        "receipt": None if rehearsed else verdict.written.receipt,
    }

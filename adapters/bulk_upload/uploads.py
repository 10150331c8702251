"""Takes uploads in: every operation a write of its own, all in one commit, noted in the
journal; or keeps them until a paused job goes on."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from adapters.bulk_upload import numbering, principal
from adapters.bulk_upload.request import Operation
from scim.batch import Verdict, carry_out
from scim.errors import ScimError
from scim.profiles import HR
from scim.schema import Registry
from scim.service import Client, Service, Work, Written
from scim.upsert import Record, storing
from store import journal, resources, uploads
from store.clocks import BusinessClock, iso
from store.database import Database

MOST_WAITING = 400
"""Uploads that a paused job keeps: 20,000 people."""


class Full(Exception):
    """The paused job keeps as much as it may."""


@dataclass(frozen=True)
class Taken:
    """What came of an upload: a verdict for each operation, and with the verdicts what intake
    noted of each (`noted`, None for those it was not told of). `waits`: the job is paused, and
    the verdicts are what would come of it now."""

    cycle: str
    verdicts: Sequence[Verdict] = ()
    noted: Sequence[Mapping[str, Any] | None] = ()
    waits: bool = False


class Uploads:
    """The uploads of all sources. `clearing` are the sources whose null means empty."""

    def __init__(
        self,
        db: Database,
        service: Service,
        registry: Registry,
        business: BusinessClock,
        now: Callable[[], float],
        clearing: frozenset[str] = frozenset(),
        most_waiting: int = MOST_WAITING,
    ) -> None:
        kind = registry.type_named("User")
        assert kind is not None
        self._kind = kind
        self._db = db
        self._service = service
        self._business = business
        self._now = now
        self._clearing = clearing
        self._most = most_waiting

    def take(
        self,
        client: Client,
        operations: Sequence[Operation],
        *,
        rehearse: bool = False,
        explain: bool = False,
    ) -> Taken:
        """Take an upload in, or keep it. With `rehearse` only find out what would come of it;
        with `explain` say what intake noted. Raises Full."""
        client = _leniently(client)
        cycle = str(uuid.uuid4())
        if not rehearse and self._kept(client.source, cycle, operations):
            if not explain:
                return Taken(cycle, waits=True)
            verdicts, noted = self._carry_out(client, cycle, operations, rehearse=True)
            return Taken(cycle, verdicts, noted, waits=True)
        verdicts, noted = self._carry_out(
            client, cycle, operations, rehearse=rehearse, explain=rehearse or explain
        )
        return Taken(cycle, verdicts, noted)

    def start(self, client: Client, patience: float) -> bool:
        """Take in what waits, oldest first, and let the job go on. False when that was not
        done after `patience` seconds: the job is paused still, and another call goes on."""
        give_up = time.monotonic() + patience
        while time.monotonic() < give_up:
            with self._db.read() as connection:
                waiting = uploads.oldest(connection, client.source)
            if waiting is None:
                if self._db.write(lambda tx: self._go_on(tx, client.source)):
                    return True
                continue
            operations = [Operation(**one) for one in waiting.operations]
            done = waiting.seq
            try:
                self._carry_out(_leniently(client), waiting.cycle, operations, done=done)
            except _TakenElsewhere:
                continue
        return False

    def _go_on(self, tx: Connection, source: str) -> bool:
        """False when another upload came to wait meanwhile."""
        if uploads.waiting(tx, source):
            return False
        uploads.pause(tx, source, paused=False)
        return True

    def _kept(self, source: str, cycle: str, operations: Sequence[Operation]) -> bool:
        with self._db.read() as connection:
            if not uploads.job(connection, source).paused:
                return False

        def keep(tx: Connection) -> bool:
            if not uploads.job(tx, source).paused:
                return False
            if uploads.waiting(tx, source) >= self._most:
                raise Full
            listed = [{"bulk_id": one.bulk_id, "data": one.data} for one in operations]
            uploads.wait(tx, source, cycle, listed, self._now())
            return True

        return self._db.write(keep)

    def _carry_out(
        self,
        client: Client,
        cycle: str,
        operations: Sequence[Operation],
        *,
        rehearse: bool = False,
        explain: bool = True,
        done: int | None = None,
    ) -> tuple[Sequence[Verdict], Sequence[Mapping[str, Any] | None]]:
        works = [self._work(client, one) for one in operations]
        noted: list[Mapping[str, Any] | None] = []

        def after(tx: Connection, verdicts: Sequence[Verdict]) -> None:
            if done is not None and not uploads.done(tx, done):
                raise _TakenElsewhere
            if explain:
                noted[:] = [_noted(tx, one) for one in verdicts]
            if not rehearse:
                self._note(tx, client.source, cycle, operations, verdicts)

        return carry_out(self._service, works, after, rehearse=rehearse), noted

    def _work(self, client: Client, one: Operation) -> Work | ScimError:
        try:
            record = self._record(client, one.data)
            if numbering.is_numbered_apart(record.said):
                return self._numbered(client, one.data, record)
            return storing(self._service, client, record)
        except ScimError as error:
            return error

    def _record(self, client: Client, data: Mapping[str, Any]) -> Record:
        return Record(self._kind, client.profile, data, clear=client.source in self._clearing)

    def _numbered(self, client: Client, data: Mapping[str, Any], record: Record) -> Work:
        """The work of storing a record under its externalId, or, where the person is known by
        another number, as it is. Who is known may have come with this very upload."""
        key = record.key
        numbered = self._record(client, numbering.by_external_id(data, key))
        choices = {False: numbered, True: record}

        def is_known(connection: Connection) -> bool:
            held = resources.by_key(connection, client.source, self._kind.name, "externalId", key)
            return held is not None and numbering.is_known_otherwise(held.document)

        with self._db.moment() as connection:
            expected = is_known(connection)
        ahead = storing(self._service, client, choices[expected])

        def work(tx: Connection) -> Written:
            known = is_known(tx)
            if known is expected:
                return ahead(tx)
            return storing(self._service, client, choices[known])(tx)

        return work

    def _note(
        self,
        tx: Connection,
        source: str,
        cycle: str,
        operations: Sequence[Operation],
        verdicts: Sequence[Verdict],
    ) -> None:
        """One entry for the upload: what changed somebody has an entry of its own, intake's."""
        now, listed, refused = self._now(), [], []
        for number, (said, one) in enumerate(zip(operations, verdicts, strict=True)):
            entry: dict[str, Any] = {"result": one.result}
            if one.written is not None:
                entry["resource"] = one.written.resource.id
                entry["receipt"] = one.written.receipt
            if one.error is not None:
                entry |= {"status": one.error.status, "type": one.error.scim_type}
                key = _key(said.data)
                refused.append({"number": number, "externalId": key, "why": one.error.detail})
            listed.append(entry)
        journal.append(
            tx,
            kind="upload",
            ref=cycle,
            body={"source": source, "operations": listed},
            values={"refused": refused} if refused else None,
            now=now,
            business_now=self._business.now(),
        )
        last = principal.execution(cycle, iso(now), len(listed), len(refused))
        uploads.note(tx, source, last)


class _TakenElsewhere(Exception):
    """Another process has taken this upload in meanwhile."""


def _leniently(client: Client) -> Client:
    """bulkUpload is read as from an HR system, whatever the source's SCIM client is like."""
    return Client(client.source, HR)


def _noted(tx: Connection, verdict: Verdict) -> Mapping[str, Any] | None:
    receipt = verdict.written.receipt if verdict.written is not None else None
    found = journal.entries(tx, ref=receipt, kind="intake", limit=1) if receipt else []
    return found[0].body if found else None


def _key(data: Mapping[str, Any]) -> str | None:
    """The externalId of a record that could not be stored, if it has one."""
    found = next((value for name, value in data.items() if name.lower() == "externalid"), None)
    return str(found)[:200] if isinstance(found, str | int) and str(found).strip() else None

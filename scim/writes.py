"""Carries out a write of one resource, and says what the client gets for it."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from scim import messages
from scim.documents import location
from scim.listing import shown_text
from scim.messages import Reply
from scim.projection import Projection
from scim.schema import ResourceType
from scim.service import Client, Service, Work, Written
from store import members
from store.resources import Resource

RECEIPT = "Muster-Receipt"
"""Header of an accepted write: the id by which to ask what came of it."""
SHOWN_MEMBERS = 1000
"""PATCH of a group with more members than this is answered 204 unless `attributes` says."""


class Writes:
    """`base` is the public address of /scim/v2."""

    def __init__(self, service: Service, base: str) -> None:
        self._service = service
        self._base = base

    def created(self, kind: ResourceType, work: Work, shown: Projection) -> Reply:
        """The answer to a POST. Raises what `work` raises."""
        written, rows = self._done(kind, work, shown)
        return self._written(201, kind, written, shown, rows or "")

    def changed(
        self, kind: ResourceType, work: Work, shown: Projection, patched_by: Client | None
    ) -> Reply:
        """The answer to a PUT or PATCH: 204 where a PATCH, of `patched_by`, is to have no more.
        Raises what `work` raises."""
        written, rows = self._done(kind, work, shown, None if shown.wanted else patched_by)
        if rows is None:
            where = location(kind, written.resource, self._base)
            headers = {"ETag": messages.etag(written.resource), "Location": where}
            return _with_receipt(Reply(204, None, headers), written)
        return self._written(200, kind, written, shown, rows)

    def deleted(self, work: Work) -> Reply:
        """The answer to a DELETE. Raises what `work` raises."""
        return _with_receipt(Reply(204, None, {}), self._service.write(work))

    def _done(
        self, kind: ResourceType, work: Work, shown: Projection, brief_to: Client | None = None
    ) -> tuple[Written, str | None]:
        """Carry out a write, and read in the same transaction what goes with the answer:
        None where the answer is to have no body."""
        wants_rows = shown.wants_rows(kind)

        def whole(tx: Connection) -> tuple[Written, str | None]:
            written = work(tx)
            found = written.resource
            if brief_to is not None and kind.members is not None:
                silent = brief_to.profile.silent_groups
                if silent or members.more_than(tx, found.seq, SHOWN_MEMBERS):
                    return written, None
            return written, self._service.groups.text(tx, kind, found) if wants_rows else ""

        return self._service.write(whole)

    def _written(
        self, status: int, kind: ResourceType, written: Written, shown: Projection, rows: str
    ) -> Reply:
        shown = replace(shown, named=written.named) if written.named else shown
        return _with_receipt(
            resource(status, kind, written.resource, self._base, shown, rows), written
        )


def resource(
    status: int, kind: ResourceType, found: Resource, base: str, shown: Projection, rows: str
) -> Reply:
    """A resource as the whole answer; `rows` is the text of its members or groups."""
    headers = messages.place(found, location(kind, found, base))
    return Reply(status, shown_text(kind, found, base, shown, rows), headers)


def _with_receipt(reply: Reply, written: Written) -> Reply:
    if not written.receipt:
        return reply
    return replace(reply, headers={**reply.headers, RECEIPT: written.receipt})

"""Several writes in one durable commit, each standing or falling for itself.

Bulk (RFC 7644 section 3.7) has references between its operations and is in `bulk.py`;
here they come one after the other, as the doors beside SCIM take them in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from scim.errors import ScimError
from scim.service import Service, Work, Written
from store.statement import savepoint


@dataclass(frozen=True)
class Verdict:
    """What became of one write: `written`, or the `error` that refused it."""

    written: Written | None = None
    error: ScimError | None = None

    @property
    def result(self) -> str:
        """created, changed, unchanged, stale or refused."""
        return self.written.result if self.written is not None else "refused"

    @property
    def status(self) -> int:
        """As HTTP would answer the write."""
        if self.error is not None:
            return self.error.status
        return 201 if self.result == "created" else 200


class _Undo(Exception):
    """Ends a rehearsal."""

    def __init__(self, verdicts: list[Verdict]) -> None:
        self.verdicts = verdicts


def carry_out(
    service: Service,
    works: Sequence[Work | ScimError],
    after: Callable[[Connection, Sequence[Verdict]], None],
    *,
    rehearse: bool = False,
) -> list[Verdict]:
    """Do `works` in their order in one transaction, and `after` at its end.

    A work that is an error already is refused with it. With `rehearse` everything is undone
    when `after` has seen it. Raises sqlalchemy.exc.OperationalError when the database is
    busy: then nothing was done.
    """

    def work(tx: Connection) -> list[Verdict]:
        verdicts = [_one(tx, one) for one in works]
        after(tx, verdicts)
        if rehearse:
            raise _Undo(verdicts)
        return verdicts

    try:
        return service.write(work)
    except _Undo as undone:
        return undone.verdicts


def _one(tx: Connection, work: Work | ScimError) -> Verdict:
    if isinstance(work, ScimError):
        return Verdict(error=work)
    try:
        with savepoint(tx):
            return Verdict(work(tx))
    except ScimError as error:
        return Verdict(error=error)
    except IntegrityError:
        taken = ScimError(409, "A value that has to be unique is taken.", "uniqueness")
        return Verdict(error=taken)

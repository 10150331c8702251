"""What is owed to an account even if the cause has passed (state.md 2): ended sessions.

Somebody dismissed and taken back before anyone looked has still to be signed out
everywhere. Owed from the moment it is known until a disable was applied, which in Entra
ends all sessions; a lost answer in between leaves it owed.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, insert, select, update

from settings import Settings
from store.tables import obligation

END_SESSIONS = "end_sessions"


def with_sessions(settings: Settings) -> list[str]:
    """The targets whose accounts have sessions that outlive a disable."""
    return [name for name, target in settings.targets.items() if target.kind == "entra_id"]


def owe(tx: Connection, person: str, targets: Iterable[str], business_now: float) -> None:
    """From now on the person's sessions in these targets have to be ended."""
    for target in targets:
        again = tx.execute(
            update(obligation)
            .where(*_whose(person, target))
            .values(since_business=business_now, done=None)
        )
        if not again.rowcount:
            tx.execute(
                insert(obligation).values(
                    person=person, target=target, kind=END_SESSIONS, since_business=business_now
                )
            )


def owed(connection: Connection, person: str, target: str) -> bool:
    """Whether sessions in this target are still to be ended."""
    found = connection.execute(
        select(obligation.c.kind).where(*_whose(person, target), obligation.c.done.is_(None))
    )
    return found.first() is not None


def done(tx: Connection, person: str, target: str, now: float) -> None:
    """They were ended, or there is nothing to end (a new account)."""
    tx.execute(
        update(obligation)
        .where(*_whose(person, target), obligation.c.done.is_(None))
        .values(done=now)
    )


def _whose(person: str, target: str) -> tuple[ColumnElement[bool], ...]:
    return (
        obligation.c.person == person,
        obligation.c.target == target,
        obligation.c.kind == END_SESSIONS,
    )

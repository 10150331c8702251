"""What is owed to an account even if the cause has passed (state.md 2): ended sessions.

Somebody dismissed and taken back before anyone looked has still to be signed out
everywhere. Owed from the moment it is known until a disable was applied, which in Entra
ends all sessions; a lost answer in between leaves it owed.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, and_, bindparam, insert, update

from settings import Settings
from store.statement import Statement
from store.tables import obligation

END_SESSIONS = "end_sessions"


def with_sessions(settings: Settings) -> list[str]:
    """The targets whose accounts have sessions that outlive a disable."""
    return [name for name, target in settings.targets.items() if target.kind == "entra_id"]


_whose = and_(
    obligation.c.person == bindparam("the_person"),
    obligation.c.target == bindparam("the_target"),
    obligation.c.kind == END_SESSIONS,
)
_AGAIN = update(obligation).where(_whose).values(since_business=bindparam("since"), done=None)
_OWE = insert(obligation)
_DONE = Statement(
    update(obligation).where(_whose, obligation.c.done.is_(None)).values(done=bindparam("at"))
)


def owe(tx: Connection, person: str, targets: Iterable[str], business_now: float) -> None:
    """From now on the person's sessions in these targets have to be ended."""
    for target in targets:
        ours = {"the_person": person, "the_target": target, "since": business_now}
        if not tx.execute(_AGAIN, ours).rowcount:
            row = {"person": person, "target": target, "kind": END_SESSIONS}
            tx.execute(_OWE, {**row, "since_business": business_now})


def done(tx: Connection, person: str, target: str, now: float) -> None:
    """They were ended, or there is nothing to end (a new account)."""
    _DONE.count(tx, the_person=person, the_target=target, at=now)

"""Who may be given an account with somebody else's key at this very moment.

Sources whose numbers are not shared may use the same one for two people (P1). Whoever is
looked at second finds the account of the first, and is held; so that there is a first, nobody
is given one while the other is being looked at. Each of them is leased before asking here, so
at least one sees the other; and what a target said before asking counts for nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import bindparam, case, exists, func, select

from provisioning.people import KINDS, NUMBER, SHARED
from store.database import Database
from store.statement import Statement
from store.tables import account, pair, person_key

WHY = "somebody else with the same number is being looked at"
PAUSE = 1.0
"""Seconds until the next attempt, at least."""

_mine, _theirs = person_key.alias("mine"), person_key.alias("theirs")
_of_target = pair.c.target == bindparam("the_target")
_has_account = exists().where(
    account.c.person == _mine.c.person,
    account.c.target == bindparam("the_target"),
    account.c.gone_at.is_(None),
)
_busy = case((pair.c.lease_until > bindparam("now"), 1), else_=0)
# The kinds and scopes are given so that the primary key of person_key finds the values.
_RIVALS = Statement(
    select(_mine.c.person, func.max(_busy))
    .select_from(
        _mine.join(
            _theirs,
            (_theirs.c.scope.in_(bindparam("scopes", expanding=True)))
            & (_theirs.c.kind.in_(bindparam("kinds", expanding=True)))
            & (_theirs.c.value == _mine.c.value)
            & (_theirs.c.person != _mine.c.person),
        ).join(pair, (pair.c.person == _theirs.c.person) & _of_target)
    )
    .where(_mine.c.person.in_(bindparam("whom", expanding=True)), ~_has_account)
    .group_by(_mine.c.person)
)


def contested(
    database: Database, target: str, whom: Collection[str], sources: Collection[str], now: float
) -> dict[str, bool]:
    """Those of `whom` without an account in the target a number of whom is somebody else's too,
    who may have one; and whether one of these is being looked at there. `now` is machine time."""
    if not whom:
        return {}
    with database.moment() as connection:
        rows = _RIVALS.all(
            connection,
            the_target=target,
            whom=list(whom),
            scopes=[*sources, SHARED],
            kinds=[*KINDS, NUMBER],
            now=now,
        )
    return {person: bool(busy) for person, busy in rows}

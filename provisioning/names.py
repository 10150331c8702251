"""Names that must be unique, reserved per person before any target sees them (P3, P4).

A reservation is a row in `name`; its primary key (kind, folded) is what makes two
workers, or two processes, unable to give the same name twice. A row without a person
is *burnt*: some account that is not ours holds it in a target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, String, and_, bindparam, delete, insert, null, select, update
from sqlalchemy.exc import IntegrityError

from adapters.target import folded
from store.database import Database
from store.statement import Statement
from store.tables import name as table

ACCOUNT_NAME = "accountName"
MAIL = "mail"
MAX_ACCOUNT_NAME = 20
"""Characters of a user's sAMAccountName that SAM takes (MS-SAMR 2.2.3.2)."""
_MOST = 9999


class NoNameLeft(Exception):
    """Every candidate is taken; `kind` says of what."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def cn_kind(target: str) -> str:
    """CNs are reserved per target: two people of one name get two CNs wherever they move."""
    return f"cn:{target}"


def chosen_kind(attribute: str, target: str) -> str:
    """Values that a mapping chooses (`SelectUniqueValue`) are unique in their target."""
    return f"{attribute}:{target}"


def numbered(bases: Iterable[str], limit: int = MAX_ACCOUNT_NAME) -> Iterator[str]:
    """Each base as it is, then the first one with 2, 3, 4 ... always within `limit`."""
    usable = list(dict.fromkeys(b for base in bases if (b := base[:limit].rstrip(".-_ "))))
    yield from usable
    if usable:
        for number in range(2, _MOST):
            digits = str(number)
            yield usable[0][: limit - len(digits)].rstrip(".-_ ") + digits


def reserve(
    database: Database,
    person: str,
    kind: str,
    candidates: Iterable[str],
    foreign: Callable[[str], bool],
    now: float,
    *,
    keep: bool = True,
    once: bool = False,
) -> str:
    """The first candidate nobody has, now reserved for `person` and in use.

    `foreign` asks the targets, outside any transaction, whether somebody else's
    account holds a name; such a name is burnt. What is held for somebody gone until
    business time `now` or earlier is free. With `once` the name in use, if there
    is one, is the answer: another target's look may have reserved it, and even made an
    account of it, while we were asking. With `keep=False` (a dry run) nothing is
    written. Raises :class:`NoNameLeft`.
    """
    for candidate in candidates:
        with database.moment() as connection:
            given = _in_use(connection, person, kind) if once else None
            row = _row(connection, kind, candidate, now)
        if given is not None:
            return given
        if row is not None and row.person == person:
            if keep and not (row.current and row.value == candidate):
                database.write(partial(_use, person=person, kind=kind, value=candidate))
            return candidate
        if row is not None:
            continue
        is_foreign = foreign(candidate)
        if not keep:
            if is_foreign:
                continue
            return candidate
        settle = _burn_unless_given if is_foreign else _take
        settled = database.write(
            partial(settle, person=person, kind=kind, value=candidate, once=once, now=now)
        )
        if settled is not None:
            return settled
    raise NoNameLeft(kind)


def reserve_together(
    database: Database, wanted: Mapping[str, Mapping[str, Sequence[str]]], now: float
) -> dict[str, dict[str, str]]:
    """Person -> kind -> name, now reserved, in one transaction: of each kind the first free
    candidate, which no target holds. Who was given another account name meanwhile gets that,
    and nothing that may depend on it; a kind that is missing was too late."""

    def one(tx: Connection, person: str, kinds: Mapping[str, Sequence[str]]) -> dict[str, str]:
        found: dict[str, str] = {}
        for kind, candidates in kinds.items():
            once = kind == ACCOUNT_NAME
            taken = (_take(tx, person, kind, value, once=once, now=now) for value in candidates)
            given = next((value for value in taken if value is not None), None)
            if given is not None:
                found[kind] = given
            if once and given not in candidates:
                break
        return found

    def work(tx: Connection) -> dict[str, dict[str, str]]:
        return {person: one(tx, person, kinds) for person, kinds in wanted.items()}

    try:
        return database.write(work) if wanted else {}
    except IntegrityError:  # somebody took one of them at this very moment
        return {}


def is_taken(connection: Connection, person: str, now: float, kind: str, value: str) -> bool:
    """Whether the name is somebody else's, or nobody's to have, at business time `now`."""
    row = _row(connection, kind, value, now)
    return row is not None and row.person != person


def hold(tx: Connection, person: str, until: float) -> None:
    """The person has no account any more: nobody gets the names before business time `until`."""
    _HOLD.count(tx, the_person=person, until=until)


def keep(tx: Connection, person: str) -> None:
    """The person has an account: the names are theirs as long as that is so."""
    _KEEP.count(tx, the_person=person)


def burn(tx: Connection, kind: str, value: str) -> None:
    """A target says that this name is somebody else's: nobody of ours gets it."""
    _DROP.count(tx, **_key(kind, value))
    _insert(tx, None, kind, value)


def _take(tx: Connection, person: str, kind: str, value: str, once: bool, now: float) -> str | None:
    """`value`, now this person's, or what they have meanwhile; None when it is taken."""
    given, is_free = _given_meanwhile(tx, person, kind, value, once, now)
    if given is not None or not is_free:
        return given
    _NOT_IN_USE.count(tx, the_person=person, the_kind=kind)
    _DROP.count(tx, **_key(kind, value))  # somebody's who is gone for long enough
    _insert(tx, person, kind, value)
    return value


def _burn_unless_given(
    tx: Connection, person: str, kind: str, value: str, once: bool, now: float
) -> str | None:
    """Burns `value`, unless its foreign holder is this person after all: another target's
    look has reserved it meanwhile and made the account that was found."""
    given, is_free = _given_meanwhile(tx, person, kind, value, once, now)
    if given is None and is_free:
        burn(tx, kind, value)
    return given


def _given_meanwhile(
    tx: Connection, person: str, kind: str, value: str, once: bool, now: float
) -> tuple[str | None, bool]:
    """What another target's look has reserved for this person since we began, and whether
    `value` is nobody's."""
    given = _in_use(tx, person, kind) if once else None
    row = _row(tx, kind, value, now)
    if given is None and row is not None and row.person == person:
        _use(tx, person, kind, value)
        return value, False
    return given, row is None


_person: Any = bindparam("the_person", type_=String)
_kind: Any = bindparam("the_kind")
_of_key = and_(table.c.kind == _kind, table.c.folded == bindparam("the_folded"))
_mine = and_(table.c.person == _person, table.c.kind == _kind)
_HOLD = Statement(
    update(table).where(table.c.person == _person).values(held_until=bindparam("until"))
)
_KEEP = Statement(
    update(table)
    .where(table.c.person == _person, table.c.held_until.is_not(None))
    .values(held_until=null())
)
_DROP = Statement(delete(table).where(_of_key))
_IN_USE = Statement(select(table.c.value).where(_mine, table.c.current))
_NOT_IN_USE = Statement(update(table).where(_mine).values(current=False))
_USE = Statement(
    update(table).where(_mine, _of_key).values(current=True, value=bindparam("the_value"))
)
_NEW = ("kind", "folded", "value", "person", "current")
_INSERT = Statement(insert(table).values({name: bindparam(name) for name in _NEW}))
_ROW = Statement(
    select(table.c.person, table.c.current, table.c.value, table.c.held_until).where(_of_key)
)


def _key(kind: str, value: str) -> dict[str, Any]:
    return {"the_kind": kind, "the_folded": folded(value)}


def _in_use(connection: Connection, person: str, kind: str) -> str | None:
    found: str | None = _IN_USE.value(connection, the_person=person, the_kind=kind)
    return found


def _use(tx: Connection, person: str, kind: str, value: str) -> None:
    """Make `value` the name in use; an earlier one stays reserved for this person."""
    _NOT_IN_USE.count(tx, the_person=person, the_kind=kind)
    _USE.count(tx, the_person=person, the_value=value, **_key(kind, value))


def _insert(tx: Connection, person: str | None, kind: str, value: str) -> None:
    _INSERT.count(
        tx,
        kind=kind,
        folded=folded(value),
        value=value,
        person=person,
        current=person is not None,
    )


def _row(connection: Connection, kind: str, value: str, now: float) -> Any:
    """Whose the name is; None when it is free."""
    row = _ROW.row(connection, **_key(kind, value))
    over = row is not None and row.held_until is not None and row.held_until <= now
    return None if over else row

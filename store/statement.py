"""Statements of the hot path: SQLAlchemy Core, compiled once, run on the driver itself.

Core spends several times what SQLite needs for a look-up on building, caching and wrapping.
A `Statement` keeps the compiled text; the driver keeps it prepared. Errors come out as
SQLAlchemy's, without parameters, so that callers need not know the difference.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement, visitors
from sqlalchemy.sql.elements import BindParameter

Row = tuple[Any, ...]
_CAREFULLY = "muster.carefully"


class _Compiled(NamedTuple):
    text: str
    bind: Callable[[Mapping[str, Any]], Any]


def _binder(
    names: tuple[str, ...] | None,
    fixed: Mapping[str, Any],
    processors: Mapping[str, Callable[[Any], Any]],
) -> Callable[[Mapping[str, Any]], Any]:
    """What makes the driver's parameters of values by name. `names` is the order of positional
    ones, `fixed` is what the statement itself gives."""

    def whole(values: Mapping[str, Any]) -> dict[str, Any]:
        filled = {**fixed, **values}
        for name, process in processors.items():
            if name in values:
                filled[name] = process(values[name])
        return filled

    if names is None:
        return whole
    if not names:
        return lambda values: ()
    if len(names) == 1:
        (only,) = names
        return lambda values: (whole(values)[only],)
    ordered = itemgetter(*names)
    if fixed or processors:
        return lambda values: ordered(whole(values))
    return ordered


class Halfway(BaseException):
    """A part of a transaction failed when it had changed something already: the whole is to be
    undone and done again, `carefully`. Not an Exception, so that nobody on the way takes it for
    the part's own error."""


def carefully(conn: Connection, yes: bool) -> None:
    """Whether every part of the transaction on this connection has a savepoint of its own."""
    conn.info[_CAREFULLY] = yes


@contextmanager
def savepoint(conn: Connection) -> Iterator[None]:
    """What is done inside is undone when it raises; what was done before stays. May be
    nested. Raises SQLAlchemy's error when the transaction itself is gone.

    On SQLite a part is begun without a savepoint, for which a copy would be made of every page
    that it changes: nearly all parts succeed, and who is refused is so before anything was
    changed. The one that is not raises `Halfway`, unless the transaction goes `carefully`.
    """
    raw, dialect = _driver(conn)
    if dialect.name == "sqlite" and not conn.info.get(_CAREFULLY, False):
        before = raw.total_changes
        try:
            yield
        except Exception as error:
            if not raw.in_transaction:
                say(conn, "RELEASE SAVEPOINT part")  # SQLite's own word that there is none
            if raw.total_changes != before:
                raise Halfway from error
            raise
        return
    say(conn, "SAVEPOINT part")
    try:
        yield
    except BaseException:
        say(conn, "ROLLBACK TO SAVEPOINT part")
        say(conn, "RELEASE SAVEPOINT part")
        raise
    say(conn, "RELEASE SAVEPOINT part")


def say(conn: Connection, text: str) -> None:
    """Run a text without parameters and without an answer."""
    raw, dialect = _driver(conn)
    try:
        raw.execute(text)
    except dialect.loaded_dbapi.Error as error:
        raise _wrapped(text, error, dialect) from error


class Statement:
    """A Core statement whose variable parts are `bindparam`s; lists are for expanding ones."""

    def __init__(self, core: ClauseElement) -> None:
        self._core = core
        self._takes_lists = any(
            isinstance(one, BindParameter) and one.expanding for one in visitors.iterate(core)
        )
        self._compiled: dict[tuple[str, tuple[tuple[str, int], ...]], _Compiled] = {}

    @cached_property
    def _row(self) -> Callable[[Iterable[Any]], Any]:
        core: Any = self._core
        named: Any = namedtuple
        make: Callable[[Iterable[Any]], Any] = named("Row", core.exported_columns.keys())._make
        return make

    def rows(self, conn: Connection, /, **values: Any) -> list[Any]:
        """Every row, whose columns have their names."""
        return list(map(self._row, self._run(conn, values).fetchall()))

    def row(self, conn: Connection, /, **values: Any) -> Any:
        """The first row, whose columns have their names, or None."""
        found = self._run(conn, values).fetchone()
        return None if found is None else self._row(found)

    def all(self, conn: Connection, /, **values: Any) -> list[Row]:
        """Every row."""
        return list(self._run(conn, values).fetchall())

    def first(self, conn: Connection, /, **values: Any) -> Row | None:
        """The first row, or None."""
        found = self._run(conn, values).fetchone()
        return tuple(found) if found is not None else None

    def value(self, conn: Connection, /, **values: Any) -> Any:
        """The first column of the first row, or None."""
        found = self._run(conn, values).fetchone()
        return found[0] if found is not None else None

    def count(self, conn: Connection, /, **values: Any) -> int:
        """Run it; how many rows it changed."""
        return int(self._run(conn, values).rowcount)

    def many(self, conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it once for each of `rows`."""
        raw, dialect = _driver(conn)
        compiled = self._for(dialect)
        try:
            raw.cursor().executemany(compiled.text, [compiled.bind(row) for row in rows])
        except dialect.loaded_dbapi.Error as error:
            raise _wrapped(compiled.text, error, dialect) from error

    def _run(self, conn: Connection, values: dict[str, Any]) -> Any:
        raw, dialect = _driver(conn)
        lengths: tuple[tuple[str, int], ...] = ()
        if self._takes_lists:
            for name, value in tuple(values.items()):
                if value.__class__ is list:
                    listed = _padded(values.pop(name))
                    lengths += ((name, len(listed)),)
                    values.update((f"{name}_{n}", one) for n, one in enumerate(listed, 1))
        compiled = self._for(dialect, lengths)
        try:
            return raw.execute(compiled.text, compiled.bind(values))
        except dialect.loaded_dbapi.Error as error:
            raise _wrapped(compiled.text, error, dialect) from error

    def _for(self, dialect: Dialect, lengths: tuple[tuple[str, int], ...] = ()) -> _Compiled:
        found = self._compiled.get((dialect.name, lengths))
        if found is None:
            core: Any = self._core
            asked: set[str] = set()
            if lengths:  # SQLAlchemy spells out a list only where every value is given
                asked = {
                    one.key
                    for one in visitors.iterate(core)
                    if isinstance(one, BindParameter) and one.required
                }
                lists = {name: [None] * length for name, length in lengths}
                core = core.params(dict.fromkeys(asked) | lists)
            made: Any = core.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
            names = tuple(made.positiontup) if made.positional else None
            fixed = {
                name: bind.effective_value
                for bind, name in made.bind_names.items()
                if not (bind.required or bind.expanding or bind.key in asked)
            }
            bind = _binder(names, fixed, dict(made._bind_processors))
            found = _Compiled(str(made), bind)
            self._compiled[dialect.name, lengths] = found
        return found


def _padded(listed: list[Any]) -> list[Any]:
    """Made longer with its last item, so that few lengths are compiled."""
    length = 1
    while length < len(listed):
        length *= 2
    return listed + listed[-1:] * (length - len(listed)) if listed else listed


def _driver(conn: Connection) -> tuple[Any, Dialect]:
    return conn.connection.dbapi_connection, conn.dialect


def _wrapped(text: str, error: Any, dialect: Any) -> BaseException:
    wrapped: BaseException = DBAPIError.instance(
        text,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        dialect=dialect,
    )
    return wrapped

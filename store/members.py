"""Who is in which SCIM group: one row per membership, so that a group of ten thousand is
changed one member at a time. What follows through nested groups is computed, not stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, literal, select, text, update

from store.resources import COLUMNS, LIVE, Resource, from_row, types_of
from store.statement import Statement
from store.tables import member, resource

MAX_DEPTH = 32
"""Groups in groups are followed this deep."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member: SCIM id, resource type (None: there is no such resource), display name."""

    id: str
    kind: str | None = None
    display: str | None = None


_group = member.c.group
_other = member.alias("other")
_OF = Statement(
    select(member.c.member, member.c.kind, member.c.display)
    .where(_group == bindparam("the_group"))
    .order_by(member.c.place, member.c.member)
)
_FEW = Statement(
    select(member.c.member).where(_group == bindparam("the_group")).limit(bindparam("the_limit"))
)
_SOME = select(member.c.member).where(
    _group == bindparam("the_group"), member.c.member.in_(bindparam("ids", expanding=True))
)
_ADD = Statement(
    insert(member).values(
        {name: bindparam(name) for name in ("group", "member", "place", "kind", "display")}
    )
)
_REMOVE = Statement(
    delete(member).where(_group == bindparam("the_group"), member.c.member == bindparam("id"))
)
_REMOVE_ALL = Statement(delete(member).where(_group == bindparam("the_group")))
_LEAVE = Statement(delete(member).where(member.c.member == bindparam("the_member")))
# Who is in a group already cannot come in a second time.
_HAND_OVER = Statement(
    update(member)
    .where(
        member.c.member == bindparam("the_member"),
        _group.not_in(select(_other.c.group).where(_other.c.member == bindparam("the_heir"))),
    )
    .values(member=bindparam("the_heir"))
)
_APPEAR = Statement(
    update(member)
    .where(member.c.member == bindparam("the_member"), member.c.kind.is_(None))
    .values(kind=bindparam("the_kind"))
)
_DIRECT = Statement(
    select(*COLUMNS)
    .join(member, _group == resource.c.seq)
    .where(member.c.member == bindparam("the_member"), LIVE)
    .order_by(resource.c.seq)
)
# UNION, not UNION ALL: circles end because a group is followed once per depth.
_ABOVE = Statement(
    text(
        f"""
        WITH RECURSIVE up (seq, depth) AS (
            SELECT "group", 1 FROM member WHERE member = :the_member
            UNION
            SELECT m."group", up.depth + 1 FROM up
            JOIN resource r ON r.seq = up.seq JOIN member m ON m.member = r.id
            WHERE up.depth < {MAX_DEPTH})
        SELECT r.id, r.document, MIN(up.depth) FROM up JOIN resource r ON r.seq = up.seq
        WHERE r.deleted IS NULL
        GROUP BY r.id, r.document, r.seq ORDER BY MIN(up.depth), r.seq"""
    )
)
_BELOW = f"""
    WITH RECURSIVE down (seq, depth) AS (
        SELECT seq, 1 FROM resource WHERE id = :the_group AND deleted IS NULL
        UNION
        SELECT r.seq, down.depth + 1 FROM down
        JOIN member m ON m."group" = down.seq JOIN resource r ON r.id = m.member
        WHERE r.deleted IS NULL AND m.kind = 'Group' AND down.depth < {MAX_DEPTH})
    SELECT seq FROM down"""


def of(conn: Connection, group: int) -> list[Member]:
    """The direct members of the group of that seq, in the order in which they came."""
    return [Member(*row) for row in _OF.all(conn, the_group=group)]


def present(conn: Connection, group: int, ids: Sequence[str]) -> set[str]:
    """Those of `ids` that are direct members."""
    found: set[str] = set()
    for start in range(0, len(ids), 500):
        piece = list(ids[start : start + 500])
        found.update(conn.execute(_SOME, {"the_group": group, "ids": piece}).scalars())
    return found


def more_than(conn: Connection, group: int, number: int) -> bool:
    """Whether the group has more direct members than that."""
    return len(_FEW.all(conn, the_group=group, the_limit=number + 1)) > number


def add(conn: Connection, group: int, new: Sequence[Member], place: int) -> None:
    """Make them members, none of whom is one yet. `place` grows from call to call."""
    rows: list[dict[str, Any]] = [
        {
            "group": group,
            "member": one.id,
            "place": place + position,
            "kind": one.kind,
            "display": one.display,
        }
        for position, one in enumerate(new)
    ]
    if rows:
        _ADD.many(conn, rows)


def remove(conn: Connection, group: int, ids: Iterable[str]) -> None:
    """Take them out of the group."""
    rows = [{"the_group": group, "id": id} for id in ids]
    if rows:
        _REMOVE.many(conn, rows)


def disband(conn: Connection, group: int) -> None:
    """Take everybody out of the group."""
    _REMOVE_ALL.count(conn, the_group=group)


def leave(conn: Connection, id: str) -> None:
    """Take a resource that is going out of all groups."""
    _LEAVE.count(conn, the_member=id)


def hand_over(conn: Connection, id: str, heir: str) -> None:
    """Another resource is in its groups in place of this one."""
    _HAND_OVER.count(conn, the_member=id, the_heir=heir)


def appear(conn: Connection, id: str, kind: str) -> None:
    """A resource that groups named before it was there has come."""
    _APPEAR.count(conn, the_member=id, the_kind=kind)


def groups_with(conn: Connection, id: str) -> list[Resource]:
    """The groups that have that resource as a direct member."""
    return [from_row(row) for row in _DIRECT.all(conn, the_member=id)]


def groups_of(conn: Connection, id: str) -> list[tuple[str, str, bool]]:
    """Every group that a resource is in: id, document, and whether it is in it directly.

    Direct ones first; a circle of groups does no harm.
    """
    rows = _ABOVE.all(conn, the_member=id)
    return [(row[0], row[1], row[2] == 1) for row in rows if row[0] != id]


def everyone_in(group_id: str) -> Any:
    """A condition on `resource`: in that group, directly or through groups in it."""
    below = text(_BELOW).bindparams(the_group=group_id).columns(resource.c.seq).subquery()
    within = select(member.c.member).join(below, below.c.seq == _group)
    return resource.c.id.in_(within)


def below(conn: Connection, source: str, ids: Sequence[str], kind: str) -> list[str]:
    """The live resources of that type among `ids`, or in the groups among them, however deep."""
    types = types_of(conn, source, ids)
    found = dict.fromkeys(id for id, type in types.items() if type == kind)
    live = select(resource.c.id).where(LIVE, resource.c.source == source, resource.c.type == kind)
    for id in (id for id, type in types.items() if type != kind):
        found.update(dict.fromkeys(conn.execute(live.where(everyone_in(id))).scalars()))
    return list(found)


def in_group(value: str) -> Any:
    """A condition on `resource`: a group that has the resource of that id as direct member."""
    return resource.c.seq.in_(select(_group).where(member.c.member == literal(value)))

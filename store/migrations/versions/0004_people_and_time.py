"""People from several records, dated facts, leavers' steps, links and drift."""

from __future__ import annotations

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BLOCK = (
    "active",
    "status",
    "hireDate",
    "contractEndDate",
    "terminationDate",
    "lastDayOfWork",
    "involuntary",
    "onLeave",
    "hireRescinded",
)
_COLUMNS = {
    "resource": [
        sa.Column(
            "ahead", sa.Text(), comment="dated changes of the facts: JSON list of [instant, facts]"
        ),
    ],
    "person": [
        sa.Column(
            "episodes", sa.Text(), server_default="[]", nullable=False, comment="employments, JSON"
        ),
        sa.Column(
            "changes_at", sa.Double(), comment="business time at which the records say otherwise"
        ),
        sa.Column(
            "cases", sa.Text(), server_default="{}", nullable=False, comment="record -> doubt, JSON"
        ),
        sa.Column("withdrawn_at", sa.Double(), comment="business time of the last source's DELETE"),
    ],
    "pair": [
        sa.Column(
            "failing_since",
            sa.Double(),
            comment="machine time of the first failed attempt in a row",
        ),
        sa.Column(
            "given_up", sa.Double(), comment="machine time; nobody tries any more until asked"
        ),
        sa.Column(
            "parked", sa.Text(), comment="an operator's word that keeps it from being looked at"
        ),
        sa.Column(
            "outside_since", sa.Double(), comment="business time since when out of the scope"
        ),
        sa.Column(
            "looked_business", sa.Double(), comment="business time of the last finished look"
        ),
        sa.Column(
            "drift",
            sa.Text(),
            comment="attributes changed by others, at the last look: JSON object",
        ),
    ],
    "account": [
        sa.Column(
            "matched", sa.String(), comment="how it was linked: created, restored, or by which key"
        ),
        sa.Column("linked_at", sa.Double(), comment="machine time"),
        sa.Column("linked_by", sa.String(), comment="the operator who linked it by hand"),
        sa.Column("gone_at", sa.Double(), comment="business time since when it is deleted"),
    ],
}


def upgrade() -> None:
    kind = "disable, delete, move, rename, ..."
    if op.get_context().dialect.name != "sqlite":
        op.alter_column("breaker", "kind", comment=kind)
    for table, columns in _COLUMNS.items():
        for column in columns:
            op.add_column(table, column)
    op.create_index("ix_journal_kind", "journal", ["kind", "seq"], unique=False)
    _episodes(op.get_bind())


def _episodes(connection: sa.Connection) -> None:
    """What was known of the one employment so far; the next push says it anew."""
    person = sa.table(
        "person",
        sa.column("id"),
        sa.column("facts"),
        sa.column("origins"),
        sa.column("created"),
        sa.column("asserted"),
        sa.column("episodes"),
        sa.column("withdrawn_at"),
    )
    columns = (person.c.id, person.c.facts, person.c.origins, person.c.created, person.c.asserted)
    for row in connection.execute(sa.select(*columns)).all():
        facts, origins = json.loads(row.facts), json.loads(row.origins)
        told = {name: facts[name] for name in _BLOCK if facts.get(name) is not None}
        source = next((origins[name] for name in told if name in origins), "")
        told |= {name: facts[name] for name in ("timezone", "location") if facts.get(name)}
        said = facts.get("lifecycleSaidAt")
        said_at = datetime.fromisoformat(said).timestamp() if said else None
        episodes = [{"source": source, "facts": told, "saidAt": said_at}]
        connection.execute(
            sa.update(person)
            .where(person.c.id == row.id)
            .values(
                episodes=json.dumps(episodes if told else [], ensure_ascii=False),
                withdrawn_at=None if row.asserted else row.created,
            )
        )
    pair = sa.table("pair", sa.column("state"))
    for old, new in (("ahead", "future"), ("leaver", "disabled")):
        connection.execute(sa.update(pair).where(pair.c.state == old).values(state=new))

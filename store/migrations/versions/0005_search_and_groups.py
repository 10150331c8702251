"""Values to search by, group members in rows of their own, counted lists, and /Me."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

EXACT = sa.String().with_variant(postgresql.VARCHAR(collation="C"), "postgresql")
LIVE = sa.text("deleted IS NULL")


def upgrade() -> None:
    op.add_column(
        "credential",
        sa.Column("subject", sa.String(), comment="SCIM id of the resource that /Me is"),
    )
    # Until now every token had the default of its source written into it.
    op.execute("UPDATE credential SET profile = ''")
    if op.get_context().dialect.name == "postgresql":
        for name in ("id", "external_id", "user_key"):
            op.alter_column("resource", name, type_=EXACT)
    op.drop_index("ix_resource_list", "resource")
    for name, column in (("ix_resource_list", []), ("ix_resource_modified", ["modified"])):
        op.create_index(
            name,
            "resource",
            ["source", "type", *column, "seq"],
            unique=False,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        )
    _values()
    _members()
    op.create_table(
        "tally",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column(
            "bucket", sa.Integer(), autoincrement=False, nullable=False, comment="seq / 4096"
        ),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", "type", "bucket", "shard", name=op.f("pk_tally")),
        sqlite_with_rowid=False,
        comment="how many live resources there are in each stretch of seq: the sum over the shards",
    )
    op.execute(
        "INSERT INTO tally (source, type, bucket, shard, total) "
        "SELECT source, type, seq / 4096, 0, count(*) FROM resource WHERE deleted IS NULL "
        "GROUP BY source, type, seq / 4096"
    )


def _values() -> None:
    op.create_table(
        "resource_value",
        sa.Column("place", EXACT, nullable=False, comment="source, type and attribute path"),
        sa.Column(
            "value", EXACT, nullable=False, comment="folded unless caseExact, at most 500 long"
        ),
        sa.Column(
            "seq", sa.Integer(), autoincrement=False, nullable=False, comment="of the resource"
        ),
        sa.Column(
            "single", sa.Boolean(), nullable=False, comment="no two resources may have this value"
        ),
        sa.PrimaryKeyConstraint("place", "value", "seq", name=op.f("pk_resource_value")),
        sqlite_with_rowid=False,
        comment="the values of live resources that filters look up and that are unique",
    )
    op.create_index(
        "uq_resource_value",
        "resource_value",
        ["place", "value"],
        unique=True,
        sqlite_where=sa.text("single"),
        postgresql_where=sa.text("single"),
    )


def _members() -> None:
    op.create_table(
        "member",
        sa.Column(
            "group", sa.Integer(), autoincrement=False, nullable=False, comment="seq of the group"
        ),
        sa.Column("member", EXACT, nullable=False, comment="SCIM id of who is in it"),
        sa.Column("place", sa.BigInteger(), nullable=False, comment="order in which members came"),
        sa.Column("kind", sa.String(), comment="its resource type; none: no such resource yet"),
        sa.Column("display", sa.Text(), comment="as the client said it"),
        sa.PrimaryKeyConstraint("group", "member", name=op.f("pk_member")),
        sqlite_with_rowid=False,
        comment="who is in which SCIM group, directly",
    )
    op.create_index("ix_member_member", "member", ["member", "group"], unique=False)

"""An externalId that may recur, where nothing is joined by it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

EXACT = sa.String().with_variant(postgresql.VARCHAR(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column(
        "resource",
        sa.Column(
            "twin",
            EXACT,
            server_default="-",
            nullable=False,
            comment="id, if its externalId may recur",
        ),
    )
    op.drop_index("uq_resource_external_id", "resource")
    op.create_index(
        "uq_resource_external_id",
        "resource",
        ["source", "type", "external_id", "twin"],
        unique=True,
        sqlite_where=sa.text("deleted IS NULL"),
        postgresql_where=sa.text("deleted IS NULL"),
    )

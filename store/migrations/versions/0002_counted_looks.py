"""Pairs count their looks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "pair",
        sa.Column(
            "looks",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="how many looks have come to an end",
        ),
    )

"""Breakers count what is taken away from a target."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "breaker",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False, comment="disable, move, rename, clear"),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False, comment="passed, held or approved"),
        sa.Column(
            "urgent", sa.Boolean(), nullable=False, comment="a leaver who has to be out at once"
        ),
        sa.Column("at_business", sa.Double(), nullable=False, comment="when this state began"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_breaker_person")),
        sa.PrimaryKeyConstraint("target", "kind", "person", name=op.f("pk_breaker")),
        comment="which accounts a plan took something away from: counted once each in a window",
    )
    op.create_index(
        "ix_breaker_window", "breaker", ["target", "kind", "state", "at_business"], unique=False
    )

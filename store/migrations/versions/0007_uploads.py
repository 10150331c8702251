"""The jobs of sources that push by bulkUpload, and what waits while one is paused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upload_job",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("last", sa.Text(), comment="the newest upload: JSON object"),
        sa.Column(
            "attributes",
            sa.Text(),
            comment="what a client added to the source's schema: JSON list",
        ),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_upload_job")),
        comment="what is to be remembered of a source that pushes by bulkUpload",
    )
    op.create_table(
        "upload",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("cycle", sa.String(), nullable=False, comment="id of the upload in the log"),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="the operations: JSON list"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_upload")),
        sqlite_autoincrement=True,
        comment="uploads of paused jobs, taken in when the job is started",
    )
    op.create_index(op.f("ix_upload_source"), "upload", ["source"])

"""Credentials of several kinds with scopes, operators who sign in, and deferred writes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("credential") as table:
        table.alter_column("digest", existing_type=sa.String(), nullable=True)
        table.alter_column(
            "kind",
            existing_type=sa.String(),
            existing_nullable=False,
            comment="bearer, client, key, jwt or certificate",
        )
        table.alter_column(
            "digest", existing_type=sa.String(), comment="SHA-256 of the token or secret"
        )
        for column in (
            sa.Column(
                "handle",
                sa.String(),
                comment="client id; of jwt and certificate subject and issuer",
            ),
            sa.Column("public_key", sa.Text(), comment="PEM, of a client that signs assertions"),
            sa.Column(
                "scopes",
                sa.String(),
                server_default="read write bulk",
                nullable=False,
                comment="what it may do, separated by blanks",
            ),
            sa.Column(
                "replaces",
                sa.String(),
                comment="id of the credential that this one takes over from",
            ),
            sa.Column("last_used", sa.Double(), comment="to the minute"),
        ):
            table.add_column(column)
    op.create_index("ix_credential_handle", "credential", ["kind", "handle"], unique=False)
    op.create_table(
        "assertion",
        sa.Column("digest", sa.String(), nullable=False, comment="SHA-256 of client id and jti"),
        sa.Column("until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_assertion")),
        comment="signed assertions that have been used: each is good once",
    )
    _operators()
    _deferred()


def _operators() -> None:
    op.create_table(
        "operator",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password", sa.String(), comment="argon2; none: signs in elsewhere"),
        sa.Column(
            "provisional",
            sa.Boolean(),
            nullable=False,
            comment="the password has to be changed first",
        ),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("changed", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_operator")),
        comment="who may see the operator's pages",
    )
    op.create_table(
        "session",
        sa.Column(
            "digest", sa.String(), nullable=False, comment="SHA-256 of what the cookie holds"
        ),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("way", sa.String(), nullable=False, comment="how they signed in: password"),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column(
            "seen", sa.Double(), nullable=False, comment="last sign of a human, to the minute"
        ),
        sa.ForeignKeyConstraint(["operator"], ["operator.name"], name=op.f("fk_session_operator")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_session")),
    )
    op.create_index(op.f("ix_session_operator"), "session", ["operator"], unique=False)


def _deferred() -> None:
    op.create_table(
        "deferred",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(), nullable=False, comment="txn of RFC 9967"),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("subject", sa.String()),
        sa.Column("single", sa.Boolean(), nullable=False, comment="one request, not a Bulk one"),
        sa.Column("body", sa.Text(), comment="BulkRequest, JSON; none once it is done"),
        sa.Column(
            "outcomes",
            sa.Text(),
            server_default="{}",
            nullable=False,
            comment="by position, JSON",
        ),
        sa.Column("accepted", sa.Double(), nullable=False),
        sa.Column("finished", sa.Double()),
        sa.Column("lease_until", sa.Double()),
        sa.Column("lease_token", sa.String()),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_deferred")),
        sa.UniqueConstraint("id", name=op.f("uq_deferred_id")),
        sqlite_autoincrement=True,
        comment="writes that were answered 202, and what came of them",
    )
    still_open = sa.text("finished IS NULL")
    op.create_index(
        "ix_deferred_open",
        "deferred",
        ["seq"],
        unique=False,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )

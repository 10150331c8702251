"""Everything Muster keeps, as it began."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "credential",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False, comment="bearer"),
        sa.Column("digest", sa.String(), nullable=False, comment="SHA-256 of the token"),
        sa.Column("profile", sa.String(), nullable=False, comment="client profile"),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=True),
        sa.Column("revoked", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
        sa.UniqueConstraint("digest", name=op.f("uq_credential_digest")),
    )
    op.create_index(op.f("ix_credential_source"), "credential", ["source"], unique=False)
    op.create_table(
        "journal",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.Double(), nullable=False, comment="machine time"),
        sa.Column("at_business", sa.Double(), nullable=False),
        sa.Column(
            "kind", sa.String(), nullable=False, comment="receipt, intake, plan, operation, ..."
        ),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("target", sa.String(), nullable=True),
        sa.Column(
            "ref",
            sa.String(),
            nullable=True,
            comment="receipt or plan id that ties entries together",
        ),
        sa.Column(
            "body", sa.Text(), nullable=False, comment="canonical JSON without personal values"
        ),
        sa.Column(
            "hash",
            sa.String(),
            nullable=False,
            comment="SHA-256 over the previous hash and this entry",
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_journal_person"), "journal", ["person"], unique=False)
    op.create_index(op.f("ix_journal_ref"), "journal", ["ref"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column(
            "facts", sa.Text(), server_default="{}", nullable=False, comment="merged facts, JSON"
        ),
        sa.Column(
            "origins", sa.Text(), server_default="{}", nullable=False, comment="fact -> source"
        ),
        sa.Column(
            "asserted", sa.Boolean(), nullable=False, comment="a source still asserts this person"
        ),
        sa.Column(
            "problem", sa.Text(), nullable=True, comment="why this person is held before any target"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        comment="one human; survives the deletion of every resource",
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
        comment="process-wide state that must survive: business clock, keys",
    )
    op.create_table(
        "account",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("anchor", sa.String(), nullable=False, comment="objectGUID or Entra object id"),
        sa.Column("hint", sa.String(), nullable=True, comment="last known DN or UPN"),
        sa.Column(
            "applied", sa.Text(), server_default="{}", nullable=False, comment="last applied values"
        ),
        sa.Column("applied_at", sa.Double(), nullable=True),
        sa.Column("plan", sa.String(), nullable=True, comment="id of the plan that last wrote"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_account_person")),
        sa.PrimaryKeyConstraint("person", "target", name=op.f("pk_account")),
        sa.UniqueConstraint("target", "anchor", name=op.f("uq_account_target")),
    )
    op.create_table(
        "grant",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False, comment="group or licence"),
        sa.Column("value", sa.String(), nullable=False, comment="anchor of what was granted"),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("granted", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_grant_person")),
        sa.PrimaryKeyConstraint("person", "target", "kind", "value", name=op.f("pk_grant")),
    )
    op.create_table(
        "journal_values",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column(
            "body", sa.Text(), nullable=False, comment="the personal values beside entry seq"
        ),
        sa.ForeignKeyConstraint(["seq"], ["journal.seq"], name=op.f("fk_journal_values_seq")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal_values")),
        comment="erasable: the chain holds only a salted hash of them",
    )
    op.create_index(op.f("ix_journal_values_person"), "journal_values", ["person"], unique=False)
    op.create_table(
        "name",
        sa.Column(
            "kind", sa.String(), nullable=False, comment="accountName, mail, cn:<target>, ..."
        ),
        sa.Column(
            "folded", sa.String(), nullable=False, comment="as the strictest target compares"
        ),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=True, comment="none: burnt, somebody else's"),
        sa.Column(
            "held_until",
            sa.Double(),
            nullable=True,
            comment="business time; none: as long as the person is here",
        ),
        sa.Column(
            "current",
            sa.Boolean(),
            nullable=False,
            comment="false: an earlier name, still reserved",
        ),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_name_person")),
        sa.PrimaryKeyConstraint("kind", "folded", name=op.f("pk_name")),
    )
    op.create_index(op.f("ix_name_person"), "name", ["person"], unique=False)
    op.create_table(
        "obligation",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False, comment="end_sessions, ..."),
        sa.Column("since_business", sa.Double(), nullable=False),
        sa.Column("done", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_obligation_person")),
        sa.PrimaryKeyConstraint("person", "target", "kind", name=op.f("pk_obligation")),
    )
    op.create_table(
        "pair",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "due", sa.Double(), nullable=True, comment="machine time; none: nothing to do now"
        ),
        sa.Column(
            "look_at",
            sa.Double(),
            nullable=True,
            comment="business time at which the plan may turn out differently",
        ),
        sa.Column(
            "lane",
            sa.Integer(),
            nullable=False,
            comment="0 urgent leaver, 1 joiner, 2 change, 3 bulk",
        ),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("lease_token", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("held", sa.Text(), nullable=True, comment="why it waits for a person"),
        sa.Column(
            "waits_on",
            sa.String(),
            nullable=True,
            comment="the edge it waits for, e.g. manager:<person>",
        ),
        sa.Column("problem", sa.Text(), nullable=True, comment="what went wrong at the last look"),
        sa.Column(
            "state",
            sa.String(),
            nullable=True,
            comment="life-cycle state at the last look: for showing only",
        ),
        sa.Column(
            "looked", sa.Double(), nullable=True, comment="machine time of the last finished look"
        ),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_pair_person")),
        sa.PrimaryKeyConstraint("person", "target", name=op.f("pk_pair")),
    )
    op.create_index(
        "ix_pair_due",
        "pair",
        ["target", "lane", "due"],
        unique=False,
        sqlite_where=sa.text("due IS NOT NULL"),
        postgresql_where=sa.text("due IS NOT NULL"),
    )
    op.create_index(
        "ix_pair_look_at",
        "pair",
        ["look_at"],
        unique=False,
        sqlite_where=sa.text("look_at IS NOT NULL"),
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_index("ix_pair_waits_on", "pair", ["waits_on"], unique=False)
    op.create_table(
        "person_key",
        sa.Column("scope", sa.String(), nullable=False, comment="source name, or 'shared'"),
        sa.Column("kind", sa.String(), nullable=False, comment="externalId, workerId, ..."),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_person_key_person")),
        sa.PrimaryKeyConstraint("scope", "kind", "value", name=op.f("pk_person_key")),
    )
    op.create_index(op.f("ix_person_key_person"), "person_key", ["person"], unique=False)
    op.create_table(
        "resource",
        sa.Column("id", sa.String(), nullable=False, comment="SCIM id, a UUID"),
        sa.Column(
            "seq",
            sa.Integer(),
            sa.Identity(),
            nullable=False,
            comment="creation order: list order",
        ),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False, comment="SCIM resource type name"),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("user_key", sa.String(), nullable=True, comment="userName, case-folded"),
        sa.Column(
            "document", sa.Text(), nullable=False, comment="response-ready JSON, meta included"
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "cleared",
            sa.Text(),
            server_default="[]",
            nullable=False,
            comment="paths said to be empty",
        ),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("modified", sa.Double(), nullable=False),
        sa.Column(
            "deleted",
            sa.Double(),
            nullable=True,
            comment="when the source withdrew it; the row stays",
        ),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column(
            "facts",
            sa.Text(),
            nullable=True,
            comment="what the inbound mapping made of it: JSON object",
        ),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_resource_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource")),
        sa.UniqueConstraint("seq", name=op.f("uq_resource_seq")),
    )
    op.create_index("ix_resource_list", "resource", ["source", "type", "seq"], unique=False)
    op.create_index(op.f("ix_resource_person"), "resource", ["person"], unique=False)
    op.create_index(
        "uq_resource_external_id",
        "resource",
        ["source", "type", "external_id"],
        unique=True,
        sqlite_where=sa.text("deleted IS NULL"),
        postgresql_where=sa.text("deleted IS NULL"),
    )
    op.create_index(
        "uq_resource_user_key",
        "resource",
        ["source", "type", "user_key"],
        unique=True,
        sqlite_where=sa.text("deleted IS NULL"),
        postgresql_where=sa.text("deleted IS NULL"),
    )

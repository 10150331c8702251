"""Every table, as SQLAlchemy Core. `state.md`'s records, one table each.

Times are epoch seconds. Columns named after a clock say so: `due` and `lease_until`
are machine time, `look_at` and `*_business` are business time.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql

EXACT = String().with_variant(postgresql.VARCHAR(collation="C"), "postgresql")
"""Text in the order of its code points, on every database."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

setting = Table(
    "setting",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False),
    comment="process-wide state that must survive: business clock, keys",
)

credential = Table(
    "credential",
    metadata,
    Column("id", String, primary_key=True),
    Column("source", String, nullable=False, index=True),
    Column("kind", String, nullable=False, comment="bearer, client, key, jwt or certificate"),
    Column("handle", String, comment="client id; of jwt and certificate subject and issuer"),
    Column("digest", String, unique=True, comment="SHA-256 of the token or secret"),
    Column("public_key", Text, comment="PEM, of a client that signs assertions"),
    Column("profile", String, nullable=False, comment="client profile"),
    Column(
        "scopes",
        String,
        nullable=False,
        server_default="read write bulk",
        comment="what it may do, separated by blanks",
    ),
    Column("subject", String, comment="SCIM id of the resource that /Me is"),
    Column("created", Double, nullable=False),
    Column("expires", Double),
    Column("revoked", Double),
    Column("replaces", String, comment="id of the credential that this one takes over from"),
    Column("last_used", Double, comment="to the minute"),
)
Index("ix_credential_handle", credential.c.kind, credential.c.handle)

assertion = Table(
    "assertion",
    metadata,
    Column("digest", String, primary_key=True, comment="SHA-256 of client id and jti"),
    Column("until", Double, nullable=False),
    comment="signed assertions that have been used: each is good once",
)

operator = Table(
    "operator",
    metadata,
    Column("name", String, primary_key=True),
    Column("password", String, comment="argon2; none: signs in elsewhere"),
    Column("provisional", Boolean, nullable=False, comment="the password has to be changed first"),
    Column("created", Double, nullable=False),
    Column("changed", Double, nullable=False),
    comment="who may see the operator's pages",
)

session = Table(
    "session",
    metadata,
    Column("digest", String, primary_key=True, comment="SHA-256 of what the cookie holds"),
    Column("operator", String, ForeignKey("operator.name"), nullable=False, index=True),
    Column("way", String, nullable=False, comment="how they signed in: password"),
    Column("created", Double, nullable=False),
    Column("seen", Double, nullable=False, comment="last sign of a human, to the minute"),
)

deferred = Table(
    "deferred",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True, comment="txn of RFC 9967"),
    Column("source", String, nullable=False),
    Column("profile", String, nullable=False),
    Column("subject", String),
    Column("single", Boolean, nullable=False, comment="one request, not a Bulk one"),
    Column("body", Text, comment="BulkRequest, JSON; none once it is done"),
    Column("outcomes", Text, nullable=False, server_default="{}", comment="by position, JSON"),
    Column("accepted", Double, nullable=False),
    Column("finished", Double),
    Column("lease_until", Double),
    Column("lease_token", String),
    sqlite_autoincrement=True,
    comment="writes that were answered 202, and what came of them",
)
Index(
    "ix_deferred_open",
    deferred.c.seq,
    sqlite_where=text("finished IS NULL"),
    postgresql_where=text("finished IS NULL"),
)

resource = Table(
    "resource",
    metadata,
    Column("id", EXACT, primary_key=True, comment="SCIM id, a UUID"),
    # PostgreSQL counts by itself; on SQLite `store/resources.py` counts, under the write lock.
    Column(
        "seq",
        Integer,
        Identity(),
        nullable=False,
        unique=True,
        comment="creation order: list order",
    ),
    Column("source", String, nullable=False),
    Column("type", String, nullable=False, comment="SCIM resource type name"),
    Column("external_id", EXACT),
    Column("user_key", EXACT, comment="userName, case-folded"),
    Column("document", Text, nullable=False, comment="response-ready JSON, meta included"),
    Column("version", Integer, nullable=False),
    Column("cleared", Text, nullable=False, server_default="[]", comment="paths said to be empty"),
    Column("created", Double, nullable=False),
    Column("modified", Double, nullable=False),
    Column("deleted", Double, comment="when the source withdrew it; the row stays"),
    Column("person", String, ForeignKey("person.id"), index=True),
    Column("facts", Text, comment="what the inbound mapping made of it: JSON object"),
    Column("ahead", Text, comment="dated changes of the facts: JSON list of [instant, facts]"),
    Column(
        "twin", EXACT, nullable=False, server_default="-", comment="id, if its externalId may recur"
    ),
)
_live = text("deleted IS NULL")
Index(
    "uq_resource_external_id",
    resource.c.source,
    resource.c.type,
    resource.c.external_id,
    resource.c.twin,
    unique=True,
    sqlite_where=_live,
    postgresql_where=_live,
)
Index(
    "uq_resource_user_key",
    resource.c.source,
    resource.c.type,
    resource.c.user_key,
    unique=True,
    sqlite_where=_live,
    postgresql_where=_live,
)
Index(
    "ix_resource_list",
    resource.c.source,
    resource.c.type,
    resource.c.seq,
    sqlite_where=_live,
    postgresql_where=_live,
)
Index(
    "ix_resource_modified",
    resource.c.source,
    resource.c.type,
    resource.c.modified,
    resource.c.seq,
    sqlite_where=_live,
    postgresql_where=_live,
)

resource_value = Table(
    "resource_value",
    metadata,
    Column("place", EXACT, primary_key=True, comment="source, type and attribute path"),
    Column("value", EXACT, primary_key=True, comment="folded unless caseExact, at most 500 long"),
    Column("seq", Integer, primary_key=True, comment="of the resource", autoincrement=False),
    Column("single", Boolean, nullable=False, comment="no two resources may have this value"),
    sqlite_with_rowid=False,
    comment="the values of live resources that filters look up and that are unique",
)
_single = text("single")
Index(
    "uq_resource_value",
    resource_value.c.place,
    resource_value.c.value,
    unique=True,
    sqlite_where=_single,
    postgresql_where=_single,
)

member = Table(
    "member",
    metadata,
    Column("group", Integer, primary_key=True, comment="seq of the group", autoincrement=False),
    Column("member", EXACT, primary_key=True, comment="SCIM id of who is in it"),
    Column("place", BigInteger, nullable=False, comment="order in which members came"),
    Column("kind", String, comment="its resource type; none: no such resource yet"),
    Column("display", Text, comment="as the client said it"),
    sqlite_with_rowid=False,
    comment="who is in which SCIM group, directly",
)
Index("ix_member_member", member.c.member, member.c.group)

tally = Table(
    "tally",
    metadata,
    Column("source", String, primary_key=True),
    Column("type", String, primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False, comment="seq / 4096"),
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("total", Integer, nullable=False),
    sqlite_with_rowid=False,
    comment="how many live resources there are in each stretch of seq: the sum over the shards",
)

person = Table(
    "person",
    metadata,
    Column("id", String, primary_key=True),
    Column("created", Double, nullable=False),
    Column("facts", Text, nullable=False, server_default="{}", comment="merged facts, JSON"),
    Column("origins", Text, nullable=False, server_default="{}", comment="fact -> source"),
    Column("episodes", Text, nullable=False, server_default="[]", comment="employments, JSON"),
    Column("changes_at", Double, comment="business time at which the records say otherwise"),
    Column("asserted", Boolean, nullable=False, comment="a source still asserts this person"),
    Column("withdrawn_at", Double, comment="business time of the last source's DELETE"),
    Column("problem", Text, comment="why this person is held before any target"),
    Column("cases", Text, nullable=False, server_default="{}", comment="record -> doubt, JSON"),
    comment="one human; survives the deletion of every resource",
)

person_key = Table(
    "person_key",
    metadata,
    Column("scope", String, primary_key=True, comment="source name, or 'shared'"),
    Column("kind", String, primary_key=True, comment="externalId, workerId, ..."),
    Column("value", String, primary_key=True),
    Column("person", String, ForeignKey("person.id"), nullable=False, index=True),
)

pair = Table(
    "pair",
    metadata,
    Column("person", String, ForeignKey("person.id"), primary_key=True),
    Column("target", String, primary_key=True),
    Column("asked", Integer, nullable=False),
    Column("seen", Integer, nullable=False, server_default="0"),
    Column("due", Double, comment="machine time; none: nothing to do now"),
    Column("look_at", Double, comment="business time at which the plan may turn out differently"),
    Column("lane", Integer, nullable=False, comment="0 urgent leaver, 1 joiner, 2 change, 3 bulk"),
    Column("lease_until", Double),
    Column("lease_token", String),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("failing_since", Double, comment="machine time of the first failed attempt in a row"),
    Column("given_up", Double, comment="machine time; nobody tries any more until asked"),
    Column("parked", Text, comment="an operator's word that keeps it from being looked at"),
    Column("held", Text, comment="why it waits for a person"),
    Column("waits_on", String, comment="the edge it waits for, e.g. manager:<person>"),
    Column("problem", Text, comment="what went wrong at the last look"),
    Column("drift", Text, comment="attributes changed by others, at the last look: JSON object"),
    Column("state", String, comment="life-cycle state at the last look: for showing only"),
    Column("outside_since", Double, comment="business time since when out of the scope"),
    Column("looked", Double, comment="machine time of the last finished look"),
    Column("looked_business", Double, comment="business time of the last finished look"),
    Column(
        "looks",
        Integer,
        nullable=False,
        server_default="0",
        comment="how many looks have come to an end",
    ),
)
Index(
    "ix_pair_due",
    pair.c.target,
    pair.c.lane,
    pair.c.due,
    sqlite_where=text("due IS NOT NULL"),
    postgresql_where=text("due IS NOT NULL"),
)
Index(
    "ix_pair_look_at",
    pair.c.look_at,
    sqlite_where=text("look_at IS NOT NULL"),
    postgresql_where=text("look_at IS NOT NULL"),
)
Index("ix_pair_waits_on", pair.c.waits_on)

account = Table(
    "account",
    metadata,
    Column("person", String, ForeignKey("person.id"), primary_key=True),
    Column("target", String, primary_key=True),
    Column("anchor", String, nullable=False, comment="objectGUID or Entra object id"),
    Column("hint", String, comment="last known DN or UPN"),
    Column("applied", Text, nullable=False, server_default="{}", comment="last applied values"),
    Column("applied_at", Double),
    Column("plan", String, comment="id of the plan that last wrote"),
    Column("matched", String, comment="how it was linked: created, restored, or by which key"),
    Column("linked_at", Double, comment="machine time"),
    Column("linked_by", String, comment="the operator who linked it by hand"),
    Column("gone_at", Double, comment="business time since when it is deleted"),
    UniqueConstraint("target", "anchor"),
)

name = Table(
    "name",
    metadata,
    Column("kind", String, primary_key=True, comment="accountName, mail, cn:<target>, ..."),
    Column("folded", String, primary_key=True, comment="as the strictest target compares"),
    Column("value", String, nullable=False),
    Column(
        "person",
        String,
        ForeignKey("person.id"),
        index=True,
        comment="none: burnt, somebody else's",
    ),
    Column("held_until", Double, comment="business time; none: as long as the person is here"),
    Column("current", Boolean, nullable=False, comment="false: an earlier name, still reserved"),
)

grant = Table(
    "grant",
    metadata,
    Column("person", String, ForeignKey("person.id"), primary_key=True),
    Column("target", String, primary_key=True),
    Column("kind", String, primary_key=True, comment="group or licence"),
    Column("value", String, primary_key=True, comment="anchor of what was granted"),
    Column("rule", String, nullable=False),
    Column("granted", Double, nullable=False),
)

obligation = Table(
    "obligation",
    metadata,
    Column("person", String, ForeignKey("person.id"), primary_key=True),
    Column("target", String, primary_key=True),
    Column("kind", String, primary_key=True, comment="end_sessions, ..."),
    Column("since_business", Double, nullable=False),
    Column("done", Double),
)

breaker = Table(
    "breaker",
    metadata,
    Column("target", String, primary_key=True),
    Column("kind", String, primary_key=True, comment="disable, delete, move, rename, ..."),
    Column("person", String, ForeignKey("person.id"), primary_key=True),
    Column("state", String, nullable=False, comment="passed, held or approved"),
    Column("urgent", Boolean, nullable=False, comment="a leaver who has to be out at once"),
    Column("at_business", Double, nullable=False, comment="when this state began"),
    comment="which accounts a plan took something away from: counted once each in a window",
)
Index("ix_breaker_window", breaker.c.target, breaker.c.kind, breaker.c.state, breaker.c.at_business)

upload_job = Table(
    "upload_job",
    metadata,
    Column("source", String, primary_key=True),
    Column("paused", Boolean, nullable=False),
    Column("last", Text, comment="the newest upload: JSON object"),
    Column("attributes", Text, comment="what a client added to the source's schema: JSON list"),
    comment="what is to be remembered of a source that pushes by bulkUpload",
)

upload = Table(
    "upload",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("source", String, nullable=False, index=True),
    Column("cycle", String, nullable=False, comment="id of the upload in the log"),
    Column("at", Double, nullable=False),
    Column("body", Text, nullable=False, comment="the operations: JSON list"),
    sqlite_autoincrement=True,
    comment="uploads of paused jobs, taken in when the job is started",
)

journal = Table(
    "journal",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False, comment="machine time"),
    Column("at_business", Double, nullable=False),
    Column("kind", String, nullable=False, comment="receipt, intake, plan, operation, ..."),
    Column("person", String, index=True),
    Column("target", String),
    Column("ref", String, index=True, comment="receipt or plan id that ties entries together"),
    Column("body", Text, nullable=False, comment="canonical JSON without personal values"),
    Column("hash", String, nullable=False, comment="SHA-256 over the previous hash and this entry"),
    sqlite_autoincrement=True,
)
Index("ix_journal_kind", journal.c.kind, journal.c.seq)

journal_values = Table(
    "journal_values",
    metadata,
    Column("seq", Integer, ForeignKey("journal.seq"), primary_key=True),
    Column("person", String, index=True),
    Column("salt", String, nullable=False),
    Column("body", Text, nullable=False, comment="the personal values beside entry seq"),
    comment="erasable: the chain holds only a salted hash of them",
)

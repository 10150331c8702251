"""Emptying the store for a sandbox's new start, without pulling it from under a look.

Configuration stays: credentials, keys and the shape of the tables.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, func, select, text, update

from store import journal as store_journal
from store import policy, setting
from store.tables import (
    account,
    breaker,
    deferred,
    grant,
    journal,
    journal_values,
    member,
    name,
    obligation,
    pair,
    person,
    person_key,
    resource,
    resource_value,
    tally,
    upload,
    upload_job,
)
from store.wakeup import notify

_CHILDREN_FIRST = (
    upload,
    upload_job,
    deferred,
    journal_values,
    journal,
    breaker,
    obligation,
    grant,
    name,
    account,
    pair,
    person_key,
    member,
    resource_value,
    tally,
    resource,
    person,
)
_EPOCH = "epoch"


def revoke(tx: Connection) -> int:
    """Let nothing more be claimed, and end all leases; how many looks are still under way.

    Whoever holds one of those leases fails at its next `Lease.check` and gives the lease
    back, so that the number goes to 0 as soon as the steps in flight are through.
    """
    tx.execute(update(pair).values(due=None, look_at=None))
    tx.execute(update(pair).where(pair.c.lease_token.is_not(None)).values(lease_until=0.0))
    under_way = select(func.count()).select_from(pair).where(pair.c.lease_token.is_not(None))
    return int(tx.execute(under_way).scalar_one())


def empty(tx: Connection) -> None:
    """Forget all people and what came of them, the journal, the business clock and the
    overridden policy."""
    if tx.dialect.name == "postgresql":
        # Unlike DELETE it keeps out pushes that are being stored at this moment.
        names = ", ".join(tx.dialect.identifier_preparer.format_table(t) for t in _CHILDREN_FIRST)
        tx.execute(text(f"TRUNCATE {names}"))
    else:
        for table in _CHILDREN_FIRST:
            tx.execute(table.delete())
    policy.forget(tx)
    store_journal.begin_anew(tx)
    setting.set_business_time(tx, None)
    setting.put(tx, _EPOCH, secrets.token_hex(8))
    notify(tx)


def epoch(connection: Connection) -> str | None:
    """Another one after each :func:`empty`: what was remembered from before is void."""
    return setting.get(connection, _EPOCH)

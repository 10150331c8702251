"""Which values of a resource are kept to be looked up: those that its schemas declare.

What is looked up follows the schemas. When they change, `prepare` reads the documents of
the types concerned once more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import IntegrityError

from scim.folding import fold
from scim.schema import Lookup, Registry, ResourceType, SchemaError
from store import resources, setting
from store.database import Database
from store.json_text import parse
from store.resources import MAX_VALUE, Value
from store.tables import resource, resource_value

_KEPT = "looked_up"
_STEP = 500


def values(kind: ResourceType, content: Mapping[str, Any]) -> list[Value]:
    """Everything that a resource of this content is to be found by, or alone may have."""
    found: dict[tuple[str, str], Value] = {}
    for lookup in kind.lookups:
        holder = content if lookup.extension is None else content.get(lookup.extension)
        at = holder.get(lookup.attribute.name) if isinstance(holder, dict) else None
        if at is None:
            continue
        for value in at if isinstance(at, list) else (at,):
            if lookup.sub is not None:
                value = value.get(lookup.sub.name) if isinstance(value, dict) else None
            if value is not None:
                text = text_of(lookup, value)
                found[lookup.path, text] = Value(lookup.path, text, lookup.single)
    return list(found.values())


def text_of(lookup: Lookup, value: Any) -> str:
    """A value in the form in which it is kept: equal values have equal texts."""
    if not isinstance(value, str):
        value = json.dumps(value, sort_keys=True)
    return str(value if lookup.leaf.case_exact else fold(value))[:MAX_VALUE]


def prepare(db: Database, registry: Registry) -> None:
    """Make what is kept match what the schemas declare. Costs one query when it does.

    Raises SchemaError when values that a schema now calls unique are not.
    """
    wanted = {kind.name: _digest(kind) for kind in registry.types.values()}
    text = json.dumps(wanted, sort_keys=True)
    with db.read() as conn:
        if setting.get(conn, _KEPT) == text:
            return

    def work(tx: Connection) -> None:
        known = json.loads(setting.get(tx, _KEPT) or "{}")
        for kind in registry.types.values():
            if known.get(kind.name) != wanted[kind.name]:
                try:
                    _keep_anew(tx, kind)
                except IntegrityError:
                    raise SchemaError(
                        f"{kind.name}: there are equal values of an attribute that its schema "
                        "now calls unique; change them first"
                    ) from None
        setting.put(tx, _KEPT, text)

    db.write(work)


def _digest(kind: ResourceType) -> str:
    said = [(lookup.path, lookup.single, lookup.leaf.case_exact) for lookup in kind.lookups]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def _keep_anew(tx: Connection, kind: ResourceType) -> None:
    of_type = select(resource.c.seq).where(resource.c.type == kind.name)
    tx.execute(delete(resource_value).where(resource_value.c.seq.in_(of_type)))
    after = 0
    statement = (
        select(resource.c.seq, resource.c.source, resource.c.document)
        .where(resource.c.type == kind.name, resource.c.deleted.is_(None))
        .order_by(resource.c.seq)
        .limit(_STEP)
    )
    while rows := tx.execute(statement.where(resource.c.seq > after)).all():
        for row in rows:
            found = values(kind, parse(row.document))
            resources.keep_values(tx, row.source, kind.name, row.seq, found)
        after = rows[-1].seq

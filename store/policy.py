"""Policy that a sandbox overrides until it is reset, the same for every process.

The overrides are kept in the `setting` table. Only a sandbox asks for them: elsewhere
the settings are what muster.yaml said at the start.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from sqlalchemy import Connection

from settings import Settings, SettingsError, override
from store import setting
from store.database import Database

_NAME = "policy"
_log = structlog.get_logger("muster.policy")


def overrides(connection: Connection) -> dict[str, Any]:
    """What is overridden at present, with the keys of muster.yaml."""
    return _read(setting.get(connection, _NAME))


def put(tx: Connection, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Override this as well, deep-merged over what is overridden already; the sum of it.

    `changes` must have passed `settings.override`.
    """
    merged = _merged(overrides(tx), changes)
    setting.put(tx, _NAME, json.dumps(merged, sort_keys=True))
    return merged


def forget(tx: Connection) -> None:
    """Back to muster.yaml."""
    setting.forget(tx, _NAME)


def live(settings: Settings, db: Database) -> Callable[[], Settings]:
    """The settings in force now: one short query a call. Safe between threads."""
    known: tuple[str | None, Settings] = (None, settings)

    def current() -> Settings:
        nonlocal known
        with db.moment() as connection:
            kept = setting.get(connection, _NAME)
        text, found = known
        if text != kept:
            found = settings if kept is None else _overridden(settings, kept)
            known = (kept, found)
        return found

    return current


def _overridden(settings: Settings, kept: str | None) -> Settings:
    try:
        return override(settings, _read(kept))
    except SettingsError as error:  # muster.yaml has changed since: a source may be gone
        _log.warning("kept policy is ignored", problem=error.problem)
        return settings


def _read(kept: str | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(kept) if kept else {}
    return found


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Objects are merged key by key; anything else, lists too, is replaced."""
    result = dict(base)
    for key, value in changes.items():
        before = result.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            value = _merged(before, value)
        result[key] = value
    return result

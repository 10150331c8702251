from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import settings
from settings import Settings
from store import emptying, policy
from store.database import Database

TEXT = """
domain: norhaven.example
people: {pre_hire_days: 30, timezone: Europe/Berlin}
sources: {SOURCES}
targets: {}
"""


def read(folder: Path, *sources: str) -> Settings:
    file = folder / "muster.yaml"
    listed = ", ".join(f"{source}: {{}}" for source in sources)
    file.write_text(TEXT.replace("SOURCES", listed))
    return settings.load(file, {})


def test_overrides_add_up_for_every_process_until_they_are_forgotten(
    db: Database, database_url: str, tmp_path: Path
) -> None:
    base = read(tmp_path, "workday", "generic")
    elsewhere = Database(database_url)
    here, there = policy.live(base, db), policy.live(base, elsewhere)
    assert here() is there() is base
    db.write(lambda tx: policy.put(tx, {"people": {"pre_hire_days": 5}}))
    assert here().people == there().people == replace(base.people, pre_hire_days=5)
    more = {"people": {"timezone": "UTC"}, "sources": {"generic": {"shared_keys": ["workerId"]}}}
    total = db.write(lambda tx: policy.put(tx, more))
    assert total == {
        "people": {"pre_hire_days": 5, "timezone": "UTC"},
        "sources": {"generic": {"shared_keys": ["workerId"]}},
    }
    assert there().people == replace(base.people, pre_hire_days=5, timezone="UTC")
    assert there() is there()  # made once
    db.write(policy.forget)
    assert there() == base
    elsewhere.close()


def test_a_list_is_replaced(db: Database) -> None:
    for names in (["a", "b"], ["c"]):
        total = db.write(lambda tx, n=names: policy.put(tx, {"names": {"account_name": n}}))
    assert total == {"names": {"account_name": ["c"]}}


def test_what_no_longer_fits_muster_yaml_is_passed_over(db: Database, tmp_path: Path) -> None:
    both = {"people": {"pre_hire_days": 5}, "sources": {"generic": {"shared_keys": []}}}
    db.write(lambda tx: policy.put(tx, both))
    base = read(tmp_path, "workday")  # since then, a source has gone
    assert policy.live(base, db)() == base


def test_each_emptying_begins_another_epoch(db: Database) -> None:
    seen = []
    for _ in range(3):
        with db.read() as connection:
            seen.append(emptying.epoch(connection))
        db.write(emptying.empty)
    assert seen[0] is None
    assert len(set(seen)) == 3

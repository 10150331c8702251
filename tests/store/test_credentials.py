"""store/credentials.py on SQLite and PostgreSQL."""

from __future__ import annotations

import base64

import pytest
from sqlalchemy import select

from store import credentials
from store.credentials import Credential
from store.database import Database
from store.tables import credential

NOW = 1_773_651_600.0


def find(db: Database, token: str, now: float = NOW) -> Credential | None:
    with db.read() as conn:
        return credentials.find(conn, token, now)


def test_a_token_finds_its_source(db: Database) -> None:
    token = credentials.create(db, "workday", NOW, profile="strict")
    found = find(db, token)
    assert found is not None
    assert (found.source, found.profile, found.expires) == ("workday", "strict", None)


def test_a_token_shows_its_source_and_has_256_random_bits(db: Database) -> None:
    token = credentials.create(db, "sap-ips", NOW)
    assert token.startswith("muster_sap-ips_")
    secret = token.removeprefix("muster_sap-ips_")
    assert len(base64.urlsafe_b64decode(secret + "=")) == 32
    assert credentials.create(db, "sap-ips", NOW) != token


def test_the_token_itself_is_nowhere_in_the_database(db: Database) -> None:
    token = credentials.create(db, "workday", NOW)
    with db.read() as conn:
        row = conn.execute(select(credential)).one()
    assert token not in str(row)
    assert token.rpartition("_")[2] not in str(row)
    assert len(row.digest) == 64


def test_an_expired_token_is_none(db: Database) -> None:
    token = credentials.create(db, "workday", NOW, expires=NOW + 60)
    assert find(db, token, NOW + 59.9) is not None
    assert find(db, token, NOW + 60) is None


def test_a_revoked_token_is_none(db: Database) -> None:
    token = credentials.create(db, "workday", NOW)
    other = credentials.create(db, "workday", NOW)
    found = find(db, token)
    assert found is not None
    assert credentials.revoke(db, found.id, NOW) is True
    assert credentials.revoke(db, found.id, NOW) is False
    assert find(db, token) is None
    assert find(db, other) is not None


def test_any_for(db: Database) -> None:
    def known(source: str) -> bool:
        with db.read() as conn:
            return credentials.any_for(conn, source)

    assert known("workday") is False
    token = credentials.create(db, "workday", NOW)
    assert (known("workday"), known("other")) == (True, False)
    found = find(db, token)
    assert found is not None
    credentials.revoke(db, found.id, NOW)
    assert known("workday") is True  # no start makes one behind the operator's back


@pytest.mark.parametrize(
    "token", ["", "muster_", "muster_workday_x", "x", "muster_\x00", "muster_\udcff", "m" * 100_000]
)
def test_any_other_text_is_none(db: Database, token: str) -> None:
    credentials.create(db, "workday", NOW)
    assert find(db, token) is None


@pytest.mark.parametrize("source", ["", " ", "a b", "a/b", "-a", "a\n", "ä", "x" * 65])
def test_a_source_has_a_plain_name(db: Database, source: str) -> None:
    with pytest.raises(ValueError, match="source name"):
        credentials.create(db, source, NOW)

"""store/credentials.py on SQLite and PostgreSQL."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import select

from store import credentials
from store.credentials import Credential, NoCredential
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


def test_rotating_leaves_both_for_a_while(db: Database) -> None:
    handle, old = credentials.create_client(db, "sap", NOW, expires=NOW + 1000, profile="hr")
    id = listed(db)[0]["id"]
    same, new = credentials.rotate(db, id, NOW + 100, 60.0)
    assert same == handle
    assert new is not None
    during = handles(db, handle, NOW + 150)
    assert {one.digest for one in during} == {
        credentials.digest_of(old),
        credentials.digest_of(new),
    }
    (later,) = handles(db, handle, NOW + 160)
    assert (later.digest, later.profile) == (credentials.digest_of(new), "hr")
    assert later.expires == NOW + 1100


def test_a_credential_is_rotated_once_and_while_it_is_good(db: Database) -> None:
    credentials.create(db, "workday", NOW, expires=NOW + 10)
    credentials.create(db, "workday", NOW + 1)
    ended, other = (row["id"] for row in listed(db))
    with pytest.raises(NoCredential, match="has ended"):
        credentials.rotate(db, ended, NOW + 10, 60.0)
    credentials.rotate(db, other, NOW + 2, 60.0)
    with pytest.raises(NoCredential, match="rotated already"):
        credentials.rotate(db, other, NOW + 3, 60.0)


def test_handles_that_no_database_takes_are_nobodys(db: Database) -> None:
    for handle in ("a\0", "\ud800", "", "x" * 10_000):
        assert handles(db, handle, NOW) == []


def test_a_handle_is_registered_once_at_a_time(db: Database) -> None:
    credentials.register(db, "jwt", "workday", NOW, handle="issuer\nsubject", expires=NOW + 10)
    with pytest.raises(NoCredential, match="already"):
        credentials.register(db, "jwt", "sap", NOW, handle="issuer\nsubject")
    credentials.register(db, "jwt", "sap", NOW + 10, handle="issuer\nsubject")


def test_an_id_may_be_shortened(db: Database) -> None:
    credentials.create(db, "workday", NOW)
    id = str(listed(db)[0]["id"])
    with db.read() as conn:
        assert credentials.whole_id(conn, id[:8]) == id
        for text in (id[:3], "%", "____", ""):
            with pytest.raises(NoCredential):
                credentials.whole_id(conn, text)


def test_the_source_in_a_bad_token_is_one_that_we_know(db: Database) -> None:
    for source in ("work", "work_day"):
        credentials.create(db, source, NOW)
    with db.read() as conn:
        for token, named in (
            ("muster_work_day_x_y", "work_day"),
            ("muster_work_x", "work"),
            ("muster_other_x", None),
            ("muster_workday", None),
            ("", None),
        ):
            assert credentials.named_in(conn, token) == named, token


def test_no_digest_is_listed(db: Database) -> None:
    credentials.create(db, "workday", NOW)
    credentials.create_client(db, "sap", NOW)
    assert all("digest" not in row for row in listed(db))
    with db.read() as conn:
        assert [row["source"] for row in credentials.listed(conn, "sap")] == ["sap"]


def listed(db: Database) -> list[dict[str, Any]]:
    with db.read() as conn:
        return credentials.listed(conn)


def handles(db: Database, handle: str, now: float) -> list[Credential]:
    with db.read() as conn:
        return credentials.by_handle(conn, "client", handle, now)

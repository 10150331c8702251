"""`app.py token`: every kind of credential made, shown, rotated and ended from the terminal."""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from access_settings import Access, Issuer
from console.tokens import create_token_group
from settings import Settings, Source
from store import credentials
from store.clocks import machine_now
from store.database import Database
from store.migrate import migrate

ISSUER = "https://login.norhaven.example"
ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., Result]


@pytest.fixture
def db(tmp_path: Path) -> Database:
    url = f"sqlite:///{tmp_path}/muster.db"
    migrate(url)
    return Database(url)


@pytest.fixture
def run(db: Database, tmp_path: Path) -> Run:
    """Runs `token WORDS`."""
    settings = Settings(
        path=None,
        data=tmp_path,
        database_url="",
        host="",
        port=0,
        sources={"workday": Source("workday", "workday", "hr", ())},
        targets={},
        access=Access(issuers=(Issuer(ISSUER, ("muster",), "https://keys.example"),)),
    )

    def open_store(*, prepared: bool = False) -> tuple[Settings, Database]:
        return settings, db

    def run(*words: str, fails: bool = False) -> Result:
        result = CliRunner().invoke(create_token_group(open_store), words)
        assert (result.exit_code != 0) == fails, result.output
        return result

    return run


def pem_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ips.norhaven.example")])
    begins = datetime.datetime(2026, 1, 1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def rows(db: Database) -> list[dict[str, object]]:
    with db.read() as connection:
        return credentials.listed(connection)


def test_a_token_alone_is_printed(run: Run, db: Database) -> None:
    token = run("create", "workday", "--scope", "read", "--days", "30").output.strip()
    with db.read() as connection:
        found = credentials.find(connection, token, machine_now())
    assert found is not None
    assert (found.source, found.profile, found.scopes) == ("workday", "", frozenset(["read"]))
    assert found.expires == pytest.approx(machine_now() + 30 * 86_400, abs=60)


def test_a_client_has_an_id_and_a_secret(run: Run, db: Database) -> None:
    said = run("create", "workday", "--client", "--profile", "sap-ips").output
    found = re.fullmatch(r"client id: (workday-\w+)\nclient secret: (\S{43})\n", said)
    assert found is not None
    assert rows(db)[0]["handle"] == found[1]
    assert found[2] not in str(rows(db))


def test_the_other_kinds(run: Run, db: Database, tmp_path: Path) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    key.write_bytes(pem_of(ec.generate_private_key(ec.SECP256R1())))
    cert.write_bytes(certificate())
    assert "client id: workday-" in run("create", "workday", "--public-key", str(key)).output
    run("create", "workday", "--issuer", ISSUER, "--subject", "app-7")
    said = run("create", "workday", "--certificate", str(cert)).output
    assert "subject: CN=ips.norhaven.example\nissuer: CN=ips.norhaven.example" in said
    assert [row["kind"] for row in rows(db)] == ["key", "jwt", "certificate"]
    said = run("create", "workday", "--certificate", str(cert), fails=True).output
    assert "already" in said


def test_what_cannot_be_is_one_line(run: Run, db: Database, tmp_path: Path) -> None:
    weak, none = tmp_path / "weak.pem", tmp_path / "none.pem"
    weak.write_bytes(pem_of(rsa.generate_private_key(65537, 1024)))
    none.write_text("no key")
    for words, problem in (
        (("create", "payroll"), "there is no source payroll; known: workday"),
        (("create", "-a", "--profile", "hr"), "No such option"),
        (("create", "a b", "--profile", "hr"), "no source name"),
        (("create", "workday", "--client", "--public-key", str(weak)), "of one kind"),
        (("create", "workday", "--public-key", str(weak)), "at least 2048 bits"),
        (("create", "workday", "--public-key", str(none)), "no public key for us"),
        (("create", "workday", "--certificate", str(none)), "no certificate for us"),
        (("create", "workday", "--issuer", ISSUER), "go together"),
        (("create", "workday", "--issuer", "x", "--subject", "y"), f"known: {ISSUER}"),
        (("create", "workday", "--scope", "everything"), "Invalid value"),
        (("revoke", "abcd"), "there is no credential 'abcd'"),
        (("rotate", "ab"), "there is no credential"),
    ):
        result = run(*words, fails=True)
        assert problem in result.output, result.output
        assert "Traceback" not in result.output
    assert rows(db) == []


def test_the_list_says_what_matters_and_no_secret(run: Run, db: Database) -> None:
    token = run("create", "workday").output.strip()
    run("create", "test", "--profile", "strict", "--scope", "read", "--scope", "write")
    listed = run("list").output
    first, second, count = listed.strip().split("\n")
    assert re.match(r"[0-9a-f]{8}  workday  bearer  read,write,bulk  made \S+  never used", first)
    assert "test  bearer  read,write  profile strict" in second
    assert count == "2 credentials"
    assert "1 credentials" in run("list", "workday").output
    shown = run("list", "--json").output
    assert [row["source"] for row in json.loads(shown)] == ["workday", "test"]
    assert "digest" not in shown
    assert token[-20:] not in shown + listed


def test_rotating_and_revoking(run: Run, db: Database) -> None:
    old = run("create", "workday").output.strip()
    id = str(rows(db)[0]["id"])
    new = run("rotate", id[:8], "--overlap", "0").output.strip()
    with db.read() as connection:
        assert credentials.find(connection, old, machine_now()) is None
        assert credentials.find(connection, new, machine_now()) is not None
    assert "has ended" in run("rotate", id, fails=True).output
    other = str(rows(db)[1]["id"])
    run("revoke", other[:8])
    assert "revoked before" in run("revoke", other[:8], fails=True).output
    with db.read() as connection:
        assert credentials.find(connection, new, machine_now()) is None


def test_a_key_is_rotated_with_the_next_one(run: Run, db: Database, tmp_path: Path) -> None:
    first, second = tmp_path / "1.pem", tmp_path / "2.pem"
    for file in (first, second):
        file.write_bytes(pem_of(ec.generate_private_key(ec.SECP256R1())))
    said = run("create", "workday", "--public-key", str(first)).output
    id = str(rows(db)[0]["id"])
    assert "new public key" in run("rotate", id, fails=True).output
    assert run("rotate", id, "--public-key", str(second)).output == said  # the same client id
    assert [row["public_key"] for row in rows(db)] == [first.read_text(), second.read_text()]
    assert "rotated already" in run("rotate", id, "--public-key", str(second), fails=True).output


def test_the_command_line_has_it(tmp_path: Path) -> None:
    config = tmp_path / "muster.yaml"
    config.write_text((ROOT / "muster.example.yaml").read_text())

    def app(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, str(ROOT / "app.py"), "token", *words],
            env={**os.environ, "MUSTER_CONFIG": str(config)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    assert app("create", "workday").startswith("muster_workday_")
    listed = app("list").strip().split("\n")
    assert listed[-1] == "3 credentials"  # one for each source was made at the start

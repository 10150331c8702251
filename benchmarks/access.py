"""Processor time that authentication adds to a request, for each way of authenticating.

    scripts/bench access

`again` is a caller that was let in within the last two seconds, as most are; `anew` one of
whom nothing is remembered, so that the database is asked and signatures are checked.
"""

from __future__ import annotations

import base64
import json
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import Encoding

from access import Gate, certificates
from access.keysets import KeySet
from access.proxies import TRUSTED
from access_settings import Access, Issuer
from store import credentials
from store.clocks import machine_now
from store.database import Database
from store.migrate import migrate
from tests.access.keys import EC, RSA, Authority, jwk, signed

COUNT = 5000
ROUNDS = 5
BOUNDS = {"bearer": 0.15, "JWT": 0.3}
"""Milliseconds that are allowed."""
ISSUER = "https://login.norhaven.example"
BASE = "https://muster.norhaven.example"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder))


def measure(folder: Path) -> None:
    url = f"sqlite:///{folder}/muster.db"
    migrate(url)
    db = Database(url)
    issuer = Issuer(ISSUER, ("muster",), "", algorithms=("RS256", "ES256"))
    access = Access(requests_per_second=1e9, burst=1e9, issuers=(issuer,))
    gate = Gate(db, access, base_url=BASE, folder=folder, now=machine_now)
    keys = json.dumps({"keys": [jwk(EC, "ec"), jwk(RSA, "rsa")]}).encode()
    gate._issuers[ISSUER] = (issuer, KeySet("", fetch=lambda url, ca: keys))
    for name, environ in ways(db, gate).items():
        gate._cache_seconds = 2.0
        again = cost(lambda environ=environ: gate.admit(dict(environ), "read"))
        gate._cache_seconds = 0.0
        gate._cache.clear()
        anew = cost(lambda environ=environ: gate.admit(dict(environ), "read"))
        bound = next((b for kind, b in BOUNDS.items() if kind in name), None)
        verdict = "" if bound is None else f" ({bound} allowed)"
        if bound is not None and max(again, anew) > bound:
            verdict += " TOO MUCH"
        print(f"{name:32} again {again:.3f} ms, anew {anew:.3f} ms{verdict}")
    gate.notes.flush()
    db.close()


def ways(db: Database, gate: Gate) -> dict[str, dict[str, Any]]:
    """The WSGI environment of a caller, for each way."""
    now = machine_now()
    for number in range(200):
        credentials.create(db, f"other{number}", now)
    user, secret = credentials.create_client(db, "workday", now)
    with db.read() as conn:
        (client,) = credentials.by_handle(conn, "client", user, now)
    own, _ = gate.token_for(client, client.scopes)
    credentials.register(db, "jwt", "workday", now, handle=f"{ISSUER}\napp")
    claims = {
        "iss": ISSUER,
        "aud": "muster",
        "sub": "app",
        "iat": int(now),
        "exp": int(now) + 3600,
        "jti": str(uuid.uuid4()),
        "tid": str(uuid.uuid4()),
        "roles": ["HR.Push"],
    }
    authority = Authority()
    days = (now - 1_767_225_600) / 86_400  # since 1 January 2026
    certificate, _ = authority.issue("ips.norhaven.example", days - 1)
    handle = certificates.handle(certificate)
    credentials.register(db, "certificate", "workday", now, handle=handle)
    basic = base64.b64encode(f"{user}:{secret}".encode()).decode()
    escaped = quote(certificate.public_bytes(Encoding.PEM).decode())
    return {
        "bearer token": _bearer(credentials.create(db, "workday", now)),
        "HTTP Basic": {"HTTP_AUTHORIZATION": f"Basic {basic}"},
        "JWT of our own endpoint": _bearer(own),
        "JWT of an outside issuer, RS256": _bearer(signed(RSA, claims, "RS256", kid="rsa")),
        "JWT of an outside issuer, ES256": _bearer(signed(EC, claims, kid="ec")),
        "client certificate": {
            "HTTP_X_SSL_CLIENT_CERT": escaped,
            "HTTP_X_SSL_CLIENT_VERIFY": "SUCCESS",
            TRUSTED: True,
        },
    }


def _bearer(token: str) -> dict[str, Any]:
    return {"HTTP_AUTHORIZATION": f"Bearer {token}", "REMOTE_ADDR": "127.0.0.1"}


def cost(work: Callable[[], object]) -> float:
    """Milliseconds of processor time for one, in the best of some rounds."""
    work()
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(COUNT // ROUNDS):
            work()
        best = min(best, time.process_time() - began)
    return best / (COUNT // ROUNDS) * 1000

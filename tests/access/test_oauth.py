"""Our own token endpoint, asked by OAuth clients as identity providers have them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import AssertionSession, OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import import_key
from oauthlib.oauth2 import BackendApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session as RequestsSession

from access.gate import FAILURES
from access.oauth import ASSERTION, JWT_BEARER
from store import credentials
from store.clocks import machine_now
from tests.access.door import BASE, USERS, Door, basic, serving
from tests.access.keys import EC, OTHER, RSA, forged, private_pem, public_pem, signed

GRANT = {"grant_type": "client_credentials"}


class Live:
    """A door on loopback, at its real address and in real time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base = ""
        self.door: Door | None = None

    def __call__(self, environ: Any, start: Any) -> Any:
        if self.door is None:
            self.door = Door(self.folder, base_url=self.base, now=machine_now)
        return self.door.app.wsgi_app(environ, start)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[str, Door]]:
    app = Live(tmp_path)
    with serving(app) as base:
        app.base = base
        requests.get(base + USERS, timeout=10)
        assert app.door is not None
        yield base, app.door
    app.door.close()


def register(door: Door, key: Any, **terms: Any) -> str:
    return credentials.register(
        door.db, "key", "workday", door.clock(), public_key=public_pem(key), **terms
    )


def jose(key: Any) -> Any:
    """A private key as Authlib wants it."""
    return import_key(private_pem(key), "EC" if key is EC else "RSA")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_with_a_secret(live: tuple[str, Door], method: str) -> None:
    base, door = live
    user, secret = door.client()
    with OAuth2Session(user, secret, token_endpoint_auth_method=method) as session:
        token = session.fetch_token(f"{base}/oauth/token", grant_type="client_credentials")
        assert token["token_type"] == "Bearer"
        assert token["scope"] == "read write bulk"
        assert session.get(base + USERS).json()["totalResults"] == 0


def test_requests_oauthlib_with_a_secret(
    live: tuple[str, Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # loopback
    base, door = live
    user, secret = door.client(scopes=("read", "write"))
    with RequestsSession(client=BackendApplicationClient(user, scope=["read"])) as session:
        token = session.fetch_token(f"{base}/oauth/token", auth=HTTPBasicAuth(user, secret))
        assert token["scope"] == ["read"]
        assert session.get(base + USERS).status_code == 200
        assert session.post(base + USERS, json={"userName": "anna"}).status_code == 403


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256")])
def test_authlib_with_an_assertion(live: tuple[str, Door], key: Any, algorithm: str) -> None:
    base, door = live
    url = f"{base}/oauth/token"
    user = register(door, key)
    method = PrivateKeyJWT(url, alg=algorithm)
    with OAuth2Session(user, jose(key), token_endpoint_auth_method=method) as session:
        session.fetch_token(url, grant_type="client_credentials")
        assert session.get(base + USERS).status_code == 200


def test_authlib_with_a_jwt_bearer_grant(live: tuple[str, Door]) -> None:
    base, door = live
    url = f"{base}/oauth/token"
    user = register(door, EC)
    with AssertionSession(
        url,
        issuer=user,
        subject=user,
        audience=url,
        grant_type=JWT_BEARER,
        key=jose(EC),
        header={"alg": "ES256"},
        claims={"jti": str(uuid.uuid4())},
    ) as session:
        assert session.get(base + USERS).status_code == 200


def test_what_a_client_has_to_know(door: Door) -> None:
    http = door.app.test_client()
    found = http.get("/.well-known/oauth-authorization-server").get_json()
    assert found["issuer"] == BASE
    assert found["token_endpoint"] == f"{BASE}/oauth/token"
    assert "private_key_jwt" in found["token_endpoint_auth_methods_supported"]
    assert found["grant_types_supported"] == ["client_credentials", JWT_BEARER]
    assert http.get("/.well-known/oauth-authorization-server/other").status_code == 404


def test_behind_a_prefix_the_metadata_is_where_rfc_8414_has_it(tmp_path: Path) -> None:
    door = Door(tmp_path, base_url=f"{BASE}/muster")
    http = door.app.test_client()
    for path in (
        "/.well-known/oauth-authorization-server/muster",
        "/muster/.well-known/oauth-authorization-server",
    ):
        assert http.get(path).get_json()["issuer"] == f"{BASE}/muster"
    door.close()


def test_tokens_are_short_lived_and_die_with_their_client(door: Door) -> None:
    user, secret = door.client(expires=door.time + 7200)
    answer = door.token(GRANT, Authorization=basic(user, secret))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.get_json()["expires_in"] == 3600
    token = f"Bearer {answer.get_json()['access_token']}"
    assert door.status(token) == 200
    door.time += 3600
    assert door.status(token) == 401
    answer = door.token(GRANT, Authorization=basic(user, secret)).get_json()
    assert answer["expires_in"] == 3600
    door.time += 100
    answer = door.token(GRANT, Authorization=basic(user, secret)).get_json()
    assert answer["expires_in"] == 3500  # not longer than the client itself
    token = f"Bearer {answer['access_token']}"
    assert door.status(token) == 200
    credentials.revoke(door.db, door.ids()[0], door.time)
    assert door.status(token) == 401


def test_scopes_can_be_narrowed_and_not_widened(door: Door) -> None:
    user, secret = door.client(scopes=("read", "write"))
    login = basic(user, secret)
    narrow = door.token({**GRANT, "scope": "read"}, Authorization=login).get_json()
    token = f"Bearer {narrow['access_token']}"
    assert (narrow["scope"], door.status(token)) == ("read", 200)
    assert door.status(token, "POST") == 403
    for scope in ("bulk", "read bulk", "admin"):
        wide = door.token({**GRANT, "scope": scope}, Authorization=login)
        assert (wide.status_code, wide.get_json()["error"]) == (400, "invalid_scope")
        assert "read write" in wide.get_json()["error_description"]


def test_a_token_holds_no_more_than_its_client_may_now(door: Door) -> None:
    user, secret = door.client()
    token = door.token(GRANT, Authorization=basic(user, secret)).get_json()["access_token"]
    update = credentials.credential.update().values(scopes="read")
    door.db.write(lambda tx: tx.execute(update).close())
    assert door.status(f"Bearer {token}", "POST") == 403


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "x"}, 400, "unsupported_grant_type"),
        (GRANT, 401, "invalid_client"),
        ({**GRANT, "client_id": "ID"}, 401, "invalid_client"),
        ({**GRANT, "client_id": "ID", "client_secret": "wrong"}, 401, "invalid_client"),
        ({**GRANT, "client_id": "none", "client_secret": "SECRET"}, 401, "invalid_client"),
        ({**GRANT, "client_assertion": "x"}, 400, "invalid_request"),
        (
            {**GRANT, "client_assertion": "x", "client_assertion_type": ASSERTION},
            401,
            "invalid_client",
        ),
        (
            {
                **GRANT,
                "client_assertion": "x",
                "client_assertion_type": ASSERTION,
                "client_secret": "SECRET",
            },
            400,
            "invalid_request",
        ),
        ({"grant_type": JWT_BEARER}, 400, "invalid_request"),
        ({"grant_type": JWT_BEARER, "assertion": "a.b.c"}, 401, "invalid_client"),
        ({**GRANT, "scope": ["read", "write"]}, 400, "invalid_request"),
    ],
)
def test_errors_are_those_of_rfc_6749(
    door: Door, form: dict[str, Any], status: int, error: str
) -> None:
    user, secret = door.client()
    filled = {k: {"ID": user, "SECRET": secret}.get(str(v), v) for k, v in form.items()}
    answer = door.token(filled)
    assert (answer.status_code, answer.get_json()["error"]) == (status, error)
    assert answer.headers["Cache-Control"] == "no-store"
    assert secret not in answer.text


def test_bodies_that_are_no_forms(door: Door) -> None:
    http = door.app.test_client()
    answer = http.post("/oauth/token", json=GRANT)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")
    answer = http.post("/oauth/token", data={**GRANT, "scope": "x" * 70_000})
    assert answer.status_code == 413
    for login in ("Basic", "Basic !", "Bearer x", "Basic \xff", "x"):
        answer = door.token(GRANT, Authorization=login)
        assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")
    assert http.get("/oauth/token").status_code == 405


class TestAssertions:
    """RFC 7523: everything in one has to be right."""

    def ask(self, door: Door, user: str, key: Any = EC, alg: str = "ES256", **claims: Any) -> int:
        said = {
            "iss": user,
            "sub": user,
            "aud": f"{BASE}/oauth/token",
            "exp": door.time + 300,
            "iat": door.time,
            "jti": str(uuid.uuid4()),
            **claims,
        }
        token = signed(key, {k: v for k, v in said.items() if v is not None}, alg)
        form = {**GRANT, "client_assertion": token, "client_assertion_type": ASSERTION}
        return door.token(form).status_code

    def test_a_good_one(self, door: Door) -> None:
        user = register(door, EC)
        assert self.ask(door, user) == 200
        assert self.ask(door, user, aud=[f"{BASE}/oauth/token", "https://other.example"]) == 200
        assert self.ask(door, user, aud=BASE) == 200

    @pytest.mark.parametrize(
        "claims",
        [
            {"iss": "somebody"},
            {"sub": "somebody"},
            {"aud": "https://other.example/oauth/token"},
            {"aud": None},
            {"exp": None},
            {"exp": 1_773_651_600.0 - 61},
            {"exp": 1_773_651_600.0 + 90_000},
            {"exp": "tomorrow"},
            {"nbf": 1_773_651_600.0 + 120},
            {"iat": 1_773_651_600.0 + 120},
            {"jti": None},
            {"jti": "x" * 300},
            {"iss": "\ud800", "sub": "\ud800"},
            {"iss": "a\0", "sub": "a\0"},
            {"exp": float("nan")},
            {"exp": 10**400},
        ],
    )
    def test_a_wrong_claim(self, door: Door, claims: dict[str, Any]) -> None:
        assert self.ask(door, register(door, EC), **claims) == 401

    def test_half_a_character_in_a_good_one_is_no_harm(self, door: Door) -> None:
        user = register(door, EC)
        assert self.ask(door, user, jti="\ud800") == 200
        assert self.ask(door, user, jti="\ud800") == 401

    def test_it_is_good_once(self, door: Door) -> None:
        user = register(door, EC)
        assert self.ask(door, user, jti="one") == 200
        assert self.ask(door, user, jti="one") == 401
        assert self.ask(door, register(door, EC), jti="one") == 200  # another client's own
        assert "assertion: used before" in str(door.noted())

    def test_another_key_and_confused_keys(self, door: Door) -> None:
        user = register(door, RSA)
        assert self.ask(door, user, OTHER) == 401
        assert self.ask(door, user, RSA, "RS256") == 200
        # The public key is public: it must not serve as a shared secret.
        claims = {
            "iss": user,
            "sub": user,
            "aud": BASE,
            "exp": door.time + 60,
            "jti": "x",
        }
        for alg, key in (("HS256", public_pem(RSA).encode()), ("none", b"")):
            token = forged({"alg": alg, "typ": "JWT"}, claims, key)
            answer = door.token(
                {**GRANT, "client_assertion": token, "client_assertion_type": ASSERTION}
            )
            assert answer.status_code == 401

    def test_two_keys_in_an_overlap(self, door: Door) -> None:
        user = register(door, EC)
        credentials.rotate(door.db, door.ids()[0], door.time, 60.0, public_pem(OTHER))
        assert (self.ask(door, user, EC), self.ask(door, user, OTHER)) == (200, 200)
        door.time += 60
        assert (self.ask(door, user, EC), self.ask(door, user, OTHER)) == (401, 200)


def test_failures_at_the_token_endpoint_are_in_the_journal(door: Door) -> None:
    user, secret = door.client()
    door.token(GRANT, Authorization=basic(user, secret + "x"))
    entry = door.noted()[-1]
    assert entry["from"][0]["reason"] == "wrong client id or secret"
    assert entry["from"][0]["client"] == user
    assert secret not in str(entry)
    answers = [door.token(GRANT, Authorization=basic(user, "x")) for _ in range(FAILURES + 5)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert door.token(GRANT, Authorization=basic(user, secret)).status_code == 200

"""Tokens that others sign: an outside issuer's, and those that somebody made up."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from access import keysets
from access.callers import KeysAway
from access.keysets import KeySet
from access_settings import Access, Issuer
from store import credentials
from tests.access.door import BASE, USERS, Door, basic, serving
from tests.access.keys import EC, OTHER, RSA, forged, jwk, part, public_pem, signed

ISSUER = "https://login.norhaven.example/tenant"


class Keys:
    """An issuer's key set, served over HTTP."""

    def __init__(self) -> None:
        self.keys: list[Any] = [jwk(EC, "one")]
        self.down = False
        self.asked = 0

    def __call__(self, environ: Any, start: Any) -> list[bytes]:
        self.asked += 1
        start("503 Down" if self.down else "200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"keys": self.keys}).encode()]


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def doors(tmp_path: Path, keys: Keys) -> Iterator[Callable[..., Door]]:
    """Makes a door that believes the issuer."""
    made: list[Door] = []
    with serving(keys) as url:

        def make(**issuer: Any) -> Door:
            one = Issuer(ISSUER, ("muster", "api://muster"), url, **issuer)
            made.append(Door(tmp_path, Access(issuers=(one,))))
            credentials.register(
                made[0].db, "jwt", "workday", made[0].time, handle=f"{ISSUER}\napp-7"
            )
            return made[0]

        yield make
    for door in made:
        door.close()


def claims(door: Door, **more: Any) -> dict[str, Any]:
    said = {
        "iss": ISSUER,
        "sub": "app-7",
        "aud": "muster",
        "exp": int(door.time) + 300,
        "iat": int(door.time),
        **more,
    }
    return {name: value for name, value in said.items() if value is not None}


def status(door: Door, token: str, method: str = "GET") -> int:
    return door.status(f"Bearer {token}", method)


def test_a_caller_is_known_by_its_token(doors: Callable[..., Door], keys: Keys) -> None:
    door = doors()
    token = signed(EC, claims(door), kid="one")
    with serving(door.app) as base:
        answer = requests.get(
            base + USERS, headers={"Authorization": f"Bearer {token}"}, timeout=10
        )
    assert answer.status_code == 200
    assert status(door, signed(EC, claims(door), kid="one", typ="at+jwt")) == 200
    assert status(door, signed(EC, claims(door, aud=["x", "api://muster"]), kid="one")) == 200
    assert status(door, signed(EC, claims(door))) == 200  # without a key id: any of the keys
    assert keys.asked == 1


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"sub": "app-8"}, "nobody we know"),
        ({"sub": None}, "without sub"),
        ({"iss": "https://evil.example"}, "unknown issuer"),
        ({"iss": None}, "unknown issuer"),
        ({"aud": "another-service"}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": {"muster": 1}}, "audience"),
        ({"exp": None}, "expired"),
        ({"exp": 1_773_651_600 - 61}, "expired"),
        ({"exp": True}, "expired"),
        ({"exp": "9999999999"}, "expired"),
        ({"exp": float("nan")}, "expired"),
        ({"exp": float("inf")}, "expired"),
        ({"exp": 10**400}, "expired"),
        ({"sub": "app-7\0"}, "nobody we know"),
        ({"sub": "\ud800"}, "nobody we know"),
        ({"nbf": 1_773_651_600 + 120}, "not good yet"),
    ],
)
def test_a_wrong_claim(doors: Callable[..., Door], more: dict[str, Any], reason: str) -> None:
    door = doors()
    answer = door.ask(Authorization=f"Bearer {signed(EC, claims(door, **more), kid='one')}")
    assert answer.status_code == 401
    assert answer.get_json(force=True)["detail"] == "The token is not valid."
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert f"JWT: {reason}" in str(door.noted())


def test_tampered_unsigned_and_confused(doors: Callable[..., Door], keys: Keys) -> None:
    door = doors()
    keys.keys.append(jwk(RSA, "two"))
    good = signed(EC, claims(door), kid="one")
    head, body, seal = good.split(".")
    said = claims(door)
    pem = public_pem(RSA).encode()
    nested = "[" * 5000 + "]" * 5000
    for token in (
        f"{head}.{part({**said, 'sub': 'admin'})}.{seal}",
        f"{head}.{body}.{seal[:-4]}AAAA",
        f"{head}.{body}.",
        f"{head}.{body}",
        forged({"alg": "none", "typ": "JWT"}, said),
        forged({"alg": "None", "typ": "JWT"}, said),
        forged({"alg": "", "typ": "JWT"}, said),
        forged({"typ": "JWT"}, said),
        forged({"alg": "HS256", "typ": "JWT", "kid": "two"}, said, pem),
        forged({"alg": "HS256", "kid": "one"}, said, public_pem(EC).encode()),
        signed(OTHER, said, kid="one"),
        signed(OTHER, said, kid="one", jwk=jwk(OTHER, "one")),
        signed(OTHER, said, kid="one", jku="https://evil.example/keys"),
        signed(RSA, said, "RS512", kid="two"),  # not among the issuer's algorithms
        signed(EC, said, kid="one", typ="dpop+jwt"),
        signed(EC, said, kid="one", crit=["exp2"], exp2=1),
        forged({"alg": "ES256", "kid": ["one"]}, said, b"x"),
        forged({"alg": "ES256", "kid": "../../etc/passwd"}, said, b"x"),
        forged({"alg": "ES256", "kid": "one"}, {**said, "iss": [ISSUER]}, b"x"),
        forged([], said, b"x"),
        forged({"alg": "ES256"}, b"\xff\xfe", b"x"),
        forged({"alg": "ES256"}, nested.encode(), b"x"),
        forged({"alg": "ES256"}, [1], b"x"),
        "a.b.c",
        "..",
        ".".join(["x" * 5000] * 3),
    ):
        assert status(door, token) == 401, token[:80]
        door.time += 4  # or it is told to wait
    assert status(door, signed(EC, claims(door), kid="one")) == 200


def test_a_huge_token_is_not_looked_at(doors: Callable[..., Door]) -> None:
    door = doors()
    huge = signed(EC, claims(door, more="x" * 20_000), kid="one")
    assert status(door, huge) == 401
    assert "credential too long" in str(door.noted())


def test_keys_are_rotated_and_kept_while_the_issuer_is_away(
    doors: Callable[..., Door], keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keysets, "PAUSE", 0.0)
    door = doors()
    assert status(door, signed(EC, claims(door), kid="one")) == 200
    keys.keys = [jwk(EC, "one"), jwk(OTHER, "next")]
    assert status(door, signed(OTHER, claims(door), kid="next")) == 200  # fetched for it
    keys.keys = [jwk(OTHER, "next")]
    keys.down = True
    assert status(door, signed(RSA, claims(door), "RS256", kid="never")) == 401
    assert status(door, signed(OTHER, claims(door), kid="next")) == 200
    keys.down = False
    assert status(door, signed(RSA, claims(door), "RS256", kid="never")) == 401
    assert status(door, signed(EC, claims(door), kid="one")) == 401  # it was withdrawn


def test_an_issuer_that_was_never_reached_is_not_the_callers_fault(
    doors: Callable[..., Door], keys: Keys
) -> None:
    keys.down = True
    door = doors()
    answer = door.ask(Authorization=f"Bearer {signed(EC, claims(door), kid='one')}")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1


def test_scopes_and_roles_of_the_issuer(doors: Callable[..., Door]) -> None:
    door = doors(scope_claim="roles", scopes={"HR.Push": ("write", "bulk"), "HR.Look": ("read",)})

    def may(method: str, roles: Any) -> bool:
        return status(door, signed(EC, claims(door, roles=roles), kid="one"), method) != 403

    assert may("GET", ["HR.Look"])
    assert not may("POST", ["HR.Look"])
    assert may("POST", ["HR.Push", "other"])
    assert not may("GET", ["other"])
    assert not may("GET", None)
    assert not may("GET", {"HR.Look": True})
    assert may("GET", "HR.Look HR.Push")


def test_another_claim_may_name_the_client(doors: Callable[..., Door]) -> None:
    door = doors(client_claim="azp")
    assert status(door, signed(EC, claims(door, sub="x", azp="app-7"), kid="one")) == 200
    assert status(door, signed(EC, claims(door), kid="one")) == 401


def test_a_token_of_ours_cannot_be_forged(door: Door) -> None:
    user, secret = door.client()
    answer = door.token({"grant_type": "client_credentials"}, Authorization=basic(user, secret))
    token = answer.get_json()["access_token"]
    head, body, seal = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert (said["iss"], said["aud"]) == (BASE, f"{BASE}/scim/v2")
    assert status(door, token) == 200
    for wrong in (
        f"{head}.{part({**said, 'scope': 'read write bulk admin'})}.{seal}",
        forged({"alg": "none"}, said),
        forged({"alg": "HS256"}, said, b"guess"),
        signed(EC, said),
    ):
        assert status(door, wrong) == 401


class TestKeySet:
    """Fetched as rarely as possible."""

    def make(self, *answers: bytes | Exception) -> tuple[KeySet, list[float], list[str]]:
        fetched: list[str] = []
        moment = [1000.0]
        given = iter(answers)

        def fetch(url: str, ca_file: str | None) -> bytes:
            fetched.append(url)
            answer = next(given)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return KeySet("u", fetch=fetch, clock=lambda: moment[0]), moment, fetched

    def document(self, *found: Any) -> bytes:
        return json.dumps({"keys": found}).encode()

    def test_made_up_key_ids_do_not_make_us_fetch(self) -> None:
        keys, moment, fetched = self.make(*[self.document(jwk(EC, "one"))] * 3)
        for number in range(50):
            keys.keys(f"made up {number}")
        assert len(fetched) == 1
        moment[0] += keysets.PAUSE
        keys.keys("another")
        assert len(fetched) == 2
        assert len(keys.keys("one")) == 1
        moment[0] += keysets.LIFETIME + 1
        keys.keys("one")
        assert len(fetched) == 3

    @pytest.mark.parametrize(
        "answer",
        [b"", b"[]", b"{}", b'{"keys": 1}', b"\xff", b"[" * 100_000, OSError(), ValueError()],
    )
    def test_nonsense_is_no_key_set(self, answer: bytes | Exception) -> None:
        keys, _, _ = self.make(answer)
        with pytest.raises(KeysAway):
            keys.keys("one")

    def test_only_keys_that_may_sign_count(self) -> None:
        secret = {"kty": "oct", "k": "c2VjcmV0c2VjcmV0", "kid": "shared"}
        document = self.document(
            secret, jwk(EC, "enc", use="enc"), {"kty": "RSA"}, 7, jwk(RSA, "rsa", alg="RS256")
        )
        keys, _, _ = self.make(document)
        assert [key.algorithms for key in keys.keys(None)] == [("RS256",)]

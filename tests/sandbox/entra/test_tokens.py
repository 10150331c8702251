"""The token endpoint, and what Graph thinks of tokens."""

from __future__ import annotations

from pathlib import Path

import jwt
import pytest
import requests

from sandbox.entra import Options, SandboxEntra
from tests.sandbox.entra.conftest import Client, said

GUID = "8a1b0000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("changes", "status", "error", "number", "text"),
    [
        ({"client_secret": "x"}, 401, "invalid_client", 7000215, "Invalid client secret provided."),
        ({"client_secret": "-"}, 401, "invalid_client", 7000216, "'client_secret'"),
        ({"client_id": GUID}, 400, "unauthorized_client", 700016, f"identifier '{GUID}'"),
        ({"client_id": "-"}, 400, "unauthorized_client", 700016, "identifier ''"),
        ({"tenant": GUID}, 400, "invalid_request", 90002, f"Tenant '{GUID}' not found."),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003, "'password'"),
        ({"grant_type": "-"}, 400, "invalid_request", 900144, "'grant_type'"),
        ({"scope": "User.Read.All"}, 400, "invalid_scope", 1002012, "scope User.Read.All is not"),
        ({"scope": "https://x.example/.default"}, 400, "invalid_scope", 1002012, "is not valid"),
        ({"scope": "-"}, 400, "invalid_scope", 1002012, "is not valid"),
    ],
)
def test_refusals(
    client: Client, changes: dict[str, str], status: int, error: str, number: int, text: str
) -> None:
    answer = client.token(**changes)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert text in body["error_description"]


def test_a_token_and_its_life(client: Client, sandbox: SandboxEntra) -> None:
    body = client.token().json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3599)
    sandbox.configure(token_seconds=60)
    assert client.token().json()["expires_in"] == 60


def test_a_client_may_show_itself_in_the_header(client: Client) -> None:
    to = client.settings
    answer = requests.post(
        f"{to['authority']}/{to['tenant_id']}/oauth2/v2.0/token",
        data={"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default"},
        auth=(to["client_id"], to["client_secret"]),
        verify=to["ca_file"],
        timeout=10,
    )
    assert answer.status_code == 200


def test_metadata(client: Client) -> None:
    to = client.settings
    base = f"{to['authority']}/{to['tenant_id']}"
    found = client("GET", f"{base}/v2.0/.well-known/openid-configuration").json()
    assert found["token_endpoint"] == f"{base}/oauth2/v2.0/token"
    assert client("GET", found["jwks_uri"]).json() == {"keys": []}
    instance = client("GET", f"{to['authority']}/common/discovery/instance").json()
    assert instance["metadata"][0]["aliases"] == [to["authority"].removeprefix("https://")]
    wrong = client("GET", f"{to['authority']}/{GUID}/v2.0/.well-known/openid-configuration")
    assert (wrong.status_code, wrong.json()["error_codes"]) == (400, [90002])
    assert client("GET", f"{to['authority']}/favicon.ico").status_code == 404
    assert client("GET", f"{to['authority']}/").status_code == 404


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "Access token is empty."),
        ("Bearer ", "Access token is empty."),
        ("Basic eDp5", "Access token is empty."),
        ("Bearer nonsense", "IDX14100: JWT is not well formed."),
    ],
)
def test_no_token_no_answer(client: Client, header: str, message: str) -> None:
    answer = client("GET", "/users", headers={"Authorization": header})
    assert said(answer) == (401, "InvalidAuthenticationToken", message)
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm=""')


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_an_expired_token(tmp_path: Path) -> None:
    now = [1_773_651_600.0]
    options = Options(token_seconds=60)
    with SandboxEntra(tmp_path, options=options, machine=lambda: now[0]) as sandbox:
        # The certificate is of that day too: look only at what Graph says of the token.
        to = sandbox.settings()
        form = {
            "grant_type": "client_credentials",
            "client_id": to["client_id"],
            "client_secret": to["client_secret"],
            "scope": f"{to['authority']}/.default",
        }
        url = f"{to['authority']}/{to['tenant_id']}/oauth2/v2.0/token"
        users = f"{to['graph']}/users"
        with requests.Session() as session:
            session.trust_env, session.verify = False, False
            token = session.post(url, data=form, timeout=10).json()["access_token"]
            bearer = {"Authorization": f"Bearer {token}"}
            assert session.get(users, headers=bearer, timeout=10).status_code == 200
            now[0] += 61
            answer = session.get(users, headers=bearer, timeout=10)
        assert said(answer) == (
            401,
            "InvalidAuthenticationToken",
            "Lifetime validation failed, the token is expired.",
        )


def test_a_token_of_another_tenant(client: Client, tmp_path: Path) -> None:
    with SandboxEntra(tmp_path) as other, Client(other) as stranger:
        foreign = stranger.session.headers["Authorization"]
    answer = client("GET", "/users", headers={"Authorization": str(foreign)})
    assert said(answer)[:2] == (401, "InvalidAuthenticationToken")


def test_a_token_for_something_else(client: Client, sandbox: SandboxEntra) -> None:
    running = sandbox._running
    assert running is not None
    key = running.tenant.identity.signing_key
    claims = {"aud": "https://vault.example", "tid": client.settings["tenant_id"], "exp": 1 << 40}
    token = jwt.encode(claims, key, algorithm="HS256")
    answer = client("GET", "/users", headers={"Authorization": f"Bearer {token}"})
    assert said(answer) == (
        401,
        "InvalidAuthenticationToken",
        "Access token validation failure. Invalid audience.",
    )


def test_permissions_are_asked_for(client: Client, sandbox: SandboxEntra) -> None:
    sandbox.configure(roles=frozenset({"Group.Read.All"}))
    client.sign_in()
    assert client("GET", "/groups").status_code == 200
    denied = (
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    )
    assert said(client("GET", "/users")) == denied
    assert said(client("POST", "/groups", {})) == denied

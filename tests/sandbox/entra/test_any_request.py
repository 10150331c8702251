"""Whatever comes over the wire: an answer of Graph, never an exception."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.entra import SandboxEntra, schema
from sandbox.entra.graph import Graph, Request
from tests.sandbox.entra.conftest import user

EXTENSION = "extension_0123456789abcdef0123456789abcdef_x"
NAMES = [*sorted(schema.fields("User")), EXTENSION, "nonsense"]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS | st.sampled_from(["2026-03-16T00:00:00Z", "NO", "ann@norhaven.example"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
BODIES = st.dictionaries(st.sampled_from([*NAMES, "@odata.type", "manager@odata.bind"]), VALUES) | (
    VALUES
)
PARTS = """users groups directory deletedItems manager $ref members $count restore $batch memberOf
graph.user ann.berg@norhaven.example %00 ø"""
CLAUSES = """displayName accountEnabled employeeHireDate identities p/q a/b/c
employeeOrgData/division onPremisesExtensionAttributes/extensionAttribute1 proxyAddresses/any(p:p
$count / : ( ) , eq ne gt and or not in startsWith( endsWith(mail,
'x' '' true null 1 -1 2026-03-16 2026-99-99"""
SEGMENTS = st.just("") | st.sampled_from(PARTS.split())
WORDS = st.sampled_from(CLAUSES.split())
SPARINGLY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def ask(sandbox: SandboxEntra, method: str, path: str, query: str, body: bytes | None) -> Any:
    """The answer without the socket, so that an exception is seen as one."""
    running = sandbox._running
    assert running is not None
    graph: Graph = running.graph
    to = sandbox.settings()
    form = (
        f"grant_type=client_credentials&client_id={to['client_id']}"
        f"&client_secret={to['client_secret']}&scope=https://graph.microsoft.com/.default"
    )
    token_path = f"/{to['tenant_id']}/oauth2/v2.0/token"
    token = graph.answer(Request("POST", token_path, "", {}, form.encode()), to["authority"])
    headers = {
        "authorization": f"Bearer {token.body['access_token']}",
        "content-type": "application/json",
        "consistencylevel": "eventual",
    }
    answer = graph.answer(Request(method, path, query, headers, body or b""), to["authority"])
    if answer.body is not None and not isinstance(answer.body, bytes):
        json.dumps(answer.body, ensure_ascii=False).encode()
    assert 200 <= answer.status < 500
    return answer


@SPARINGLY
@given(body=BODIES, create=st.booleans())
def test_bodies(sandbox: SandboxEntra, body: Any, create: bool) -> None:
    sandbox.put([{"userPrincipalName": "ann.berg@norhaven.example"}])
    if create and isinstance(body, dict):
        body = user("bo.lind") | body
    raw = json.dumps(body).encode()
    if create:
        answer = ask(sandbox, "POST", "/v1.0/users", "", raw)
    else:
        answer = ask(sandbox, "PATCH", "/v1.0/users/ann.berg@norhaven.example", "", raw)
    if answer.status < 300:
        shown = ask(sandbox, "GET", "/v1.0/users", "$select=*", None)
        assert shown.body["value"]


@SPARINGLY
@given(
    path=st.lists(SEGMENTS, max_size=5),
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
    body=st.none() | BODIES,
)
def test_paths(sandbox: SandboxEntra, path: list[str], method: str, body: Any) -> None:
    raw = None if body is None else json.dumps(body).encode()
    ask(sandbox, method, "/v1.0/" + "/".join(path), "", raw)


@SPARINGLY
@given(words=st.lists(WORDS, max_size=9), count=st.booleans())
def test_filters(sandbox: SandboxEntra, words: list[str], count: bool) -> None:
    sandbox.put(
        [
            {
                "userPrincipalName": "ann.berg@norhaven.example",
                "mail": "ann.berg@norhaven.example",
                "employeeHireDate": "2026-03-16T00:00:00Z",
            }
        ]
    )
    query = f"$count={str(count).lower()}&$filter={quote(' '.join(words))}"
    ask(sandbox, "GET", "/v1.0/users", query, None)


@SPARINGLY
@given(
    requests=st.lists(
        st.fixed_dictionaries(
            {"id": st.sampled_from(["1", "2", "3", ""]) | SCALARS},
            optional={
                "method": st.sampled_from(["GET", "POST", "get"]) | SCALARS,
                "url": st.sampled_from(["/users", "users/x", "/$batch", "?", ""]) | SCALARS,
                "headers": VALUES,
                "body": BODIES,
                "dependsOn": st.lists(st.sampled_from(["1", "2", "3"]) | SCALARS) | SCALARS,
            },
        )
        | VALUES,
        max_size=4,
    )
)
def test_batches(sandbox: SandboxEntra, requests: list[Any]) -> None:
    raw = json.dumps({"requests": requests}).encode()
    ask(sandbox, "POST", "/v1.0/$batch", "", raw)

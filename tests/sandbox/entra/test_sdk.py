"""The real azure-identity and msgraph-sdk against the sandbox, over TLS."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential
from kiota_abstractions.api_error import APIError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.reference_update import ReferenceUpdate
from msgraph.generated.models.user import User
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core import GraphClientFactory

from sandbox.entra import SandboxEntra
from sandbox.faults import Fault
from tests.sandbox.entra.conftest import user

T = TypeVar("T")
GRAPH_SCOPE = "https://graph.microsoft.com/.default"


def with_graph(
    sandbox: SandboxEntra, work: Callable[[GraphServiceClient, GraphRequestAdapter], Awaitable[T]]
) -> T:
    """Run `work` with a client wired as the adapter wires it."""

    async def run() -> T:
        to = sandbox.settings()
        credential = AsyncClientSecretCredential(
            to["tenant_id"],
            to["client_id"],
            to["client_secret"],
            authority=to["authority"],
            disable_instance_discovery=True,
            connection_verify=to["ca_file"],
        )
        trust = ssl.create_default_context(cafile=to["ca_file"])
        transport = httpx.AsyncHTTPTransport(verify=trust)
        inner = httpx.AsyncClient(base_url=to["graph"], transport=transport, timeout=20)
        http = GraphClientFactory.create_with_default_middleware(client=inner)
        auth = AzureIdentityAuthenticationProvider(
            credential, scopes=[GRAPH_SCOPE], allowed_hosts=["localhost"]
        )
        adapter = GraphRequestAdapter(auth, http)
        adapter.base_url = to["graph"]
        try:
            return await work(GraphServiceClient(request_adapter=adapter), adapter)
        finally:
            await credential.close()
            await transport.aclose()  # closing the SDK's client does not reach it

    return asyncio.run(run())


async def send(adapter: GraphRequestAdapter, ri: RequestInformation) -> Any:
    raw = await adapter.send_primitive_async(ri, "bytes", {"XXX": ODataError})
    return json.loads(raw) if raw else None


async def create(graph: GraphServiceClient, adapter: GraphRequestAdapter, **changes: Any) -> Any:
    body = User(additional_data=user(**changes))
    return await send(adapter, graph.users.to_post_request_information(body))


def test_the_life_of_a_user(sandbox: SandboxEntra) -> None:
    async def work(graph: GraphServiceClient, adapter: GraphRequestAdapter) -> None:
        boss = await create(graph, adapter, name="bo.lind", jobTitle="Head of Ferries")
        ann = await create(graph, adapter, name="ann.berg", mobilePhone="+47 22 00 00 00")
        one = graph.users.by_user_id(ann["id"])

        reference = ReferenceUpdate(odata_id=f"{adapter.base_url}/users/{boss['id']}")
        await one.manager.ref.put(reference)
        patch = User(additional_data={"mobilePhone": None, "department": "Deck"})
        assert await send(adapter, one.to_patch_request_information(patch)) is None

        configuration = RequestConfiguration(
            query_parameters=UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
                filter="userPrincipalName eq 'ann.berg@norhaven.example'",
                select=["id", "mobilePhone", "department"],
                expand=["manager($select=id,displayName)"],
            )
        )
        found = await send(adapter, graph.users.to_get_request_information(configuration))
        shown = found["value"][0]
        assert (shown["id"], shown["mobilePhone"], shown["department"]) == (ann["id"], None, "Deck")
        assert shown["manager"]["id"] == boss["id"]

        revoked = await one.revoke_sign_in_sessions.post()
        assert revoked is not None
        assert revoked.value is True
        await one.manager.ref.delete()
        await one.delete()
        with pytest.raises(ODataError) as gone:
            await one.get()
        assert gone.value.response_status_code == 404

        bin = graph.directory.deleted_items.by_directory_object_id(ann["id"])
        deleted = await send(adapter, bin.to_get_request_information())
        assert deleted["userPrincipalName"] == ann["id"].replace("-", "") + ann["userPrincipalName"]
        await bin.restore.post()
        back = await one.get()
        assert back is not None
        assert back.user_principal_name == "ann.berg@norhaven.example"

    with_graph(sandbox, work)


def test_a_conflict_reads_as_odata_error(sandbox: SandboxEntra) -> None:
    async def work(graph: GraphServiceClient, adapter: GraphRequestAdapter) -> None:
        await create(graph, adapter)
        with pytest.raises(ODataError) as raised:
            await create(graph, adapter)
        error = raised.value.error
        assert raised.value.response_status_code == 400
        assert error is not None
        assert error.code == "Request_BadRequest"
        assert error.details is not None
        assert [(d.code, d.target) for d in error.details] == [
            ("ObjectConflict", "userPrincipalName")
        ]
        assert error.inner_error is not None
        assert error.inner_error.request_id

    with_graph(sandbox, work)


def test_the_sdk_waits_as_a_429_tells_it(sandbox: SandboxEntra) -> None:
    sandbox.set_faults([Fault("entra", "POST /users$", "error", "429/1", count=1)])

    async def work(graph: GraphServiceClient, adapter: GraphRequestAdapter) -> None:
        assert (await create(graph, adapter))["id"]

    with_graph(sandbox, work)
    assert sandbox.faults.fired == 1
    assert len(sandbox.dump()) == 1


def test_a_html_502_is_a_plain_api_error(sandbox: SandboxEntra) -> None:
    sandbox.set_faults([Fault("entra", "POST /users$", "error", 502)])

    async def work(graph: GraphServiceClient, adapter: GraphRequestAdapter) -> None:
        with pytest.raises(APIError) as raised:
            await create(graph, adapter)
        assert raised.value.response_status_code == 502

    with_graph(sandbox, work)


def test_an_answer_lost_after_the_commit(sandbox: SandboxEntra) -> None:
    sandbox.set_faults([Fault("entra", "POST /users$", "drop_after", count=1)])

    async def work(graph: GraphServiceClient, adapter: GraphRequestAdapter) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await create(graph, adapter)

    with_graph(sandbox, work)
    assert [u["userPrincipalName"] for u in sandbox.dump()] == ["ann.berg@norhaven.example"]


def test_a_port_that_is_closed(sandbox: SandboxEntra) -> None:
    async def work(graph: GraphServiceClient, adapter: GraphRequestAdapter) -> None:
        await create(graph, adapter)
        sandbox.set_faults([Fault("entra", "*", "refuse")])
        with pytest.raises(httpx.HTTPError):
            await create(graph, adapter, name="bo.lind")
        sandbox.set_faults([])
        await create(graph, adapter, name="bo.lind")

    with_graph(sandbox, work)


def test_users_through_the_typed_models(sandbox: SandboxEntra) -> None:
    """What the sandbox shows must be what the SDK's own models can read."""

    async def work(graph: GraphServiceClient, adapter: GraphRequestAdapter) -> None:
        await create(graph, adapter, businessPhones=["+47 1"], employeeHireDate="2026-03-16T00:00Z")
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            select=["displayName", "businessPhones", "employeeHireDate", "identities"], top=5
        )
        page = await graph.users.get(RequestConfiguration(query_parameters=query))
        assert page is not None
        assert page.value is not None
        read = page.value[0]
        assert (read.display_name, read.business_phones) == ("Ann Berg", ["+47 1"])
        assert read.employee_hire_date is not None
        assert read.employee_hire_date.isoformat() == "2026-03-16T00:00:00+00:00"
        assert read.identities is not None
        assert read.identities[0].sign_in_type == "userPrincipalName"

    with_graph(sandbox, work)


def test_the_synchronous_credential_finds_its_way(sandbox: SandboxEntra) -> None:
    """MSAL reads openid-configuration first, then asks for the token."""
    to = sandbox.settings()
    credential = ClientSecretCredential(
        to["tenant_id"],
        to["client_id"],
        to["client_secret"],
        authority=to["authority"],
        disable_instance_discovery=True,
        connection_verify=to["ca_file"],
    )
    assert credential.get_token(GRAPH_SCOPE).token.count(".") == 2
    assert credential.get_token(f"{to['authority']}/.default").token.count(".") == 2


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"client_secret": "wrong"}, "AADSTS7000215: Invalid client secret provided."),
        ({"client_id": "8a1b0000-0000-4000-8000-000000000000"}, "AADSTS700016: Application"),
    ],
)
def test_a_wrong_credential_says_so(
    sandbox: SandboxEntra, changes: dict[str, str], text: str
) -> None:
    to = sandbox.settings()
    given = {k: to[k] for k in ("tenant_id", "client_id", "client_secret")} | changes  # type: ignore[literal-required]
    credential = ClientSecretCredential(
        **given,
        authority=to["authority"],
        disable_instance_discovery=True,
        connection_verify=to["ca_file"],
    )
    with pytest.raises(ClientAuthenticationError, match=text):
        credential.get_token(GRAPH_SCOPE)

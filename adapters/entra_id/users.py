"""The requests about users that Muster makes, through the SDK's request builders.

Each returns Graph's JSON and raises what `Graph.send` raises.
(https://learn.microsoft.com/graph/api/resources/users)
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any
from uuid import UUID

from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.headers_collection import HeadersCollection
from kiota_abstractions.request_information import RequestInformation
from msgraph.generated.directory.deleted_items.graph_user.graph_user_request_builder import (
    GraphUserRequestBuilder,
)
from msgraph.generated.users.item.member_of.member_of_request_builder import (
    MemberOfRequestBuilder,
)
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder

from adapters.entra_id.attributes import selection, top
from adapters.entra_id.client import Body, Graph
from adapters.entra_id.errors import GraphError

_MANAGER = ["manager($select=id)"]
_EXPANDED_PAGE = 100
_USER = "#microsoft.graph.user"
_ADVANCED = ("onPremisesExtensionAttributes/",)
"""What only the index that lags behind answers (`ConsistencyLevel: eventual`)."""


class Users:
    """`/users` and `/directory/deletedItems` of one tenant."""

    def __init__(self, graph: Graph, further: Iterable[str] = ()) -> None:
        self._graph = graph
        self._users = graph.client.users
        self._select = selection(further)

    async def get(self, id: str) -> dict[str, Any]:
        """A user by object id or userPrincipalName, with its manager's id."""
        return await self._graph.send(self._getting(id))

    async def get_patiently(self, id: str) -> dict[str, Any]:
        """As :meth:`get`, one of many: waits when Graph asks for it."""
        return await self._graph.patiently(lambda: self._getting(id))

    def _getting(self, id: str) -> RequestInformation:
        query = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(
            select=self._select, expand=_MANAGER
        )
        request: RequestInformation = self._users.by_user_id(id).to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        return request

    def pages(self) -> AsyncIterator[list[dict[str, Any]]]:
        """All users, a page at a time. With `$expand`, Graph gives at most 100 in one."""
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            select=self._select, expand=_MANAGER, top=_EXPANDED_PAGE
        )
        return self._graph.pages(
            self._users.to_get_request_information(RequestConfiguration(query_parameters=query))
        )

    async def find(self, attribute: str, value: str) -> list[dict[str, Any]]:
        """Users whose `attribute` equals `value`; at most a handful, for one is expected."""
        path = attribute.replace(".", "/")
        eventual = path.startswith(_ADVANCED)
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            filter=f"{path} eq {_literal(value)}",
            select=self._select,
            expand=_MANAGER,
            top=5,
            count=True if eventual else None,
        )
        return await self._list(query, eventual)

    async def holding(self, condition: str) -> list[dict[str, Any]]:
        """Users for whom the `$filter` holds: id and name only."""
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            filter=condition, select=["id", "userPrincipalName"], top=5
        )
        return await self._list(query, eventual=False)

    async def _list(
        self, query: UsersRequestBuilder.UsersRequestBuilderGetQueryParameters, eventual: bool
    ) -> list[dict[str, Any]]:
        request = self._users.to_get_request_information(
            RequestConfiguration(query_parameters=query, headers=_headers(eventual))
        )
        return list((await self._graph.send(request)).get("value", ()))

    async def deleted(self, condition: str, *attributes: str) -> list[dict[str, Any]]:
        """Users in the recycle bin (30 days) for whom the `$filter` holds: id, name and
        `attributes` only."""
        query = GraphUserRequestBuilder.GraphUserRequestBuilderGetQueryParameters(
            filter=condition,
            select=["id", "userPrincipalName", *(top(a) for a in attributes)],
            top=999,  # `endsWith` finds many whose name merely ends so
            count=True,
        )
        request = self._graph.client.directory.deleted_items.graph_user.to_get_request_information(
            RequestConfiguration(query_parameters=query, headers=_headers(eventual=True))
        )
        return list((await self._graph.send(request)).get("value", ()))

    async def find_deleted(self, id: str) -> dict[str, Any] | None:
        """The user in the recycle bin, or None."""
        if as_id(id) is None:
            return None
        item = self._graph.client.directory.deleted_items.by_directory_object_id(id)
        try:
            found = await self._graph.send(item.to_get_request_information())
        except GraphError as error:
            if error.status != 404:
                raise
            return None
        return found if found.get("@odata.type", _USER) == _USER else None

    async def is_deleted(self, id: str) -> bool:
        """Whether the user is known to lie in the recycle bin."""
        try:
            return await self.find_deleted(id) is not None
        except GraphError:
            return False

    async def create(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """A new user, as Graph answers it."""
        return await self._graph.send(self._users.to_post_request_information(Body(fields)))

    async def patch(self, id: str, fields: Mapping[str, Any]) -> None:
        """Set properties; null removes a value."""
        user = self._users.by_user_id(id)
        await self._graph.send(user.to_patch_request_information(Body(fields)))

    async def delete(self, id: str) -> None:
        """Put a user into the recycle bin."""
        await self._graph.send(self._users.by_user_id(id).to_delete_request_information())

    async def set_manager(self, id: str, manager: str | None) -> None:
        """Set or remove the manager."""
        ref = self._users.by_user_id(id).manager.ref
        if manager is None:
            await self._graph.send(ref.to_delete_request_information())
            return
        link = {"@odata.id": f"{self._graph.base_url}/users/{manager}"}
        await self._graph.send(ref.to_put_request_information(Body(link)))

    async def revoke_sessions(self, id: str) -> None:
        """Take back all refresh tokens and browser sessions."""
        user = self._users.by_user_id(id)
        await self._graph.send(user.revoke_sign_in_sessions.to_post_request_information())

    async def restore(self, id: str, principal_name: str | None = None) -> dict[str, Any]:
        """Bring a user back from the recycle bin, under another name if its own is taken."""
        wanted: dict[str, Any] = {"autoReconcileProxyConflict": True}
        if principal_name is not None:
            wanted["newUserPrincipalName"] = principal_name
        items = self._graph.client.directory.deleted_items
        request = items.by_directory_object_id(id).restore.to_post_request_information()
        request.set_stream_content(json.dumps(wanted).encode(), "application/json")
        return await self._graph.send(request)

    async def has_role(self, id: str) -> bool:
        """Whether the user holds an administrator role."""
        query = MemberOfRequestBuilder.MemberOfRequestBuilderGetQueryParameters(
            select=["id"], top=999
        )
        request = self._users.by_user_id(id).member_of.to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        found = (await self._graph.send(request)).get("value", ())
        return any(one.get("@odata.type") == "#microsoft.graph.directoryRole" for one in found)


def as_id(anchor: str) -> str | None:
    """The id as Graph writes it, or None when it is none."""
    try:
        return str(UUID(anchor)) if len(anchor) == 36 else None
    except ValueError:
        return None


def equals(attribute: str, value: str) -> str:
    """A `$filter` clause."""
    return f"{attribute.replace('.', '/')} eq {_literal(value)}"


def has_address(address: str) -> str:
    """A `$filter` clause: an SMTP address, primary or not (values compare without case)."""
    return f"proxyAddresses/any(p:p eq {_literal('smtp:' + address)})"


def ends_with(attribute: str, value: str) -> str:
    """A `$filter` clause."""
    return f"endsWith({attribute},{_literal(value)})"


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _headers(eventual: bool) -> HeadersCollection:
    headers = HeadersCollection()
    if eventual:
        headers.add("ConsistencyLevel", "eventual")
    return headers

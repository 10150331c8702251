"""The requests about users that Muster makes, through the SDK's request builders.

Each returns Graph's JSON and raises what `Graph.send` raises.
(https://learn.microsoft.com/graph/api/resources/users)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

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
from adapters.entra_id.client import Graph
from adapters.entra_id.errors import GraphError
from adapters.entra_id.prepared import Body, Prepared, built

_MANAGER = ["manager($select=id)"]
_EXPANDED_PAGE = 100
"""With `$expand`, Graph gives no more in one page (known issue 13635)."""
PAGE = 999
"""The most that Graph gives in one page."""
_FEW = 5
"""One is expected; more are an answer too."""
_SOME = 50
"""Holders of several names: each has one or two."""
_NAMES = ["id", "userPrincipalName", "mailNickname", "mail", "proxyAddresses"]
_USER = "#microsoft.graph.user"
_ADVANCED = ("onPremisesExtensionAttributes/",)
"""What only the index that lags behind answers (`ConsistencyLevel: eventual`)."""


class Users:
    """`/users` and `/directory/deletedItems` of one tenant."""

    def __init__(self, graph: Graph, further: Iterable[str] = ()) -> None:
        self._graph = graph
        self._base_url = base = graph.base_url
        self._select = selection(further)
        users = graph.client.users
        bin_items = graph.client.directory.deleted_items
        bin_item = bin_items.by_directory_object_id
        self._get = Prepared(base, self._getting)
        self._page = Prepared(base, lambda: self._listing(_EXPANDED_PAGE), 0)
        self._find = Prepared(base, lambda f: self._listing(_FEW, f))
        self._find_eventually = Prepared(base, lambda f: self._listing(_FEW, f, eventual=True))
        self._find_any = Prepared(base, lambda f: self._listing(_EXPANDED_PAGE, f))
        self._holding = Prepared(base, self._looking)
        self._deleted: dict[tuple[str, ...], Prepared] = {}
        self._item = Prepared(base, lambda id: bin_item(id).to_get_request_information())
        self._create = Prepared(base, lambda: users.to_post_request_information(Body()), 0)
        self._patch = Prepared(
            base, lambda id: users.by_user_id(id).to_patch_request_information(Body())
        )
        self._delete = Prepared(
            base, lambda id: users.by_user_id(id).to_delete_request_information()
        )
        self._unset_manager = Prepared(
            base, lambda id: users.by_user_id(id).manager.ref.to_delete_request_information()
        )
        self._set_manager = Prepared(
            base, lambda id: users.by_user_id(id).manager.ref.to_put_request_information(Body())
        )
        self._revoke = Prepared(
            base,
            lambda id: users.by_user_id(id).revoke_sign_in_sessions.to_post_request_information(),
        )
        self._restore = Prepared(
            base, lambda id: bin_item(id).restore.to_post_request_information()
        )
        self._member_of = Prepared(base, self._roles)

    async def get(self, id: str) -> dict[str, Any]:
        """A user by object id or userPrincipalName, with its manager's id."""
        return await self._graph.send(self._get(id))

    async def get_patiently(self, id: str) -> dict[str, Any]:
        """As :meth:`get`, one of many: waits when Graph asks for it."""
        return await self._graph.patiently(lambda: self._get(id))

    def pages(self) -> AsyncIterator[list[dict[str, Any]]]:
        """All users, a page at a time."""
        return self._graph.pages(self._page())

    async def find(self, key: Mapping[str, str]) -> list[dict[str, Any]]:
        """Users who carry `key`; at most a handful, for one is expected."""
        find = self._find_eventually if _is_advanced(key) else self._find
        return await self._list(find(_all_of(key)))

    async def find_any(self, keys: Sequence[Mapping[str, str]]) -> list[dict[str, Any]] | None:
        """Users who carry one of some `keys`. None: they have to be asked for one by one."""
        if any(map(_is_advanced, keys)):
            return None
        listed = await self._list(self._find_any(" or ".join(map(_all_of, keys))))
        return listed if len(listed) < _EXPANDED_PAGE else None

    async def holding(self, condition: str) -> list[dict[str, Any]]:
        """Users for whom the `$filter` holds: id and names only."""
        return await self._list(self._holding(condition))

    async def deleted(self, condition: str, *attributes: str) -> list[dict[str, Any]]:
        """Users in the recycle bin (30 days) for whom the `$filter` holds: id, name and
        `attributes` only."""
        prepared = self._deleted.get(attributes)
        if prepared is None:
            prepared = Prepared(self._base_url, lambda f: self._bin(f, attributes))
            self._deleted[attributes] = prepared
        return await self._list(prepared(condition))

    async def find_deleted(self, id: str) -> dict[str, Any] | None:
        """The user in the recycle bin, or None."""
        if as_id(id) is None:
            return None
        try:
            found = await self._graph.send(self._item(id))
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
        return await self._graph.send(self._create(body=fields))

    async def patch(self, id: str, fields: Mapping[str, Any]) -> None:
        """Set properties; null removes a value."""
        await self._graph.send(self._patch(id, body=fields))

    async def delete(self, id: str) -> None:
        """Put a user into the recycle bin."""
        await self._graph.send(self._delete(id))

    async def set_manager(self, id: str, manager: str | None) -> None:
        """Set or remove the manager."""
        if manager is None:
            await self._graph.send(self._unset_manager(id))
            return
        link = {"@odata.id": f"{self._base_url}/users/{manager}"}
        await self._graph.send(self._set_manager(id, body=link))

    async def revoke_sessions(self, id: str) -> None:
        """Take back all refresh tokens and browser sessions."""
        await self._graph.send(self._revoke(id))

    async def restore(self, id: str, principal_name: str | None = None) -> dict[str, Any]:
        """Bring a user back from the recycle bin, under another name if its own is taken."""
        wanted: dict[str, Any] = {"autoReconcileProxyConflict": True}
        if principal_name is not None:
            wanted["newUserPrincipalName"] = principal_name
        return await self._graph.send(self._restore(id, body=wanted))

    async def has_role(self, id: str) -> bool:
        """Whether the user holds an administrator role."""
        found = await self._list(self._member_of(id))
        return any(one.get("@odata.type") == "#microsoft.graph.directoryRole" for one in found)

    async def _list(self, request: RequestInformation) -> list[dict[str, Any]]:
        return list((await self._graph.send(request)).get("value", ()))

    # The builders

    def _getting(self, id: str) -> RequestInformation:
        query = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(
            select=self._select, expand=_MANAGER
        )
        user = self._graph.client.users.by_user_id(id)
        return built(user, query)

    def _listing(
        self, most: int, condition: str | None = None, eventual: bool = False
    ) -> RequestInformation:
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            filter=condition,
            select=self._select,
            expand=_MANAGER,
            top=most,
            count=True if eventual else None,
        )
        return built(self._graph.client.users, query, eventual)

    def _looking(self, condition: str) -> RequestInformation:
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            filter=condition, select=_NAMES, top=_SOME
        )
        return built(self._graph.client.users, query)

    def _bin(self, condition: str, attributes: Iterable[str]) -> RequestInformation:
        query = GraphUserRequestBuilder.GraphUserRequestBuilderGetQueryParameters(
            filter=condition,
            select=["id", "userPrincipalName", *(top(a) for a in attributes)],
            top=PAGE,  # `endsWith` finds many whose name merely ends so
            count=True,
        )
        return built(self._graph.client.directory.deleted_items.graph_user, query, eventual=True)

    def _roles(self, id: str) -> RequestInformation:
        query = MemberOfRequestBuilder.MemberOfRequestBuilderGetQueryParameters(
            select=["id"], top=999
        )
        return built(self._graph.client.users.by_user_id(id).member_of, query)


def as_id(anchor: str) -> str | None:
    """The id as Graph writes it, or None when it is none."""
    try:
        return str(UUID(anchor)) if len(anchor) == 36 else None
    except ValueError:
        return None


def _is_advanced(key: Mapping[str, str]) -> bool:
    return any(name.replace(".", "/").startswith(_ADVANCED) for name in key)


def _all_of(key: Mapping[str, str]) -> str:
    return " and ".join(equals(attribute, value) for attribute, value in key.items())


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

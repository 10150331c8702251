"""The requests about groups and licences that Muster makes, as `users.py` those about users.

(https://learn.microsoft.com/graph/api/resources/group, /subscribedsku, /user-assignlicense)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kiota_abstractions.request_information import RequestInformation
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.groups.item.group_item_request_builder import GroupItemRequestBuilder
from msgraph.generated.users.item.member_of.member_of_request_builder import (
    MemberOfRequestBuilder,
)
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder

from adapters.entra_id.client import Graph
from adapters.entra_id.prepared import Body, Prepared, built
from adapters.entra_id.users import equals

_FACTS = [
    "id",
    "displayName",
    "groupTypes",
    "isAssignableToRole",
    "mailEnabled",
    "onPremisesSyncEnabled",
    "securityEnabled",
]


class Groups:
    """`/groups`, `/subscribedSkus` and what a user has of them."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        base, users, groups = graph.base_url, graph.client.users, graph.client.groups
        skus = graph.client.subscribed_skus
        self._get = Prepared(base, self._getting)
        self._named = Prepared(base, self._finding)
        self._skus = Prepared(base, lambda: skus.to_get_request_information(), 0)
        self._of = Prepared(base, self._memberships)
        self._licences_of = Prepared(base, self._licensing)
        self._add = Prepared(
            base, lambda id: groups.by_group_id(id).members.ref.to_post_request_information(Body())
        )
        # Always by `$ref`: without it, Graph deletes the user.
        self._remove = Prepared(
            base,
            lambda id, user: (
                groups.by_group_id(id)
                .members.by_directory_object_id(user)
                .ref.to_delete_request_information()
            ),
            2,
        )
        self._assign = Prepared(
            base,
            lambda id: users.by_user_id(id).assign_license.to_post_request_information(Body()),
        )

    async def get(self, id: str) -> dict[str, Any]:
        """A group by its id."""
        return await self._graph.send(self._get(id))

    async def named(self, name: str) -> list[dict[str, Any]]:
        """Groups with this displayName; at most a handful, for one is expected."""
        answer = await self._graph.send(self._named(equals("displayName", name)))
        return list(answer.get("value", ()))

    async def skus(self) -> list[dict[str, Any]]:
        """The licences that the tenant has bought."""
        return list((await self._graph.send(self._skus())).get("value", ()))

    async def of(self, user: str) -> list[dict[str, Any]]:
        """What the user is a direct member of: groups, and also roles and administrative units,
        told apart by `@odata.type`."""
        found: list[dict[str, Any]] = []
        async for page in self._graph.pages(self._of(user)):
            found += page
        return found

    async def licences_of(self, user: str) -> list[Mapping[str, Any]]:
        """The user's `licenseAssignmentStates`."""
        answer = await self._graph.send(self._licences_of(user))
        return list(answer.get("licenseAssignmentStates") or ())

    async def add(self, group: str, user: str) -> None:
        """Make the user a member."""
        link = {"@odata.id": f"{self._graph.base_url}/directoryObjects/{user}"}
        await self._graph.send(self._add(group, body=link))

    async def remove(self, group: str, user: str) -> None:
        """Take the user out."""
        await self._graph.send(self._remove(group, user))

    async def assign(self, user: str, add: Sequence[str], remove: Sequence[str]) -> None:
        """Give licences (skuId) to the user, and take some."""
        wanted = {
            "addLicenses": [{"skuId": sku, "disabledPlans": []} for sku in add],
            "removeLicenses": list(remove),
        }
        await self._graph.send(self._assign(user, body=wanted))

    # The builders

    def _getting(self, id: str) -> RequestInformation:
        query = GroupItemRequestBuilder.GroupItemRequestBuilderGetQueryParameters(select=_FACTS)
        return built(self._graph.client.groups.by_group_id(id), query)

    def _finding(self, condition: str) -> RequestInformation:
        query = GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters(
            filter=condition, select=_FACTS, top=5
        )
        return built(self._graph.client.groups, query)

    def _memberships(self, user: str) -> RequestInformation:
        query = MemberOfRequestBuilder.MemberOfRequestBuilderGetQueryParameters(
            select=["id", "groupTypes"], top=999
        )
        return built(self._graph.client.users.by_user_id(user).member_of, query)

    def _licensing(self, user: str) -> RequestInformation:
        query = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(
            select=["id", "licenseAssignmentStates"]
        )
        return built(self._graph.client.users.by_user_id(user), query)

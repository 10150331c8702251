"""The requests about groups and licences that Muster makes, as `users.py` those about users.

(https://learn.microsoft.com/graph/api/resources/group, /subscribedsku, /user-assignlicense)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.request_information import RequestInformation
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.groups.item.group_item_request_builder import GroupItemRequestBuilder
from msgraph.generated.users.item.member_of.member_of_request_builder import (
    MemberOfRequestBuilder,
)
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder

from adapters.entra_id.client import Body, Graph
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
        self._users = graph.client.users
        self._groups = graph.client.groups

    async def get(self, id: str) -> dict[str, Any]:
        """A group by its id."""
        query = GroupItemRequestBuilder.GroupItemRequestBuilderGetQueryParameters(select=_FACTS)
        request = self._groups.by_group_id(id).to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        return await self._graph.send(request)

    async def named(self, name: str) -> list[dict[str, Any]]:
        """Groups with this displayName; at most a handful, for one is expected."""
        query = GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters(
            filter=equals("displayName", name), select=_FACTS, top=5
        )
        request = self._groups.to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        return list((await self._graph.send(request)).get("value", ()))

    async def skus(self) -> list[dict[str, Any]]:
        """The licences that the tenant has bought."""
        request = self._graph.client.subscribed_skus.to_get_request_information()
        return list((await self._graph.send(request)).get("value", ()))

    async def of(self, user: str) -> list[dict[str, Any]]:
        """What the user is a direct member of: groups, and also roles and administrative units,
        told apart by `@odata.type`."""
        query = MemberOfRequestBuilder.MemberOfRequestBuilderGetQueryParameters(
            select=["id", "groupTypes"], top=999
        )
        request = self._users.by_user_id(user).member_of.to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        found: list[dict[str, Any]] = []
        async for page in self._graph.pages(request):
            found += page
        return found

    async def licences_of(self, user: str) -> list[Mapping[str, Any]]:
        """The user's `licenseAssignmentStates`."""
        query = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(
            select=["id", "licenseAssignmentStates"]
        )
        request = self._users.by_user_id(user).to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        return list((await self._graph.send(request)).get("licenseAssignmentStates") or ())

    async def add(self, group: str, user: str) -> None:
        """Make the user a member."""
        link = {"@odata.id": f"{self._graph.base_url}/directoryObjects/{user}"}
        members = self._groups.by_group_id(group).members
        await self._graph.send(members.ref.to_post_request_information(Body(link)))

    async def remove(self, group: str, user: str) -> None:
        """Take the user out. Always by `$ref`: without it, Graph deletes the user."""
        member = self._groups.by_group_id(group).members.by_directory_object_id(user)
        request: RequestInformation = member.ref.to_delete_request_information()
        await self._graph.send(request)

    async def assign(self, user: str, add: Sequence[str], remove: Sequence[str]) -> None:
        """Give licences (skuId) to the user, and take some."""
        wanted = {
            "addLicenses": [{"skuId": sku, "disabledPlans": []} for sku in add],
            "removeLicenses": list(remove),
        }
        user_builder = self._users.by_user_id(user)
        await self._graph.send(
            user_builder.assign_license.to_post_request_information(Body(wanted))
        )

"""What a client can find out about this server (RFC 7644 section 4), true to what works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scim import cursors
from scim.schema import Registry

CONFIG_URN = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"


@dataclass(frozen=True)
class Limits:
    """How much a client may ask for at once. Counts, and bytes of a request body."""

    page_size: int = 100
    max_page_size: int = 1000
    max_operations: int = 1000
    max_payload: int = 1 << 20


def service_provider_config(base: str, limits: Limits, *, people: bool) -> dict[str, Any]:
    """The features that are there, and only they; with `people` also those of RFC 9967,
    which testers of RFC 7643 do not know."""
    events = {"securityEvents": {"asyncRequest": "request", "eventUris": []}}
    return {
        "schemas": [CONFIG_URN],
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": limits.max_operations,
            "maxPayloadSize": limits.max_payload,
        },
        "filter": {"supported": True, "maxResults": limits.max_page_size},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": limits.page_size,
            "maxPageSize": limits.max_page_size,
            "cursorTimeout": cursors.TIMEOUT,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token of the source, in the Authorization header.",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            },
            {
                "type": "oauth2",
                "name": "OAuth 2.0 client credentials",
                "description": "A token of /oauth/token, or of an issuer that is trusted here.",
                "specUri": "https://www.rfc-editor.org/info/rfc6749",
                "primary": False,
            },
            {
                "type": "httpbasic",
                "name": "HTTP Basic",
                "description": "A client's id and secret, as user name and password.",
                "specUri": "https://www.rfc-editor.org/info/rfc7617",
                "primary": False,
            },
        ],
        **(events if people else {}),
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base}/ServiceProviderConfig",
        },
    }


def resource_types(registry: Registry, base: str, *, people: bool) -> list[dict[str, Any]]:
    """Every resource type; with `people` also with the extensions that HR systems use."""
    return [
        {
            **kind.to_json(people=people),
            "meta": {
                "resourceType": "ResourceType",
                "location": f"{base}/ResourceTypes/{kind.name}",
            },
        }
        for kind in registry.types.values()
    ]


def schemas(registry: Registry, base: str, *, people: bool) -> list[dict[str, Any]]:
    """Every schema that a resource type uses; `people` as in `resource_types`."""
    used = {
        schema.id: schema
        for kind in registry.types.values()
        for schema in kind.shown(people=people)
    }
    return [
        {
            **schema.to_json(),
            "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{schema.id}"},
        }
        for schema in used.values()
    ]

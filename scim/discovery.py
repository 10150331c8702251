"""What a client can find out about this server (RFC 7644 section 4), true to what works."""

from __future__ import annotations

from typing import Any

from scim.bodies import MAX_BYTES
from scim.schema import Registry

CONFIG_URN = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
DEFAULT_COUNT = 100
MAX_COUNT = 1000


def service_provider_config(base: str) -> dict[str, Any]:
    """The features that are there, and only they."""
    return {
        "schemas": [CONFIG_URN],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": MAX_BYTES},
        "filter": {"supported": True, "maxResults": MAX_COUNT},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token of the source, in the Authorization header.",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            }
        ],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base}/ServiceProviderConfig",
        },
    }


def resource_types(registry: Registry, base: str) -> list[dict[str, Any]]:
    """Every resource type."""
    return [
        {
            **kind.to_json(),
            "meta": {
                "resourceType": "ResourceType",
                "location": f"{base}/ResourceTypes/{kind.name}",
            },
        }
        for kind in registry.types.values()
    ]


def schemas(registry: Registry, base: str) -> list[dict[str, Any]]:
    """Every schema that a resource type uses."""
    used = {
        schema.id: schema
        for kind in registry.types.values()
        for schema in (kind.schema, *kind.extensions.values())
    }
    return [
        {
            **schema.to_json(),
            "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{schema.id}"},
        }
        for schema in used.values()
    ]

"""What can this endpoint do? ServiceProviderConfig, ResourceTypes and Schemas (RFC 7644 section 4)."""

from typing import Any

from scim import body, parameters
from scim.errors import Forbidden, Missing
from scim.operations import MAX_OPERATIONS
from scim.schema import CORE, LICENSE, TYPES, ResourceType, document

_SCHEMAS = (
    "user",
    "group",
    "enterprise_user",
    "license",
    "service_provider_config",
    "resource_type",
    "schema",
)
NAMES = ("ServiceProviderConfig", "ResourceTypes", "Schemas")


def show(name: str, id: str, base_url: str, *, filtered: bool) -> dict[str, Any]:
    """One of `NAMES`, or the one with this id in it. Raises Missing, Forbidden."""
    if name == "ServiceProviderConfig":
        if id:
            raise Missing("there is only one ServiceProviderConfig; leave out what follows it")
        return _provider(base_url)
    if filtered:
        raise Forbidden(f"{name} can't be filtered; read them all")  # RFC 7644 section 4
    every = _types(base_url) if name == "ResourceTypes" else _schemas(base_url)
    if not id:
        return {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": len(every),
            "startIndex": 1,
            "itemsPerPage": len(every),
            "Resources": every,
        }
    for each in every:
        if each["id"].lower() == id.lower():
            return each
    raise Missing(f"{name} has no such entry; read them all to see which it has")


def _provider(base_url: str) -> dict[str, Any]:
    """The limits said here are the enforced ones (T17); the largest body is a user's."""
    return {
        "schemas": [CORE + "ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {
            "supported": False,
            # Some clients cut their work by these two even when bulk isn't supported.
            "maxOperations": MAX_OPERATIONS,
            "maxPayloadSize": body.MAX_BYTES,
        },
        "filter": {"supported": True, "maxResults": parameters.MAX_COUNT},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token of the directory in the Authorization header",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            }
        ],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base_url}/ServiceProviderConfig",
        },
    }


def _types(base_url: str) -> list[dict[str, Any]]:
    return [_type(each, base_url) for each in TYPES.values()]


def _type(each: ResourceType, base_url: str) -> dict[str, Any]:
    return {
        "schemas": [CORE + "ResourceType"],
        "id": str(each.kind),
        "name": str(each.kind),
        "description": f"The directory's {each.kind.lower()}s",
        "endpoint": f"/{each.endpoint}",
        "schema": each.core,
        # RFC 7643 section 6 would have the licenses here, too. But clients write what they find here, as
        # scim2-tester does with each extension as a whole; read-only and only on request, it is in /Schemas.
        "schemaExtensions": [{"schema": urn, "required": False} for urn in each.extensions if urn != LICENSE],
        "meta": {"resourceType": "ResourceType", "location": f"{base_url}/ResourceTypes/{each.kind}"},
    }


def _schemas(base_url: str) -> list[dict[str, Any]]:
    return [
        {
            **schema,
            "meta": {"resourceType": "Schema", "location": f"{base_url}/Schemas/{schema['id']}"},
        }
        for schema in map(document, _SCHEMAS)
    ]

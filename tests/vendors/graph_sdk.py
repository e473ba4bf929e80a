"""What does Microsoft's own SDK make of a tenant? Run in .venv-vendors; prints it as JSON.

The sign-in is azure-identity's, the models are made from Graph's published metadata: a field that they don't
know lands in `additional_data`.
"""

import asyncio
import json
import ssl
import sys
from typing import Any
from urllib.parse import urlsplit

import httpx
from azure.identity import ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.groups.delta.delta_request_builder import DeltaRequestBuilder
from msgraph.generated.groups.item.members.members_request_builder import MembersRequestBuilder
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.users.delta.delta_request_builder import DeltaRequestBuilder as UsersDelta
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem

NOWHERE = "00000000-0000-4000-8000-000000000000"
USER_FIELDS = ["id", "userPrincipalName", "mail", "displayName", "accountEnabled"]


def client_of(url: str, bundle: str, tenant: str, client: str, secret: str) -> GraphServiceClient:
    host = urlsplit(url).hostname
    credential = ClientSecretCredential(
        tenant, client, secret, authority=url, disable_instance_discovery=True, connection_verify=bundle
    )
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=[f"{url}/.default"], allowed_hosts=[urlsplit(url).netloc, host]
    )
    verified = httpx.AsyncClient(verify=ssl.create_default_context(cafile=bundle), http2=False)
    adapter = GraphRequestAdapter(provider, client=verified)
    adapter.base_url = f"{url}/v1.0"
    return GraphServiceClient(request_adapter=adapter)


async def main(url: str, bundle: str, who: dict[str, str], groups: list[str]) -> dict[str, Any]:
    client = client_of(url, bundle, **who)
    chosen = " or ".join(f"id eq '{id}'" for id in groups)
    query = DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters
    asked = RequestConfiguration(query_parameters=query(select=["displayName", "members"], filter=chosen))
    found: dict[str, Any] = {"groups": {}, "people": {}, "unknown": set()}
    page = await client.groups.delta.get(request_configuration=asked)
    while True:
        for group in page.value:
            team = found["groups"].setdefault(group.id, {"name": group.display_name, "members": []})
            for member in group.additional_data.pop("members@delta", []):
                team["members"].append(
                    [field(member, "id"), field(member, "@odata.type"), is_removed(member)]
                )
            found["unknown"] |= set(group.additional_data)
        if page.odata_next_link is None:
            break
        page = await client.groups.delta.with_url(page.odata_next_link).get()
    assert page.odata_delta_link is not None
    nothing_new = await client.groups.delta.with_url(page.odata_delta_link).get()
    found["changes"] = len(nothing_new.value)

    people = UsersDelta.DeltaRequestBuilderGetQueryParameters(select=USER_FIELDS)
    page = await client.users.delta.get(request_configuration=RequestConfiguration(query_parameters=people))
    while True:
        for user in page.value:
            found["people"][user.id] = person(user)
            found["unknown"] |= set(user.additional_data)
        if page.odata_next_link is None:
            break
        page = await client.users.delta.with_url(page.odata_next_link).get()

    counted = RequestConfiguration(
        query_parameters=MembersRequestBuilder.MembersRequestBuilderGetQueryParameters(
            count=True, top=1, select=["id"]
        )
    )
    counted.headers.add("ConsistencyLevel", "eventual")
    members = await client.groups.by_group_id(groups[0]).members.get(request_configuration=counted)
    found["count"] = members.odata_count
    found["one"] = person(await client.users.by_user_id(next(iter(found["people"]))).get())
    try:
        await client.groups.by_group_id(NOWHERE).get()
    except ODataError as error:
        found["missing"] = [error.response_status_code, error.error.code, error.error.inner_error is not None]
    found["batch"] = await batched(client, [*groups, NOWHERE])
    found["unknown"] = sorted(found["unknown"])
    return found


async def batched(client: GraphServiceClient, groups: list[str]) -> list[int]:
    """Each group by its id, in one call: the status of each. The SDK reads bodies in base64 only."""
    content = BatchRequestContent()
    ids = []
    for group in groups:
        request = client.groups.by_group_id(group).to_get_request_information()
        item = BatchRequestItem(request)
        item.url = f"/groups/{group}"  # from the version on; the SDK's own way leaves the version in it
        ids.append(item.id)
        content.add_request(item.id, item)
    told = await client.batch.post(content)
    return [told.get_response_by_id(id).status for id in ids]


def field(member: Any, name: str) -> str:
    """Of an entry that the SDK leaves as it came, or as its own kind of untyped node."""
    value = member.get_value()[name] if hasattr(member, "get_value") else member[name]
    return str(value.get_value() if hasattr(value, "get_value") else value)


def is_removed(member: Any) -> bool:
    return "@removed" in (member.get_value() if hasattr(member, "get_value") else member)


def person(user: Any) -> list[object]:
    return [user.user_principal_name, user.mail, user.display_name, user.account_enabled]


if __name__ == "__main__":
    given = json.load(sys.stdin)
    print(json.dumps(asyncio.run(main(given["url"], given["bundle"], given["who"], given["groups"]))))

"""Web resources: the scripts of forms and commands. A changed one is published at once."""

import base64
from collections.abc import Mapping, Sequence
from typing import Final

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.operations import Row
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.desired.state import DesiredState, WebResource
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient

_SET: Final = "webresourceset"


class WebResources(ComponentKind[WebResource, Row]):
    """Web resources, compared by their content."""

    kind = Kind.WEB_RESOURCE

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[WebResource]:
        """Return the web resources."""
        return desired.web_resources

    async def find(
        self, client: CustomizationClient, wanted: Sequence[WebResource], organisation: Organisation
    ) -> Mapping[str, Row]:
        """Read the web resources, each with its published content."""
        rows = await client.rows(
            _SET,
            select="webresourceid,name,displayname,webresourcetype,content",
            filter=odata.within("name", [one.name for one in wanted]),
        )
        return {row["name"]: row for row in rows}

    def differences(self, wanted: WebResource, found: Row, organisation: Organisation) -> Sequence[str]:
        """Compare content and display name."""
        content = base64.b64decode(found.get("content") or "")
        return [
            *(() if content == wanted.content else ("content",)),
            *(() if found["displayname"] == wanted.label else ("display name",)),
        ]

    async def create(self, client: CustomizationClient, wanted: WebResource, organisation: Organisation) -> None:
        """Insert the web resource and publish it."""
        body = {"name": wanted.name, "webresourcetype": wanted.kind} | _body(wanted)
        identifier = await client.create(_SET, body)
        await _publish(client, str(identifier))

    async def change(
        self, client: CustomizationClient, wanted: WebResource, found: Row, organisation: Organisation
    ) -> None:
        """Replace the content and publish it."""
        await client.change(f"{_SET}({found['webresourceid']})", _body(wanted))
        await _publish(client, found["webresourceid"])

    async def remove(self, client: CustomizationClient, wanted: WebResource, found: Row) -> None:
        """Delete the web resource."""
        await client.remove(f"{_SET}({found['webresourceid']})")


def _body(resource: WebResource) -> dict[str, str]:
    return {"displayname": resource.label, "content": base64.b64encode(resource.content).decode()}


async def _publish(client: CustomizationClient, identifier: str) -> None:
    resources = f"<webresources><webresource>{{{identifier}}}</webresource></webresources>"
    await client.outside_the_solution().act(
        "PublishXml", {"ParameterXml": f"<importexportxml>{resources}</importexportxml>"}
    )

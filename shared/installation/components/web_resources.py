"""Web resources: the scripts of forms and commands, and icons.

Dataverse keeps each twice: as it was last saved, and as it was last published, which is what users get.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.operations import Row
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.desired.state import DesiredState, WebResource
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient
from shared.installation.wire.publication import Publication, Published, of_row
from shared.installation.wire.states import State, read_state

_SET: Final = "webresourceset"
_COLUMNS: Final = ("webresourceid", "name", "displayname", "webresourcetype", "content")


@dataclass(frozen=True, slots=True)
class FoundResource:
    """A web resource as it was last saved, and as it was last published, if it was."""

    saved: Row = field(repr=False)
    published: Row | None = field(repr=False)

    @property
    def id(self) -> UUID:
        """The id."""
        return UUID(self.saved["webresourceid"])


class WebResources(ComponentKind[WebResource, FoundResource]):
    """Web resources, compared by their content."""

    kind = Kind.WEB_RESOURCE

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[WebResource]:
        """Return the web resources."""
        return desired.web_resources

    async def find(
        self, client: CustomizationClient, wanted: Sequence[WebResource], organisation: Organisation
    ) -> Mapping[str, FoundResource]:
        """Read both states of the web resources."""
        named = odata.within("name", [one.name for one in wanted])
        published = {row["name"]: row for row in await read_state(client, _SET, _COLUMNS, named, State.PUBLISHED)}
        saved = await read_state(client, _SET, _COLUMNS, named, State.SAVED)
        return {row["name"]: FoundResource(row, published.get(row["name"])) for row in saved}

    def differences(self, wanted: WebResource, found: FoundResource, organisation: Organisation) -> Sequence[str]:
        """Compare content and display name; then whether users get them."""
        if different := _differences(wanted, found.saved):
            return different
        is_published = found.published is not None and not _differences(wanted, found.published)
        return () if is_published else ("not published",)

    async def create(
        self, client: CustomizationClient, wanted: WebResource, organisation: Organisation
    ) -> Publication | None:
        """Insert the web resource."""
        body = {"name": wanted.name, "webresourcetype": wanted.kind} | _body(wanted)
        identifier = await client.create(_SET, body)
        return of_row(Published.WEB_RESOURCE, identifier) if identifier is not None else None

    async def change(
        self, client: CustomizationClient, wanted: WebResource, found: FoundResource, organisation: Organisation
    ) -> Publication | None:
        """Replace the content, if it is another."""
        if _differences(wanted, found.saved):
            await client.change(odata.row(_SET, found.id), _body(wanted))
        return of_row(Published.WEB_RESOURCE, found.id)

    async def remove(self, client: CustomizationClient, wanted: WebResource, found: FoundResource) -> None:
        """Delete the web resource."""
        await client.remove(odata.row(_SET, found.id))


def _differences(wanted: WebResource, found: Row) -> tuple[str, ...]:
    content = base64.b64decode(found.get("content") or "")
    return (
        *(() if content == wanted.content else ("content",)),
        *(() if found["displayname"] == wanted.label else ("display name",)),
    )


def _body(resource: WebResource) -> dict[str, str]:
    return {"displayname": resource.label, "content": base64.b64encode(resource.content).decode()}

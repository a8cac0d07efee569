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
from shared.installation.components.localised import (
    ComponentTable,
    create_row,
    different_columns,
    languages,
    told_difference,
    with_texts,
    write_columns,
)
from shared.installation.desired.state import DesiredState
from shared.installation.organisation.organisation import Organisation
from shared.installation.pages.languages import Localised
from shared.installation.wire.customization_client import CustomizationClient
from shared.installation.wire.publication import Publication, Published, of_row
from shared.installation.wire.states import State, read_state

_TABLE: Final = ComponentTable.WEB_RESOURCES
_COLUMNS: Final = ("webresourceid", "name", "displayname", "webresourcetype", "content")


@dataclass(frozen=True, slots=True)
class WantedResource:
    """A web resource as this organisation should have it; `kind` is Microsoft's number of its type."""

    name: str
    kind: int
    label: Localised
    content: bytes = field(repr=False)

    @property
    def columns(self) -> Mapping[str, Localised]:
        """The columns that may change, as they are written."""
        return {"displayname": self.label, "content": base64.b64encode(self.content).decode()}


@dataclass(frozen=True, slots=True)
class FoundResource:
    """A web resource as it was last saved, and as it was last published, if it was."""

    saved: Row = field(repr=False)
    published: Row | None = field(repr=False)

    @property
    def id(self) -> UUID:
        """The id."""
        return UUID(self.saved["webresourceid"])


class WebResources(ComponentKind[WantedResource, FoundResource]):
    """Web resources, compared by their content."""

    kind = Kind.WEB_RESOURCE

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[WantedResource]:
        """Return the web resources."""
        spoken = languages(desired, organisation)
        return [
            WantedResource(one.name, one.kind, spoken.name(one.label), one.content) for one in desired.web_resources
        ]

    async def find(
        self, client: CustomizationClient, wanted: Sequence[WantedResource], organisation: Organisation
    ) -> Mapping[str, FoundResource]:
        """Read both states of the web resources."""
        saved = await _read(client, wanted, State.SAVED)
        published = await _read(client, wanted, State.PUBLISHED)
        return {name: FoundResource(row, published.get(name)) for name, row in saved.items()}

    def differences(self, wanted: WantedResource, found: FoundResource, organisation: Organisation) -> Sequence[str]:
        """Compare content and display name; then whether users get them."""
        if different := _different(wanted, found.saved):
            return [told_difference(column, wanted.columns, found.saved) for column in different]
        is_published = found.published is not None and not _different(wanted, found.published)
        return () if is_published else ("not published",)

    async def create(
        self, client: CustomizationClient, wanted: WantedResource, organisation: Organisation
    ) -> Publication | None:
        """Insert the web resource."""
        fixed = {"name": wanted.name, "webresourcetype": wanted.kind}
        row = await create_row(client, _TABLE, fixed, wanted.columns)
        return of_row(Published.WEB_RESOURCE, UUID(row[_TABLE.key]))

    async def change(
        self, client: CustomizationClient, wanted: WantedResource, found: FoundResource, organisation: Organisation
    ) -> Publication | None:
        """Write content and display name where they differ."""
        columns = {column: wanted.columns[column] for column in _different(wanted, found.saved)}
        await write_columns(client, _TABLE, found.saved, columns)
        return of_row(Published.WEB_RESOURCE, found.id)

    async def remove(self, client: CustomizationClient, wanted: WantedResource, found: FoundResource) -> None:
        """Delete the web resource."""
        await client.remove(odata.row(_TABLE.entity_set, found.id))


async def _read(client: CustomizationClient, wanted: Sequence[WantedResource], state: State) -> dict[str, Row]:
    columns = {one.name: one.columns for one in wanted}
    rows = await read_state(client, _TABLE.entity_set, _COLUMNS, odata.within("name", list(columns)), state)
    whole = await with_texts(client, ((_TABLE, row, columns[row["name"]]) for row in rows), state)
    return {row["name"]: row for row in whole}


def _different(wanted: WantedResource, found: Row) -> list[str]:
    """Return the columns that differ; contents are compared as bytes."""
    content = base64.b64decode(found.get("content") or "")
    return [
        *different_columns({"displayname": wanted.label}, found),
        *(() if content == wanted.content else ("content",)),
    ]

"""Definitions of environment variables; their values belong to the connector and to administrators (ENV-05, ENV-06)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

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
from shared.installation.wire.customization_client import CustomizationClient
from shared.installation.wire.states import State

_TEXT: Final = 100000000
_TABLE: Final = ComponentTable.VARIABLES


@dataclass(frozen=True, slots=True)
class WantedVariable:
    """A variable as this organisation should have it. `columns` are its texts, by LCID where there are several."""

    name: str
    columns: Mapping[str, Any] = field(repr=False)


class Variables(ComponentKind[WantedVariable, Row]):
    """Variables of type text, without a default value."""

    kind = Kind.VARIABLE
    holds_data = True

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[WantedVariable]:
        """Return the variables."""
        spoken = languages(desired, organisation)
        return [
            WantedVariable(
                one.name, {"displayname": spoken.name(one.label), "description": spoken.name(one.description)}
            )
            for one in desired.variables
        ]

    async def find(
        self, client: CustomizationClient, wanted: Sequence[WantedVariable], organisation: Organisation
    ) -> Mapping[str, Row]:
        """Read the definitions."""
        columns = {one.name: one.columns for one in wanted}
        rows = await client.rows(
            _TABLE.entity_set,
            select=f"{_TABLE.key},schemaname,displayname,description",
            filter=odata.within("schemaname", list(columns)),
        )
        found = {row["schemaname"].casefold(): row for row in rows}
        whole = await with_texts(client, ((_TABLE, row, columns[name]) for name, row in found.items()), State.SAVED)
        return dict(zip(found, whole, strict=True))

    def differences(self, wanted: WantedVariable, found: Row, organisation: Organisation) -> Sequence[str]:
        """Compare display name and description."""
        return [told_difference(column, wanted.columns, found) for column in different_columns(wanted.columns, found)]

    async def create(self, client: CustomizationClient, wanted: WantedVariable, organisation: Organisation) -> None:
        """Insert the definition."""
        await create_row(client, _TABLE, {"schemaname": wanted.name, "type": _TEXT}, wanted.columns)

    async def change(
        self, client: CustomizationClient, wanted: WantedVariable, found: Row, organisation: Organisation
    ) -> None:
        """Set display name and description where they differ."""
        columns = {column: wanted.columns[column] for column in different_columns(wanted.columns, found)}
        await write_columns(client, _TABLE, found, columns)

    async def remove(self, client: CustomizationClient, wanted: WantedVariable, found: Row) -> None:
        """Delete the definition and its value."""
        await client.remove(_TABLE.address(found))

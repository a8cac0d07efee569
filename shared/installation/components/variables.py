"""Definitions of environment variables; their values belong to the connector and to administrators (ENV-05, ENV-06)."""

from collections.abc import Mapping, Sequence
from typing import Final

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.operations import Row
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.desired.state import DesiredState, Variable
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient

_TEXT: Final = 100000000
_SET: Final = "environmentvariabledefinitions"


class Variables(ComponentKind[Variable, Row]):
    """Variables of type text, without a default value."""

    kind = Kind.VARIABLE
    holds_data = True

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[Variable]:
        """Return the variables."""
        return desired.variables

    async def find(
        self, client: CustomizationClient, wanted: Sequence[Variable], organisation: Organisation
    ) -> Mapping[str, Row]:
        """Read the definitions."""
        rows = await client.rows(
            _SET,
            select="environmentvariabledefinitionid,schemaname,displayname,description",
            filter=odata.within("schemaname", [one.name for one in wanted]),
        )
        return {row["schemaname"].casefold(): row for row in rows}

    def differences(self, wanted: Variable, found: Row, organisation: Organisation) -> Sequence[str]:
        """Compare display name and description."""
        pairs = {"display name": (wanted.label, found["displayname"])}
        pairs["description"] = (wanted.description, found.get("description") or "")
        return [what for what, (own, theirs) in pairs.items() if own != theirs]

    async def create(self, client: CustomizationClient, wanted: Variable, organisation: Organisation) -> None:
        """Insert the definition."""
        await client.create(_SET, {"schemaname": wanted.name, "type": _TEXT} | _texts(wanted))

    async def change(
        self, client: CustomizationClient, wanted: Variable, found: Row, organisation: Organisation
    ) -> None:
        """Set display name and description."""
        await client.change(f"{_SET}({found['environmentvariabledefinitionid']})", _texts(wanted))

    async def remove(self, client: CustomizationClient, wanted: Variable, found: Row) -> None:
        """Delete the definition and its value."""
        await client.remove(f"{_SET}({found['environmentvariabledefinitionid']})")


def _texts(variable: Variable) -> dict[str, str]:
    return {"displayname": variable.label, "description": variable.description}

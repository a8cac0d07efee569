"""Environment variables of Dataverse: a definition with a default value, and at most one current value (ENV)."""

from uuid import UUID, uuid5

from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.odata import Expand, ODataComparison
from shared.adapters.dataverse.web_api.operations import Row
from shared.ports.dataverse import EnvironmentVariable

_KEY, _VALUE_KEY = "environmentvariabledefinitionid", "environmentvariablevalueid"
_VALUES = "environmentvariabledefinition_environmentvariablevalue"
_DEFINITION = "EnvironmentVariableDefinitionId"
_VALUE = UUID("0b7b7a2e-55a1-4a4c-8a30-8b0f3d6c9a44")
"""Namespace of the ids of new values: a repetition creates no second one."""


class DataverseEnvironmentVariables:
    """Implements the port `EnvironmentVariables`. The client belongs to `DataverseCrm`, which closes it."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def find_variable(self, schema_name: str, display_name: str) -> EnvironmentVariable | None:
        """Find by schema name, else by display name (C-19)."""
        pages = self._client.query(
            tables.VARIABLES,
            select=(_KEY, "schemaname", "displayname", "defaultvalue"),
            filter=odata.any_of(
                odata.compare("schemaname", ODataComparison.EQUAL, schema_name),
                odata.compare("displayname", ODataComparison.EQUAL, display_name),
            ),
            expand=(Expand(_VALUES, (_VALUE_KEY, "value")),),
            orderby=f"{_KEY} asc",
        )
        found = [row async for page in pages for row in page]
        wanted = schema_name.casefold()
        found.sort(key=lambda row: row["schemaname"].casefold() != wanted)
        return _variable(found[0]) if found else None

    async def set_variable(self, variable: EnvironmentVariable, value: str) -> None:
        """Write the current value; the default value of the solution is not changed."""
        if variable.value_id is not None:
            await self._client.update(tables.VARIABLE_VALUES, variable.value_id, {"value": value})
            return
        row = {
            _VALUE_KEY: str(uuid5(_VALUE, str(variable.id))),
            "schemaname": variable.schema_name,
            "value": value,
            f"{_DEFINITION}@odata.bind": f"/{odata.row(tables.VARIABLES, variable.id)}",
        }
        await self._client.create(tables.VARIABLE_VALUES, row, key=_VALUE_KEY)


def _variable(row: Row) -> EnvironmentVariable:
    values = row.get(_VALUES) or []
    return EnvironmentVariable(
        id=UUID(row[_KEY]),
        schema_name=row["schemaname"],
        value=(values[0].get("value") or "") if values else None,
        value_id=UUID(values[0][_VALUE_KEY]) if values else None,
        default=row.get("defaultvalue") or "",
    )

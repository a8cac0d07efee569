"""Reads definitions of columns: whole ones, by table and type.

Definitions are read as lists and looked up in them: a read that fails must never look like an absent column.
"""

from collections.abc import Iterable

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.operations import Row
from shared.installation.components.schema.attributes import cast, type_name
from shared.installation.desired.state import Column, ColumnType
from shared.installation.wire.customization_client import CustomizationClient

_WITH_OPTIONS = frozenset({ColumnType.CHOICE, ColumnType.YES_NO})


def table_path(table: str) -> str:
    """Return the path of a table's definition."""
    return f"EntityDefinitions(LogicalName={odata.literal(odata.name(table))})"


def column_path(table: str, column: str) -> str:
    """Return the path of a column's definition."""
    return f"{table_path(table)}/Attributes(LogicalName={odata.literal(odata.name(column))})"


async def read_columns(client: CustomizationClient, table: str, wanted: Iterable[Column]) -> dict[str, Row]:
    """Return by logical name the definitions of those columns of an existing table that exist."""
    columns = {column.logical: column for column in wanted}
    listed = await client.rows(f"{table_path(table)}/Attributes", select="LogicalName,AttributeType")
    found = {row["LogicalName"]: row for row in listed if row["LogicalName"] in columns}
    fitting = [column for name, column in columns.items() if name in found and _fits(column, found[name])]
    for one in {column.type: column for column in fitting}.values():
        options = {"expand": "OptionSet"} if one.type in _WITH_OPTIONS else {}
        for row in await client.rows(f"{table_path(table)}/Attributes/{cast(one)}", **options):
            if row["LogicalName"] in found:
                found[row["LogicalName"]] = row
    return found


def _fits(column: Column, listed: Row) -> bool:
    return bool(listed["AttributeType"] == type_name(column))

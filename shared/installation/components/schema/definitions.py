"""Reads definitions of columns: whole ones, by table and type.

Definitions are read as lists and looked up in them: a read that fails must never look like an absent column.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.operations import Row
from shared.installation.components.schema.attributes import cast, type_name
from shared.installation.desired.state import Column, ColumnType
from shared.installation.wire.customization_client import CustomizationClient

_LISTED: Final = {"$select": "LogicalName,AttributeType"}
_WITH_OPTIONS = frozenset({ColumnType.CHOICE, ColumnType.YES_NO})


def table_path(table: str) -> str:
    """Return the path of a table's definition."""
    return f"EntityDefinitions(LogicalName={odata.literal(odata.name(table))})"


def column_path(table: str, column: str) -> str:
    """Return the path of a column's definition."""
    return f"{table_path(table)}/Attributes(LogicalName={odata.literal(odata.name(column))})"


async def read_columns(
    client: CustomizationClient, wanted: Mapping[str, Sequence[Column]]
) -> dict[str, dict[str, Row]]:
    """Return by table and logical name the definitions of those columns of existing tables that exist."""
    lists = await _all(client, [(table, f"{table_path(table)}/Attributes", _LISTED) for table in wanted])
    found: dict[str, dict[str, Row]] = {}
    whole: list[tuple[str, str, Mapping[str, str]]] = []
    for (table, columns), listed in zip(wanted.items(), lists, strict=True):
        names = {column.logical for column in columns}
        rows = {row["LogicalName"]: row for row in listed if row["LogicalName"] in names}
        fitting = [column for column in columns if column.logical in rows and _fits(column, rows[column.logical])]
        found[table] = rows
        for one in {column.type: column for column in fitting}.values():
            options = {"$expand": "OptionSet"} if one.type in _WITH_OPTIONS else {}
            whole.append((table, f"{table_path(table)}/Attributes/{cast(one)}", options))
    for (table, _, _), definitions in zip(whole, await _all(client, whole), strict=True):
        found[table] |= {row["LogicalName"]: row for row in definitions if row["LogicalName"] in found[table]}
    return found


async def _all(
    client: CustomizationClient, collections: Sequence[tuple[str, str, Mapping[str, str]]]
) -> list[list[Row]]:
    """Read whole collections of definitions."""
    return await client.collections([odata.reads(path, options) for _, path, options in collections])


def _fits(column: Column, listed: Row) -> bool:
    return bool(listed["AttributeType"] == type_name(column))

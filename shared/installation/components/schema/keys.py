"""Alternate keys of tables.

A job of Dataverse builds the index of a new key. Until it has, the index is pending; it fails if rows have the same
values. Source: Microsoft's skill for alternate keys; the second parameter of ReactivateEntityKey is inferred.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.operations import Row
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.components.schema.definitions import table_path
from shared.installation.components.wording import label
from shared.installation.desired.state import AlternateKey, DesiredState
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient

_COLUMNS: Final = "SchemaName,LogicalName,KeyAttributes,EntityKeyIndexStatus"
_FAILED: Final = "Failed"
_BEING_BUILT: Final = frozenset({"Pending", "InProgress"})


class Keys(ComponentKind[AlternateKey, Row]):
    """Alternate keys, by logical name. A key never changes: one with other columns is made anew."""

    kind = Kind.KEY
    settles = 3.0

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[AlternateKey]:
        """Return the keys of tables that exist or are own ones."""
        return [one for one in desired.keys if one.of_own_table or organisation.has(one.table)]

    def goes_along(self, wanted: AlternateKey) -> bool:
        """Return whether the key goes with its own table."""
        return wanted.of_own_table

    def remark(self, found: Row) -> str:
        """Tell of an index that is not ready yet."""
        being_built = found["EntityKeyIndexStatus"] in _BEING_BUILT
        return "Dataverse is still building the index of the key" if being_built else ""

    async def find(
        self, client: CustomizationClient, wanted: Sequence[AlternateKey], organisation: Organisation
    ) -> Mapping[str, Row]:
        """Read the keys of each table that exists now."""
        listed = {row["LogicalName"] for row in await client.rows("EntityDefinitions", select="LogicalName")}
        tables = list(dict.fromkeys(one.table for one in wanted if one.table in listed))
        collections = await client.collections(
            [odata.reads(f"{table_path(table)}/Keys", {"$select": _COLUMNS}) for table in tables]
        )
        return {
            f"{table}.{row['LogicalName']}": row
            for table, rows in zip(tables, collections, strict=True)
            for row in rows
        }

    def differences(self, wanted: AlternateKey, found: Row, organisation: Organisation) -> Sequence[str]:
        """Compare the columns, and tell of an index that failed."""
        if tuple(found["KeyAttributes"]) != wanted.columns:
            return (f"its columns are {', '.join(found['KeyAttributes'])}",)
        if found["EntityKeyIndexStatus"] == _FAILED:
            columns = ", ".join(wanted.columns)
            return (f"its index failed, as rows of {wanted.table} have the same {columns}: merge or correct them",)
        return ()

    async def create(self, client: CustomizationClient, wanted: AlternateKey, organisation: Organisation) -> None:
        """Add the key to its table."""
        body = {
            "SchemaName": wanted.schema_name,
            "DisplayName": label(wanted.label, organisation),
            "KeyAttributes": list(wanted.columns),
        }
        await client.create(f"{table_path(wanted.table)}/Keys", body)

    async def change(
        self, client: CustomizationClient, wanted: AlternateKey, found: Row, organisation: Organisation
    ) -> None:
        """Build a failed index again; make a key with other columns anew."""
        if tuple(found["KeyAttributes"]) == wanted.columns:
            body = {"EntityLogicalName": wanted.table, "EntityKeyLogicalName": wanted.logical}
            await client.outside_the_solution().act("ReactivateEntityKey", body)
            return
        await self.remove(client, wanted, found)
        await self.create(client, wanted, organisation)

    async def remove(self, client: CustomizationClient, wanted: AlternateKey, found: Row) -> None:
        """Delete the key."""
        name = odata.literal(odata.name(wanted.logical))
        await client.remove(f"{table_path(wanted.table)}/Keys(LogicalName={name})")

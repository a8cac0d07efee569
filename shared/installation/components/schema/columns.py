"""The columns of tables that exist. Those of a new table travel in the call that creates it (`tables.py`)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from shared.adapters.dataverse.web_api.operations import Row
from shared.errors import ConfigurationError, Service
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.components.schema.attributes import (
    attribute_differences,
    cast,
    changed_attribute,
    new_attribute,
    option_differences,
    type_name,
)
from shared.installation.components.schema.definitions import column_path, read_columns, table_path
from shared.installation.components.schema.options import write_options
from shared.installation.desired.state import Column, ColumnType, DesiredState
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient


class Columns(ComponentKind[Column, Row]):
    """Columns except lookups."""

    kind = Kind.COLUMN
    holds_data = True
    settles = 3.0

    def __init__(self, solution: str) -> None:
        self._solution = solution

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[Column]:
        """Return the columns of all tables that exist."""
        tables = [(table.name, table.columns) for table in desired.tables]
        tables += [(table.name, table.columns) for table in desired.standard_tables]
        return [column for table, columns in tables if organisation.has(table) for column in columns]

    def goes_along(self, wanted: Column) -> bool:
        """Return whether the column goes with its own table."""
        return wanted.of_own_table

    async def find(
        self, client: CustomizationClient, wanted: Sequence[Column], organisation: Organisation
    ) -> Mapping[str, Row]:
        """Read the columns of all tables together."""
        by_table: dict[str, list[Column]] = defaultdict(list)
        for column in wanted:
            by_table[column.table].append(column)
        found = await read_columns(client, by_table)
        return {f"{table}.{name}": row for table, rows in found.items() for name, row in rows.items()}

    def differences(self, wanted: Column, found: Row, organisation: Organisation) -> Sequence[str]:
        """Compare what the connector sets. Raises ConfigurationError for another type, which never changes."""
        if found["AttributeType"] != type_name(wanted):
            raise ConfigurationError(
                f"The column {wanted.name} exists with the type {found['AttributeType']}; the connector needs "
                f"{type_name(wanted)}. Rename or delete that column, and run the command again",
                service=Service.DATAVERSE,
            )
        options = [
            f"option {option.value} {'is missing' if missing else 'has another label'}"
            for option, missing in option_differences(wanted.options, found, organisation)
        ]
        return [*attribute_differences(wanted, found, organisation), *options]

    async def create(self, client: CustomizationClient, wanted: Column, organisation: Organisation) -> None:
        """Add the column to its table."""
        await client.create(f"{table_path(wanted.table)}/Attributes", new_attribute(wanted, organisation))

    async def change(self, client: CustomizationClient, wanted: Column, found: Row, organisation: Organisation) -> None:
        """Replace the definition where it differs, then its options."""
        if any(attribute_differences(wanted, found, organisation)):
            path = f"{column_path(wanted.table, wanted.logical)}/{cast(wanted)}"
            await client.replace(path, changed_attribute(wanted, found, organisation))
        if wanted.type in {ColumnType.CHOICE, ColumnType.YES_NO}:
            different = list(option_differences(wanted.options, found, organisation))
            await write_options(client, (wanted.table, wanted.logical), different, organisation, self._solution)

    async def remove(self, client: CustomizationClient, wanted: Column, found: Row) -> None:
        """Delete the column."""
        await client.remove(column_path(wanted.table, wanted.logical))

"""The status reasons of the connector's own tables.

A table comes with the reasons 1 (active) and 2 (inactive), which are relabelled; others are inserted. What exists is
read first: `InsertStatusValue` is not idempotent.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.operations import Row
from shared.errors import ConfigurationError, Service
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.components.schema.definitions import table_path
from shared.installation.components.wording import CRM, label, same_label
from shared.installation.desired.state import DesiredState, StatusReason
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient

_COLUMN: Final = "statuscode"
_COME_WITH_THE_TABLE: Final = frozenset({1, 2})


class StatusReasons(ComponentKind[StatusReason, Row]):
    """Status reasons; they go with their table."""

    kind = Kind.STATUS_REASON
    holds_data = True

    def __init__(self, solution: str) -> None:
        self._solution = solution

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[StatusReason]:
        """Return the reasons of all own tables."""
        return [reason for table in desired.tables for reason in table.status_reasons]

    def goes_along(self, wanted: StatusReason) -> bool:
        """Return True: reasons go with their table."""
        return True

    async def find(
        self, client: CustomizationClient, wanted: Sequence[StatusReason], organisation: Organisation
    ) -> Mapping[str, Row]:
        """Read the reasons of those tables that exist now."""
        listed = {row["LogicalName"] for row in await client.rows("EntityDefinitions", select="LogicalName")}
        tables = list(dict.fromkeys(reason.table for reason in wanted if reason.table in listed))
        whole = {"$select": "LogicalName", "$expand": "OptionSet"}
        collections = await client.collections(
            [odata.reads(f"{table_path(table)}/Attributes/{CRM}StatusAttributeMetadata", whole) for table in tables]
        )
        return {
            f"{table}.{option['Value']}": option
            for table, columns in zip(tables, collections, strict=True)
            for column in columns
            if column["LogicalName"] == _COLUMN
            for option in column["OptionSet"]["Options"]
        }

    def differences(self, wanted: StatusReason, found: Row, organisation: Organisation) -> Sequence[str]:
        """Compare the label. Raises ConfigurationError for a value that belongs to the other state."""
        if found.get("State", wanted.state) != wanted.state:
            raise ConfigurationError(
                f"The status reason {wanted.name} belongs to another state: delete it, and run the command again",
                service=Service.DATAVERSE,
            )
        return () if same_label(wanted.label, found.get("Label"), organisation) else ("label",)

    async def create(self, client: CustomizationClient, wanted: StatusReason, organisation: Organisation) -> None:
        """Insert the reason, or relabel it if it came with the table."""
        if wanted.value in _COME_WITH_THE_TABLE:
            await self._relabel(client, wanted, organisation)
            return
        await client.act("InsertStatusValue", self._body(wanted, organisation) | {"StateCode": wanted.state})

    async def change(
        self, client: CustomizationClient, wanted: StatusReason, found: Row, organisation: Organisation
    ) -> None:
        """Relabel the reason."""
        await self._relabel(client, wanted, organisation)

    async def _relabel(self, client: CustomizationClient, wanted: StatusReason, organisation: Organisation) -> None:
        body = self._body(wanted, organisation) | {"MergeLabels": True}
        await client.act("UpdateOptionValue", body)

    def _body(self, wanted: StatusReason, organisation: Organisation) -> dict[str, Any]:
        return {
            "EntityLogicalName": wanted.table,
            "AttributeLogicalName": _COLUMN,
            "Value": wanted.value,
            "Label": label(wanted.label, organisation),
            "SolutionUniqueName": self._solution,
        }

    async def remove(self, client: CustomizationClient, wanted: StatusReason, found: Row) -> None:
        """Do nothing: the reason goes with its table."""

"""The connector's own tables. The call that creates one carries its columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.adapters.dataverse.web_api.operations import Row
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.components.schema.attributes import new_attribute
from shared.installation.components.schema.definitions import table_path
from shared.installation.components.wording import CRM, label, merged_label, same_label
from shared.installation.desired.state import DesiredState, OwnTable
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient

_COLLECTIONS = frozenset(
    {
        "Attributes", "Keys", "ManyToManyRelationships", "ManyToOneRelationships", "OneToManyRelationships",
        "Privileges", "Settings",
    }
)  # fmt: skip
"""Members that the replacement of a table leaves out."""


class Tables(ComponentKind[OwnTable, Row]):
    """Tables that belong to users: their privileges come with them."""

    kind = Kind.TABLE
    holds_data = True
    settles = 15.0

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[OwnTable]:
        """Return the own tables."""
        return desired.tables

    async def find(
        self, client: CustomizationClient, wanted: Sequence[OwnTable], organisation: Organisation
    ) -> Mapping[str, Row]:
        """Read the definitions of those that exist now, looked up in the list of all."""
        listed = {row["LogicalName"] for row in await client.rows("EntityDefinitions", select="LogicalName")}
        existing = [table.name for table in wanted if table.name in listed]
        definitions = await client.get_all([table_path(name) for name in existing])
        return dict(zip(existing, definitions, strict=True))

    def differences(self, wanted: OwnTable, found: Row, organisation: Organisation) -> Sequence[str]:
        """Compare the labels."""
        return [what for what, texts in _labels(wanted).items() if not same_label(texts, found.get(what), organisation)]

    async def create(self, client: CustomizationClient, wanted: OwnTable, organisation: Organisation) -> None:
        """Create the table with all its columns but lookups."""
        body: dict[str, Any] = {
            "@odata.type": f"{CRM}EntityMetadata",
            "SchemaName": wanted.schema_name,
            **{what: label(texts, organisation) for what, texts in _labels(wanted).items()},
            "OwnershipType": "UserOwned",
            "IsActivity": False,
            "HasActivities": False,
            "HasNotes": False,
            "Attributes": [new_attribute(column, organisation) for column in wanted.columns],
        }
        await client.create("EntityDefinitions", body)

    async def change(
        self, client: CustomizationClient, wanted: OwnTable, found: Row, organisation: Organisation
    ) -> None:
        """Replace the definition with other labels."""
        kept = {key: value for key, value in found.items() if not key.startswith("@odata.") and key not in _COLLECTIONS}
        labels = {what: merged_label(texts, found.get(what), organisation) for what, texts in _labels(wanted).items()}
        await client.replace(table_path(wanted.name), {"@odata.type": f"{CRM}EntityMetadata"} | kept | labels)

    async def remove(self, client: CustomizationClient, wanted: OwnTable, found: Row) -> None:
        """Delete the table and its rows."""
        await client.remove(table_path(wanted.name))


def _labels(table: OwnTable) -> Mapping[str, Any]:
    return {
        "DisplayName": table.label,
        "DisplayCollectionName": table.plural,
        "Description": table.description,
    }

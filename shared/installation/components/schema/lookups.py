"""Lookups with their relationships.

One target is an ordinary relationship; account and contact are a customer column. Sources: Microsoft's pages "Create
and update relationship definitions using the Web API" and "Multi-table lookups".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.operations import Row
from shared.errors import ConfigurationError, Service
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.components.schema.attributes import requirement
from shared.installation.components.schema.definitions import column_path, table_path
from shared.installation.components.wording import CRM, label, merged_label, same_label
from shared.installation.desired.state import DesiredState, Lookup, OnDelete, Target
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient

_CUSTOMER: Final = {"account", "contact"}
_READ: Final = {"$select": "LogicalName,SchemaName,AttributeType,DisplayName,Targets"}
_LOOKUP_TYPES: Final = frozenset({"Lookup", "Customer"})


class Lookups(ComponentKind[Lookup, Row]):
    """Lookups; those of tables that come with Dynamics 365 Sales only where these exist."""

    kind = Kind.RELATIONSHIP
    holds_data = True
    settles = 5.0

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[Lookup]:
        """Return the lookups whose tables exist, or are own ones."""
        own = {table.name for table in desired.tables}
        return [
            one
            for one in desired.lookups
            if not one.needs_sales or all(table in own or organisation.has(table) for table in one.tables)
        ]

    async def find(
        self, client: CustomizationClient, wanted: Sequence[Lookup], organisation: Organisation
    ) -> Mapping[str, Row]:
        """Read the lookups of each table that exists now."""
        listed = {row["LogicalName"] for row in await client.rows("EntityDefinitions", select="LogicalName")}
        tables = list(dict.fromkeys(one.table for one in wanted if one.table in listed))
        collections = await client.collections(
            [odata.reads(f"{table_path(table)}/Attributes/{CRM}LookupAttributeMetadata", _READ) for table in tables]
        )
        names = {one.name for one in wanted}
        return {
            f"{table}.{row['LogicalName']}": row
            for table, columns in zip(tables, collections, strict=True)
            for row in columns
            if f"{table}.{row['LogicalName']}" in names
        }

    def differences(self, wanted: Lookup, found: Row, organisation: Organisation) -> Sequence[str]:
        """Compare label and targets. Raises ConfigurationError for a column of another type."""
        if found["AttributeType"] not in _LOOKUP_TYPES:
            raise ConfigurationError(
                f"The column {wanted.name} exists with the type {found['AttributeType']}; the connector needs a "
                "lookup. Rename or delete that column, and run the command again",
                service=Service.DATAVERSE,
            )
        missing = [f"no target {target.table}" for target in wanted.targets if target.table not in found["Targets"]]
        return [*missing, *(() if same_label(wanted.label, found.get("DisplayName"), organisation) else ("label",))]

    async def create(self, client: CustomizationClient, wanted: Lookup, organisation: Organisation) -> None:
        """Create the lookup with its relationships, in one call."""
        if len(wanted.targets) == 1:
            await client.create("RelationshipDefinitions", _relationship(wanted, wanted.targets[0], organisation))
            return
        tables = {target.table for target in wanted.targets}
        action = "CreateCustomerRelationships" if tables == _CUSTOMER else "CreatePolymorphicLookupAttribute"
        relationships = [_bare_relationship(wanted, target) for target in wanted.targets]
        lookup = _lookup(wanted, organisation, f"{CRM}ComplexLookupAttributeMetadata")
        await client.act(action, {"OneToManyRelationships": relationships, "Lookup": lookup})

    async def change(self, client: CustomizationClient, wanted: Lookup, found: Row, organisation: Organisation) -> None:
        """Add missing targets, and replace the label."""
        for target in wanted.targets:
            if target.table not in found["Targets"]:
                await client.create("RelationshipDefinitions", _relationship(wanted, target, organisation))
        if not same_label(wanted.label, found.get("DisplayName"), organisation):
            path = f"{column_path(wanted.table, wanted.logical)}/{CRM}LookupAttributeMetadata"
            whole = await client.get(path)
            kept = {key: value for key, value in whole.items() if not key.startswith("@odata.")}
            display = {"DisplayName": merged_label(wanted.label, whole.get("DisplayName"), organisation)}
            await client.replace(path, {"@odata.type": f"{CRM}LookupAttributeMetadata"} | kept | display)

    async def remove(self, client: CustomizationClient, wanted: Lookup, found: Row) -> None:
        """Delete the lookup and its relationships."""
        if len(wanted.targets) == 1:
            name = odata.literal(wanted.targets[0].relationship)
            await client.remove(f"RelationshipDefinitions(SchemaName={name})")
        else:
            await client.remove(column_path(wanted.table, wanted.logical))


def _bare_relationship(lookup: Lookup, target: Target) -> dict[str, Any]:
    none, delete = "NoCascade", {OnDelete.REMOVE_LINK: "RemoveLink", OnDelete.CASCADE: "Cascade"}[target.on_delete]
    return {
        "@odata.type": f"{CRM}OneToManyRelationshipMetadata",
        "SchemaName": target.relationship,
        "ReferencedEntity": target.table,
        "ReferencingEntity": lookup.table,
        "CascadeConfiguration": {
            "Assign": none,
            "Delete": delete,
            "Merge": none,
            "Reparent": none,
            "Share": none,
            "Unshare": none,
        },
    }


def _relationship(lookup: Lookup, target: Target, organisation: Organisation) -> dict[str, Any]:
    return _bare_relationship(lookup, target) | {
        "Lookup": _lookup(lookup, organisation, f"{CRM}LookupAttributeMetadata")
    }


def _lookup(lookup: Lookup, organisation: Organisation, kind: str) -> dict[str, Any]:
    return {
        "@odata.type": kind,
        "AttributeType": "Lookup",
        "AttributeTypeName": {"Value": "LookupType"},
        "SchemaName": lookup.schema_name,
        "DisplayName": label(lookup.label, organisation),
        "RequiredLevel": requirement(required=False),
    }

"""Definitions of tables and relationships, made of the schema in the form of the Web API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from weakref import WeakKeyDictionary

from shared.local.dataverse_sandbox.metadata import column_definitions, names
from shared.local.dataverse_sandbox.metadata.column_definitions import TYPE
from shared.local.dataverse_sandbox.metadata.labels import from_texts, label
from shared.local.dataverse_sandbox.metadata.packaged import is_shared, standard
from shared.local.dataverse_sandbox.metadata.schema import Definition, ManyToMany, Schema, Table, ToMany, ToOne
from shared.local.dataverse_sandbox.metadata.type_codes import type_code
from shared.local.dataverse_sandbox.organisation.errors import CUSTOM_NAME
from shared.local.dataverse_sandbox.organisation.organization import fixed_id
from shared.local.dataverse_sandbox.organisation.privileges import Privilege, privileges_of

EXPANDABLE = (
    "Attributes", "Keys", "OptionSet", "GlobalOptionSet", "OneToManyRelationships", "ManyToOneRelationships",
    "ManyToManyRelationships",
)  # fmt: skip
"""Properties that an answer contains only if they are expanded."""

_made: WeakKeyDictionary[Table, list[Definition]] = WeakKeyDictionary()
_NO_CASCADE = dict.fromkeys(("Assign", "Merge", "Reparent", "Share", "Unshare"), "NoCascade") | {"Delete": "RemoveLink"}

# How Dataverse names the relationships that every table has. Sources: the table references of Microsoft, by pattern.
_STANDARD_NAMES = {
    "createdby": "lk_{table}{base}_createdby",
    "modifiedby": "lk_{table}{base}_modifiedby",
    "createdonbehalfby": "lk_{table}_createdonbehalfby",
    "modifiedonbehalfby": "lk_{table}_modifiedonbehalfby",
    "owningbusinessunit": "business_unit_{plural}",
    "transactioncurrencyid": "transactioncurrency_{table}",
}


@lru_cache(maxsize=8)
def _of_shared(schema: Schema) -> Definitions:
    return Definitions(schema)


class LatestDefinitions:
    """The definitions of the schema that was asked for last: a schema changes less often than it is read."""

    def __init__(self) -> None:
        self._latest = _of_shared(standard())

    def of(self, schema: Schema) -> Definitions:
        """Return the definitions of a schema; those of a shared one are made once for all organisations."""
        if is_shared(schema):
            return _of_shared(schema)
        if self._latest.schema is not schema:
            self._latest = Definitions(schema)
        return self._latest


class Definitions:
    """All definitions of an organisation, built on first use."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def lists(self) -> Mapping[str, list[Definition]]:
        """Return the lists that paths to metadata begin with."""
        return {
            "EntityDefinitions": self.tables,
            "RelationshipDefinitions": [*self._one_to_many, *self._many_to_many],
            "GlobalOptionSetDefinitions": self._choices,
        }

    @cached_property
    def tables(self) -> list[Definition]:
        """Tables, with their parts."""
        return [self._table(table) for table in self.schema.tables.values()]

    @cached_property
    def _one_to_many(self) -> list[Definition]:
        known = {
            (many.target, many.column, table.name): many
            for table in self.schema.tables.values()
            for many in table.navigations.values()
            if isinstance(many, ToMany)
        }
        found: dict[tuple[str, str, str], Definition] = {}
        for table in self.schema.tables.values():
            for one in (navigation for navigation in table.navigations.values() if isinstance(navigation, ToOne)):
                for target in one.targets:
                    place = (table.name, one.column, target)
                    if target in self.schema.tables and place not in found:
                        many = known.get(place) or ToMany(
                            _relationship_name(table, one.column, target), table.name, one.column
                        )
                        found[place] = self._relationship(table, one, target, many)
        return list(found.values())

    @cached_property
    def _by_referenced(self) -> Mapping[str, list[Definition]]:
        return _grouped(self._one_to_many, "ReferencedEntity")

    @cached_property
    def _by_referencing(self) -> Mapping[str, list[Definition]]:
        return _grouped(self._one_to_many, "ReferencingEntity")

    @cached_property
    def _many_to_many(self) -> list[Definition]:
        links = {
            link.name: _many_to_many(table, link)
            for table in self.schema.tables.values()
            for link in table.navigations.values()
            if isinstance(link, ManyToMany)
        }
        return list(links.values())

    @cached_property
    def _choices(self) -> list[Definition]:
        return [column_definitions.of_choice(choice, self.schema) for choice in self.schema.choices.values()]

    def _relationship(self, table: Table, one: ToOne, target: str, many: ToMany) -> Definition:
        name = many.name
        return {
            "@odata.type": f"{TYPE}OneToManyRelationshipMetadata",
            "MetadataId": fixed_id("relationship", name, target),
            "SchemaName": name,
            "RelationshipType": "OneToManyRelationship",
            "IsCustomRelationship": CUSTOM_NAME.match(one.column) is not None,
            "IsManaged": CUSTOM_NAME.match(one.column) is None,
            "CascadeConfiguration": dict(_NO_CASCADE),
            "ReferencedEntity": target,
            "ReferencedAttribute": self.schema.tables[target].primary_id,
            "ReferencedEntityNavigationPropertyName": name,
            "ReferencingEntity": table.name,
            "ReferencingAttribute": one.column,
            "ReferencingEntityNavigationPropertyName": one.name,
            **many.definition,
        }

    def _table(self, table: Table) -> Definition:
        has_image = "entityimageid" in table.columns or "entityimage" in table.left_out
        called = names.of_table(table)
        referenced = self._by_referenced.get(table.name, [])
        referencing = {one["ReferencingEntity"] for one in referenced}
        return {
            "MetadataId": fixed_id("table", table.name),
            "LogicalName": table.name,
            "SchemaName": called.schema_name,
            "EntitySetName": table.set_name,
            "LogicalCollectionName": table.set_name,
            "PrimaryIdAttribute": table.primary_id,
            "PrimaryNameAttribute": table.primary_name,
            "PrimaryImageAttribute": "entityimage" if has_image else None,
            "IconVectorName": None,
            "DisplayName": label(called.label, self.schema.language),
            "DisplayCollectionName": label(called.plural, self.schema.language),
            "Description": from_texts({}, self.schema.language),
            "ObjectTypeCode": type_code(table),
            "HasNotes": "annotation" in referencing,
            "HasActivities": "activitypointer" in referencing,
            "IsManaged": CUSTOM_NAME.match(table.name) is None,
            "IsAuditEnabled": {
                "Value": False,
                "CanBeChanged": True,
                "ManagedPropertyLogicalName": "canmodifyauditsettings",
            },
            "IsCustomizable": {"Value": True, "CanBeChanged": True, "ManagedPropertyLogicalName": "iscustomizable"},
            "IsQuickCreateEnabled": False,
            "IsActivity": table.is_activity,
            "IsCustomEntity": CUSTOM_NAME.match(table.name) is not None,
            "IsPrivate": False,
            "IsIntersect": any(link["IntersectEntityName"] == table.name for link in self._many_to_many),
            "ChangeTrackingEnabled": True,
            "OwnershipType": "UserOwned" if "ownerid" in table.columns else "OrganizationOwned",
            "TableType": "Standard",
            "Privileges": _privileges(table),
            "Attributes": column_definitions.of_columns(table, self.schema),
            "Keys": [column_definitions.of_key(table, key) for key in table.keys],
            "OneToManyRelationships": referenced,
            "ManyToOneRelationships": self._by_referencing.get(table.name, []),
            "ManyToManyRelationships": [
                link
                for link in self._many_to_many
                if table.name in {link["Entity1LogicalName"], link["Entity2LogicalName"]}
            ],
            **table.definition,
        }


def _privileges(table: Table) -> list[Definition]:
    """Return the privileges of a table; they are made once for each version of the table."""
    if table not in _made:
        _made[table] = [_privilege(table, one) for one in privileges_of(table)]
    return _made[table]


def _privilege(table: Table, one: Privilege) -> Definition:
    """Describe a privilege: rows without owners belong to the organisation as a whole."""
    is_owned = "ownerid" in table.columns
    return {
        "CanBeBasic": is_owned,
        "CanBeDeep": is_owned,
        "CanBeGlobal": True,
        "CanBeLocal": is_owned,
        "CanBeEntityReference": False,
        "CanBeParentEntityReference": False,
        "Name": names.of_privilege(table, one),
        "PrivilegeId": fixed_id("privilege", one.name),
        "PrivilegeType": f"{one.access[0].upper()}{one.access[1:]}",
    }


def _grouped(definitions: Iterable[Definition], name: str) -> Mapping[str, list[Definition]]:
    """Group definitions by a property."""
    groups = defaultdict(list)
    for one in definitions:
        groups[one[name]].append(one)
    return groups


def _relationship_name(table: Table, column: str, target: str) -> str:
    """Name a relationship that the description of the tables does not name, as Dataverse does (inferred)."""
    is_custom = CUSTOM_NAME.match(table.name) is not None
    if column in {"owninguser", "owningteam", "ownerid"}:
        kind = {"owninguser": "user", "owningteam": "team", "ownerid": "owner"}[column]
        return f"{kind}_{table.name if is_custom else table.set_name}" + (f"_{target}" if column == "ownerid" else "")
    pattern = _STANDARD_NAMES.get(column, f"{target}_{table.name}_{column}")
    return pattern.format(
        table=table.name, base="" if is_custom else "base", plural=table.name if is_custom else table.set_name
    )


def _many_to_many(table: Table, link: ManyToMany) -> Definition:
    return {
        "@odata.type": f"{TYPE}ManyToManyRelationshipMetadata",
        "MetadataId": fixed_id("relationship", link.name),
        "SchemaName": link.name,
        "RelationshipType": "ManyToManyRelationship",
        "IsCustomRelationship": CUSTOM_NAME.match(link.intersect) is not None,
        "Entity1LogicalName": table.name,
        "Entity1IntersectAttribute": link.near_column,
        "Entity1NavigationPropertyName": link.name,
        "Entity2LogicalName": link.target,
        "Entity2IntersectAttribute": link.far_column,
        "Entity2NavigationPropertyName": link.name,
        "IntersectEntityName": link.intersect,
    }

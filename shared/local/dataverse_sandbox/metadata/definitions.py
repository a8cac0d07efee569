"""Definitions of tables, columns, relationships, choices and keys, made of the schema in the form of the Web API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

from shared.local.dataverse_sandbox.metadata import names
from shared.local.dataverse_sandbox.metadata.schema import (
    Column,
    ColumnType,
    ManyToMany,
    Schema,
    Table,
    ToMany,
    ToOne,
    standard,
)
from shared.local.dataverse_sandbox.organisation.errors import CUSTOM_NAME
from shared.local.dataverse_sandbox.organisation.organization import fixed_id
from shared.local.dataverse_sandbox.organisation.privileges import Privilege, privileges_of

Definition = dict[str, Any]

_LANGUAGE = 1033
_TYPE = "#Microsoft.Dynamics.CRM."
NO_TRANSLATIONS: Mapping[int, str] = MappingProxyType({})
EXPANDABLE = (
    "Attributes", "Keys", "OptionSet", "GlobalOptionSet", "OneToManyRelationships", "ManyToOneRelationships",
    "ManyToManyRelationships",
)  # fmt: skip
"""Properties that an answer contains only if they are expanded."""

# How Dataverse names the relationships that every table has. Sources: the table references of Microsoft, by pattern.
_STANDARD_NAMES = {
    "createdby": "lk_{table}{base}_createdby",
    "modifiedby": "lk_{table}{base}_modifiedby",
    "createdonbehalfby": "lk_{table}_createdonbehalfby",
    "modifiedonbehalfby": "lk_{table}_modifiedonbehalfby",
    "owningbusinessunit": "business_unit_{plural}",
    "transactioncurrencyid": "transactioncurrency_{table}",
}


def definitions_of(schema: Schema) -> Definitions:
    """Return the definitions of a schema; those of the packaged one are made once."""
    return _standard() if schema is standard() else Definitions(schema)


@cache
def _standard() -> Definitions:
    return Definitions(standard())


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
            (many.target, many.column, table.name): many.name
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
                        name = known.get(place) or _relationship_name(table, one.column, target)
                        found[place] = self._relationship(table, one, target, name)
        return list(found.values())

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
        columns = ((table, column) for table in self.schema.tables.values() for column in table.columns.values())
        choices = {column.global_choice: _choice(table, column) for table, column in columns if column.global_choice}
        return list(choices.values())

    def _relationship(self, table: Table, one: ToOne, target: str, name: str) -> Definition:
        return {
            "@odata.type": f"{_TYPE}OneToManyRelationshipMetadata",
            "MetadataId": fixed_id("relationship", name, target),
            "SchemaName": name,
            "RelationshipType": "OneToManyRelationship",
            "IsCustomRelationship": CUSTOM_NAME.match(one.column) is not None,
            "ReferencedEntity": target,
            "ReferencedAttribute": self.schema.tables[target].primary_id,
            "ReferencedEntityNavigationPropertyName": name,
            "ReferencingEntity": table.name,
            "ReferencingAttribute": one.column,
            "ReferencingEntityNavigationPropertyName": one.name,
        }

    def _table(self, table: Table) -> Definition:
        has_image = "entityimageid" in table.columns or "entityimage" in table.left_out
        relations, called = self._one_to_many, names.of_table(table)
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
            "DisplayName": _label(called.label),
            "DisplayCollectionName": _label(called.plural),
            "IsActivity": table.is_activity,
            "IsCustomEntity": CUSTOM_NAME.match(table.name) is not None,
            "IsPrivate": False,
            "IsIntersect": any(link["IntersectEntityName"] == table.name for link in self._many_to_many),
            "ChangeTrackingEnabled": True,
            "OwnershipType": "UserOwned" if "ownerid" in table.columns else "OrganizationOwned",
            "TableType": "Standard",
            "Privileges": [_privilege(table, one) for one in privileges_of(table)],
            "Attributes": [_column(table, column) for column in table.columns.values()],
            "Keys": [_key(table, key) for key in table.keys],
            "OneToManyRelationships": _of(relations, "ReferencedEntity", table.name),
            "ManyToOneRelationships": _of(relations, "ReferencingEntity", table.name),
            "ManyToManyRelationships": [
                link
                for link in self._many_to_many
                if table.name in {link["Entity1LogicalName"], link["Entity2LogicalName"]}
            ],
        }


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
        "Name": one.name,
        "PrivilegeId": fixed_id("privilege", one.name),
        "PrivilegeType": f"{one.access[0].upper()}{one.access[1:]}",
    }


def _of(definitions: Iterable[Definition], name: str, value: str) -> list[Definition]:
    return [one for one in definitions if one[name] == value]


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


def _label(text: str, translations: Mapping[int, str] = NO_TRANSLATIONS) -> Definition:
    localized = {"Label": text, "LanguageCode": _LANGUAGE, "IsManaged": False}
    others = [
        {"Label": label, "LanguageCode": language, "IsManaged": False} for language, label in translations.items()
    ]
    return {"LocalizedLabels": [localized, *others], "UserLocalizedLabel": localized}


def _column(table: Table, column: Column) -> Definition:
    called = names.of_column(table, column)
    definition: Definition = {
        "@odata.type": f"{_TYPE}{column.type}AttributeMetadata",
        "MetadataId": fixed_id("column", table.name, column.name),
        "LogicalName": column.name,
        "SchemaName": called.schema_name,
        "EntityLogicalName": table.name,
        "AttributeType": _attribute_type(column),
        "AttributeTypeName": {"Value": f"{column.type}Type"},
        "DisplayName": _label(called.label),
        "IsCustomAttribute": column.is_custom,
        "IsPrimaryId": column.name == table.primary_id,
        "IsPrimaryName": column.name == table.primary_name,
        "IsValidForCreate": not column.readonly,
        "IsValidForUpdate": not column.readonly and column.name != table.primary_id,
        "IsValidForRead": True,
        "IsLogical": False,
        "AttributeOf": None,
        "RequiredLevel": {"Value": "SystemRequired" if column.name == table.primary_id else column.required},
    }
    if column.max_length is not None:
        definition["MaxLength"] = column.max_length
    if column.type is ColumnType.LOOKUP:
        definition["Targets"] = list(column.targets)
    if column.type is ColumnType.DATE_TIME:
        definition["Format"] = "DateOnly" if column.date_only else "DateAndTime"
        definition["DateTimeBehavior"] = {"Value": column.behavior}
    if column.options:
        definition["OptionSet"] = _choice(table, column) if column.global_choice else _options(table, column)
        definition["GlobalOptionSet"] = _choice(table, column) if column.global_choice else None
    return definition


def _attribute_type(column: Column) -> str:
    if set(column.targets) == {"account", "contact"}:
        return "Customer"
    if column.name == "ownerid" and column.type is ColumnType.LOOKUP:
        return "Owner"
    if column.type is ColumnType.MULTI_SELECT:  # only its type name is known
        return "Virtual"
    return str(column.type)


def _options(table: Table, column: Column) -> Definition:
    name = f"{table.name}_{column.name}"
    head: Definition = {"MetadataId": fixed_id("options", name), "Name": name, "IsGlobal": False}
    options = _values(column)
    if column.type is ColumnType.BOOLEAN:
        return {**head, "OptionSetType": "Boolean", "FalseOption": options[0], "TrueOption": options[1]}
    return {**head, "OptionSetType": str(column.type), "Options": options}


def _choice(table: Table, column: Column) -> Definition:
    """Describe options that several columns share."""
    return {
        "@odata.type": f"{_TYPE}OptionSetMetadata",
        "MetadataId": fixed_id("choice", column.global_choice),
        "Name": column.global_choice,
        "DisplayName": _label(names.of_column(table, column).label),
        "IsGlobal": True,
        "IsCustomOptionSet": CUSTOM_NAME.match(column.global_choice) is not None,
        "OptionSetType": "Picklist",
        "Options": _values(column),
    }


def _values(column: Column) -> list[Definition]:
    return [
        {
            "Value": value,
            "Label": _label(label, _translations(column, value)),
            **({"State": column.states[value]} if column.states else {}),
        }
        for value, label in column.options.items()
    ]


def _translations(column: Column, value: int) -> dict[int, str]:
    return {language: labels[value] for language, labels in column.translations.items() if value in labels}


def _key(table: Table, key: Sequence[str]) -> Definition:
    name = f"{table.name}_{'_'.join(key)}"
    return {
        "MetadataId": fixed_id("key", name),
        "LogicalName": name,
        "SchemaName": name,
        "EntityLogicalName": table.name,
        "KeyAttributes": list(key),
        "EntityKeyIndexStatus": "Active",
    }


def _many_to_many(table: Table, link: ManyToMany) -> Definition:
    return {
        "@odata.type": f"{_TYPE}ManyToManyRelationshipMetadata",
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

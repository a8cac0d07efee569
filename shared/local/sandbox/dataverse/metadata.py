"""`EntityDefinitions`: what generic clients read about tables before they touch data. Read-only."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from shared.local.sandbox.dataverse import odata, query_options
from shared.local.sandbox.dataverse.errors import (
    WebApiError,
    bad_request,
    method_not_allowed,
    not_implemented,
    unknown_segment,
)
from shared.local.sandbox.dataverse.exchange import ApiRequest, ApiResponse
from shared.local.sandbox.dataverse.exchange import answer as json_answer
from shared.local.sandbox.dataverse.odata import And, Comparison, Node, Not, Or
from shared.local.sandbox.dataverse.organization import fixed_id
from shared.local.sandbox.dataverse.query_options import Expansion, QueryOptions
from shared.local.sandbox.dataverse.resource_path import Segment
from shared.local.sandbox.dataverse.schema import Column, ColumnType, ManyToMany, Schema, Table, ToMany, ToOne

Definition = dict[str, Any]

_SETS = frozenset({"EntityDefinitions", "GlobalOptionSetDefinitions", "RelationshipDefinitions"})
_KEY = re.compile(r"LogicalName='([^']+)'|([0-9a-fA-F-]{36})")
_CAST = re.compile(r"Microsoft\.Dynamics\.CRM\.(\w+)AttributeMetadata")
_CUSTOM = re.compile(r"[a-z]{2,8}_")
_LANGUAGE = 1033
NO_TRANSLATIONS: Mapping[int, str] = MappingProxyType({})
# Left out of an answer unless they are expanded.
_EXPANDABLE = ("Attributes", "Keys", "OptionSet", "GlobalOptionSet", "OneToManyRelationships")


def is_metadata(segment: str) -> bool:
    """Whether the first segment of a path belongs here."""
    return segment in _SETS


def answer(schema: Schema, request: ApiRequest, segments: Sequence[Segment], base_url: str) -> ApiResponse:
    """Answer a read; WebApiError 404 for unknown tables and columns, 501 for changes of the schema."""
    if request.method != "GET":
        raise method_not_allowed(request.method) if request.method == "PATCH" else not_implemented("Changing tables")
    options = query_options.parse(request.query)
    found = _find(schema, segments)
    context = f"{base_url}/$metadata#{'/'.join(segment.name for segment in segments)}"
    if isinstance(found, list):
        keep = _predicate(odata.parse(options.filter)) if options.filter else lambda _definition: True
        chosen = [_selected(definition, options) for definition in found if keep(definition)]
        return json_answer({"@odata.context": context, "value": chosen})
    return json_answer({"@odata.context": f"{context}/$entity", **_selected(found, options)})


def _find(schema: Schema, segments: Sequence[Segment]) -> Definition | list[Definition]:
    first, rest = segments[0], segments[1:]
    if first.name == "GlobalOptionSetDefinitions":
        return []
    if first.name == "RelationshipDefinitions":
        return [one for table in schema.tables.values() for one in _one_to_many(table)]
    if first.key is None:
        return [_table_definition(table) for table in schema.tables.values()]
    table = _by_key(schema.tables.values(), first.key, lambda one: (one.name, fixed_id("table", one.name)))
    if table is None:
        raise WebApiError(404, "0x80060888", f"Could not find an entity with specified key {first.key}.")
    return _part_of(schema, table, rest) if rest else _table_definition(table)


def _part_of(schema: Schema, table: Table, rest: Sequence[Segment]) -> Definition | list[Definition]:
    match rest[0].name:
        case "Attributes":
            return _attributes(table, rest)
        case "Keys":
            return [_key_definition(table, key) for key in table.keys]
        case "OneToManyRelationships":
            return _one_to_many(table)
        case "ManyToOneRelationships":
            return _many_to_one(schema, table)
        case "ManyToManyRelationships":
            return [_many_to_many(table, link) for link in _links(table)]
        case other:
            raise unknown_segment(other)


def _attributes(table: Table, rest: Sequence[Segment]) -> Definition | list[Definition]:
    segment = rest[0]
    cast = _CAST.fullmatch(rest[1].name) if len(rest) > 1 else None
    if segment.key is not None:
        column = _by_key(
            table.columns.values(), segment.key, lambda one: (one.name, fixed_id("column", table.name, one.name))
        )
        if column is None:
            raise WebApiError(404, "0x80060888", f"Could not find an attribute with specified key {segment.key}.")
        return _column_definition(table, column)
    columns = table.columns.values()
    return [_column_definition(table, one) for one in columns if cast is None or one.type == cast[1]]


def _by_key(items: Any, key: str, names: Callable[[Any], tuple[str, str]]) -> Any:
    match = _KEY.fullmatch(key.strip())
    if match is None:
        raise bad_request(f"The key '{key}' is not a LogicalName or a MetadataId.")
    wanted = (match[1] or match[2]).lower()
    return next((item for item in items if wanted in names(item)), None)


def _selected(definition: Definition, options: QueryOptions) -> Definition:
    expanded = {one.navigation: one for one in options.expand}
    shown = {
        name: _inner(value, expanded[name]) if name in expanded else value
        for name, value in definition.items()
        if name in expanded or name not in _EXPANDABLE
    }
    if options.select is None:
        return shown
    for name in options.select:
        if name not in definition:
            raise bad_request(f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.Metadata'.")
    kept = {*options.select, *expanded, "MetadataId", "@odata.type"}
    return {name: value for name, value in shown.items() if name in kept}


def _inner(value: Any, expansion: Expansion) -> Any:
    if isinstance(value, list):
        return [_selected(one, expansion.options) for one in value]
    return _selected(value, expansion.options) if isinstance(value, dict) else value


def _predicate(node: Node) -> Callable[[Mapping[str, Any]], bool]:
    match node:
        case And(parts):
            every = [_predicate(part) for part in parts]
            return lambda definition: all(passes(definition) for passes in every)
        case Or(parts):
            anyone = [_predicate(part) for part in parts]
            return lambda definition: any(passes(definition) for passes in anyone)
        case Not(part):
            inner = _predicate(part)
            return lambda definition: not inner(definition)
        case Comparison((name, *_), "eq", literal):
            return lambda definition: bool(_plain(definition.get(name)) == literal.value)
        case Comparison((name, *_), "ne", literal):
            return lambda definition: bool(_plain(definition.get(name)) != literal.value)
        case _:
            raise bad_request("Metadata can be filtered by eq, ne, and, or, not only.")


def _plain(value: Any) -> Any:
    return value.get("Value") if isinstance(value, dict) else value


# --------------------------------------------------------------------------------------------------------- definitions


def _label(text: str, translations: Mapping[int, str] = NO_TRANSLATIONS) -> Definition:
    localized = {"Label": text, "LanguageCode": _LANGUAGE, "IsManaged": False}
    others = [
        {"Label": label, "LanguageCode": language, "IsManaged": False} for language, label in translations.items()
    ]
    return {"LocalizedLabels": [localized, *others], "UserLocalizedLabel": localized}


def _table_definition(table: Table) -> Definition:
    return {
        "MetadataId": fixed_id("table", table.name),
        "LogicalName": table.name,
        "SchemaName": table.name,
        "EntitySetName": table.set_name,
        "LogicalCollectionName": table.set_name,
        "PrimaryIdAttribute": table.primary_id,
        "PrimaryNameAttribute": table.primary_name,
        "DisplayName": _label(table.name),
        "DisplayCollectionName": _label(table.set_name),
        "IsActivity": table.is_activity,
        "IsCustomEntity": _CUSTOM.match(table.name) is not None,
        "IsPrivate": False,
        "IsIntersect": False,
        "ChangeTrackingEnabled": True,
        "OwnershipType": "UserOwned" if "ownerid" in table.columns else "OrganizationOwned",
        "TableType": "Standard",
        "Attributes": [_column_definition(table, column) for column in table.columns.values()],
        "Keys": [_key_definition(table, key) for key in table.keys],
        "OneToManyRelationships": _one_to_many(table),
    }


def _column_definition(table: Table, column: Column) -> Definition:
    definition: Definition = {
        "@odata.type": f"#Microsoft.Dynamics.CRM.{column.type}AttributeMetadata",
        "MetadataId": fixed_id("column", table.name, column.name),
        "LogicalName": column.name,
        "SchemaName": column.name,
        "EntityLogicalName": table.name,
        "AttributeType": _attribute_type(column),
        "AttributeTypeName": {"Value": f"{column.type}Type"},
        "DisplayName": _label(column.name),
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
        definition["OptionSet"] = _option_set(table, column)
        definition["GlobalOptionSet"] = None
    return definition


def _attribute_type(column: Column) -> str:
    if set(column.targets) == {"account", "contact"}:
        return "Customer"
    if column.name == "ownerid" and column.type is ColumnType.LOOKUP:
        return "Owner"
    if column.type is ColumnType.MULTI_SELECT:  # only its type name tells
        return "Virtual"
    return str(column.type)


def _option_set(table: Table, column: Column) -> Definition:
    name = f"{table.name}_{column.name}"
    head: Definition = {"MetadataId": fixed_id("options", name), "Name": name, "IsGlobal": False}
    options = [
        {
            "Value": value,
            "Label": _label(label, _translations(column, value)),
            **({"State": column.states[value]} if column.states else {}),
        }
        for value, label in column.options.items()
    ]
    if column.type is ColumnType.BOOLEAN:
        return {**head, "OptionSetType": "Boolean", "FalseOption": options[0], "TrueOption": options[1]}
    return {**head, "OptionSetType": str(column.type), "Options": options}


def _translations(column: Column, value: int) -> dict[int, str]:
    return {language: labels[value] for language, labels in column.translations.items() if value in labels}


def _key_definition(table: Table, key: Sequence[str]) -> Definition:
    name = f"{table.name}_{'_'.join(key)}"
    return {
        "MetadataId": fixed_id("key", name),
        "LogicalName": name,
        "SchemaName": name,
        "EntityLogicalName": table.name,
        "KeyAttributes": list(key),
        "EntityKeyIndexStatus": "Active",
    }


def _many_to_one(schema: Schema, table: Table) -> list[Definition]:
    """Every lookup with each of its targets, and the property that leads there."""
    return [
        {
            "@odata.type": "#Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
            "MetadataId": fixed_id("relationship", table.name, one.name),
            "SchemaName": f"{one.target}_{table.name}_{one.column}",
            "RelationshipType": "OneToManyRelationship",
            "ReferencedEntity": one.target,
            "ReferencedAttribute": schema.tables[one.target].primary_id,
            "ReferencingEntity": table.name,
            "ReferencingAttribute": one.column,
            "ReferencingEntityNavigationPropertyName": one.name,
        }
        for one in table.navigations.values()
        if isinstance(one, ToOne) and one.target in schema.tables
    ]


def _one_to_many(table: Table) -> list[Definition]:
    return [
        {
            "@odata.type": "#Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
            "MetadataId": fixed_id("relationship", many.name),
            "SchemaName": many.name,
            "RelationshipType": "OneToManyRelationship",
            "ReferencedEntity": table.name,
            "ReferencedAttribute": table.primary_id,
            "ReferencedEntityNavigationPropertyName": many.name,
            "ReferencingEntity": many.target,
            "ReferencingAttribute": many.column,
        }
        for many in table.navigations.values()
        if isinstance(many, ToMany)
    ]


def _links(table: Table) -> list[ManyToMany]:
    return [link for link in table.navigations.values() if isinstance(link, ManyToMany)]


def _many_to_many(table: Table, link: ManyToMany) -> Definition:
    return {
        "@odata.type": "#Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata",
        "MetadataId": fixed_id("relationship", link.name),
        "SchemaName": link.name,
        "RelationshipType": "ManyToManyRelationship",
        "Entity1LogicalName": table.name,
        "Entity1IntersectAttribute": link.near_column,
        "Entity2LogicalName": link.target,
        "Entity2IntersectAttribute": link.far_column,
        "IntersectEntityName": link.intersect,
    }

"""Definitions of columns, choices and keys, made of the schema in the form of the Web API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

from shared.local.dataverse_sandbox.metadata import names
from shared.local.dataverse_sandbox.metadata.labels import from_texts, label
from shared.local.dataverse_sandbox.metadata.schema import Choice, Column, ColumnType, Definition, Schema, Table
from shared.local.dataverse_sandbox.organisation.errors import CUSTOM_NAME
from shared.local.dataverse_sandbox.organisation.organization import fixed_id

TYPE = "#Microsoft.Dynamics.CRM."
_LARGEST = 2**31 - 1
_FORMATS: Mapping[ColumnType, Definition] = {
    ColumnType.STRING: {"FormatName": {"Value": "Text"}, "Format": "Text"},
    ColumnType.MEMO: {"Format": "TextArea", "MaxLength": 2000},
    ColumnType.INTEGER: {"Format": "None", "MinValue": -_LARGEST - 1, "MaxValue": _LARGEST},
    ColumnType.DECIMAL: {"MinValue": -100000000000.0, "MaxValue": 100000000000.0, "Precision": 2},
    ColumnType.DOUBLE: {"MinValue": 0.0, "MaxValue": 1000000000.0, "Precision": 2},
    ColumnType.MONEY: {"MinValue": -922337203685477.0, "MaxValue": 922337203685477.0, "Precision": 2},
}
_TYPE_NAMES = {ColumnType.UNIQUEIDENTIFIER: "Uniqueidentifier"}
_made: WeakKeyDictionary[Table, list[Definition]] = WeakKeyDictionary()


def of_columns(table: Table, schema: Schema) -> list[Definition]:
    """Return the definitions of the columns of a table; they are made once for each version of the table."""
    if table not in _made:
        _made[table] = [_column(table, column, schema) for column in table.columns.values()]
    return _made[table]


def id_of_choice(choice: Choice) -> str:
    """Return the `MetadataId` of a global choice."""
    return fixed_id("choice", choice.name)


def of_choice(choice: Choice, schema: Schema) -> Definition:
    """Return the definition of a global choice."""
    return {
        "@odata.type": f"{TYPE}OptionSetMetadata",
        "MetadataId": id_of_choice(choice),
        "Name": choice.name,
        "DisplayName": label(choice.name, schema.language),
        "Description": from_texts({}, schema.language),
        "IsGlobal": True,
        "IsManaged": CUSTOM_NAME.match(choice.name) is None,
        "IsCustomOptionSet": CUSTOM_NAME.match(choice.name) is not None,
        "OptionSetType": "Picklist",
        "Options": _values(choice, schema.language),
        **choice.definition,
    }


def of_key(table: Table, key: Sequence[str]) -> Definition:
    """Return the definition of an alternate key."""
    name = f"{table.name}_{'_'.join(key)}"
    extra = table.key_definitions.get(tuple(key), {})
    schema_name = extra.get("SchemaName", name)
    return {
        "MetadataId": fixed_id("key", table.name, schema_name.lower()),
        "LogicalName": schema_name.lower(),
        "SchemaName": schema_name,
        "EntityLogicalName": table.name,
        "KeyAttributes": list(key),
        "EntityKeyIndexStatus": "Active",
        "IsManaged": CUSTOM_NAME.match(schema_name.lower()) is None,
        **extra,
    }


def _column(table: Table, column: Column, schema: Schema) -> Definition:
    called, is_id = names.of_column(table, column), column.name == table.primary_id
    definition: Definition = {
        "@odata.type": f"{TYPE}{column.type}AttributeMetadata",
        "MetadataId": fixed_id("column", table.name, column.name),
        "LogicalName": column.name,
        "SchemaName": called.schema_name,
        "EntityLogicalName": table.name,
        "AttributeType": _attribute_type(column),
        "AttributeTypeName": {"Value": f"{column.type}Type"},
        "DisplayName": label(called.label, schema.language),
        "Description": from_texts({}, schema.language),
        "IsCustomAttribute": column.is_custom,
        "IsManaged": CUSTOM_NAME.match(column.name) is None,
        "IsPrimaryId": is_id,
        "IsPrimaryName": column.name == table.primary_name,
        "IsValidForCreate": not column.readonly,
        "IsValidForUpdate": not column.readonly and not is_id,
        "IsValidForRead": True,
        "IsLogical": False,
        "AttributeOf": None,
        "SourceType": 0,
        "IsAuditEnabled": {
            "Value": False,
            "CanBeChanged": True,
            "ManagedPropertyLogicalName": "canmodifyauditsettings",
        },
        "IsCustomizable": {"Value": True, "CanBeChanged": True, "ManagedPropertyLogicalName": "iscustomizable"},
        "RequiredLevel": {
            "Value": "SystemRequired" if is_id else column.required,
            "CanBeChanged": not is_id,
            "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
        },
        **_FORMATS.get(column.type, {}),
    }
    if column.max_length is not None:
        definition["MaxLength"] = column.max_length
    if column.type is ColumnType.LOOKUP:
        definition["Targets"] = list(column.targets)
    if column.type is ColumnType.DATE_TIME:
        definition["Format"] = "DateOnly" if column.date_only else "DateAndTime"
        definition["DateTimeBehavior"] = {"Value": column.behavior}
    if column.type is ColumnType.BOOLEAN:
        definition["DefaultValue"] = bool(column.default)
    if column.options:
        choice = schema.choices.get(column.global_choice)
        definition["OptionSet"] = of_choice(choice, schema) if choice else _options(table, column, schema.language)
        definition["GlobalOptionSet"] = definition["OptionSet"] if choice else None
    return {**definition, **column.definition}


def _attribute_type(column: Column) -> str:
    if set(column.targets) == {"account", "contact"}:
        return "Customer"
    if column.name == "ownerid" and column.type is ColumnType.LOOKUP:
        return "Owner"
    if column.type is ColumnType.MULTI_SELECT:  # only its type name is known
        return "Virtual"
    return str(column.type)


def _options(table: Table, column: Column, language: int) -> Definition:
    name = f"{table.name}_{column.name}"
    head: Definition = {"MetadataId": fixed_id("options", name), "Name": name, "IsGlobal": False}
    options = _values(column, language)
    if column.type is ColumnType.BOOLEAN:
        return {**head, "OptionSetType": "Boolean", "FalseOption": options[0], "TrueOption": options[1]}
    return {**head, "OptionSetType": str(column.type), "Options": options}


def _values(column: Column | Choice, language: int) -> list[Definition]:
    states = column.states if isinstance(column, Column) else {}
    return [
        {
            "Value": value,
            "Label": label(text, language, translations(column, value)),
            "Description": from_texts({}, language),
            **({"State": states[value]} if states else {}),
            **column.option_notes.get(value, {}),
        }
        for value, text in column.options.items()
    ]


def translations(column: Column | Choice, value: int) -> dict[int, str]:
    """Return the labels of an option in other languages than the base one."""
    return {language: labels[value] for language, labels in column.translations.items() if value in labels}

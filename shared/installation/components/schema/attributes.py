"""Definitions of columns: bodies for the Web API, and comparison with what was found. Pure.

Source: Microsoft's page "Create and update column definitions using the Web API".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from shared.installation.components.wording import CRM, label, merged_label, same_label
from shared.installation.desired.state import Column, ColumnType, Option
from shared.installation.desired.texts import Texts
from shared.installation.organisation.organisation import Organisation

Definition = Mapping[str, Any]

_TYPES: Final[Mapping[ColumnType, str]] = {
    ColumnType.TEXT: "String",
    ColumnType.MEMO: "Memo",
    ColumnType.WHOLE: "Integer",
    ColumnType.DECIMAL: "Decimal",
    ColumnType.YES_NO: "Boolean",
    ColumnType.MOMENT: "DateTime",
    ColumnType.CHOICE: "Picklist",
}
_REQUIRED, _OPTIONAL = "ApplicationRequired", "None"
_NO_DESCRIPTION = Texts("", "")


def type_name(column: Column) -> str:
    """Return `AttributeType`: `String`."""
    return _TYPES[column.type]


def cast(column: Column) -> str:
    """Return the type to which a definition is cast in a path: `Microsoft.Dynamics.CRM.StringAttributeMetadata`."""
    return f"{CRM}{type_name(column)}AttributeMetadata"


def requirement(*, required: bool) -> dict[str, Any]:
    """Return a `RequiredLevel`."""
    return {
        "Value": _REQUIRED if required else _OPTIONAL,
        "CanBeChanged": True,
        "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
    }


def new_attribute(column: Column, organisation: Organisation) -> dict[str, Any]:
    """Return the body that creates a column; the primary name travels in the call that creates its table."""
    body: dict[str, Any] = {
        "@odata.type": cast(column),
        "AttributeType": type_name(column),
        "AttributeTypeName": {"Value": f"{type_name(column)}Type"},
        "SchemaName": column.schema_name,
        "DisplayName": label(column.label, organisation),
        "RequiredLevel": requirement(required=column.required),
    }
    if column.description != _NO_DESCRIPTION:
        body["Description"] = label(column.description, organisation)
    if column.primary:
        body["IsPrimaryName"] = True
    return body | _numbers(column) | _forms(column) | _option_set(column, organisation)


def attribute_differences(column: Column, found: Definition, organisation: Organisation) -> Iterator[str]:
    """Yield what differs. A longer text and a wider range are accepted: narrowing could lose data."""
    if found["AttributeType"] != type_name(column):
        yield f"type is {found['AttributeType']}"
        return
    for member, own in _numbers(column).items():
        theirs = found.get(member)
        narrower = theirs is None or (theirs > own if member == "MinValue" else theirs < own)
        if narrower:
            yield f"{member} is {theirs}"
    if not same_label(column.label, found.get("DisplayName"), organisation):
        yield "label"
    if column.required and (found.get("RequiredLevel") or {}).get("Value") == _OPTIONAL:
        yield "not required"


def changed_attribute(column: Column, found: Definition, organisation: Organisation) -> dict[str, Any]:
    """Return the whole definition that replaces `found`; labels of other languages stay."""
    kept = {key: value for key, value in found.items() if not key.startswith("@odata.") and key not in _EXPANDED}
    numbers = {
        member: own
        for member, own in _numbers(column).items()
        if found.get(member) is None
        or (min(found[member], own) if member == "MinValue" else max(found[member], own)) == own
    }
    changes: dict[str, Any] = {"DisplayName": merged_label(column.label, found.get("DisplayName"), organisation)}
    if column.required:
        changes["RequiredLevel"] = requirement(required=True)
    return {"@odata.type": cast(column)} | kept | numbers | changes


_EXPANDED = frozenset({"OptionSet", "GlobalOptionSet"})  # a replaced column never changes its options


def options_found(found: Definition) -> dict[int, Definition]:
    """Return the options of a choice, yes/no or status column, by value."""
    options: Definition = found.get("OptionSet") or {}
    pair = [one for key in ("FalseOption", "TrueOption") if (one := options.get(key))]
    return {one["Value"]: one for one in (*(options.get("Options") or ()), *pair)}


def option_differences(
    options: Sequence[Option], found: Definition, organisation: Organisation
) -> Iterator[tuple[Option, bool]]:
    """Yield the options that are missing (True) or have another label (False). Options of others are accepted."""
    existing = options_found(found)
    for option in options:
        if option.value not in existing:
            yield option, True
        elif not same_label(option.label, existing[option.value].get("Label"), organisation):
            yield option, False


def _numbers(column: Column) -> dict[str, int]:
    match column.type:
        case ColumnType.TEXT | ColumnType.MEMO:
            return {"MaxLength": column.length}
        case ColumnType.WHOLE:
            return {"MinValue": column.minimum, "MaxValue": column.maximum}
        case ColumnType.DECIMAL:
            return {"MinValue": column.minimum, "MaxValue": column.maximum, "Precision": column.precision}
        case ColumnType.YES_NO | ColumnType.MOMENT | ColumnType.CHOICE:
            return {}


def _forms(column: Column) -> dict[str, Any]:
    match column.type:
        case ColumnType.TEXT:
            return {"FormatName": {"Value": "Text"}}
        case ColumnType.MEMO:
            return {"Format": "TextArea"}
        case ColumnType.WHOLE:
            return {"Format": "None"}
        case ColumnType.MOMENT:
            return {"Format": "DateAndTime", "DateTimeBehavior": {"Value": "UserLocal"}}
        case ColumnType.YES_NO:
            return {"DefaultValue": False}
        case ColumnType.DECIMAL | ColumnType.CHOICE:
            return {}


def _option_set(column: Column, organisation: Organisation) -> dict[str, Any]:
    options = [{"Value": one.value, "Label": label(one.label, organisation)} for one in column.options]
    match column.type:
        case ColumnType.YES_NO:
            by_value = {one["Value"]: one for one in options}
            both = {"FalseOption": by_value[0], "TrueOption": by_value[1]}
            return {"OptionSet": {"@odata.type": f"{CRM}BooleanOptionSetMetadata", "OptionSetType": "Boolean", **both}}
        case ColumnType.CHOICE:
            local = {"IsGlobal": False, "OptionSetType": "Picklist", "Options": options}
            return {"OptionSet": {"@odata.type": f"{CRM}OptionSetMetadata", **local}}
        case _:
            return {}

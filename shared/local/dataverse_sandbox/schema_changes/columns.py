"""Columns: creating, changing and deleting.

Source: Microsoft's page "Create and update column definitions using the Web API". Computed columns are not simulated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.local.dataverse_sandbox.administration import solutions
from shared.local.dataverse_sandbox.components import dependants
from shared.local.dataverse_sandbox.metadata.column_definitions import id_of_choice
from shared.local.dataverse_sandbox.metadata.schema import Choice, Column, ColumnType, Definition, Table, ToMany, ToOne
from shared.local.dataverse_sandbox.organisation.errors import WebApiError, bad_request, not_implemented
from shared.local.dataverse_sandbox.organisation.organization import fixed_id
from shared.local.dataverse_sandbox.schema_changes import options
from shared.local.dataverse_sandbox.schema_changes.change import LABELS, Body, Change, check_order, kind, refuse_others
from shared.local.dataverse_sandbox.schema_changes.options import Options, with_column

_SUFFIX = "AttributeMetadata"
_COMMON = frozenset(
    {"AttributeType", "AttributeTypeName", "SchemaName", "LogicalName", "DisplayName", "Description", "RequiredLevel"}
    | {
        "IsPrimaryName",
        "IsAuditEnabled",
        "IsValidForAdvancedFind",
        "IsCustomizable",
        "IsSecured",
        "IsGlobalFilterEnabled",
    }
    | {
        "IsSortableEnabled",
        "SourceType",
        "EntityLogicalName",
        "MetadataId",
        "ImeMode",
        "IsValidForForm",
        "IsValidForGrid",
    }
)
_MEMBERS: Mapping[ColumnType, frozenset[str]] = {
    ColumnType.STRING: frozenset({"MaxLength", "FormatName", "Format", "DatabaseLength", "AutoNumberFormat"}),
    ColumnType.MEMO: frozenset({"MaxLength", "FormatName", "Format"}),
    ColumnType.INTEGER: frozenset({"MinValue", "MaxValue", "Format"}),
    ColumnType.DECIMAL: frozenset({"MinValue", "MaxValue", "Precision"}),
    ColumnType.DOUBLE: frozenset({"MinValue", "MaxValue", "Precision"}),
    ColumnType.MONEY: frozenset({"MinValue", "MaxValue", "Precision", "PrecisionSource"}),
    ColumnType.BOOLEAN: frozenset({"DefaultValue", "OptionSet"}),
    ColumnType.DATE_TIME: frozenset({"Format", "DateTimeBehavior", "CanChangeDateTimeBehavior"}),
    ColumnType.PICKLIST: frozenset({"DefaultFormValue", "OptionSet", "GlobalOptionSet"}),
    ColumnType.MULTI_SELECT: frozenset({"DefaultFormValue", "OptionSet", "GlobalOptionSet"}),
}
_LONGEST = {ColumnType.STRING: 4000, ColumnType.MEMO: 1_048_576}
_DEFAULT_LENGTH = {ColumnType.STRING: 100, ColumnType.MEMO: 2000}
_LEVELS = frozenset({"None", "Recommended", "ApplicationRequired"})
_BEHAVIORS = frozenset({"UserLocal", "DateOnly", "TimeZoneIndependent"})
_BIND = "GlobalOptionSet@odata.bind"


def create(change: Change, table: Table, body: Body) -> Column:
    """Create a column; WebApiError 400 if its name is taken."""
    column = read(change, table.columns, body)
    change.alter(with_column(table, column))
    identifier = fixed_id("column", table.name, column.name)
    solutions.keep_part(change.organization, solutions.COLUMN, identifier, table, change.solution)
    return column


def read(change: Change, existing: Mapping[str, Column], body: Body) -> Column:
    """Read a new column from a body."""
    check_order(body)
    column_type = _type_of(body)
    refuse_others(body, _COMMON | _MEMBERS[column_type], f"a new {column_type} column")
    name = change.check_name(body)
    if name.lower() in existing:
        raise bad_request(
            f"An attribute with the specified name {name.lower()} already exists (DuplicateAttributeSchemaName).",
            "0x80047013",
        )
    if body.get("SourceType"):
        raise not_implemented("A column with a formula (Microsoft does not support defining formulas by code)")
    change.texts(body, "DisplayName", is_required=True)
    column = Column(name.lower(), column_type, definition={"SchemaName": name})
    return _with_choice(change, _with_facts(change, column, body), body)


def update(change: Change, table: Table, column: Column, body: Body, current: Definition) -> None:
    """Put the properties of a body in the place of those of a column; type, name and options stay.

    WebApiError 501 for a property that is not simulated and differs from the current definition.
    """
    check_order(body)
    if "@odata.type" not in body or kind(body) != f"{column.type}{_SUFFIX}":
        raise bad_request(
            f"A column of the type {column.type} cannot become '{body.get('@odata.type')}'.", "0x80048d19"
        )
    known = _COMMON | _MEMBERS.get(column.type, frozenset()) | {"Targets"}
    others = {name: value for name, value in body.items() if current.get(name, ...) != value}
    refuse_others(others, known, f"the column '{column.name}'")
    merged = {name: body[name] for name in body if name in known}
    change.alter(with_column(table, _with_facts(change, column, merged, current)))


def delete(change: Change, table: Table, column: Column) -> None:
    """Delete a column with its values; WebApiError 400 for a column of Dataverse, of a key, or with dependants."""
    if not column.is_custom or column.name in {table.primary_id, table.primary_name}:
        raise bad_request(f"The attribute '{column.name}' cannot be deleted.", "0x80047009")
    if any(column.name in key for key in table.keys):
        raise bad_request(f"The attribute '{column.name}' cannot be deleted: a key has it.", "0x8004f01f")
    dependants.check_column(change.organization.store, table.name, column.name)
    without(change, table, column)


def without(change: Change, table: Table, column: Column) -> None:
    """Remove a column with its values, its navigation properties, and the relationships that have it."""
    solutions.forget(change.organization, fixed_id("column", table.name, column.name))
    for row in list(change.organization.store.rows(table.name).values()):
        if column.name in row:
            rest = {name: value for name, value in row.items() if name != column.name}
            change.organization.store.put(table.name, row[table.primary_id], rest)
    columns = {name: one for name, one in table.columns.items() if name != column.name}
    others = [_without_relationship(one, table.name, column.name) for one in change.schema.tables.values()]
    change.alter(*others)
    navigations = {
        name: one
        for name, one in change.schema.tables[table.name].navigations.items()
        if not (isinstance(one, ToOne) and one.column == column.name)
    }
    change.alter(replace(change.schema.tables[table.name], columns=columns, navigations=navigations))


def _without_relationship(table: Table, many: str, column: str) -> Table:
    rest = {
        name: one
        for name, one in table.navigations.items()
        if not (isinstance(one, ToMany) and (one.target, one.column) == (many, column))
    }
    return table if len(rest) == len(table.navigations) else replace(table, navigations=rest)


def _type_of(body: Body) -> ColumnType:
    name = kind(body)
    if not name.endswith(_SUFFIX):
        raise bad_request("A column needs its '@odata.type', such as StringAttributeMetadata.", "0x80048d19")
    try:
        found = ColumnType(name.removesuffix(_SUFFIX))
    except ValueError:
        raise not_implemented(f"A column of the type '{name}'") from None
    if found is ColumnType.LOOKUP:
        raise bad_request("A lookup is created with its relationship: POST RelationshipDefinitions.", "0x80040203")
    if found not in _MEMBERS:
        raise not_implemented(f"A new column of the type '{name}'")
    return found


def _with_facts(change: Change, column: Column, body: Body, former: Definition | None = None) -> Column:
    """Return the column with the properties of a body."""
    definition = dict(column.definition)
    labels = {name: change.label(body, name, former) for name in LABELS if name in body}
    kept = {
        name: value
        for name, value in body.items()
        if name not in {*LABELS, "OptionSet", "GlobalOptionSet", "@odata.type", "Targets", _BIND} and "@" not in name
    }
    if former is not None:
        kept = {name: value for name, value in kept.items() if former.get(name) != value or name in definition}
        kept.pop("SchemaName", None)
    level = (body.get("RequiredLevel") or {}).get("Value", column.required)
    if (
        level not in _LEVELS
        and level != column.required
        and (former is None or level != former["RequiredLevel"]["Value"])
    ):
        raise bad_request(f"The RequiredLevel '{level}' cannot be set.", "0x80040203")
    if "RequiredLevel" in kept:
        kept["RequiredLevel"] = {
            "Value": level,
            "CanBeChanged": True,
            "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
        }
    if "LogicalName" in kept:
        del kept["LogicalName"]
    column = replace(column, required=level, definition={**definition, **labels, **kept})
    match column.type:
        case ColumnType.STRING | ColumnType.MEMO:
            return replace(column, max_length=_length(column, body))
        case ColumnType.DATE_TIME:
            return _with_dates(column, body)
        case ColumnType.BOOLEAN:
            return replace(column, default=bool(body.get("DefaultValue", column.default or False)))
        case ColumnType.PICKLIST if isinstance(body.get("DefaultFormValue"), int) and body["DefaultFormValue"] >= 0:
            return replace(column, default=body["DefaultFormValue"])
        case _:
            return column


def _length(column: Column, body: Body) -> int:
    length = body.get("MaxLength", column.max_length or _DEFAULT_LENGTH[column.type])
    if not isinstance(length, int) or not 1 <= length <= _LONGEST[column.type]:
        raise bad_request(
            f"The MaxLength {length} of '{column.name}' is not between 1 and {_LONGEST[column.type]}.", "0x80044164"
        )
    return length


def _with_dates(column: Column, body: Body) -> Column:
    format_ = body.get("Format", "DateOnly" if column.date_only else "DateAndTime")
    behavior = (body.get("DateTimeBehavior") or {}).get("Value", column.behavior)
    if format_ not in {"DateOnly", "DateAndTime"} or behavior not in _BEHAVIORS:
        raise bad_request(f"A date with the format '{format_}' and the behaviour '{behavior}'.", "0x80040203")
    if behavior == "DateOnly" and format_ != "DateOnly":
        raise bad_request("The behaviour DateOnly needs the format DateOnly.", "0x80060868")
    return replace(column, date_only=format_ == "DateOnly", behavior=behavior)


def _with_choice(change: Change, column: Column, body: Body) -> Column:
    """Return the new column with its own options, or those of a global choice."""
    if column.type is not ColumnType.BOOLEAN and not column.type.is_choice:
        return column
    if column.type is not ColumnType.BOOLEAN and _BIND in body:
        choice = _bound(change, str(body[_BIND]))
        return replace(Options.of(choice).on(column), global_choice=choice.name)
    return options.read(change, body.get("OptionSet"), column.name, column.type).on(column)


def _bound(change: Change, address: str) -> Choice:
    """Return the global choice behind `/GlobalOptionSetDefinitions({id})`."""
    key = address.rpartition("(")[2].rstrip(")").lower()
    for choice in change.schema.choices.values():
        if key in {id_of_choice(choice), f"name='{choice.name}'"}:
            return choice
    raise WebApiError(404, "0x80060888", f"There is no global choice '{address}'.")

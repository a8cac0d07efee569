"""Reads the definitions of tables from Dataverse's metadata: all parts of all tables in one `$batch`.

Source: Microsoft's pages "Query table definitions using the Web API" and "AttributeMetadata EntityType". Properties of
one type of column (length, options, behaviour of dates) are only readable by a cast to that type.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.answers import OperationResult
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.odata import Expand, ODataComparison
from shared.adapters.dataverse.web_api.operations import Method, Row, WebApiOperation
from shared.domain.records.table_schema import (
    ColumnDefinition,
    ColumnType,
    DateBehaviour,
    Option,
    Relation,
    Required,
    Schema,
    TableDefinition,
)
from shared.errors import ConnectorError

_TABLE = ("LogicalName", "EntitySetName", "PrimaryIdAttribute", "PrimaryNameAttribute")
_COLUMN = (
    "LogicalName",
    "AttributeType",
    "AttributeTypeName",
    "AttributeOf",
    "DisplayName",
    "RequiredLevel",
    "IsValidForUpdate",
)
_REFERENCE = ("ReferencingAttribute", "ReferencedEntity", "ReferencingEntityNavigationPropertyName")
_LONG = ("LogicalName", "MaxLength")
_DATED = ("LogicalName", "Format", "DateTimeBehavior")
_OPTIONS = (Expand("OptionSet", ("Options",)), Expand("GlobalOptionSet", ("Options",)))
_TWO_OPTIONS = (Expand("OptionSet", ("TrueOption", "FalseOption")),)

_PARTS: Mapping[str, tuple[Sequence[str], Sequence[Expand]]] = {
    "": (_TABLE, ()),
    "/Attributes": (_COLUMN, ()),
    "/ManyToOneRelationships": (_REFERENCE, ()),
    **{
        f"/Attributes/Microsoft.Dynamics.CRM.{kind}AttributeMetadata": part
        for kind, part in {
            ColumnType.STRING: (_LONG, ()),
            ColumnType.MEMO: (_LONG, ()),
            ColumnType.DATE_TIME: (_DATED, ()),
            ColumnType.PICKLIST: (("LogicalName",), _OPTIONS),
            ColumnType.MULTI_SELECT: (("LogicalName",), _OPTIONS),
            ColumnType.STATE: (("LogicalName",), _OPTIONS),
            ColumnType.STATUS: (("LogicalName",), _OPTIONS),
            ColumnType.BOOLEAN: (("LogicalName",), _TWO_OPTIONS),
        }.items()
    },
}
"""The parts of a definition: path below it, columns, expands."""

_OWNER = "ownerid"
_OWNERS = {"owninguser", "owningteam"}
"""`ownerid` refers to a union of tables; the relations of these columns lead to its rows."""


async def read_schema(client: DataverseClient, tables: Collection[str]) -> Schema:
    """Read tables by logical name in one request. Tables that do not exist are missing in the answer."""
    names = sorted(set(tables))
    answers = await client.batch([_read(name, part) for name in names for part in _PARTS])
    size = len(_PARTS)
    found: dict[str, TableDefinition] = {}
    for index, name in enumerate(names):
        parts = answers[index * size : (index + 1) * size]
        if not _is_unknown(parts[0].error):
            found[name] = _table([_body(part) for part in parts])
    return Schema(found)


async def names_of_sets(client: DataverseClient, entity_sets: Collection[str]) -> dict[str, str]:
    """Return the logical names of tables by the names of their sets; unknown ones are missing in the answer."""
    if not entity_sets:
        return {}
    wanted = " or ".join(odata.compare("EntitySetName", ODataComparison.EQUAL, name) for name in sorted(entity_sets))
    path = odata.reads("EntityDefinitions", {"$select": "LogicalName,EntitySetName", "$filter": wanted})
    body = (await client.execute(WebApiOperation(Method.GET, path))).body
    return {row["EntitySetName"]: row["LogicalName"] for row in body["value"]}


def _read(table: str, part: str) -> WebApiOperation:
    select, expand = _PARTS[part]
    path = f"EntityDefinitions(LogicalName={odata.literal(table)}){part}"
    return WebApiOperation(Method.GET, odata.reads(path, operations.shape(select, expand)))


def _is_unknown(error: ConnectorError | None) -> bool:
    return error is not None and error.status == HTTPStatus.NOT_FOUND and bool(error.code)


def _body(answer: OperationResult) -> Any:
    if answer.error is not None:
        raise answer.error
    return answer.body


def _table(bodies: Sequence[Any]) -> TableDefinition:
    head, columns, references, *typed = bodies
    details: defaultdict[str, Row] = defaultdict(dict)
    for body in typed:
        for row in body["value"]:
            details[row["LogicalName"]].update(row)
    return TableDefinition(
        name=head["LogicalName"],
        entity_set=head["EntitySetName"],
        primary_id=head["PrimaryIdAttribute"],
        primary_name=head["PrimaryNameAttribute"] or "",
        columns={
            row["LogicalName"]: _column(row, details[row["LogicalName"]])
            for row in columns["value"]
            if not row["AttributeOf"]  # the text of a lookup or choice: the Web API does not select it
        },
        references=tuple(_references(references["value"])),
    )


def _column(row: Row, details: Row) -> ColumnDefinition:
    behaviour = _value(details.get("DateTimeBehavior"))
    return ColumnDefinition(
        name=row["LogicalName"],
        type=_type(row),
        id=row["MetadataId"],
        label=_label(row["DisplayName"]),
        required=Required(_value(row["RequiredLevel"])),
        max_length=details.get("MaxLength"),
        behaviour=DateBehaviour(behaviour) if behaviour else None,
        shows_time=details.get("Format") != "DateOnly",
        writable=bool(row["IsValidForUpdate"]),
        options=tuple(_options(details)),
    )


def _type(row: Row) -> ColumnType:
    name = row["AttributeType"]
    if name == "Virtual":
        name = (_value(row["AttributeTypeName"]) or "").removesuffix("Type")
    return ColumnType(name) if name in set(ColumnType) else ColumnType.UNKNOWN


def _options(details: Row) -> Iterator[Option]:
    own, shared = details.get("OptionSet") or {}, details.get("GlobalOptionSet") or {}
    if "TrueOption" in own:
        found = [own["FalseOption"], own["TrueOption"]]
    else:
        found = own.get("Options") or shared.get("Options") or []
    for option in found:
        label = option["Label"] or {}
        labels = {entry["LanguageCode"]: entry["Label"] for entry in label.get("LocalizedLabels") or ()}
        yield Option(option["Value"], labels, _label(label))


def _references(rows: Sequence[Row]) -> Iterator[Relation]:
    for row in rows:
        column, target = row["ReferencingAttribute"], row["ReferencedEntity"]
        navigation = row["ReferencingEntityNavigationPropertyName"]
        if column != _OWNER:
            yield Relation(column, target, navigation)
        if column in _OWNERS:
            yield Relation(_OWNER, target, navigation)


def _value(property_: Mapping[str, Any] | None) -> str:
    return (property_ or {}).get("Value") or ""


def _label(label: Mapping[str, Any] | None) -> str:
    """Return the text in the language of the connector's user."""
    return ((label or {}).get("UserLocalizedLabel") or {}).get("Label") or ""

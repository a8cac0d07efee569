"""Values of the DataContract JSON that Dataverse posts, decoded into plain Python.

`{"__type": "OptionSetValue:…", "Value": 1}` becomes 1, a Money its amount, an EntityReference a `Lookup`, an Entity an
`Entity`, `/Date(ms)/` an aware datetime. Text is not changed, damaged encodings included: the connector ignores it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from shared.domain.records.records import Lookup

# The milliseconds count from 1970 in UTC; an offset only concerns the sender's way to print them.
_DATE = re.compile(r"/Date\((?P<milliseconds>-?\d{1,17})(?:[+-]\d{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOBODY = UUID(int=0)
_SHORTEST_GUID, _LONGEST_GUID = 32, 64
_GUIDS = 1_000
"""Texts that are remembered: most GUIDs of a message are those of many, such as its users, owner and currency."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A row inside a message: a Target or an image. `id` is None if the message has none.

    `attributes` are as the message has them: nearly always their names suffice.
    """

    table: str
    id: UUID | None
    attributes: Mapping[str, Any] = field(repr=False)

    def value(self, attribute: str) -> Any:
        """Decode one attribute; None for one that the row lacks."""
        return decode(self.attributes.get(attribute))


def decode(value: Any) -> Any:
    """Turn one JSON value into its Python counterpart; objects of unknown types become dicts without their tag."""
    match value:
        case str():
            date = _DATE.fullmatch(value) if value.startswith("/Date(") else None
            return value if date is None else _decode_date(value, int(date["milliseconds"]))
        case dict():
            return _decode_object(value)
        case list():
            return [decode(item) for item in value]
        case _:
            return value


def collection(items: Any) -> dict[str, Any]:
    """Turn `[{"key": …, "value": …}, …]` into a dict; null (a stripped body) into an empty one; else ValueError."""
    return {key: decode(value) for key, value in _members(items).items()}


def _members(items: Any) -> dict[str, Any]:
    if items is None:
        return {}
    try:
        return {str(item["key"]): item["value"] for item in items}
    except (TypeError, KeyError):
        raise ValueError("not a collection of keys and values") from None


def identifier(value: Any) -> UUID | None:
    """Read a GUID; None for anything else and for the zero GUID, which means "no row" in Dataverse."""
    text = str(value)
    return _row(text) if _SHORTEST_GUID <= len(text) <= _LONGEST_GUID else None


@lru_cache(maxsize=_GUIDS)
def _row(guid: str) -> UUID | None:
    try:
        parsed = UUID(guid)
    except ValueError:
        return None
    return None if parsed == _NOBODY else parsed


def _decode_object(value: dict[str, Any]) -> Any:  # noqa: PLR0911  # one return per case
    members = {key: member for key, member in value.items() if key != "__type"}
    match str(value.get("__type", "")).partition(":")[0]:
        case "OptionSetValue" | "Money":
            return members.get("Value")
        case "AliasedValue":
            return decode(members.get("Value"))
        case "EntityReference":
            return _decode_reference(members)
        case "Entity":
            return _decode_entity(members)
        case "EntityCollection":
            rows = members.get("Entities")
            return [_decode_entity(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        case "" if "Attributes" in members:  # images and rows of an EntityCollection carry no tag
            return _decode_entity(members)
        case "" if "LogicalName" in members:  # neither does OwningExtension
            return _decode_reference(members)
        case _ if "__value" in members:  # primitives spelt out, as in {"__type": "Guid:#System", "__value": …}
            return decode(members["__value"])
        case _:
            return {key: decode(member) for key, member in members.items()}


def _decode_reference(members: Mapping[str, Any]) -> Lookup | None:
    row = identifier(members.get("Id"))
    return None if row is None else Lookup(str(members.get("LogicalName") or ""), row)


def _decode_entity(members: Mapping[str, Any]) -> Entity:
    return Entity(
        table=str(members.get("LogicalName") or ""),
        id=identifier(members.get("Id")),
        attributes=_members(members.get("Attributes")),
    )


def _decode_date(text: str, milliseconds: int) -> datetime | str:
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return text

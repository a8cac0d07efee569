"""The path of a Web API URL: segments with keys, e.g. `contacts(…)/listcontact_association/$ref`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from shared.local.dataverse_sandbox.metadata.schema import Column, ColumnType, Schema, Table
from shared.local.dataverse_sandbox.organisation.errors import (
    bad_request,
    key_missing,
    not_implemented,
    row_missing,
    unknown_property,
    unknown_resource,
)
from shared.local.dataverse_sandbox.rows.store import RowRef, Store
from shared.local.dataverse_sandbox.rows.values import GUID, guid

_API_ROOT = re.compile(r"^.*?/api/data/v\d+\.\d+/?", re.IGNORECASE)
_SEGMENT = re.compile(r"([^/('=]+|\$\d+)(?:\(((?:[^'()]|'(?:[^']|'')*')*)\))?(?:/|$)")
_PAIR = re.compile(r"\s*(\w+)\s*=\s*('(?:[^']|'')*'|[^,']+)\s*(?:,|$)")


@dataclass(frozen=True, slots=True)
class Segment:
    """A name with the text in its brackets; None without brackets."""

    name: str
    key: str | None


@dataclass
class Path:
    """The segments of a path. Each is taken once, with or without its key; segments that are left are refused."""

    segments: Sequence[Segment]
    position: int = 0

    @property
    def ahead(self) -> Segment | None:
        """The next segment; None at the end."""
        return self.segments[self.position] if self.position < len(self.segments) else None

    def take(self) -> Segment:
        """Take the next segment; WebApiError 501 if it has a key."""
        segment = self.take_with_key()
        if segment.key:
            raise not_implemented(f"The key ({segment.key}) of '{segment.name}'")
        return segment

    def take_with_key(self) -> Segment:
        """Take the next segment, which may have a key."""
        segment = self.segments[self.position]
        self.position += 1
        return segment

    def accept(self, name: str) -> bool:
        """Take the next segment if this is its name."""
        if self.ahead is None or self.ahead.name != name:
            return False
        self.take()
        return True

    def accept_call(self, name: str) -> bool:
        """Take the next segment if it calls a function of this name without parameters."""
        if self.ahead is None or self.ahead.name != name or self.ahead.key:
            return False
        self.take()
        return True

    def refuse_rest(self) -> None:
        """WebApiError 501 if segments are left."""
        if self.ahead is not None:
            raise not_implemented(f"The segment '{self.ahead.name}' at this place of a path")


@dataclass(frozen=True, slots=True)
class RowAddress:
    """A row by its id, or by alternate key values (`id` is then None while no row has them)."""

    table: Table
    id: str | None
    key: Mapping[str, Any] | None
    text: str

    @property
    def as_written(self) -> str:
        """Entity set and key as the caller spelt them."""
        return f"{self.table.set_name}({self.text})"


def segments(path: str) -> list[Segment]:
    """Split a path (absolute URL, rooted, or relative to the Web API); WebApiError 400 if it has no such form."""
    relative = unquote(_API_ROOT.sub("", path)).strip("/")
    parts: list[Segment] = []
    position = 0
    while position < len(relative):
        match = _SEGMENT.match(relative, position)
        if not match:
            raise bad_request(f"Bad Request - Error in query syntax at position {position}.")
        parts.append(Segment(match[1], match[2]))
        position = match.end()
    return parts


def address(store: Store, table: Table, key: str) -> RowAddress:
    """Parse the key of a row; WebApiError 400 if the table has no such key."""
    if GUID.fullmatch(key):
        return RowAddress(table, key.lower(), None, key)
    pairs = {match[1]: match[2].strip() for match in _PAIR.finditer(key)}
    if set(pairs) == {table.primary_id}:
        return RowAddress(table, guid(pairs[table.primary_id]), None, key)
    values = {name: _key_value(table, name, text) for name, text in pairs.items()}
    named = {table.properties[name].name: value for name, value in values.items()}
    try:
        return RowAddress(table, store.by_key(table.name, named), named, key)
    except KeyError:
        raise bad_request(
            f"The specified key properties are not defined using metadata for entity '{table.name}': "
            f"{', '.join(pairs) or key}"
        ) from None


def existing_row(store: Store, schema: Schema, reference: str) -> RowRef:
    """Return the row that `/contacts(…)`, a full URL or an alternate key form names; WebApiError 404 without one."""
    parts = segments(reference)
    if len(parts) != 1 or parts[0].key is None:
        raise bad_request(f"The reference '{reference}' does not name a row.")
    table = schema.by_set.get(parts[0].name)
    if table is None:
        raise unknown_resource(parts[0].name, is_absent=parts[0].name in schema.removed)
    found = address(store, table, parts[0].key)
    if found.id is None:
        raise key_missing(table.name)
    if store.get(table.name, found.id) is None:
        raise row_missing(table.name, found.id)
    return RowRef(table.name, found.id)


def _key_value(table: Table, name: str, text: str) -> Any:
    column = table.properties.get(name)
    if column is None:
        message = f"The property '{name}' is not declared on type 'Microsoft.Dynamics.CRM.{table.name}'."
        raise unknown_property(name, table, message=message)
    return _literal(column, text)


def _literal(column: Column, text: str) -> Any:
    quoted = text.startswith("'")
    plain = text[1:-1].replace("''", "'") if quoted else text
    if quoted != column.type.is_text:
        raise bad_request(f"The value {text} does not fit the key property '{column.property_name}'.")
    if column.type is ColumnType.LOOKUP:
        return RowRef("", guid(plain))
    return plain if quoted or not plain.lstrip("-").isdigit() else int(plain)

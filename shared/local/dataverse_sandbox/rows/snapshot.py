"""A snapshot of an organisation as JSON: what it has beyond a new one. Another organisation can begin with it.

Tables, columns and relationships are there as descriptions (`metadata/descriptions.py`); rows with their ids. Rows that
every new organisation has are left out unless they were changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from shared.local.dataverse_sandbox.rows.store import Row, RowRef, Store

_REFERENCE = "$row"
_MARKS = frozenset({"versionnumber", "createdon", "modifiedon"})
"""Columns that differ between two organisations that are the same otherwise."""

_NAME_OF_TABLE = {
    "sdkmessagefilter": "primaryobjecttypecode",
    "systemform": "objecttypecode",
    "savedquery": "returnedtypecode",
    "savedqueryvisualization": "primaryentitytypecode",
    "entity": "logicalname",
    "appaction": "contextvalue",
}
"""Columns that name the table that a row belongs to."""


@dataclass(frozen=True, eq=False, slots=True)
class Snapshot:
    """`schema` has additional tables and columns, `rows` new and changed rows by table, `gone` ids of deleted ones."""

    schema: Mapping[str, Any]
    rows: Mapping[str, list[Row]]
    gone: Mapping[str, list[str]]


def read(path: Path) -> Snapshot:
    """Read a snapshot; one that has not changed is read once. OSError or ValueError for a file that is none."""
    return _read(path, path.stat().st_mtime_ns)


@cache
def _read(path: Path, _changed_at: int) -> Snapshot:
    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict) or document.keys() != {"schema", "rows", "gone"}:
        raise ValueError(f"{path} is no snapshot of an organisation")
    rows = {table: [_decoded(row) for row in several] for table, several in document["rows"].items()}
    return Snapshot(document["schema"], rows, document["gone"])


def take(store: Store, new: Store, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the snapshot of a store as JSON; `new` is the store of a new organisation, `schema` the additions."""
    rows, gone = {}, {}
    for table in store.schema.tables:
        known = new.rows(table) if table in new.schema.tables else {}
        changed = [row for key, row in store.rows(table).items() if _content(row) != _content(known.get(key, {}))]
        if changed:
            rows[table] = [_encoded(row) for row in changed]
        if missing := sorted(known.keys() - store.rows(table).keys()):
            gone[table] = missing
    return {"schema": schema, "rows": rows, "gone": gone}


def restore(snapshot: Snapshot, store: Store) -> None:
    """Bring the rows of a snapshot into a store with its schema.

    What belongs to a table that the organisation lacks is left out, and so are rows that point to such rows.
    """
    for table, identifiers in snapshot.gone.items():
        for identifier in identifiers if table in store.schema.tables else ():
            if store.get(table, identifier) is not None:
                store.remove(table, identifier)
    for table, identifier, row in _fitting(snapshot, store):
        store.put(table, identifier, row)
    while dangling := list(_dangling(snapshot, store)):
        for table, identifier in dangling:
            store.remove(table, identifier)


def _fitting(snapshot: Snapshot, store: Store) -> Iterator[tuple[str, str, Row]]:
    for name, rows in snapshot.rows.items():
        table, column = store.schema.tables.get(name), _NAME_OF_TABLE.get(name, "")
        for row in rows if table else ():
            if row.get(column) is None or row[column] in store.schema.tables or row[column] == "none":
                yield name, row[table.primary_id] if table else "", row


def _dangling(snapshot: Snapshot, store: Store) -> Iterator[tuple[str, str]]:
    """Yield restored rows whose lookups point to nothing."""
    tables = store.schema.tables
    for name in snapshot.rows.keys() & tables.keys():
        for row in snapshot.rows[name]:
            identifier = row[tables[name].primary_id]
            ends = [value for value in row.values() if isinstance(value, RowRef)]
            if store.get(name, identifier) is None:
                continue
            if any(end.table not in tables or store.follow(end) is None for end in ends):
                yield name, identifier


def _content(row: Row) -> dict[str, Any]:
    """Return a row without its marks, and without those of its published state."""
    return {
        name: _content(value) if isinstance(value, dict) else value for name, value in row.items() if name not in _MARKS
    }


def _encoded(value: Any) -> Any:
    if isinstance(value, dict):  # a row, or the published state of a customisation
        return {name: _encoded(inner) for name, inner in value.items()}
    return {_REFERENCE: list(value)} if isinstance(value, RowRef) else value


def _decoded(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return RowRef(*value[_REFERENCE]) if _REFERENCE in value else {name: _decoded(one) for name, one in value.items()}

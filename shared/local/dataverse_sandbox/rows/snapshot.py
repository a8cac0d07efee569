"""A snapshot of the rows on disk, so that a sandbox survives a restart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.local.dataverse_sandbox.rows.store import Row, RowRef, Store

_REFERENCE = "$row"


def save(store: Store, path: Path) -> None:
    """Write all rows; a crash in between leaves the former file."""
    document = {
        table: [{name: _encoded(value) for name, value in row.items()} for row in store.rows(table).values()]
        for table in store.schema.tables
    }
    new = path.with_suffix(".new")
    new.write_text(json.dumps(document), encoding="utf-8")
    new.replace(path)


def load(path: Path, store: Store) -> Iterator[tuple[str, str, Row]]:
    """Read what `save` wrote, as (table, id, row); tables that the schema lacks are ignored."""
    document = json.loads(path.read_text(encoding="utf-8"))
    for table, rows in document.items():
        description = store.schema.tables.get(table)
        for row in rows if description else ():
            decoded = {name: _decoded(value) for name, value in row.items()}
            yield table, decoded[description.primary_id] if description else "", decoded


def _encoded(value: Any) -> Any:
    if isinstance(value, dict):  # the published state of a customisation
        return {name: _encoded(inner) for name, inner in value.items()}
    return {_REFERENCE: list(value)} if isinstance(value, RowRef) else value


def _decoded(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return RowRef(*value[_REFERENCE]) if _REFERENCE in value else {name: _decoded(one) for name, one in value.items()}

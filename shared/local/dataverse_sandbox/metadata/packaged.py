"""The schema of an organisation: the packaged description, and what a snapshot adds to it.

`schema.json` has standard tables, `platform.json` those of customisations, `administration.json` those of roles and
solutions. Source: publicly generated metadata of a Dynamics 365 Sales and Marketing organisation (December 2024).
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from shared.local.dataverse_sandbox.metadata import descriptions
from shared.local.dataverse_sandbox.metadata.schema import Schema
from shared.local.dataverse_sandbox.rows.snapshot import Snapshot

SALES_TABLES = ("lead", "list", "listmember", "campaign", "campaignactivity", "campaignresponse", "campaignitem")
"""The tables that an organisation without Sales lacks."""

_ENGLISH = 1033


def load(
    alternate_keys: Mapping[str, Sequence[Sequence[str]]] | None = None,
    changed_columns: Mapping[str, Mapping[str, Any] | None] | None = None,
    more_tables: Mapping[str, Mapping[str, Any] | None] | None = None,
    duplicate_rules: Mapping[str, Sequence[Sequence[str]]] | None = None,
    *,
    snapshot: Snapshot | None = None,
    language: int = _ENGLISH,
) -> Schema:
    """Read the packaged description, with the tables and columns of a snapshot.

    `alternate_keys` adds keys (lists of columns) to tables. `changed_columns` replaces properties of columns, by names
    like `contact.jobtitle`; None removes the column. `more_tables` are tables in the form of `schema.json`; None
    removes a table. `duplicate_rules` are lists of columns by table: rows that have the same values in all of them are
    duplicates. `language` is the base language; all labels of the description are those of the base language.
    """
    changes = (alternate_keys, changed_columns, more_tables, duplicate_rules)
    if not (any(changes) or language != _ENGLISH):
        return _shared(snapshot)
    kind = (repr(changes), snapshot, language)
    if kind not in _CHANGED:
        if len(_CHANGED) == _KEPT:
            del _CHANGED[next(iter(_CHANGED))]
        _CHANGED[kind] = _changed(snapshot, language, changes)
    return _CHANGED[kind]


def standard() -> Schema:
    """Return the packaged description as it is."""
    return _shared(None)


def is_shared(schema: Schema) -> bool:
    """Return whether other organisations may have this very schema."""
    return any(schema is one for one in (*_SHARED, *_CHANGED.values()))


_SHARED: list[Schema] = []
_CHANGED: dict[Hashable, Schema] = {}
"""The latest schemas with changes, by what makes them."""

_KEPT = 4


@cache
def _shared(snapshot: Snapshot | None) -> Schema:
    schema = _schema(_document(snapshot))
    _SHARED.append(schema)
    return schema


def _changed(
    snapshot: Snapshot | None,
    language: int,
    changes: tuple[
        Mapping[str, Sequence[Sequence[str]]] | None,
        Mapping[str, Mapping[str, Any] | None] | None,
        Mapping[str, Mapping[str, Any] | None] | None,
        Mapping[str, Sequence[Sequence[str]]] | None,
    ],
) -> Schema:
    alternate_keys, changed_columns, more_tables, duplicate_rules = changes
    document = _document(snapshot)
    document["tables"] |= more_tables or {}
    removed = [name for name, description in document["tables"].items() if description is None]
    sets = [_document(snapshot)["tables"][name]["set"] for name in removed]
    for gone in removed:
        descriptions.remove(gone, document)
    for path, facts in (changed_columns or {}).items():
        table, _, column = path.partition(".")
        if table not in document["tables"]:
            continue
        columns = document["tables"][table]["columns"]
        if facts is None:
            columns.pop(column, None)
        else:
            columns[column] = facts
    return _schema(document, alternate_keys, duplicate_rules, frozenset(removed) | frozenset(sets), language)


def _schema(
    document: Mapping[str, Any],
    keys: Mapping[str, Sequence[Sequence[str]]] | None = None,
    duplicate_rules: Mapping[str, Sequence[Sequence[str]]] | None = None,
    removed: frozenset[str] = frozenset(),
    language: int = _ENGLISH,
) -> Schema:
    tables = [
        descriptions.read_table(
            name,
            description,
            document,
            _tuples((keys or {}).get(name, ())),
            _tuples((duplicate_rules or {}).get(name, ())),
        )
        for name, description in document["tables"].items()
    ]
    return Schema(tables, removed, descriptions.read_choices(document, tables), language)


def _document(snapshot: Snapshot | None) -> dict[str, Any]:
    document = _read("schema.json")
    for more in (_read("platform.json"), _read("administration.json")):
        document["tables"] |= more["tables"]
        document["one_to_many"] += more["one_to_many"]
        document["many_to_many"] += more["many_to_many"]
    if snapshot is not None:
        descriptions.extend(document, snapshot.schema)
    return document


def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))
    return document


def _tuples(lists: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(one) for one in lists)

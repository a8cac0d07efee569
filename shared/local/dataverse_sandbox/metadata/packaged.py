"""The packaged schema, as JSON.

`schema.json` has standard tables, `platform.json` those of customisations, `administration.json` those of
roles and solutions, `connector.json` what the connector adds.

Source: publicly generated metadata of a Dynamics 365 Sales and Marketing organisation (December 2024), and
`docs/tables.md` for the tables of the connector.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from shared.local.dataverse_sandbox.metadata.schema import (
    Choice,
    Column,
    ColumnType,
    ManyToMany,
    Navigation,
    Schema,
    Table,
    ToMany,
    ToOne,
)

SALES_TABLES = ("lead", "list", "listmember", "campaign", "campaignactivity", "campaignresponse", "campaignitem")
"""The tables that an organisation without Sales lacks."""

_ENGLISH = 1033
_BOTH_SPELLINGS = frozenset({"EnvironmentVariableDefinitionId"})
"""Navigation properties that public code also spells in lower case; all others have one spelling."""


def load(
    alternate_keys: Mapping[str, Sequence[Sequence[str]]] | None = None,
    changed_columns: Mapping[str, Mapping[str, Any] | None] | None = None,
    more_tables: Mapping[str, Mapping[str, Any] | None] | None = None,
    duplicate_rules: Mapping[str, Sequence[Sequence[str]]] | None = None,
    *,
    bare: bool = False,
    language: int = _ENGLISH,
) -> Schema:
    """Read the packaged description; `bare` leaves out what the connector adds.

    `alternate_keys` adds keys (lists of columns) to tables. `changed_columns` replaces properties of columns, by names
    like `contact.jobtitle`; None removes the column. `more_tables` are tables in the form of `schema.json`; None
    removes a table. `duplicate_rules` are lists of columns by table: rows that have the same values in all of them are
    duplicates. `language` is the base language; all labels of the description are those of the base language.
    """
    if not (alternate_keys or changed_columns or more_tables or duplicate_rules or language != _ENGLISH):
        return without_connector() if bare else standard()
    document = _packaged(bare=bare)
    document["tables"] |= more_tables or {}
    removed = [name for name, description in document["tables"].items() if description is None]
    sets = [_packaged(bare=bare)["tables"][name]["set"] for name in removed]
    for gone in removed:
        _remove(gone, document)
    keys, duplicates = alternate_keys or {}, duplicate_rules or {}
    for path, facts in (changed_columns or {}).items():
        table, _, column = path.partition(".")
        columns = document["tables"][table]["columns"]
        if facts is None:
            del columns[column]
        else:
            columns[column] = facts
    tables = [
        _table(name, description, document, tuples(keys.get(name, ())), tuples(duplicates.get(name, ())))
        for name, description in document["tables"].items()
    ]
    return Schema(tables, frozenset(removed) | frozenset(sets), _choices(tables), language)


@cache
def standard() -> Schema:
    """Read the packaged description as it is, once."""
    return _schema(_packaged(bare=False))


@cache
def without_connector() -> Schema:
    """Read the packaged description without what the connector adds, once."""
    return _schema(_packaged(bare=True))


def _schema(document: Mapping[str, Any]) -> Schema:
    tables = [_table(name, description, document, (), ()) for name, description in document["tables"].items()]
    return Schema(tables, choices=_choices(tables))


def _packaged(*, bare: bool) -> dict[str, Any]:
    document = _read("schema.json")
    for more in (_read("platform.json"), _read("administration.json")):
        document["tables"] |= more["tables"]
        document["one_to_many"] += more["one_to_many"]
        document["many_to_many"] += more["many_to_many"]
    if bare:
        return document
    connector = _read("connector.json")
    document["tables"] |= connector["tables"]
    for table, columns in connector["columns"].items():
        document["tables"][table]["columns"] |= columns
    document["one_to_many"] = [*connector["one_to_many"], *document["one_to_many"]]
    return document


def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))
    return document


def _choices(tables: Sequence[Table]) -> dict[str, Choice]:
    shared = (column for table in tables for column in table.columns.values() if column.global_choice)
    return {
        column.global_choice: Choice(column.global_choice, column.options, column.translations) for column in shared
    }


def _remove(gone: str, document: dict[str, Any]) -> None:
    """Remove a table, with the relationships to it and the lookups that point to no other table."""
    del document["tables"][gone]
    for table in filter(None, document["tables"].values()):
        for column, facts in list(table["columns"].items()):
            if facts.get("targets", {}).pop(gone, None) is not None and not facts["targets"]:
                del table["columns"][column]
    for kind in ("one_to_many", "many_to_many"):
        document[kind] = [one for one in document[kind] if gone not in one.values()]


def tuples(lists: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Make lists of columns immutable."""
    return tuple(tuple(one) for one in lists)


def to_ones(columns: Iterable[Column]) -> dict[str, Navigation]:
    """Return the navigation properties of lookups."""
    navigations: dict[str, Navigation] = {}
    for column in columns:
        for target, navigation in column.targets.items():
            others = tuple(one for one, name in column.targets.items() if name == navigation and one != target)
            navigations.setdefault(navigation, ToOne(navigation, column.name, target, others))
            if navigation in _BOTH_SPELLINGS:
                navigations.setdefault(navigation.lower(), ToOne(navigation, column.name, target, others))
    return navigations


def _table(
    name: str,
    description: Mapping[str, Any],
    document: Mapping[str, Any],
    keys: Sequence[tuple[str, ...]],
    duplicate_rules: Sequence[tuple[str, ...]],
) -> Table:
    columns = {column: _column(column, facts) for column, facts in description["columns"].items()}
    navigations: dict[str, Navigation] = dict(to_ones(columns.values()))
    navigations.update({many.name: many for many in _collections(name, document)})
    return Table(
        name=name,
        set_name=description["set"],
        primary_id=description["id"],
        primary_name=description["name"],
        columns=columns,
        navigations=navigations,
        keys=keys,
        duplicate_rules=duplicate_rules,
        left_out=frozenset(description.get("left_out", ())),
        is_partial=description.get("partial", False),
    )


def _column(name: str, facts: Mapping[str, Any]) -> Column:
    return Column(
        name=name,
        type=ColumnType(facts["type"]),
        max_length=facts.get("max"),
        readonly=facts.get("readonly", False),
        date_only=facts.get("dateonly", False),
        behavior=facts.get("behavior", "DateOnly" if facts.get("dateonly") else "UserLocal"),
        required=facts.get("required", "None"),
        default=facts.get("default"),
        options={int(value): label for value, label in facts.get("options", {}).items()},
        translations={
            int(language): {int(value): label for value, label in labels.items()}
            for language, labels in facts.get("translations", {}).items()
        },
        states={int(value): state for value, state in facts.get("states", {}).items()},
        targets=facts.get("targets", {}),
        global_choice=facts.get("global", ""),
        shown_as=facts.get("shown_as", ""),
        is_managed_property=facts.get("managed_property", False),
    )


def _collections(name: str, document: Mapping[str, Any]) -> Iterator[ToMany | ManyToMany]:
    for one in document["one_to_many"]:
        if one["one"] == name:
            yield ToMany(one["name"], one["many"], one["column"])
    for link in document["many_to_many"]:
        near, far = (link["one"], link["onecolumn"]), (link["other"], link["othercolumn"])
        for here, there in ((near, far), (far, near)):
            if here[0] == name:
                yield ManyToMany(link["name"], there[0], link["intersect"], here[1], there[1])

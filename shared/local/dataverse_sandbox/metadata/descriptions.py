"""Descriptions of tables and columns as JSON: those of `*.json`, and what clients added to an organisation.

A description has the facts of a table or column by short names, such as `"max"`; facts that are as usual are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
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

Description = dict[str, Any]

_BOTH_SPELLINGS = frozenset({"EnvironmentVariableDefinitionId"})
"""Navigation properties that public code also spells in lower case; all others have one spelling."""


def read_table(
    name: str,
    description: Mapping[str, Any],
    document: Mapping[str, Any],
    more_keys: Sequence[tuple[str, ...]] = (),
    duplicate_rules: Sequence[tuple[str, ...]] = (),
) -> Table:
    """Read a table; `document` has the relationships of all tables."""
    columns = {column: _read_column(column, facts) for column, facts in description["columns"].items()}
    navigations: dict[str, Navigation] = dict(to_ones(columns.values()))
    navigations.update({many.name: many for many in _collections(name, document)})
    keys = {tuple(one["columns"]): one["definition"] for one in description.get("keys", ())}
    return Table(
        name=name,
        set_name=description["set"],
        primary_id=description["id"],
        primary_name=description["name"],
        columns=columns,
        navigations=navigations,
        keys=(*more_keys, *keys),
        duplicate_rules=duplicate_rules,
        left_out=frozenset(description.get("left_out", ())),
        is_partial=description.get("partial", False),
        key_definitions=keys,
        definition=description.get("definition", {}),
    )


def read_choices(document: Mapping[str, Any], tables: Iterable[Table]) -> dict[str, Choice]:
    """Read the global choices: those of the columns, and those that a client made."""
    shared = (column for table in tables for column in table.columns.values() if column.global_choice)
    found = {
        column.global_choice: Choice(column.global_choice, column.options, column.translations) for column in shared
    }
    return found | {name: _read_choice(name, facts) for name, facts in document.get("choices", {}).items()}


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


def additions(schema: Schema, base: Schema) -> Description:
    """Describe what `schema` has beyond `base`, in the form that `extend` reads."""
    old = base.tables
    return {
        "tables": {name: _describe_table(table) for name, table in schema.tables.items() if name not in old},
        "changes": {
            name: changes
            for name, table in schema.tables.items()
            if name in old and (changes := _describe_changes(table, old[name]))
        },
        "one_to_many": [
            {"name": many.name, "one": name, "many": many.target, "column": many.column, "definition": many.definition}
            for name, table in schema.tables.items()
            for many in table.navigations.values()
            if isinstance(many, ToMany) and (name not in old or many != old[name].navigations.get(many.name))
        ],
        "choices": {
            name: _describe_options(choice) | {"definition": choice.definition}
            for name, choice in schema.choices.items()
            if choice != base.choices.get(name)
        },
    }


def extend(document: Description, additions_elsewhere: Mapping[str, Any]) -> None:
    """Add to a description what `additions` found elsewhere; changes of tables that it lacks are left out."""
    more = deepcopy(dict(additions_elsewhere))  # a description is changed in place
    document["tables"] |= more["tables"]
    for name, changes in more["changes"].items():
        if (table := document["tables"].get(name)) is not None:
            columns = table["columns"] | changes.get("columns", {})
            document["tables"][name] = {**table, **changes, "columns": columns}
    document["one_to_many"] = [*more["one_to_many"], *document["one_to_many"]]
    document["choices"] = more["choices"]


def remove(gone: str, document: Description) -> None:
    """Remove a table, with the relationships to it and the lookups that point to no other table."""
    del document["tables"][gone]
    for table in filter(None, document["tables"].values()):
        for column, facts in list(table["columns"].items()):
            if facts.get("targets", {}).pop(gone, None) is not None and not facts["targets"]:
                del table["columns"][column]
    for kind in ("one_to_many", "many_to_many"):
        document[kind] = [one for one in document[kind] if gone not in one.values()]


def _read_column(name: str, facts: Mapping[str, Any]) -> Column:
    return Column(
        name=name,
        type=ColumnType(facts["type"]),
        max_length=facts.get("max"),
        readonly=facts.get("readonly", False),
        date_only=facts.get("dateonly", False),
        behavior=facts.get("behavior", "DateOnly" if facts.get("dateonly") else "UserLocal"),
        required=facts.get("required", "None"),
        default=facts.get("default"),
        **_read_options(facts),
        states={int(value): state for value, state in facts.get("states", {}).items()},
        targets=facts.get("targets", {}),
        global_choice=facts.get("global", ""),
        shown_as=facts.get("shown_as", ""),
        is_managed_property=facts.get("managed_property", False),
        definition=facts.get("definition", {}),
    )


def _read_choice(name: str, facts: Mapping[str, Any]) -> Choice:
    return Choice(name, **_read_options(facts), definition=facts["definition"])


def _read_options(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "options": {int(value): label for value, label in facts.get("options", {}).items()},
        "translations": {
            int(language): {int(value): label for value, label in labels.items()}
            for language, labels in facts.get("translations", {}).items()
        },
        "option_notes": {int(value): notes for value, notes in facts.get("notes", {}).items()},
    }


def _describe_table(table: Table) -> Description:
    columns = {name: _describe_column(column) for name, column in table.columns.items()}
    head = {"set": table.set_name, "id": table.primary_id, "name": table.primary_name}
    return {**head, "columns": columns, "keys": _describe_keys(table), "definition": table.definition}


def _describe_changes(table: Table, old: Table) -> Description:
    columns = {name: _describe_column(one) for name, one in table.columns.items() if one != old.columns.get(name)}
    return {
        **({"columns": columns} if columns else {}),
        **({"keys": _describe_keys(table)} if table.key_definitions != old.key_definitions else {}),
        **({"definition": table.definition} if table.definition != old.definition else {}),
    }


def _describe_keys(table: Table) -> list[Description]:
    return [{"columns": key, "definition": facts} for key, facts in table.key_definitions.items()]


def _describe_column(column: Column) -> Description:
    facts = {
        "max": column.max_length,
        "readonly": column.readonly,
        "dateonly": column.date_only,
        "behavior": column.behavior if column.type is ColumnType.DATE_TIME else None,
        "required": column.required if column.required != "None" else None,
        **_describe_options(column),
        "states": column.states,
        "targets": column.targets,
        "global": column.global_choice,
        "shown_as": column.shown_as,
        "managed_property": column.is_managed_property,
        "definition": column.definition,
    }
    default = {} if column.default is None else {"default": column.default}
    return {"type": column.type, **default, **{name: fact for name, fact in facts.items() if fact}}


def _describe_options(one: Column | Choice) -> Description:
    return {"options": one.options, "translations": one.translations, "notes": one.option_notes}


def _collections(name: str, document: Mapping[str, Any]) -> Iterator[ToMany | ManyToMany]:
    for one in document["one_to_many"]:
        if one["one"] == name:
            yield ToMany(one["name"], one["many"], one["column"], one.get("definition", {}))
    for link in document["many_to_many"]:
        near, far = (link["one"], link["onecolumn"]), (link["other"], link["othercolumn"])
        for here, there in ((near, far), (far, near)):
            if here[0] == name:
                yield ManyToMany(link["name"], there[0], link["intersect"], here[1], there[1])

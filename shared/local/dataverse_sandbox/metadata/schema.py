"""Tables, columns and relationships of the simulated organisation, read from `schema.json`.

Source: publicly generated metadata of a Dynamics 365 Sales and Marketing organisation (December 2024), and
`docs/tables.md` for the tables of the connector.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from shared.local.dataverse_sandbox.organisation.errors import CUSTOM_NAME

_PRINCIPALS = frozenset({"systemuser", "team"})


class ColumnType(StrEnum):
    """`AttributeType` of a column."""

    STRING = "String"
    MEMO = "Memo"
    INTEGER = "Integer"
    BIG_INT = "BigInt"
    DECIMAL = "Decimal"
    DOUBLE = "Double"
    MONEY = "Money"
    BOOLEAN = "Boolean"
    DATE_TIME = "DateTime"
    PICKLIST = "Picklist"
    MULTI_SELECT = "MultiSelectPicklist"
    STATE = "State"
    STATUS = "Status"
    LOOKUP = "Lookup"
    UNIQUEIDENTIFIER = "Uniqueidentifier"
    ENTITY_NAME = "EntityName"
    PARTY_LIST = "PartyList"

    @property
    def is_choice(self) -> bool:
        """Whether values are option numbers with labels."""
        return self in {ColumnType.PICKLIST, ColumnType.MULTI_SELECT, ColumnType.STATE, ColumnType.STATUS}

    @property
    def is_text(self) -> bool:
        """Whether values are free text."""
        return self in {ColumnType.STRING, ColumnType.MEMO, ColumnType.ENTITY_NAME}


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `targets` maps each table a lookup may point to onto its navigation property.

    `options` holds the labels of choices, and of 0 and 1 for a Boolean; `translations` the same in other languages, by
    language code; `states` maps a status reason onto its state. `behavior` is the `DateTimeBehavior` of a date, and
    `required` the `RequiredLevel`: Dataverse itself insists only on what is `SystemRequired`. `shown_as` is another
    name in the Web API, `global_choice` the name of options that several columns share.
    """

    name: str
    type: ColumnType
    max_length: int | None = None
    readonly: bool = False
    date_only: bool = False
    behavior: str = "UserLocal"
    required: str = "None"
    default: Any = None
    options: Mapping[int, str] = field(default_factory=dict)
    translations: Mapping[int, Mapping[int, str]] = field(default_factory=dict)
    states: Mapping[int, int] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    shown_as: str = ""
    global_choice: str = ""

    @property
    def is_custom(self) -> bool:
        """Whether a publisher added the column, by the prefix of its name."""
        return CUSTOM_NAME.match(self.name) is not None

    @property
    def is_day(self) -> bool:
        """Whether values are dates on the wire, and not moments."""
        return self.behavior == "DateOnly"

    @property
    def property_name(self) -> str:
        """The name in the Web API: lookups are read as `_name_value`."""
        return self.shown_as or (f"_{self.name}_value" if self.type is ColumnType.LOOKUP else self.name)

    @property
    def family(self) -> str:
        """The family of comparable types: columns compare within their family only."""
        if self.type.is_text:
            return "text"
        numbers = (ColumnType.INTEGER, ColumnType.BIG_INT, ColumnType.DECIMAL, ColumnType.DOUBLE, ColumnType.MONEY)
        if self.type in numbers:
            return "number"
        ids = (ColumnType.LOOKUP, ColumnType.UNIQUEIDENTIFIER)
        return "id" if self.type in ids else str(self.type)


@dataclass(frozen=True, slots=True)
class ToOne:
    """A navigation property that follows a lookup."""

    name: str
    column: str
    target: str
    others: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """The tables that the lookup may point to; more than one for owners only."""
        return (self.target, *self.others)


@dataclass(frozen=True, slots=True)
class ToMany:
    """A navigation property to the rows whose lookup `column` points here."""

    name: str
    target: str
    column: str


@dataclass(frozen=True, slots=True)
class ManyToMany:
    """A navigation property through the rows of an intersect table."""

    name: str
    target: str
    intersect: str
    near_column: str
    far_column: str


Navigation = ToOne | ToMany | ManyToMany


@dataclass(frozen=True)
class Table:
    """A table as the Web API needs it. Names are logical names."""

    name: str
    set_name: str
    primary_id: str
    primary_name: str
    columns: Mapping[str, Column]
    navigations: Mapping[str, Navigation]
    keys: Sequence[tuple[str, ...]] = ()
    duplicate_rules: Sequence[tuple[str, ...]] = ()
    left_out: frozenset[str] = frozenset()
    is_partial: bool = False

    @cached_property
    def properties(self) -> Mapping[str, Column]:
        """Columns by the name that the Web API reads them with. Party lists are written and expanded only."""
        found = {c.property_name: c for c in self.columns.values() if c.type is not ColumnType.PARTY_LIST}
        if self.name in _PRINCIPALS:  # users and teams are owners: each has the id of an owner as well as its own
            found["ownerid"] = replace(self.columns[self.primary_id], shown_as="ownerid", readonly=True)
        return found

    def may_have(self, name: str) -> bool:
        """Whether the real table has, or may have, this column; the simulated table has fewer."""
        logical = name.removeprefix("_").removesuffix("_value")
        return logical in self.left_out or (self.is_partial and not CUSTOM_NAME.match(logical))

    @cached_property
    def is_activity(self) -> bool:
        """Whether each row also has a row in `activitypointer`."""
        return self.primary_id == "activityid" and self.name != "activitypointer"

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """The initial values of a new row, apart from state, owner and times."""
        return {name: column.default for name, column in self.columns.items() if column.default is not None}

    @cached_property
    def required(self) -> Sequence[str]:
        """Columns that Dataverse requires in every row."""
        return [name for name, column in self.columns.items() if column.required == "SystemRequired"]

    @cached_property
    def first_status(self) -> Mapping[int, int]:
        """The initial status reason of a state: the lowest one, as in Dataverse."""
        status = self.columns.get("statuscode")
        first: dict[int, int] = {}
        for value, state in sorted(status.states.items()) if status else ():
            first.setdefault(state, value)
        return first


class Schema:
    """All tables, by logical name and by entity set name; `removed` holds both names of each removed table."""

    def __init__(self, tables: Sequence[Table], removed: frozenset[str] = frozenset()) -> None:
        self.removed = removed
        self.tables = {table.name: table for table in tables}
        self.by_set = {table.set_name: table for table in tables}

    @classmethod
    def load(
        cls,
        alternate_keys: Mapping[str, Sequence[Sequence[str]]] | None = None,
        changed_columns: Mapping[str, Mapping[str, Any] | None] | None = None,
        more_tables: Mapping[str, Mapping[str, Any] | None] | None = None,
        duplicate_rules: Mapping[str, Sequence[Sequence[str]]] | None = None,
    ) -> Schema:
        """Read the packaged description; `alternate_keys` adds keys (lists of columns) to tables.

        `changed_columns` replaces properties of columns, by names like `contact.jobtitle`; None removes the column.
        `more_tables` are tables in the form of `schema.json`; None removes a table.
        `duplicate_rules` are lists of columns by table: rows that have the same values in all of them are duplicates.
        """
        if not (alternate_keys or changed_columns or more_tables or duplicate_rules):
            return standard()
        document = _packaged()
        document["tables"] |= more_tables or {}
        removed = [name for name, description in document["tables"].items() if description is None]
        sets = [_packaged()["tables"][name]["set"] for name in removed]
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
        return cls(
            [
                _table(name, description, document, tuples(keys.get(name, ())), tuples(duplicates.get(name, ())))
                for name, description in document["tables"].items()
            ],
            frozenset(removed) | frozenset(sets),
        )


@cache
def standard() -> Schema:
    """Read the packaged description as it is."""
    document = _packaged()
    return Schema([_table(name, description, document, (), ()) for name, description in document["tables"].items()])


def _packaged() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files(__package__).joinpath("schema.json").read_text(encoding="utf-8"))
    return document


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


def _table(
    name: str,
    description: Mapping[str, Any],
    document: Mapping[str, Any],
    keys: Sequence[tuple[str, ...]],
    duplicate_rules: Sequence[tuple[str, ...]],
) -> Table:
    columns = {column: _column(column, facts) for column, facts in description["columns"].items()}
    navigations: dict[str, Navigation] = {}
    for column in columns.values():
        for target, navigation in column.targets.items():
            others = tuple(one for one, name in column.targets.items() if name == navigation and one != target)
            navigations.setdefault(navigation, ToOne(navigation, column.name, target, others))
            # Both spellings of system lookups with capitals are seen in public code.
            navigations.setdefault(navigation.lower(), ToOne(navigation, column.name, target, others))
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

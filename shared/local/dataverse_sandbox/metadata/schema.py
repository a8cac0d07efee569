"""Tables, columns, relationships and choices of the simulated organisation, as immutable values.

A change of the schema makes a new `Schema`; the store holds the current one. What only metadata reads return of a part
that a client made stands in its `definition`; the parts of standard tables have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any

from shared.local.dataverse_sandbox.organisation.errors import CUSTOM_NAME

Definition = dict[str, Any]
"""A definition, or a part of one, in the form of the Web API."""

NOTHING: Mapping[Any, Any] = MappingProxyType({})
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
    name in the Web API, and a managed property is read as an object with its value. `global_choice` is the name of
    options that several columns share; `option_notes` are further properties of options (Description, Color).
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
    is_managed_property: bool = False
    global_choice: str = ""
    option_notes: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    definition: Mapping[str, Any] = field(default_factory=dict)

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
    definition: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ManyToMany:
    """A navigation property through the rows of an intersect table."""

    name: str
    target: str
    intersect: str
    near_column: str
    far_column: str


Navigation = ToOne | ToMany | ManyToMany


@dataclass(frozen=True, slots=True)
class Choice:
    """A global choice: its options by value with their labels, in the base language and in others."""

    name: str
    options: Mapping[int, str]
    translations: Mapping[int, Mapping[int, str]] = field(default_factory=dict)
    option_notes: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    definition: Mapping[str, Any] = field(default_factory=dict)


_STATUS_OF_KEY, _ACTIVE = "EntityKeyIndexStatus", "Active"


@dataclass(frozen=True, eq=False)
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
    key_definitions: Mapping[tuple[str, ...], Mapping[str, Any]] = field(default_factory=dict)
    definition: Mapping[str, Any] = field(default_factory=dict)

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
    def active_keys(self) -> Sequence[tuple[str, ...]]:
        """The alternate keys whose indexes are built: no other key finds rows, or keeps values unique."""
        return [key for key in self.keys if self.key_definitions.get(key, {}).get(_STATUS_OF_KEY, _ACTIVE) == _ACTIVE]

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
    """All tables, by logical name and by entity set name; `removed` holds both names of each removed table.

    `choices` are the global choices by name, `language` is the base language of the organisation.
    """

    def __init__(
        self,
        tables: Iterable[Table],
        removed: frozenset[str] = frozenset(),
        choices: Mapping[str, Choice] = NOTHING,
        language: int = 1033,
    ) -> None:
        self.removed = removed
        self.tables = {table.name: table for table in tables}
        self.by_set = {table.set_name: table for table in self.tables.values()}
        self.choices = choices
        self.language = language

    def on_delete(self, one: str, many: str, column: str) -> str:
        """Return what happens to a row of `many` when the row of `one` that its lookup points to is deleted."""
        for navigation in self.tables[one].navigations.values():
            if isinstance(navigation, ToMany) and (navigation.target, navigation.column) == (many, column):
                return str(navigation.definition.get("CascadeConfiguration", {}).get("Delete", "RemoveLink"))
        return "RemoveLink"

    def with_tables(self, *tables: Table) -> Schema:
        """Return a schema with these tables added, or put in the place of those of the same name."""
        changed = {**self.tables, **{table.name: table for table in tables}}
        return Schema(changed.values(), self.removed, self.choices, self.language)

    def without_table(self, name: str) -> Schema:
        """Return a schema without a table."""
        return Schema(
            (table for table in self.tables.values() if table.name != name), self.removed, self.choices, self.language
        )

    def with_choices(self, choices: Mapping[str, Choice]) -> Schema:
        """Return a schema with these global choices, and no others."""
        return Schema(self.tables.values(), self.removed, choices, self.language)

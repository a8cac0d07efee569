"""The schema of Dataverse's tables: columns with their types and options, and the targets of lookups.

Pure values: the adapter (`adapters.dataverse.metadata`) reads them. `marketing_contact` has the platform's properties.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property


class ColumnType(StrEnum):
    """`AttributeType` of a column; a Virtual column has the name of its `AttributeTypeName`."""

    BIG_INT = "BigInt"
    BOOLEAN = "Boolean"
    CUSTOMER = "Customer"
    DATE_TIME = "DateTime"
    DECIMAL = "Decimal"
    DOUBLE = "Double"
    ENTITY_NAME = "EntityName"
    INTEGER = "Integer"
    LOOKUP = "Lookup"
    MEMO = "Memo"
    MONEY = "Money"
    MULTI_SELECT = "MultiSelectPicklist"
    OWNER = "Owner"
    PICKLIST = "Picklist"
    STATE = "State"
    STATUS = "Status"
    STRING = "String"
    UNIQUEIDENTIFIER = "Uniqueidentifier"
    UNKNOWN = "Unknown"
    """Files, images, party lists and future types: a mapping cannot use them."""

    @property
    def is_lookup(self) -> bool:
        """Whether values point to a row."""
        return self in {ColumnType.LOOKUP, ColumnType.CUSTOMER, ColumnType.OWNER}

    @property
    def is_choice(self) -> bool:
        """Whether values are numbers of options with labels."""
        return self in {ColumnType.PICKLIST, ColumnType.MULTI_SELECT, ColumnType.STATE, ColumnType.STATUS}

    @property
    def has_label(self) -> bool:
        """Whether the formatted value has more information than the value."""
        return self.is_lookup or self.is_choice or self is ColumnType.BOOLEAN


class DateBehaviour(StrEnum):
    """`DateTimeBehavior` of a date column: its meaning in another time zone."""

    DATE_ONLY = "DateOnly"
    USER_LOCAL = "UserLocal"
    TIME_ZONE_INDEPENDENT = "TimeZoneIndependent"


class Required(StrEnum):
    """`RequiredLevel` of a column."""

    NONE = "None"
    RECOMMENDED = "Recommended"
    APPLICATION = "ApplicationRequired"
    SYSTEM = "SystemRequired"


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a choice, or of a two options column (0 and 1).

    `labels` by language code, such as 1043; `label` in the language of the connector's user.
    """

    value: int
    labels: Mapping[int, str] = field(default_factory=dict)
    label: str = ""


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """One column. `max_length` counts characters; `behaviour` and `shows_time` are those of dates.

    `id` stays the same when a column is renamed and differs when one is deleted and made again.
    """

    name: str
    type: ColumnType
    id: str = ""
    label: str = ""
    required: Required = Required.NONE
    max_length: int | None = None
    behaviour: DateBehaviour | None = None
    shows_time: bool = True
    writable: bool = True
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """A lookup column and one table that it may lead to; `navigation` is the property that expands it."""

    column: str
    target: str
    navigation: str


@dataclass(frozen=True)
class TableDefinition:
    """One table. Names are logical names; `entity_set` is its name in the Web API."""

    name: str
    entity_set: str
    primary_id: str
    primary_name: str
    columns: Mapping[str, ColumnDefinition]
    references: tuple[Relation, ...] = ()

    def targets(self, lookup: str) -> dict[str, Relation]:
        """Return where a lookup may lead, by table."""
        return {reference.target: reference for reference in self.references if reference.column == lookup}

    def lookups_to(self, table: str) -> list[str]:
        """Name the lookups that lead to a table, in alphabetical order."""
        return sorted({reference.column for reference in self.references if reference.target == table})


@dataclass(frozen=True)
class Schema:
    """The requested tables; tables that do not exist are missing."""

    tables: Mapping[str, TableDefinition] = field(default_factory=dict)

    def column(self, table: str, name: str) -> ColumnDefinition | None:
        """Find a column; None if the table or the column does not exist."""
        found = self.tables.get(table)
        return found.columns.get(name) if found else None

    def with_entity_set(self, entity_set: str) -> TableDefinition | None:
        """Find a table by its name in the Web API."""
        return self._by_set.get(entity_set)

    @cached_property
    def _by_set(self) -> dict[str, TableDefinition]:
        return {table.entity_set: table for table in self.tables.values()}


class TableReach(StrEnum):
    """How many rows of a table a user may read."""

    NOTHING = "nothing"
    SOME = "some"
    """The user's own rows, those of the business unit, or those of the units below it."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class ReadRight:
    """What the connector's user may read of a table by a privilege, such as `prvReadUser`."""

    privilege: str
    reach: TableReach


@dataclass(frozen=True, slots=True)
class EventStep:
    """A registration that sends saves to the connector: a message such as Update, of one table.

    `columns` limits updates to those that change one of them; empty means all.
    """

    table: str
    message: str
    columns: frozenset[str] = frozenset()

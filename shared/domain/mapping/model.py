"""A mapping: rows that pair Dataverse columns with properties of the platform (MAP-01, MAP-07..MAP-13)."""

from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from datetime import tzinfo
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from shared.domain.mapping.language.evaluate import (
    Evaluate,
    Evaluated,
    Passes,
    compile_equality,
    compile_expression,
    compile_filter,
)
from shared.domain.mapping.language.expression import Column, Expression, Related, Source, sources_of
from shared.domain.mapping.language.filters import Filter, filter_columns
from shared.domain.records.records import PersonRecord, PersonTable
from shared.domain.wording.phrase import Phrase

EMAIL = "email"
"""The property that every account has and that identifies a person there (DUP-03)."""

PERMISSIONS = "permissions"
"""The property that holds the permissions, a list of options (DBF-07)."""

_CONSTANT = "$value:"


class Direction(StrEnum):
    """Which way a row's value travels (MAP-11)."""

    TO_PLATFORM = "->"
    TO_DATAVERSE = "<-"
    BOTH = "<->"

    @property
    def reaches_platform(self) -> bool:
        """Whether Dataverse's value is sent to the platform."""
        return self is not Direction.TO_DATAVERSE

    @property
    def reaches_dataverse(self) -> bool:
        """Whether the platform's value is written to Dataverse."""
        return self is not Direction.TO_PLATFORM


class OnInvalid(StrEnum):
    """What happens to the record when a value does not fit the property."""

    FAIL = "fail"
    """The record is not written, and its outcome names the field (VAL-05)."""
    OMIT = "omit"
    """The record is written without this field, and its outcome names the field."""


class ConflictPolicy(StrEnum):
    """Which value wins when both sides changed it since they last agreed."""

    CRM = "crm"
    PLATFORM = "spotler"
    NEWEST = "newest"
    ASK = "ask"
    """A person decides; until then both stay as they are."""


class BlankPolicy(StrEnum):
    """What an empty value does to the other side."""

    CLEAR = "clear"
    """It empties the field there."""
    KEEP = "keep"
    """The field there keeps its value."""


class Outside(StrEnum):
    """What happens to a person in the platform who no longer passes a filter."""

    KEEP = "keep"
    """Nothing: the contact stays as it is and is no longer updated."""
    CLEAR_PERMISSIONS = "clearPermissions"
    """The contact stays; every permission is switched off."""
    ANONYMIZE = "anonymize"
    """The contact is erased, unless another active record needs it."""


@dataclass(frozen=True)
class MappingRow:
    """One row. `sources` has an expression for each table on which the row applies.

    `entity` is the column of the table for new subscribers (MAP-10, IF-05). `foreign` names the property that takes a
    value which is well formed but not Dutch (VAL-07); `choices` translates option values of a choice column; `only`
    lets a record pass only while the column has this value (MAP-12). `comment` is for people.
    """

    property_name: str
    sources: MappingABC[PersonTable, Expression]
    direction: Direction = Direction.TO_PLATFORM
    only: str | None = None
    choices: MappingABC[str, str] = field(default_factory=dict)
    foreign: str = ""
    on_invalid: OnInvalid | None = None
    entity: Column | None = None
    conflict: ConflictPolicy = ConflictPolicy.CRM
    blank: BlankPolicy = BlankPolicy.CLEAR
    comment: str = ""

    @property
    def fixed(self) -> str | None:
        """Return the fixed value for a Dataverse column, if the row has no property (MAP-25)."""
        return self.property_name.removeprefix(_CONSTANT) if self.property_name.startswith(_CONSTANT) else None

    def evaluate(self, record: PersonRecord) -> Evaluated:
        """Evaluate the row's expression for a record of a table on which the row applies."""
        return self._compiled[record.key.table](record)

    def evaluation(self, table: PersonTable) -> Evaluate:
        """Return what evaluates the row's expression for the records of a table."""
        return self._compiled[table]

    def admission(self, table: PersonTable, zone: tzinfo) -> Passes | None:
        """Return the row's own filter: its expression has that value (MAP-12). None if the row has no filter."""
        source = self.sources.get(table)
        return None if self.only is None or source is None else compile_equality(source, (self.only,), zone)

    def rests(self, record: PersonRecord) -> bool:
        """Whether something that the row names could not be read: it is absent in the record, which is not empty."""
        return not self._names[record.key.table] <= record.values.keys() or bool(self.unread(record))

    def unread(self, record: PersonRecord) -> dict[str, Phrase]:
        """Return the existing sources of the row that may not be read, with the reason."""
        if not record.unread:
            return {}
        source = self.sources[record.key.table]
        names = self._names[record.key.table] | {str(source)}
        return {name: record.unread[name] for name in sorted(names & record.unread.keys())}

    @cached_property
    def _names(self) -> dict[PersonTable, frozenset[str]]:
        return {table: frozenset(map(str, sources_of(source))) for table, source in self.sources.items()}

    @cached_property
    def _compiled(self) -> dict[PersonTable, Evaluate]:
        return {table: compile_expression(source) for table, source in self.sources.items()}


@dataclass(frozen=True, slots=True)
class Periodiek:
    """The table of `@map(periodiek)` in an installation (IF-02, IF-03): its names differ everywhere.

    `table` has one row per person and subscription. Its `name` must equal the option in the platform. `subscribed` is a
    column of type two options, and `lookups` are the columns that lead to the person.
    """

    table: str
    name: Column | Related
    subscribed: str
    lookups: MappingABC[PersonTable, str]


@dataclass(frozen=True)
class Mapping:
    """All rows, in their written order.

    `filters` decide which records of a table may be in the platform, `outside` is what happens to a person who no
    longer passes. Labels of choices are read in `language` (a Windows language code such as 1043; None: that of the
    connector's user). Moments become dates, and dates moments, in `time_zone` (an IANA name). `entity_table` is the
    table of the Entity Column, empty if none is mapped.
    """

    rows: tuple[MappingRow, ...]
    filters: MappingABC[PersonTable, Filter] = field(default_factory=dict)
    outside: Outside = Outside.KEEP
    language: int | None = None
    time_zone: str = "Europe/Amsterdam"
    entity_table: str = ""
    periodiek: Periodiek | None = None

    def for_table(self, table: PersonTable) -> tuple[MappingRow, ...]:
        """Return the rows that apply to a table."""
        return self._by_table[table]

    def rows_read(self, record: PersonRecord) -> tuple[MappingRow, ...]:
        """Return the rows that apply to a record and do not rest: mostly all rows of its table."""
        table = record.key.table
        rows = self._by_table[table]
        if not record.unread and self._names[table] <= record.values.keys():
            return rows
        rest = frozenset(index for index, row in enumerate(rows) if row.rests(record))
        if (table, rest) not in self._without:
            self._without[table, rest] = tuple(row for index, row in enumerate(rows) if index not in rest)
        return self._without[table, rest]

    def rows_back(self, table: PersonTable) -> tuple[MappingRow, ...]:
        """Return the rows of a table whose values are written to Dataverse."""
        return self._rows_back[table]

    def sends_as_is(self, table: PersonTable) -> bool:
        """Whether every row of a table sends its value, also an empty one: what is wished is what Dataverse has."""
        return self._sends_as_is[table]

    def passes(self, table: PersonTable) -> Passes | None:
        """Return the filters of a table and of its rows as one function; None if every record may pass."""
        return self._compiled_filters.get(table)

    def filtered_by(self, table: PersonTable) -> frozenset[str]:
        """Return the sources of the filters of a table and of its rows, as in `PersonRecord.values`."""
        return self._filter_names.get(table, frozenset())

    @cached_property
    def zone(self) -> tzinfo:
        """Return the time zone; `read_mapping` has seen that it exists."""
        return ZoneInfo(self.time_zone)

    def email_column(self, table: PersonTable) -> str | None:
        """Return the column that holds the e-mail address of a table's rows, None if the table is not mapped."""
        for row in self.for_table(table):
            source = row.sources[table]
            if row.property_name == EMAIL and isinstance(source, Column):
                return source.name
        return None

    @cached_property
    def _by_table(self) -> dict[PersonTable, tuple[MappingRow, ...]]:
        return {table: tuple(row for row in self.rows if table in row.sources) for table in PersonTable}

    @cached_property
    def _rows_back(self) -> dict[PersonTable, tuple[MappingRow, ...]]:
        return {
            table: tuple(row for row in rows if row.direction.reaches_dataverse)
            for table, rows in self._by_table.items()
        }

    @cached_property
    def _without(self) -> dict[tuple[PersonTable, frozenset[int]], tuple[MappingRow, ...]]:
        """Rows without those that rest, by their positions: in an organisation, the same rows rest for all records."""
        return {}

    @cached_property
    def _names(self) -> dict[PersonTable, frozenset[str]]:
        return {
            table: frozenset(str(source) for row in rows for source in sources_of(row.sources[table]))
            for table, rows in self._by_table.items()
        }

    @cached_property
    def _sends_as_is(self) -> dict[PersonTable, bool]:
        return {
            table: all(row.direction.reaches_platform and row.blank is BlankPolicy.CLEAR for row in rows)
            for table, rows in self._by_table.items()
        }

    @cached_property
    def _filter_names(self) -> dict[PersonTable, frozenset[str]]:
        return {table: frozenset(map(str, self._filter_sources(table))) for table in PersonTable}

    def _filter_sources(self, table: PersonTable) -> Iterator[Source]:
        if (condition := self.filters.get(table)) is not None:
            yield from filter_columns(condition)
        for row in self.for_table(table):
            if row.only is not None:
                yield from sources_of(row.sources[table])

    @cached_property
    def _compiled_filters(self) -> dict[PersonTable, Passes]:
        return {table: _all_of(found) for table in PersonTable if (found := list(self._filters(table)))}

    def _filters(self, table: PersonTable) -> Iterator[Passes]:
        if (condition := self.filters.get(table)) is not None:
            yield compile_filter(condition, self.zone)
        for row in self.for_table(table):
            if (admission := row.admission(table, self.zone)) is not None:
                yield admission


def _all_of(conditions: list[Passes]) -> Passes:
    return lambda record: all(passes(record) for passes in conditions)

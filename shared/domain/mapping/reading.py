"""Determines the columns to read for a mapping: one query per person table, with used columns only."""

from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from typing import assert_never

from shared.domain.mapping.language.expression import (
    Child,
    Column,
    MapTo,
    OptionSource,
    QueryExpression,
    Related,
    Source,
    sources_of,
)
from shared.domain.mapping.language.filters import filter_columns
from shared.domain.mapping.model import Mapping
from shared.domain.records.records import Lookup, PersonRecord, PersonTable, RecordKey

STATE = "statecode"
DO_NOT_EMAIL = "donotemail"
DO_NOT_BULK_EMAIL = "donotbulkemail"
MERGED = "merged"
ORIGINATING_LEAD = "originatingleadid"

_RULE_COLUMNS: MappingABC[PersonTable, frozenset[str]] = {
    PersonTable.CONTACT: frozenset({STATE, DO_NOT_EMAIL, DO_NOT_BULK_EMAIL, MERGED, ORIGINATING_LEAD}),
    PersonTable.LEAD: frozenset({STATE, DO_NOT_EMAIL, DO_NOT_BULK_EMAIL, MERGED}),
    PersonTable.ACCOUNT: frozenset({STATE, DO_NOT_EMAIL, DO_NOT_BULK_EMAIL, MERGED}),
}
"""Columns that the rules of the engine need, mapped or not."""


def originating_lead(record: PersonRecord) -> RecordKey | None:
    """Return the lead that was qualified into this contact (CS-29)."""
    lead = record.values.get(ORIGINATING_LEAD)
    return RecordKey(PersonTable.LEAD, lead.id) if isinstance(lead, Lookup) else None


@dataclass(frozen=True, slots=True)
class Reading:
    """The columns to select, and per lookup (with its table, empty if it has one target) the related columns.

    `children` and `queries` are read for all records of a read together; their values have the printed form as their
    key. `option_sources` are the tables of mapped options. `compared` are columns that the platform fills: they are
    read for comparison, and their changes trigger nothing.
    """

    columns: frozenset[str]
    related: MappingABC[tuple[str, str], frozenset[str]]
    option_sources: frozenset[OptionSource] = frozenset()
    children: frozenset[Child] = frozenset()
    queries: frozenset[QueryExpression] = frozenset()
    compared: frozenset[str] = frozenset()

    @property
    def watched(self) -> frozenset[str]:
        """Columns whose changes matter: sent columns, and the lookups to rows with sent columns (MAP-35)."""
        return (self.columns - self.compared) | {lookup for lookup, _ in self.related}


def reading_of(mapping: Mapping, table: PersonTable) -> Reading:
    """Collect the columns of one table's filter and rows; a row that only reaches Dataverse reads its own column."""
    columns = set(_RULE_COLUMNS[table])
    related: dict[tuple[str, str], set[str]] = {}
    children: set[Child] = set()
    queries: set[QueryExpression] = set()
    for source in _sources(mapping, table):
        match source:
            case Column(name):
                columns.add(name)
            case Related(lookup, target, column):
                related.setdefault((lookup, target), set()).add(column)
            case Child():
                children.add(source)
            case QueryExpression():
                queries.add(source)
            case _:
                assert_never(source)
    compared = {source.name for source in _filled(mapping, table)} - columns
    return Reading(
        columns=frozenset(columns | compared),
        compared=frozenset(compared),
        related={lookup: frozenset(names) for lookup, names in related.items()},
        option_sources=frozenset(_option_sources(mapping, table)),
        children=frozenset(children),
        queries=frozenset(queries),
    )


def _sources(mapping: Mapping, table: PersonTable) -> Iterator[Source]:
    for row in mapping.for_table(table):
        if row.direction.reaches_platform or row.only is not None:
            yield from sources_of(row.sources[table])
    if (condition := mapping.filters.get(table)) is not None:
        yield from filter_columns(condition)


def _filled(mapping: Mapping, table: PersonTable) -> Iterator[Column]:
    for row in mapping.for_table(table):
        source = row.sources[table]
        if isinstance(source, Column) and row.direction.reaches_dataverse and row.fixed is None:
            yield source


def _option_sources(mapping: Mapping, table: PersonTable) -> Iterator[OptionSource]:
    for row in mapping.for_table(table):
        source = row.sources[table]
        if isinstance(source, MapTo):
            yield source.option_source

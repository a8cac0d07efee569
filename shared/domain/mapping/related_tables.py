"""Finds the related tables that a mapping reads, which the connector's user must be able to read, too.

A row whose table may not be read rests, like a row with an unknown name: the platform keeps its value.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.mapping.check.resolution import Resolved, resolve
from shared.domain.mapping.language.expression import Column, Expression, MapTo, OptionSource, Source, sources_of
from shared.domain.mapping.language.filters import filter_columns
from shared.domain.mapping.model import Mapping, MappingRow
from shared.domain.records.records import PersonTable
from shared.domain.records.table_schema import Schema

LIST_TABLE = "list"


@dataclass(frozen=True, slots=True)
class RelatedRead:
    """A related table of a person table's mapping, with the number of its row; 0 for the table's filter."""

    table: str
    reader: PersonTable
    source: str
    row: int = 0


def related_reads(mapping: Mapping, table: PersonTable, schema: Schema) -> Iterator[RelatedRead]:
    """Yield the related tables of a table's mapping; unresolved sources are not read (`resolution`)."""
    for number, row in enumerate(mapping.rows, start=1):
        if table in row.sources and is_read(row):
            for name, source in _elsewhere(mapping, row.sources[table], table, schema):
                yield RelatedRead(name, table, source, number)
    if (condition := mapping.filters.get(table)) is not None:
        for one in filter_columns(condition):
            if (related := table_of(one, table, schema)) is not None:
                yield RelatedRead(related, table, str(one))


def is_read(row: MappingRow) -> bool:
    """Whether the sources of a row are read: not if the row only fills Dataverse."""
    has_rows = any(isinstance(source, MapTo) for source in row.sources.values())
    return row.direction.reaches_platform or row.only is not None or has_rows


def table_of(source: Source, table: str, schema: Schema) -> str | None:
    """Return the related table of a source; None for a column, or if it does not exist."""
    if isinstance(source, Column):
        return None
    found = resolve(source, table, schema)
    return found.table.name if isinstance(found, Resolved) else None


def _elsewhere(
    mapping: Mapping, expression: Expression, table: PersonTable, schema: Schema
) -> Iterator[tuple[str, str]]:
    match expression:
        case MapTo(OptionSource.LIST):
            yield LIST_TABLE, str(expression)
        case MapTo(OptionSource.PERIODIEK) if mapping.periodiek is not None:
            yield mapping.periodiek.table, str(expression)
            if (name := table_of(mapping.periodiek.name, mapping.periodiek.table, schema)) is not None:
                yield name, str(expression)
        case _:
            for one in sources_of(expression):
                if (name := table_of(one, table, schema)) is not None:
                    yield name, str(one)

"""Resolves expressions in Dataverse's schema: the column to read, and its path.

A row with an unresolved source rests: it is neither read nor planned, so that the platform keeps its value.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from shared.domain.mapping.language.expression import Child, Column, QueryExpression, Related, Source
from shared.domain.mapping.language.query import QueryError, ReadQuery, read_query
from shared.domain.mapping.model import Mapping, Periodiek
from shared.domain.mapping.reading import DO_NOT_BULK_EMAIL, DO_NOT_EMAIL, STATE, Reading
from shared.domain.records.records import PersonTable
from shared.domain.records.table_schema import ColumnDefinition, ColumnType, Schema, TableDefinition
from shared.domain.wording.findings import GapText
from shared.domain.wording.phrase import Phrase, either


class Gap(StrEnum):
    """Why a source cannot be read. Codes are logged and stored."""

    TABLE = "unknown-table"
    COLUMN = "unknown-column"
    LOOKUP = "unknown-lookup"
    AMBIGUOUS = "ambiguous-lookup"
    QUERY = "query-not-allowed"


@dataclass(frozen=True, slots=True)
class Unresolved:
    """`text` names what to change; it has names of tables and columns only."""

    source: Source
    gap: Gap
    text: Phrase


@dataclass(frozen=True, slots=True)
class Resolved:
    """A column, and the table that has it.

    `navigation` leads to the related row; `lookup` is the child's column that leads back; `query` is checked.
    """

    source: Source
    table: TableDefinition
    column: ColumnDefinition
    navigation: str = ""
    lookup: str = ""
    query: ReadQuery | None = None


Resolution = Resolved | Unresolved


@dataclass(frozen=True, slots=True)
class ResolvedPeriodiek:
    """Where the subscriptions of a person table are: `lookup` and `subscribed` are columns of `table`."""

    table: TableDefinition
    lookup: str
    name: Resolved
    subscribed: str


def resolve(source: Source, table: str, schema: Schema) -> Resolution:
    """Resolve a source of a table's mapping."""
    owner = schema.tables.get(table)
    if owner is None:
        return _no_table(source, table)
    match source:
        case Column(name):
            return _column(source, owner, name)
        case Related():
            return _related(source, owner, schema)
        case Child():
            return _child(source, owner, schema)
        case QueryExpression():
            return _query(source, schema)
        case _:
            assert_never(source)


def resolve_periodiek(periodiek: Periodiek, table: PersonTable, schema: Schema) -> ResolvedPeriodiek | Unresolved:
    """Resolve the mapping of periodieken for a table that maps them."""
    name = resolve(periodiek.name, periodiek.table, schema)
    if isinstance(name, Unresolved):
        return name
    rows, lookup = schema.tables[periodiek.table], periodiek.lookups[table]
    if lookup not in rows.lookups_to(table):
        return _elsewhere(Column(lookup), f"{rows.name}.{lookup}", table, GapText.CORRECT_PERIODIEK())
    if periodiek.subscribed not in rows.columns:
        return _no_column(Column(periodiek.subscribed), rows, periodiek.subscribed)
    if (kind := rows.columns[periodiek.subscribed].type) is not ColumnType.BOOLEAN:
        column = f"{rows.name}.{periodiek.subscribed}"
        text = GapText.NOT_TWO_OPTIONS(column=column, type=kind)
        return Unresolved(Column(periodiek.subscribed), Gap.COLUMN, text)
    return ResolvedPeriodiek(rows, lookup, name, periodiek.subscribed)


def tables_named(sources: Iterable[Source], table: str, schema: Schema) -> tuple[set[str], set[str]]:
    """Return the tables that are needed to resolve sources: by logical name, and by their names in the Web API.

    The result grows with the schema: the target of a lookup without a table is known once the lookup's table is.
    """
    names, sets = {table}, set()
    owner = schema.tables.get(table)
    for source in sources:
        match source:
            case Related(lookup, target):
                names |= {target} if target else set(owner.targets(lookup) if owner else ())
            case Child():
                names.add(source.table)
            case QueryExpression():
                try:
                    sets.add(read_query(source).entity_set)
                except QueryError:
                    continue
            case Column():
                pass
            case _:
                assert_never(source)
    return names, sets


def sources_read(reading: Reading) -> Iterator[Source]:
    """Every source that a reading asks for."""
    yield from map(Column, sorted(reading.columns))
    for (lookup, target), columns in sorted(reading.related.items()):
        yield from (Related(lookup, target, column) for column in sorted(columns))
    yield from sorted(reading.children, key=str)
    yield from sorted(reading.queries, key=str)


def essential_sources(mapping: Mapping, table: PersonTable) -> set[Source]:
    """Return the columns that identify people and allow mail: if one is missing, the whole table waits."""
    essential: set[Source] = {Column(name) for name in (STATE, DO_NOT_EMAIL, DO_NOT_BULK_EMAIL)}
    if (email := mapping.email_column(table)) is not None:
        essential.add(Column(email))
    return essential


def _related(source: Related, owner: TableDefinition, schema: Schema) -> Resolution:
    column = owner.columns.get(source.lookup)
    if column is None:
        return _no_column(source, owner, source.lookup)
    targets = owner.targets(source.lookup)
    if source.table and source.table not in targets:
        leads = GapText.LEADS_TO(tables=tuple(sorted(targets))) if targets else GapText.IS_NO_LOOKUP()
        return _elsewhere(source, f"{owner.name}.{source.lookup}", source.table, leads)
    if not targets:
        return Unresolved(source, Gap.LOOKUP, GapText.NO_LOOKUP(column=f"{owner.name}.{source.lookup}"))
    if not source.table and len(targets) > 1:
        choices = either(*(str(Related(source.lookup, target, source.column)) for target in sorted(targets)))
        return Unresolved(source, Gap.AMBIGUOUS, GapText.SEVERAL_TABLES(lookup=source.lookup, choices=choices))
    target = source.table or next(iter(targets))
    related = schema.tables.get(target)
    if related is None:
        return _no_table(source, target)
    return _column(source, related, source.column, navigation=targets[target].navigation)


def _child(source: Child, owner: TableDefinition, schema: Schema) -> Resolution:
    child = schema.tables.get(source.table)
    if child is None:
        return _no_table(source, source.table)
    lookups = child.lookups_to(owner.name)
    if source.lookup and source.lookup not in lookups:
        instead = GapText.WRITE_ONE_OF(names=tuple(lookups)) if lookups else GapText.NO_LOOKUP_DOES()
        return _elsewhere(source, f"{child.name}.{source.lookup}", owner.name, instead)
    if not lookups:
        return Unresolved(source, Gap.LOOKUP, GapText.NO_WAY_BACK(child=child.name, table=owner.name))
    if not source.lookup and len(lookups) > 1:
        choices = either(*(f"@child({child.name}.{lookup})" for lookup in lookups))
        return Unresolved(source, Gap.AMBIGUOUS, GapText.SEVERAL_LOOKUPS(child=child.name, choices=choices))
    if source.sort not in child.columns:
        return _no_column(source, child, source.sort)
    return _column(source, child, source.column, lookup=source.lookup or lookups[0])


def _query(source: QueryExpression, schema: Schema) -> Resolution:
    try:
        query = read_query(source)
    except QueryError as problem:
        return Unresolved(source, Gap.QUERY, GapText.QUERY(problem=problem.text))
    table = schema.with_entity_set(query.entity_set)
    if table is None:
        return Unresolved(source, Gap.TABLE, GapText.NO_ENTITY_SET(name=query.entity_set))
    return _column(source, table, query.column, query=query)


def _column(
    source: Source,
    table: TableDefinition,
    name: str,
    *,
    navigation: str = "",
    lookup: str = "",
    query: ReadQuery | None = None,
) -> Resolution:
    column = table.columns.get(name)
    if column is None:
        return _no_column(source, table, name)
    return Resolved(source, table, column, navigation, lookup, query)


def _elsewhere(source: Source, lookup: str, table: str, cure: Phrase) -> Unresolved:
    return Unresolved(source, Gap.LOOKUP, GapText.LEADS_ELSEWHERE(lookup=lookup, table=table, cure=cure))


def _no_table(source: Source, name: str) -> Unresolved:
    return Unresolved(source, Gap.TABLE, GapText.NO_TABLE(table=name))


def _no_column(source: Source, table: TableDefinition, name: str) -> Unresolved:
    return Unresolved(source, Gap.COLUMN, GapText.NO_COLUMN(table=table.name, column=name))

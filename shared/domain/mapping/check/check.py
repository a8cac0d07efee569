"""Checks a mapping against Dataverse's schema and steps, and against the platform's properties. Pure.

The check does not refuse a mapping: the caller decides what an error, a warning or a note means.
"""

from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from operator import attrgetter

from shared.domain.mapping.check.check_filters import FilterCheck
from shared.domain.mapping.check.check_rights import rights_findings
from shared.domain.mapping.check.check_tables import TableCheck
from shared.domain.mapping.check.resolution import Resolved, Unresolved, resolve, resolve_periodiek
from shared.domain.mapping.circles import circles
from shared.domain.mapping.conversions import Impossible, Lossy, expression_to_platform, kind_of, to_dataverse
from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.mapping.language.expression import (
    Child,
    Column,
    Constant,
    MapTo,
    OptionSource,
    QueryExpression,
    Related,
    Source,
    sources_of,
)
from shared.domain.mapping.model import PERMISSIONS, Mapping, MappingRow
from shared.domain.mapping.reading import reading_of
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType
from shared.domain.records.records import PersonTable
from shared.domain.records.table_schema import ColumnDefinition, ColumnType, EventStep, ReadRight, Schema
from shared.domain.values.values import Foreign, Misfit, convert

PROTECTED = ("Type", "Birthday")
"""Properties whose rows must not be deleted, if the account has them (MAP-33)."""

_TAKES_FOREIGN = frozenset({PropertyType.STRING, PropertyType.PHONE_NUMBER})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that a mapping is checked against. `tables` are the synchronised tables.

    `steps` are the registrations that send saves to the connector; None if they may not be read. `rights` are the
    rights of its user by related table; None if Dataverse does not return them.
    """

    schema: Schema
    catalogue: PropertyCatalogue
    tables: frozenset[PersonTable]
    steps: tuple[EventStep, ...] | None = None
    rights: MappingABC[str, ReadRight] | None = field(default_factory=dict)


def check(mapping: Mapping, surroundings: Surroundings) -> tuple[Finding, ...]:
    """Return the findings, errors first, then in the order of rows."""
    found = list(dict.fromkeys(_findings(mapping, surroundings)))
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: (order.index(finding.severity), finding.row)))


def _findings(mapping: Mapping, surroundings: Surroundings) -> Iterator[Finding]:
    for number, row in enumerate(mapping.rows, start=1):
        yield from _property(number, row, surroundings.catalogue)
        for table in sorted(surroundings.tables & row.sources.keys(), key=attrgetter("value")):
            yield from _RowCheck(number, row, table, surroundings).findings()
            if row.only is not None:
                filters = FilterCheck(table, surroundings.schema, mapping.language)
                yield from filters.row_filter(row.sources[table], row.only, number)
    for table in sorted(surroundings.tables, key=attrgetter("value")):
        if mapping.for_table(table):
            yield from TableCheck(mapping, table, surroundings.schema, surroundings.steps).findings()
    yield from rights_findings(mapping, surroundings.tables, surroundings.schema, surroundings.rights)
    yield from circles(mapping, surroundings.tables)
    yield from _entity(mapping, surroundings.schema)
    yield from _periodieken(mapping, surroundings)
    yield from _protected(mapping, surroundings.catalogue)
    yield from _permissions(mapping, surroundings)
    yield from _language(mapping, surroundings.schema)


# --------------------------------------------------------------------------------------------------------- one property


def _property(number: int, row: MappingRow, catalogue: PropertyCatalogue) -> Iterator[Finding]:
    if row.fixed is not None:
        return
    for name in filter(None, (row.property_name, row.foreign)):
        if catalogue.named(name) is None:
            meant = catalogue.find(name)
            cure = f"write {meant.name}" if meant else "create it in Spotler, make it visible, or delete the row"
            text = f"Spotler has no property with the name {name}: {cure}"
            yield Finding(Severity.WARNING, Code.UNKNOWN_PROPERTY, text, number)
    foreign = catalogue.named(row.foreign) if row.foreign else None
    if foreign is not None and foreign.type not in _TAKES_FOREIGN:
        text = f"{foreign.name} takes foreign values and must be a text property; it is of type {foreign.type}"
        yield Finding(Severity.ERROR, Code.CONVERSION, text, number)


# --------------------------------------------------------------------------------------------------- one row of a table


@dataclass(frozen=True, slots=True)
class _RowCheck:
    """Checks one row for one table."""

    number: int
    row: MappingRow
    table: PersonTable
    surroundings: Surroundings

    def findings(self) -> Iterator[Finding]:
        """Yield the findings for the row."""
        source = self.row.sources[self.table]
        for one in sources_of(source):
            found = resolve(one, self.table, self.surroundings.schema)
            if isinstance(found, Unresolved):
                yield self._finding(Severity.ERROR, Code(found.gap), found.text)
        definition = self.surroundings.catalogue.named(self.row.property_name)
        if definition is not None and self.row.direction.reaches_platform:
            yield from self._to_platform(definition)
            yield from self._unseen()
        if self.row.direction.reaches_dataverse and isinstance(source, Column):
            yield from self._to_dataverse(source, definition)
        if isinstance(source, Column) and (column := self._column(source)) is not None:
            yield from self._options(column, definition)

    def _to_platform(self, definition: PropertyDefinition) -> Iterator[Finding]:
        source = self.row.sources[self.table]
        if isinstance(source, Constant) and definition.type is not PropertyType.SET:
            match convert(source.text, None, definition.type):
                case Misfit(expected):
                    text = f"{definition.name} expects {expected}: correct the fixed value"
                    yield self._finding(Severity.ERROR, Code.FIXED_VALUE, text)
                case Foreign() if not self.row.foreign:
                    text = f"{definition.name} expects the Dutch format: correct the fixed value"
                    yield self._finding(Severity.ERROR, Code.FIXED_VALUE, text)
                case _:
                    pass
            return
        if self.row.choices and definition.type is not PropertyType.SET:
            return  # translated values of the row are checked one by one
        match expression_to_platform(source, definition, self._column):
            case Impossible(reason) | Lossy(reason):
                text = f"{source} cannot fill {definition.name} ({definition.type}): {reason}"
                yield self._finding(Severity.ERROR, Code.CONVERSION, text)
            case _:
                pass

    def _to_dataverse(self, source: Column, definition: PropertyDefinition | None) -> Iterator[Finding]:
        column = self._column(source)
        if column is None:
            return
        if not column.writable:
            text = f"Dataverse does not let {column.name} be changed: use direction -> or another column"
            yield self._finding(Severity.ERROR, Code.READ_ONLY, text)
        if (fixed := self.row.fixed) is not None and column.max_length is not None and len(fixed) > column.max_length:
            text = f"{column.name} takes {column.max_length} characters: shorten the fixed value"
            yield self._finding(Severity.ERROR, Code.TOO_LONG, text)
        if definition is None:
            return
        match to_dataverse(definition.type, kind_of(column)):
            case Impossible(reason) | Lossy(reason):
                text = f"{definition.name} ({definition.type}) cannot fill {column.name}: {reason}"
                yield self._finding(Severity.ERROR, Code.CONVERSION, text)
            case _:
                pass

    def _options(self, column: ColumnDefinition, definition: PropertyDefinition | None) -> Iterator[Finding]:
        known = {str(option.value) for option in column.options}
        known |= {"true", "false"} if column.type is ColumnType.BOOLEAN else set()
        if column.options and (unknown := sorted(self.row.choices.keys() - known)):
            text = f"{column.name} has no option {', '.join(unknown)}: correct choices"
            yield self._finding(Severity.WARNING, Code.UNKNOWN_OPTION, text)
        if definition is None or definition.type is not PropertyType.SET or not column.type.is_choice:
            return
        for option in column.options:
            label = self.row.choices.get(str(option.value), option.label)
            if definition.entry(label) is None:
                text = (
                    f"{definition.name} has no option for {column.name} = {option.value}: "
                    "add an option with its label in Spotler, or translate it in choices"
                )
                yield self._finding(Severity.WARNING, Code.UNKNOWN_OPTION, text)

    def _unseen(self) -> Iterator[Finding]:
        """P-26: a step hears of saves of the record, not of those of other rows."""
        source = self.row.sources[self.table]
        related = [str(one) for one in sources_of(source) if isinstance(one, Related | Child | QueryExpression)]
        if related:
            text = f"Changes of {', '.join(related)} fire nothing: the next save of the record or a resync sees them"
            yield self._finding(Severity.NOTE, Code.UNSEEN_CHANGES, text)

    def _column(self, source: Source) -> ColumnDefinition | None:
        found = resolve(source, self.table, self.surroundings.schema)
        return found.column if isinstance(found, Resolved) else None

    def _finding(self, severity: Severity, code: Code, text: str) -> Finding:
        return Finding(severity, code, text, self.number, self.table)


# ------------------------------------------------------------------------------------------------------ the whole of it


def _entity(mapping: Mapping, schema: Schema) -> Iterator[Finding]:
    if not mapping.entity_table:
        return
    table = schema.tables.get(mapping.entity_table)
    if table is None:
        text = f"Table {mapping.entity_table} does not exist in Dataverse: correct entityTable"
        yield Finding(Severity.ERROR, Code.UNKNOWN_TABLE, text)
        return
    for number, row in enumerate(mapping.rows, start=1):
        if row.entity is not None and row.entity.name not in table.columns:
            text = f"{table.name} has no column {row.entity.name}: correct the entity column"
            yield Finding(Severity.ERROR, Code.UNKNOWN_COLUMN, text, number)


def _periodieken(mapping: Mapping, surroundings: Surroundings) -> Iterator[Finding]:
    for table in sorted(surroundings.tables, key=attrgetter("value")):
        if mapping.periodiek is None or OptionSource.PERIODIEK not in reading_of(mapping, table).option_sources:
            continue
        found = resolve_periodiek(mapping.periodiek, table, surroundings.schema)
        if isinstance(found, Unresolved):
            yield Finding(Severity.ERROR, Code(found.gap), f"periodiek: {found.text}", table=table)


def _protected(mapping: Mapping, catalogue: PropertyCatalogue) -> Iterator[Finding]:
    filled = {
        row.property_name for row in mapping.rows if not all(isinstance(one, MapTo) for one in row.sources.values())
    }
    for name in PROTECTED:
        definition = catalogue.find(name)
        if definition is not None and definition.name not in filled:
            text = f"Spotler has the field {definition.name} and no row fills it: its row must not be deleted"
            yield Finding(Severity.WARNING, Code.PROTECTED_ROW, text)


def _permissions(mapping: Mapping, surroundings: Surroundings) -> Iterator[Finding]:
    """DBF-07, OPT-11: without the row, a refusal in Dynamics stays in Dynamics."""
    if surroundings.catalogue.named(PERMISSIONS) is None:
        return
    for table in sorted(surroundings.tables, key=attrgetter("value")):
        rows = mapping.for_table(table)
        if rows and not any(_sends_permissions(row, table) for row in rows):
            text = (
                f"No row brings permissions of {table} to Spotler, so what Dynamics says of them does not travel: "
                f"restore its row, {PERMISSIONS} with @map(permissions)"
            )
            yield Finding(Severity.WARNING, Code.PERMISSIONS_UNMAPPED, text, table=table)


def _sends_permissions(row: MappingRow, table: PersonTable) -> bool:
    return row.property_name == PERMISSIONS and row.direction.reaches_platform and isinstance(row.sources[table], MapTo)


def _language(mapping: Mapping, schema: Schema) -> Iterator[Finding]:
    languages = {
        language
        for table in schema.tables.values()
        for column in table.columns.values()
        for option in column.options
        for language in option.labels
    }
    if mapping.language is not None and languages and mapping.language not in languages:
        known = ", ".join(str(language) for language in sorted(languages))
        text = f"No label in Dataverse is in language {mapping.language}: write one of {known}, or none"
        yield Finding(Severity.WARNING, Code.UNKNOWN_LANGUAGE, text)

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
from shared.domain.wording.expectations import Expectation
from shared.domain.wording.findings import FindingText
from shared.domain.wording.phrase import Phrase

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
            cure = FindingText.WRITE_NAME(name=meant.name) if meant else FindingText.CREATE_PROPERTY()
            text = FindingText.NO_PROPERTY(name=name, cure=cure)
            yield Finding(Severity.WARNING, Code.UNKNOWN_PROPERTY, text, number)
    foreign = catalogue.named(row.foreign) if row.foreign else None
    if foreign is not None and foreign.type not in _TAKES_FOREIGN:
        text = FindingText.FOREIGN_NO_TEXT(name=foreign.name, type=foreign.type)
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
                    text = FindingText.FIXED_MISFIT(name=definition.name, expected=expected)
                    yield self._finding(Severity.ERROR, Code.FIXED_VALUE, text)
                case Foreign() if not self.row.foreign:
                    text = FindingText.FIXED_MISFIT(name=definition.name, expected=Expectation.DUTCH_FORMAT())
                    yield self._finding(Severity.ERROR, Code.FIXED_VALUE, text)
                case _:
                    pass
            return
        if self.row.choices and definition.type is not PropertyType.SET:
            return  # translated values of the row are checked one by one
        match expression_to_platform(source, definition, self._column):
            case Impossible(reason) | Lossy(reason):
                text = FindingText.CANNOT_FILL_PROPERTY(
                    source=str(source), name=definition.name, type=definition.type, reason=reason
                )
                yield self._finding(Severity.ERROR, Code.CONVERSION, text)
            case _:
                pass

    def _to_dataverse(self, source: Column, definition: PropertyDefinition | None) -> Iterator[Finding]:
        column = self._column(source)
        if column is None:
            return
        if not column.writable:
            text = FindingText.READ_ONLY(column=column.name)
            yield self._finding(Severity.ERROR, Code.READ_ONLY, text)
        if (fixed := self.row.fixed) is not None and column.max_length is not None and len(fixed) > column.max_length:
            text = FindingText.FIXED_TOO_LONG(column=column.name, most=column.max_length)
            yield self._finding(Severity.ERROR, Code.TOO_LONG, text)
        if definition is None:
            return
        match to_dataverse(definition.type, kind_of(column)):
            case Impossible(reason) | Lossy(reason):
                text = FindingText.CANNOT_FILL_COLUMN(
                    name=definition.name, type=definition.type, column=column.name, reason=reason
                )
                yield self._finding(Severity.ERROR, Code.CONVERSION, text)
            case _:
                pass

    def _options(self, column: ColumnDefinition, definition: PropertyDefinition | None) -> Iterator[Finding]:
        known = {str(option.value) for option in column.options}
        known |= {"true", "false"} if column.type is ColumnType.BOOLEAN else set()
        if column.options and (unknown := sorted(self.row.choices.keys() - known)):
            text = FindingText.UNKNOWN_CHOICES(column=column.name, options=tuple(unknown))
            yield self._finding(Severity.WARNING, Code.UNKNOWN_OPTION, text)
        if definition is None or definition.type is not PropertyType.SET or not column.type.is_choice:
            return
        for option in column.options:
            label = self.row.choices.get(str(option.value), option.label)
            if definition.entry(label) is None:
                text = FindingText.NO_OPTION(name=definition.name, column=column.name, value=str(option.value))
                yield self._finding(Severity.WARNING, Code.UNKNOWN_OPTION, text)

    def _unseen(self) -> Iterator[Finding]:
        """P-26: a step hears of saves of the record, not of those of other rows."""
        source = self.row.sources[self.table]
        related = tuple(str(one) for one in sources_of(source) if isinstance(one, Related | Child | QueryExpression))
        if related:
            yield self._finding(Severity.NOTE, Code.UNSEEN_CHANGES, FindingText.UNSEEN(sources=related))

    def _column(self, source: Source) -> ColumnDefinition | None:
        found = resolve(source, self.table, self.surroundings.schema)
        return found.column if isinstance(found, Resolved) else None

    def _finding(self, severity: Severity, code: Code, text: Phrase) -> Finding:
        return Finding(severity, code, text, self.number, self.table)


# ------------------------------------------------------------------------------------------------------ the whole of it


def _entity(mapping: Mapping, schema: Schema) -> Iterator[Finding]:
    if not mapping.entity_table:
        return
    table = schema.tables.get(mapping.entity_table)
    if table is None:
        text = FindingText.NO_ENTITY_TABLE(table=mapping.entity_table)
        yield Finding(Severity.ERROR, Code.UNKNOWN_TABLE, text)
        return
    for number, row in enumerate(mapping.rows, start=1):
        if row.entity is not None and row.entity.name not in table.columns:
            text = FindingText.NO_ENTITY_COLUMN(table=table.name, column=row.entity.name)
            yield Finding(Severity.ERROR, Code.UNKNOWN_COLUMN, text, number)


def _periodieken(mapping: Mapping, surroundings: Surroundings) -> Iterator[Finding]:
    for table in sorted(surroundings.tables, key=attrgetter("value")):
        if mapping.periodiek is None or OptionSource.PERIODIEK not in reading_of(mapping, table).option_sources:
            continue
        found = resolve_periodiek(mapping.periodiek, table, surroundings.schema)
        if isinstance(found, Unresolved):
            text = FindingText.PERIODIEK(problem=found.text)
            yield Finding(Severity.ERROR, Code(found.gap), text, table=table)


def _protected(mapping: Mapping, catalogue: PropertyCatalogue) -> Iterator[Finding]:
    filled = {
        row.property_name for row in mapping.rows if not all(isinstance(one, MapTo) for one in row.sources.values())
    }
    for name in PROTECTED:
        definition = catalogue.find(name)
        if definition is not None and definition.name not in filled:
            yield Finding(Severity.WARNING, Code.PROTECTED_ROW, FindingText.PROTECTED(name=definition.name))


def _permissions(mapping: Mapping, surroundings: Surroundings) -> Iterator[Finding]:
    """DBF-07, OPT-11: without the row, a refusal in Dynamics stays in Dynamics."""
    if surroundings.catalogue.named(PERMISSIONS) is None:
        return
    for table in sorted(surroundings.tables, key=attrgetter("value")):
        rows = mapping.for_table(table)
        if rows and not any(_sends_permissions(row, table) for row in rows):
            text = FindingText.NO_PERMISSIONS(table=table, property=PERMISSIONS)
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
        known = tuple(str(language) for language in sorted(languages))
        text = FindingText.NO_LANGUAGE(language=str(mapping.language), known=known)
        yield Finding(Severity.WARNING, Code.UNKNOWN_LANGUAGE, text)

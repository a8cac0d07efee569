"""Finds changes of the schema on either side that concern a mapping. Pure.

The stored description has names, types, lengths and labels of columns, properties and options: no personal data.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.domain.mapping.check.resolution import Resolved, resolve
from shared.domain.mapping.language.expression import Child, Column, QueryExpression, Related, Source, sources_of
from shared.domain.mapping.language.filters import filter_columns
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.records.records import PersonTable
from shared.domain.records.table_schema import Schema
from shared.domain.wording.findings import DriftText
from shared.domain.wording.phrase import Phrase, either

ANY_TABLE = ""
"""Where a lookup or a query leads is not written down everywhere."""


class Shift(StrEnum):
    """A kind of change of a column, a property or an option."""

    DELETED = "deleted"
    RENAMED = "renamed"
    """Another label, under the same name."""
    RETYPED = "retyped"
    REPLACED = "replaced"
    """Deleted and created again: old values are lost."""
    SHORTENED = "shortened"
    OPTION_DELETED = "option-deleted"
    OPTION_RENAMED = "option-renamed"
    OPTION_ADDED = "option-added"


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One change. `what` is `contact.gendercode`, `contact.gendercode=3`, `spotler.city` or `spotler.permissions:4`."""

    what: str
    shift: Shift
    hint: Phrase | None = None

    def __str__(self) -> str:
        return f"{self.what} {self.shift}{f' ({self.hint})' if self.hint else ''}"


@dataclass(frozen=True, slots=True)
class Known:
    """A column or a property as it was; `options` are labels by value, or bit. `id` and `length` if there is any."""

    type: str
    label: str
    id: str = ""
    length: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Landscape:
    """The columns and properties that a mapping names: columns by table and name, properties by name."""

    columns: Mapping[tuple[str, str], Known]
    properties: Mapping[str, Known]


def landscape(mapping: FieldMapping, schema: Schema, catalogue: PropertyCatalogue) -> Landscape:
    """Describe the columns and properties of a mapping that exist."""
    columns: dict[tuple[str, str], Known] = {}
    for table in PersonTable:
        for source in _sources(mapping, table):
            found = resolve(source, table, schema)
            if isinstance(found, Resolved):
                column = found.column
                options = {str(option.value): option.label for option in column.options}
                known = Known(column.type, column.label, column.id, column.max_length, options)
                columns[found.table.name, column.name] = known
    return Landscape(columns, _properties(mapping, catalogue))


def changes(
    before: Landscape, mapping: FieldMapping, schema: Schema, catalogue: PropertyCatalogue
) -> list[SchemaChange]:
    """Return the changes of what the mapping still names, columns first."""
    now = landscape(mapping, schema, catalogue)
    named = {place for table in PersonTable for source in _sources(mapping, table) for place in _places(source, table)}
    found: list[SchemaChange] = []
    for (table, name), old in before.columns.items():
        what = f"{table}.{name}"
        if (new := now.columns.get((table, name))) is not None:
            found += _shifts(what, old, new, separator="=")
        elif {(table, name), (ANY_TABLE, name)} & named and schema.column(table, name) is None:
            found.append(SchemaChange(what, Shift.DELETED, _perhaps(_twins(old, table, schema))))
    for name, old in before.properties.items():
        what = f"spotler.{name}"
        if (new := now.properties.get(name)) is not None:
            found += _shifts(what, old, new, separator=":")
        elif name in _filled(mapping) and catalogue.named(name) is None:
            twin = catalogue.find(old.label)
            found.append(SchemaChange(what, Shift.DELETED, _perhaps([twin.name] if twin else [])))
    return found


def _shifts(what: str, old: Known, new: Known, *, separator: str) -> Iterator[SchemaChange]:
    if old.id != new.id:
        yield SchemaChange(what, Shift.REPLACED)
    if old.type != new.type:
        yield SchemaChange(what, Shift.RETYPED, DriftText.TYPE(old=old.type, new=new.type))
    if old.label != new.label:
        yield SchemaChange(what, Shift.RENAMED)
    if old.length is not None and new.length is not None and new.length < old.length:
        yield SchemaChange(what, Shift.SHORTENED, DriftText.LENGTH(old=old.length, new=new.length))
    for option, label in old.options.items():
        if option not in new.options:
            yield SchemaChange(f"{what}{separator}{option}", Shift.OPTION_DELETED)
        elif new.options[option] != label:
            yield SchemaChange(f"{what}{separator}{option}", Shift.OPTION_RENAMED)
    yield from (
        SchemaChange(f"{what}{separator}{option}", Shift.OPTION_ADDED)
        for option in new.options.keys() - old.options.keys()
    )


def _perhaps(names: list[str]) -> Phrase | None:
    return DriftText.PERHAPS(names=either(*names)) if names else None


def _twins(old: Known, table: str, schema: Schema) -> list[str]:
    """Return the columns that resemble a deleted one: Dataverse cannot rename, so people create a new column."""
    found = schema.tables.get(table)
    columns = found.columns.values() if found else ()
    return sorted(column.name for column in columns if old.label and column.label == old.label)


def _properties(mapping: FieldMapping, catalogue: PropertyCatalogue) -> dict[str, Known]:
    found: dict[str, Known] = {}
    for name in sorted(_filled(mapping)):
        if (definition := catalogue.named(name)) is not None:
            options = {str(entry.bit): entry.label for entry in definition.entries}
            found[name] = Known(definition.type_name or definition.type, definition.label, options=options)
    return found


def _filled(mapping: FieldMapping) -> set[str]:
    return {name for row in mapping.rows if row.fixed is None for name in (row.property_name, row.foreign) if name}


def _sources(mapping: FieldMapping, table: PersonTable) -> Iterator[Source]:
    for row in mapping.for_table(table):
        yield from sources_of(row.sources[table])
    if (condition := mapping.filters.get(table)) is not None:
        yield from filter_columns(condition)


def _places(source: Source, table: PersonTable) -> Iterator[tuple[str, str]]:
    match source:
        case Column(name):
            yield str(table), name
        case Related(_, target, column):
            yield target or ANY_TABLE, column
        case Child():
            yield source.table, source.column
        case QueryExpression():
            return  # the check of the mapping reports a deleted column

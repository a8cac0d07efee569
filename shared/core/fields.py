"""What Spotler should hold for a record: the mapping applied to one row, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from shared.core.mapping.expression import Column, Constant, CustomerType, Expression, MapTo, Related
from shared.core.mapping.model import MappingRow, OnInvalid
from shared.core.marketing import PropertyCatalogue, PropertyDefinition, PropertyType, PropertyValue, SetOption
from shared.core.outcomes import FieldProblem
from shared.core.records import PersonRecord
from shared.core.values import EMPTY, Fits, Foreign, Misfit, convert

Scalar = str | int | bool
"""What one field of `Fields` holds: text or a number, and True or False for an option."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The wished state of a Spotler contact, flat: `name` for a value, `name:bit` for one option of a set.

    `omitted` are values that stay as they are in Spotler, `fatal` those that stop the record (VAL-05).
    """

    values: Mapping[str, Scalar]
    omitted: tuple[FieldProblem, ...] = ()
    fatal: tuple[FieldProblem, ...] = ()


_FAILING_TYPES = {PropertyType.EMAIL, PropertyType.POSTCODE}
"""VAL-05 names e-mail addresses and post codes: their record is skipped. Other fields are left out by default."""


def wished_fields(record: PersonRecord, rows: tuple[MappingRow, ...], catalogue: PropertyCatalogue) -> Fields:
    """Apply the rows that reach Spotler; rows whose property the account does not have are left alone (MAP-27)."""
    collector = _Collector(record, catalogue)
    for row in rows:
        definition = catalogue.named(row.spotler)
        if definition is None or not row.direction.reaches_spotler:
            continue
        if isinstance(row.sources[record.key.table], MapTo):
            collector.take_options(definition)
        else:
            collector.take_value(row, definition)
    return Fields(collector.values, tuple(collector.omitted), tuple(collector.fatal))


def all_permissions_off(rows: tuple[MappingRow, ...], catalogue: PropertyCatalogue) -> dict[str, Scalar]:
    """Every option of the mapped permission properties, switched off (PERM-08)."""
    switched: dict[str, Scalar] = {}
    for row in rows:
        definition = catalogue.named(row.spotler)
        if definition is not None and any(isinstance(source, MapTo) for source in row.sources.values()):
            switched |= {option_name(definition.name, entry.bit): False for entry in definition.entries}
    return switched


def option_name(name: str, bit: int) -> str:
    """Name one option of a set property, as in `permissions:4`."""
    return f"{name}:{bit}"


def as_properties(values: Mapping[str, Scalar]) -> dict[str, PropertyValue]:
    """Fold `name:bit` entries back into Spotler's set properties."""
    properties: dict[str, PropertyValue] = {}
    options: dict[str, list[SetOption]] = {}
    for name, value in values.items():
        base, is_option, bit = name.partition(":")
        if is_option:
            options.setdefault(base, []).append(SetOption(int(bit), bool(value)))
        else:
            properties[name] = value
    return properties | {name: tuple(entries) for name, entries in options.items()}


@dataclass(slots=True)
class _Collector:
    """Gathers the fields of one record."""

    record: PersonRecord
    catalogue: PropertyCatalogue
    values: dict[str, Scalar] = field(default_factory=dict)
    omitted: list[FieldProblem] = field(default_factory=list)
    fatal: list[FieldProblem] = field(default_factory=list)

    def take_options(self, definition: PropertyDefinition) -> None:
        """Match Spotler Permission rows by the option's name (PERM-18); options without a row are not mentioned."""
        for row in self.record.permissions:
            if (entry := definition.entry(row.name)) is not None:
                name = option_name(definition.name, entry.bit)
                self.values[name] = row.subscribed and self.values.get(name) is not False  # of two rows, the lower wins

    def take_value(self, row: MappingRow, definition: PropertyDefinition) -> None:
        """Convert the value of one row; one that is not Dutch goes to the row's foreign property (VAL-07)."""
        source = row.sources[self.record.key.table]
        value, label = evaluate(source, self.record)
        if (translated := row.choices.get(str(value))) is not None:
            value, label = translated, None
        foreign = self.catalogue.named(row.foreign) if row.foreign else None
        match convert(value, label, definition.type):
            case Fits(converted):
                self.values[row.spotler] = converted
                if foreign is not None:
                    self.values.setdefault(foreign.name, EMPTY)
            case Foreign(text) if foreign is not None:
                self.values[row.spotler] = EMPTY
                self.values[foreign.name] = text
            case Foreign():
                self._complain(row, definition, FieldProblem(row.spotler, str(source), "the Dutch format"))
            case Misfit(expected):
                self._complain(row, definition, FieldProblem(row.spotler, str(source), expected))

    def _complain(self, row: MappingRow, definition: PropertyDefinition, problem: FieldProblem) -> None:
        policy = row.on_invalid or (OnInvalid.FAIL if definition.type in _FAILING_TYPES else OnInvalid.OMIT)
        (self.fatal if policy is OnInvalid.FAIL else self.omitted).append(problem)


def evaluate(source: Expression, record: PersonRecord) -> tuple[Any, str | None]:
    """Return the value of an expression and, where Dataverse has one, its formatted text."""
    match source:
        case Column(name):
            return record.values.get(name), record.labels.get(name)
        case Related(lookup, table, column):
            path = related_name(lookup, table, column)
            return record.values.get(path), record.labels.get(path)
        case CustomerType():
            return str(record.key.table), None
        case Constant(text):
            return text, None
        case MapTo():
            return None, None
        case _:
            assert_never(source)


def related_name(lookup: str, table: str, column: str) -> str:
    """Name the column of a related row in `PersonRecord.values`."""
    return f"{lookup}({table}).{column}"

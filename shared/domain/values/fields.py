"""The wanted fields of a contact: the mapping applied to one record, field by field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import assert_never

from shared.domain.mapping.language.evaluate import Evaluated
from shared.domain.mapping.language.expression import MapTo, OptionSource
from shared.domain.mapping.model import PERMISSIONS, BlankPolicy, Direction, MappingRow, OnInvalid
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.records.marketing_contact import (
    MarketingContact,
    PropertyCatalogue,
    PropertyDefinition,
    PropertyType,
    PropertyValue,
    SetOption,
)
from shared.domain.records.outcomes import FieldProblem
from shared.domain.records.records import Choices, PermissionRow, PersonRecord
from shared.domain.values.countries import country_code
from shared.domain.values.mapped_rows import MappedRow, mapped_rows
from shared.domain.values.values import EMPTY, Fits, Foreign, Misfit, convert, is_blank, text_of
from shared.domain.wording.expectations import Expectation
from shared.domain.wording.phrase import Phrase

Scalar = str | int | bool
"""The value of a field of `Fields`: text or a number, and True or False for an option."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The wanted fields of a contact, flat: `name` for a value, `name:bit` for one option of a set.

    `omitted` are values that stay as they are in the platform, `fatal` those that stop the record (VAL-05), `cut` those
    that are sent in part.
    """

    values: Mapping[str, Scalar]
    omitted: tuple[FieldProblem, ...] = ()
    fatal: tuple[FieldProblem, ...] = ()
    cut: tuple[FieldProblem, ...] = ()


_BOTH_WAYS = frozenset(Direction)
_TO_PLATFORM = frozenset(direction for direction in Direction if direction.reaches_platform)
_COUNTRY = "country"
_OF_A_COUNTRY = {PropertyType.POSTCODE, PropertyType.MOBILE_NUMBER, PropertyType.PHONE_NUMBER}
"""Types whose form depends on the country (VAL-06)."""
_ROW = "Spotler Permission"
"""The label of permission rows for people. Their name itself is not repeated."""

_FAILING_TYPES = {PropertyType.EMAIL, PropertyType.POSTCODE}
"""VAL-05 names e-mail addresses and post codes: their record is skipped. Other fields are left out by default."""


def wished_fields(record: PersonRecord, mapping: FieldMapping, catalogue: PropertyCatalogue) -> Fields:
    """Apply the rows that reach the platform; rows whose property the account does not have are ignored (MAP-27).

    Rows that rest because Dataverse does not have their column are ignored, too: a deleted column must not empty the
    platform.
    """
    return _fields(record, mapping, catalogue, _TO_PLATFORM)


def present_values(
    record: PersonRecord, mapping: FieldMapping, catalogue: PropertyCatalogue, wished: Fields | None = None
) -> Mapping[str, Scalar]:
    """Return the present values of the rows of both directions, in the platform's form: Dataverse's side of a merge.

    Blank policies do not count here, and a value that the platform could not have is absent. `wished` are the wished
    fields of the record, where they are known: mostly they are the same.
    """
    if wished is not None and mapping.sends_as_is(record.key.table):
        return wished.values
    return _fields(record, mapping, catalogue, _BOTH_WAYS, blanks=BlankPolicy.CLEAR).values


def _fields(
    record: PersonRecord,
    mapping: FieldMapping,
    catalogue: PropertyCatalogue,
    directions: frozenset[Direction],
    *,
    blanks: BlankPolicy | None = None,
) -> Fields:
    rows = mapping.for_table(record.key.table)
    collector = _Collector(record, rows, mapping.zone, blanks)
    all_are_read = mapping.rows_read(record) is rows
    for one in mapped_rows(rows, record.key.table, catalogue, directions):
        if not all_are_read and one.row.rests(record):
            collector.report_unread(one.row)
        elif one.option_source is not None:
            collector.take_rows(one, one.option_source)
        elif one.definition.type is PropertyType.SET:
            collector.take_choices(one)
        else:
            collector.take_value(one)
    return Fields(collector.values, tuple(collector.omitted), tuple(collector.fatal), tuple(collector.cut))


def all_permissions_off(rows: tuple[MappingRow, ...], catalogue: PropertyCatalogue) -> dict[str, Scalar]:
    """Return every option of permissions and of other mapped rows, switched off (PERM-08).

    A refusal does not depend on the mapping: the property of permissions counts even if no row maps it.
    """
    mapped = {row.property_name for row in rows if any(isinstance(source, MapTo) for source in row.sources.values())}
    definitions = (catalogue.named(name) for name in sorted({PERMISSIONS, *mapped}))
    return {
        option_name(definition.name, entry.bit): False
        for definition in definitions
        if definition is not None
        for entry in definition.entries
    }


def all_emptied(rows: tuple[MappingRow, ...], catalogue: PropertyCatalogue) -> dict[str, Scalar]:
    """Return every mapped property, emptied: options off, values empty, including foreign properties."""
    emptied: dict[str, Scalar] = {}
    for row in rows:
        for name in (row.property_name, row.foreign) if row.direction.reaches_platform else ():
            definition = catalogue.named(name)
            if definition is not None and definition.type is PropertyType.SET:
                emptied |= {option_name(name, entry.bit): False for entry in definition.entries}
            elif definition is not None:
                emptied[name] = EMPTY
    return emptied


def option_name(name: str, bit: int) -> str:
    """Name one option of a set property, as in `permissions:4`."""
    return f"{name}:{bit}"


def is_option(name: str) -> bool:
    """Whether a field is one option of a set property."""
    return ":" in name


def enabled_options(contact: MarketingContact | None) -> frozenset[str]:
    """Name the options that a contact has, as in `permissions:4`; nothing where it was not read."""
    properties = contact.properties if contact is not None else {}
    return frozenset(
        option_name(name, option.bit)
        for name, value in properties.items()
        if isinstance(value, tuple)
        for option in value
        if option.enabled
    )


def as_properties(values: Mapping[str, Scalar]) -> dict[str, PropertyValue]:
    """Convert `name:bit` entries back to set properties."""
    properties: dict[str, PropertyValue] = {}
    options: dict[str, list[SetOption]] = {}
    for name, value in values.items():
        base, is_option, bit = name.partition(":")
        if is_option:
            options.setdefault(base, []).append(SetOption(int(bit), bool(value)))
        else:
            properties[name] = value
    return properties | {name: tuple(entries) for name, entries in options.items()}


def rows_of(option_source: OptionSource, record: PersonRecord) -> tuple[PermissionRow, ...]:
    """Return the rows in which a record's subscriptions live."""
    match option_source:
        case OptionSource.PERMISSIONS:
            return record.permissions
        case OptionSource.LIST:
            return record.lists
        case OptionSource.PERIODIEK:
            return record.periodieken
        case _:
            assert_never(option_source)


@dataclass(slots=True)
class _Collector:
    """Gathers the fields of one record. `blanks` overrules the rows' own blank policies."""

    record: PersonRecord
    rows: tuple[MappingRow, ...]
    zone: tzinfo
    blanks: BlankPolicy | None = None
    values: dict[str, Scalar] = field(default_factory=dict)
    omitted: list[FieldProblem] = field(default_factory=list)
    fatal: list[FieldProblem] = field(default_factory=list)
    cut: list[FieldProblem] = field(default_factory=list)

    def report_unread(self, row: MappingRow) -> None:
        """Report why a row rests whose source exists and may not be read."""
        for name, why in row.unread(self.record).items():
            self.omitted.append(FieldProblem(row.property_name, name, unread=why))

    def take_rows(self, mapped: MappedRow, option_source: OptionSource) -> None:
        """Match permissions, lists or periodieken by the option's name (PERM-18); options without a match are left out.

        A permission with an unknown name is reported. Marketing lists and periodieken are not: the platform does not
        have most of their names.
        """
        rows, definition = rows_of(option_source, self.record), mapped.definition
        for row in rows:
            if (entry := definition.entry(row.name)) is not None:
                name = option_name(definition.name, entry.bit)
                self.values[name] = row.subscribed and self.values.get(name) is not False  # of two rows, the lower wins
        if option_source is OptionSource.PERMISSIONS and any(definition.entry(row.name) is None for row in rows):
            self.omitted.append(FieldProblem(mapped.row.property_name, _ROW, Expectation.PERMISSION_NAME()))

    def take_choices(self, mapped: MappedRow) -> None:
        """Switch on the options that a choice or choices column has, and the others off, by label."""
        row, definition, evaluated = mapped.row, mapped.definition, mapped.evaluate(self.record)
        if is_blank(evaluated.value) and self._keeps(row):
            return
        labels = _labels(evaluated, row.choices)
        entries = [definition.entry(label) for label in labels]
        chosen = {entry.bit for entry in entries if entry is not None}
        if len(entries) > entries.count(None) or not labels:
            for entry in definition.entries:
                self.values[option_name(definition.name, entry.bit)] = entry.bit in chosen
        if None in entries:
            self._report(row, definition, Expectation.LIST_LABELS())

    def take_value(self, mapped: MappedRow) -> None:
        """Convert the value of one row; one that is not Dutch goes to the row's foreign property (VAL-07)."""
        row, definition, foreign = mapped.row, mapped.definition, mapped.foreign
        value, label = mapped.evaluate(self.record)
        if row.choices:
            value, label = _translated(Evaluated(value, label), row.choices)
        if is_blank(value):
            self._take_nothing(row, foreign)
            return
        country = self._country(mapped.country_column) if definition.type in _OF_A_COUNTRY else ""
        match convert(value, label, definition.type, zone=self.zone, country=country):
            case Fits(converted, loss):
                self.values[row.property_name] = converted
                if foreign is not None:
                    self.values.setdefault(foreign.name, EMPTY)
                if loss:
                    self.cut.append(FieldProblem(row.property_name, self._source(row), loss=loss))
            case Foreign() if foreign is not None and self.values.get(foreign.name):
                expected = Expectation.FOREIGN_PROPERTY(name=foreign.name)
                self.omitted.append(FieldProblem(row.property_name, self._source(row), expected))
            case Foreign(text) if foreign is not None:
                self.values[row.property_name] = EMPTY
                self.values[foreign.name] = text
            case Foreign():
                self._report(row, definition, Expectation.DUTCH_FORMAT())
            case Misfit(expected):
                self._report(row, definition, expected)

    def _take_nothing(self, row: MappingRow, foreign: PropertyDefinition | None) -> None:
        """Empty the properties of a row, unless it keeps what they hold."""
        if self._keeps(row):
            return
        self.values[row.property_name] = EMPTY
        if foreign is not None:
            self.values.setdefault(foreign.name, EMPTY)

    def _country(self, column: str) -> str:
        """Return the country of the address of a value, as far as the mapping reads it; otherwise "".

        The column next to that of a post code counts; without it, the row of the platform's country.
        """
        if column in self.record.values:
            return country_code(text_of(self.record.values[column] or "", self.record.labels.get(column)))
        for one in self.rows:
            if one.property_name == _COUNTRY and not one.rests(self.record):
                evaluated = _translated(one.evaluate(self.record), one.choices)
                return "" if is_blank(evaluated.value) else country_code(text_of(*evaluated))
        return ""

    def _keeps(self, row: MappingRow) -> bool:
        return (self.blanks or row.blank) is BlankPolicy.KEEP

    def _report(self, row: MappingRow, definition: PropertyDefinition, expected: Phrase) -> None:
        problem = FieldProblem(row.property_name, self._source(row), expected)
        policy = row.on_invalid or (OnInvalid.FAIL if definition.type in _FAILING_TYPES else OnInvalid.OMIT)
        (self.fatal if policy is OnInvalid.FAIL else self.omitted).append(problem)

    def _source(self, row: MappingRow) -> str:
        return str(row.sources[self.record.key.table])


def _labels(evaluated: Evaluated, translations: Mapping[str, str]) -> list[str]:
    """Name the options that a value stands for: a choices column has several, a choice one, others none that count."""
    value, label = evaluated
    if isinstance(value, Choices):
        return [translations.get(str(option), text) for option, text in zip(value.values, value.labels, strict=True)]
    if is_blank(value):
        return []
    return [_translation(value, translations) or label or ""]


def _translated(evaluated: Evaluated, translations: Mapping[str, str]) -> Evaluated:
    """Put the row's own texts in place of options."""
    if not translations:
        return evaluated
    if isinstance(evaluated.value, Choices):
        return Evaluated(Choices(evaluated.value.values, tuple(_labels(evaluated, translations))))
    translation = _translation(evaluated.value, translations)
    return evaluated if translation is None else Evaluated(translation)


def _translation(value: object, translations: Mapping[str, str]) -> str | None:
    """Find an option as `choices` spells it: by number, two options also as true and false."""
    if isinstance(value, bool):
        return translations.get(str(int(value)), translations.get(str(value).lower()))
    return translations.get(str(value))

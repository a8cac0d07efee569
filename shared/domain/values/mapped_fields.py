"""The mapped fields of a contact, and their values.

Fields are named as in `fields`: `name` for a value, `name:bit` for one option of a set.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache
from types import MappingProxyType
from typing import Generic, TypeVar

from shared.domain.mapping.language.expression import MapTo, OptionSource
from shared.domain.mapping.model import MappingRow
from shared.domain.records.marketing_contact import (
    MarketingContact,
    PropertyCatalogue,
    PropertyDefinition,
    PropertyType,
)
from shared.domain.records.records import PersonTable
from shared.domain.values.fields import Scalar, option_name
from shared.domain.values.values import EMPTY, Fits, Foreign, Misfit, convert


@dataclass(frozen=True, slots=True)
class MappedField:
    """A field of a contact with its row of the mapping; `option_source` for an option with rows in Dataverse."""

    row: MappingRow
    definition: PropertyDefinition
    bit: int | None = None
    option_source: OptionSource | None = None


Kept = TypeVar("Kept")


class _Same(Generic[Kept]):
    """An argument of the cache: equal to the same object only, which no comparison of its content has to show."""

    __slots__ = ("kept",)

    def __init__(self, kept: Kept) -> None:
        self.kept = kept

    def __hash__(self) -> int:
        return id(self.kept)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.kept is other.kept


def mapped_fields(
    rows: tuple[MappingRow, ...], table: PersonTable, catalogue: PropertyCatalogue
) -> Mapping[str, MappedField]:
    """Name every field of the contact that rows of a table map; worked out once for these rows and this catalogue."""
    return _mapped_fields(_Same(rows), table, _Same(catalogue))


@lru_cache(maxsize=128)
def _mapped_fields(
    rows: _Same[tuple[MappingRow, ...]], table: PersonTable, account: _Same[PropertyCatalogue]
) -> Mapping[str, MappedField]:
    fields: dict[str, MappedField] = {}
    catalogue = account.kept
    for row in rows.kept:
        definition = catalogue.named(row.property_name)
        if definition is None:
            continue
        source = row.sources[table]
        option_source = source.option_source if isinstance(source, MapTo) else None
        if definition.type is PropertyType.SET:
            for entry in definition.entries:
                fields[option_name(definition.name, entry.bit)] = MappedField(row, definition, entry.bit, option_source)
        else:
            fields[definition.name] = MappedField(row, definition)
            if row.foreign and (foreign := catalogue.named(row.foreign)) is not None:
                fields[foreign.name] = MappedField(row, foreign)
    return MappingProxyType(fields)


def values_of(contact: MarketingContact, fields: Mapping[str, MappedField], zone: tzinfo) -> dict[str, Scalar]:
    """Read a contact's fields in the form in which they would be sent; an absent value is empty, an option off."""
    return {name: _value(contact, one, zone) for name, one in fields.items()}


def _value(contact: MarketingContact, one: MappedField, zone: tzinfo) -> Scalar:
    value = contact.properties.get(one.definition.name)
    if one.bit is not None:
        return isinstance(value, tuple) and any(option.bit == one.bit and option.enabled for option in value)
    if value is None or isinstance(value, tuple):
        return EMPTY
    match convert(value, None, one.definition.type, zone=zone):
        case Fits(fitting):
            return fitting
        case Foreign(text):
            return text
        case Misfit():
            return str(value)


def has_moved(
    contact: MarketingContact,
    base: Mapping[str, str],
    fields: Mapping[str, MappedField],
    fingerprint: Callable[[str, Scalar], str],
    zone: tzinfo,
) -> bool:
    """Whether a contact has another value than agreed on in one of these fields.

    Echoes of the connector's own writes end here, before Dataverse is read (C-44).
    """
    return any(True for _ in moved_fields(contact, base, fields, fingerprint, zone))


def moved_fields(
    contact: MarketingContact,
    base: Mapping[str, str],
    fields: Mapping[str, MappedField],
    fingerprint: Callable[[str, Scalar], str],
    zone: tzinfo,
) -> Iterator[str]:
    """Return the fields of a contact that have another value than agreed on."""
    for name, one in fields.items():
        value = _value(contact, one, zone)
        if base[name] != fingerprint(name, value) if name in base else not (value == EMPTY or value is False):
            yield name

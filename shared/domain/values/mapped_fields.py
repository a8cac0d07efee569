"""The mapped fields of a contact, and their values.

Fields are named as in `fields`: `name` for a value, `name:bit` for one option of a set.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache
from types import MappingProxyType

from shared.domain.mapping.language.expression import OptionSource
from shared.domain.mapping.model import MappingRow
from shared.domain.records.marketing_contact import (
    MarketingContact,
    PropertyCatalogue,
    PropertyDefinition,
    PropertyType,
)
from shared.domain.records.records import PersonTable
from shared.domain.values.fields import Scalar, option_name
from shared.domain.values.mapped_rows import Same, option_source
from shared.domain.values.values import EMPTY, Fits, Foreign, Misfit, convert


@dataclass(frozen=True, slots=True)
class MappedField:
    """A field of a contact with its row of the mapping; `option_source` for an option with rows in Dataverse."""

    row: MappingRow
    definition: PropertyDefinition
    bit: int | None = None
    option_source: OptionSource | None = None


def mapped_fields(
    rows: tuple[MappingRow, ...], table: PersonTable, catalogue: PropertyCatalogue
) -> Mapping[str, MappedField]:
    """Name every field of the contact that rows of a table map; worked out once for these rows and this catalogue."""
    return _mapped_fields(Same(rows), table, Same(catalogue))


@lru_cache(maxsize=128)
def _mapped_fields(
    rows: Same[tuple[MappingRow, ...]], table: PersonTable, account: Same[PropertyCatalogue]
) -> Mapping[str, MappedField]:
    fields: dict[str, MappedField] = {}
    catalogue = account.kept
    for row in rows.kept:
        definition = catalogue.named(row.property_name)
        if definition is None:
            continue
        source = option_source(row, table)
        if definition.type is PropertyType.SET:
            for entry in definition.entries:
                fields[option_name(definition.name, entry.bit)] = MappedField(row, definition, entry.bit, source)
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

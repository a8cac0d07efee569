"""Set and Clear Contact Field: finds the property that an author means, and its value (FLD-03..FLD-12)."""

from dataclasses import dataclass
from datetime import tzinfo

from shared.domain.mapping.model import Direction, MappingRow
from shared.domain.records.marketing_contact import (
    PropertyCatalogue,
    PropertyDefinition,
    PropertyType,
    PropertyValue,
    SetEntry,
    SetOption,
)
from shared.domain.values.values import EMPTY, Fits, Foreign, Misfit, convert

_ON = {"true", "ja", "1"}
_OFF = {"false", "nee", "0"}

_FORMS = {
    PropertyType.BIRTHDATE: ", such as 2026-03-31",
    PropertyType.DATE: ", such as 2026-03-31",
    PropertyType.DATE_TIME: ", such as 2026-03-31 or 2026-03-31T14:30",
}
"""Examples of types without an obvious form."""


class ContactFieldError(ValueError):
    """The field cannot be written like that; the message has the cure for the job's author, never the value."""


@dataclass(frozen=True, slots=True)
class Target:
    """A property, or one item of a list property."""

    definition: PropertyDefinition
    entry: SetEntry | None = None

    @property
    def name(self) -> str:
        """The internal name, as in `lastorderdate` or `permissions:Newsletter`."""
        return self.definition.name if self.entry is None else f"{self.definition.name}:{self.entry.label}"


def find_target(name: str, catalogue: PropertyCatalogue, rows: tuple[MappingRow, ...]) -> Target:
    """Find the property of a field name; `rows` are those of the person's table. ContactFieldError.

    A name with a colon is an item of a list, unless a property has that name.
    """
    target = _scalar(name, catalogue) or _item(name, catalogue)
    if target is None:
        raise ContactFieldError(f'Spotler has no field "{name}", neither by internal nor by display name.')
    property_name = target.definition.name
    if any(_is_overwritten(row, property_name) for row in rows):
        raise ContactFieldError(
            f"{property_name} is filled from Dataverse (mapped with ->): the next synchronisation would overwrite it. "
            "Change the record, or the mapping."
        )
    return target


def set_value(target: Target, text: str, zone: tzinfo) -> PropertyValue:
    """Convert a typed value to the type of the property (FLD-05, FLD-09). ContactFieldError.

    A time without an offset is in `zone`, the mapping's time zone.
    """
    if target.entry is not None:
        return (SetOption(target.entry.bit, _switch(target, text)),)
    if not text.strip():
        raise ContactFieldError("Parameter Value is empty: to empty a field, use Clear Contact Field.")
    match convert(text.strip(), None, target.definition.type, zone=zone):
        case Fits(value):
            return value
        case Foreign():
            raise ContactFieldError(f"Spotler's {target.name} takes the Dutch format only.")
        case Misfit(expected):
            form = _FORMS.get(target.definition.type, "")
            raise ContactFieldError(f"Spotler's {target.name} expects {expected}{form}.")


def cleared_value(target: Target) -> PropertyValue:
    """Return the empty value of the property (FLD-11). ContactFieldError for items of lists (FLD-12)."""
    if target.entry is not None:
        raise ContactFieldError(f"{target.name} is an item of a list: switch it off with Set Contact Field and false.")
    return EMPTY


def _scalar(name: str, catalogue: PropertyCatalogue) -> Target | None:
    definition = _definition(name, catalogue)
    if definition is None:
        return None
    if definition.type is PropertyType.SET:
        raise ContactFieldError(
            f"{definition.name} is a list: name one item of it, such as {definition.name}:{_items(definition)[0]}."
        )
    return Target(definition)


def _item(name: str, catalogue: PropertyCatalogue) -> Target | None:
    for index in (index for index, character in enumerate(name) if character == ":"):
        definition = _definition(name[:index], catalogue)
        if definition is None:
            continue
        if definition.type is not PropertyType.SET:
            raise ContactFieldError(f"{definition.name} is no list: leave out the colon and what follows.")
        if (entry := definition.entry(name[index + 1 :])) is None:
            raise ContactFieldError(
                f"The list {definition.name} has no item of that name, or several: {', '.join(_items(definition))}."
            )
        return Target(definition, entry)
    return None


def _definition(name: str, catalogue: PropertyCatalogue) -> PropertyDefinition | None:
    """Find by internal name, else by display name; FLD-04: one display name for several fields is an error."""
    name = name.strip()
    if (found := catalogue.find(name)) is not None:
        return found
    folded = name.casefold()
    same = [one.name for one in catalogue.definitions if one.label.strip().casefold() == folded]
    if len(same) > 1:
        raise ContactFieldError(f'Several fields are called "{name}". Use the internal name of one: {", ".join(same)}.')
    return None


def _is_overwritten(row: MappingRow, property_name: str) -> bool:
    """FLD-07; the property for values that are not Dutch is written with its row."""
    return row.direction is Direction.TO_PLATFORM and property_name in {row.property_name, row.foreign}


def _items(definition: PropertyDefinition) -> list[str]:
    return [entry.label for entry in definition.entries] or ["item"]


def _switch(target: Target, text: str) -> bool:
    word = text.strip().casefold()
    if word in _ON | _OFF:
        return word in _ON
    raise ContactFieldError(f"{target.name} is switched on by true, ja or 1, and off by false, nee or 0.")

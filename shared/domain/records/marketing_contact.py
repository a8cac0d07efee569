"""The marketing platform's properties and contacts, and the results of writes.

Pure values: the adapter converts them to requests, and answers to them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

Item = TypeVar("Item")

Scalar = str | int | float | bool | None
"""A property value in JSON. On write, None and "" both empty the property."""


# ---------------------------------------------------------------------------------------------------------- properties


class PropertyType(StrEnum):
    """The property types of Mail+, as `GET /contact/properties/list` names them."""

    BIRTHDATE = "birthdate"
    DATE = "date"
    DATE_TIME = "dateTime"
    EMAIL = "email"
    GENDER = "gender"
    INT = "int"
    MOBILE_NUMBER = "mobNr"
    MONEY = "money"
    PHONE_NUMBER = "phoneNumber"
    """No type of Mail+, but its text property of that name: it takes Dutch numbers only, as mobNr does (VAL-06)."""
    POSTCODE = "postcode"
    SET = "set"
    STRING = "string"
    UNKNOWN = "unknown"
    """A type that Mail+ got after this was written; `PropertyDefinition.type_name` keeps its name."""


def property_type(name: str, type_name: str) -> PropertyType:
    """Return the type by which the values of a property are converted."""
    known = {kind.value: kind for kind in PropertyType}
    kind = known.get(type_name, PropertyType.UNKNOWN)
    is_phone = kind is PropertyType.STRING and name == PropertyType.PHONE_NUMBER
    return PropertyType.PHONE_NUMBER if is_phone else kind


@dataclass(frozen=True, slots=True)
class SetEntry:
    """One option of a set property. `bit` identifies it on the wire: it is looked up, never computed."""

    bit: int
    label: str
    rank: int = 0


@dataclass(frozen=True)
class PropertyDefinition:
    """A property of the account: `name` is the key on the wire, `label` is shown to users and may change."""

    name: str
    label: str
    type: PropertyType
    entries: tuple[SetEntry, ...] = ()
    type_name: str = ""

    def entry(self, label: str) -> SetEntry | None:
        """Find an option by its label, ignoring case and outer blanks; None if absent or not unique."""
        return self._by_label.get(_folded(label))

    def entry_with_bit(self, bit: int) -> SetEntry | None:
        """Find an option by its bit."""
        return self._by_bit.get(bit)

    @cached_property
    def _by_label(self) -> dict[str, SetEntry]:
        return _unique({entry: entry.label for entry in self.entries})

    @cached_property
    def _by_bit(self) -> dict[int, SetEntry]:
        return {entry.bit: entry for entry in self.entries}


@dataclass(frozen=True)
class PropertyCatalogue:
    """Every property of one account at one moment."""

    definitions: tuple[PropertyDefinition, ...] = ()

    def named(self, name: str) -> PropertyDefinition | None:
        """Find a property by its internal name only, as in a mapping (MAP-26)."""
        return self._by_name.get(name)

    def find(self, name: str) -> PropertyDefinition | None:
        """Find a property by its internal name, else by its label if that is unique (case and outer blanks ignored)."""
        return self._by_name.get(name) or self._by_label.get(_folded(name))

    @cached_property
    def _by_name(self) -> dict[str, PropertyDefinition]:
        return {definition.name: definition for definition in self.definitions}

    @cached_property
    def _by_label(self) -> dict[str, PropertyDefinition]:
        return _unique({definition: definition.label for definition in self.definitions})


# ------------------------------------------------------------------------------------------------------------ contacts


@dataclass(frozen=True, slots=True)
class SetOption:
    """The state of one option of a set property. On write, options that are not mentioned keep their state."""

    bit: int
    enabled: bool


PropertyValue = Scalar | tuple[SetOption, ...]


class Channel(StrEnum):
    """Where Mail+ can reach a contact."""

    EMAIL = "EMAIL"
    SMS = "SMS"


@dataclass(frozen=True, slots=True)
class MarketingContact:
    """A contact as just read. Empty properties are absent; set properties carry all their options.

    `external_id` is "" for a contact from a form or an import. `channels` has per channel name (`Channel`; unknown
    names are kept) whether the platform may use it: an opted-out or bounced contact has `EMAIL: False`. A contact of an
    unreadable list has its ids only.
    """

    external_id: str
    encrypted_id: str
    properties: Mapping[str, PropertyValue] = field(default_factory=dict)
    channels: Mapping[str, bool] = field(default_factory=dict)
    last_changed: datetime | None = None
    created: datetime | None = None
    is_readable: bool = True

    @property
    def is_unreachable(self) -> bool:
        """Whether the contact cannot be mailed: after an opt-out, bounces, or a deactivation (BNC-01)."""
        return bool(self.properties.get("email")) and not self.channels.get(Channel.EMAIL, True)


@dataclass(frozen=True, slots=True)
class Bounce:
    """A bounced mail. `kind` is HARDBOUNCE or SOFTBOUNCE (others kept), `mailing` its encrypted id."""

    kind: str
    date: datetime | None
    mailing: str
    contact: MarketingContact


@dataclass(frozen=True, slots=True)
class ContactWrite:
    """The properties to insert or update for one contact, by internal name."""

    external_id: str
    properties: Mapping[str, PropertyValue]


class Purge(StrEnum):
    """What a write does to properties that it does not mention."""

    KEEP = "keep"
    PURGE = "purge"


# ------------------------------------------------------------------------------------------------------------ outcomes


class WriteCode(StrEnum):
    """The platform's answer for one contact of a bulk write; MISSING without an answer."""

    OK = "OK"
    PROPERTY_INVALID = "PROPERTY_INVALID"
    CONTACT_ALREADY_EXISTS = "CONTACT_ALREADY_EXISTS"
    CONTACT_UNKNOWN = "CONTACT_UNKNOWN"
    CONTACT_OPTOUT = "CONTACT_OPTOUT"
    NO_ACTIVE_CHANNEL = "NO_ACTIVE_CHANNEL"
    ERROR = "ERROR"
    MISSING = "MISSING"


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The result for one contact. `detail` is the platform's text: for the person's own row, never for a log."""

    code: WriteCode
    detail: str = ""


class Ending(StrEnum):
    """The result of ending a contact: done now, ended before (HTTP 410), or never existed (HTTP 404)."""

    DONE = "done"
    GONE = "gone"
    ABSENT = "absent"


# -------------------------------------------------------------------------------------------------------------- lookup


def _folded(label: str) -> str:
    return label.strip().casefold()


def _unique(labels: Mapping[Item, str]) -> dict[str, Item]:
    """Index by label without the labels that several share: guessing would write to the wrong place."""
    count = Counter(_folded(label) for label in labels.values())
    return {_folded(label): item for item, label in labels.items() if label.strip() and count[_folded(label)] == 1}

"""Contact properties: their types, the values that each type accepts, and the form in which a value is read back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from shared.local.spotler_sandbox.http.wire import iso, read_moment

EMAIL = "email"
MOBILE = "mobileNumber"
EMAIL_LENGTH = 254

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_DUTCH_POSTCODE = re.compile(r"[1-9][0-9]{3}\s?[A-Z]{2}", re.ASCII)
# A dash is allowed, a blank is not: 079-3632921, 06-18596225, +31618596225 (VAL-08).
_DUTCH_PHONE = re.compile(r"(0|\+31|0031)-?[1-9](-?[0-9]){8}", re.ASCII)
_WHOLE_NUMBER = re.compile(r"-?[0-9]+", re.ASCII)
_AMOUNT = re.compile(r"-?[0-9]+([.,][0-9]{1,2})?", re.ASCII)
_GENDERS = {"M": "M", "F": "F", "MALE": "M", "FEMALE": "F"}


class PropertyType(StrEnum):
    """The types of the service."""

    STRING = "string"
    EMAIL = "email"
    INT = "int"
    MONEY = "money"
    DATE = "date"
    DATE_TIME = "dateTime"
    BIRTHDATE = "birthdate"
    GENDER = "gender"
    POSTCODE = "postcode"
    MOBILE = "mobNr"
    SET = "set"


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a set. `bit` is its key on the wire."""

    bit: int
    description: str


@dataclass(frozen=True, slots=True)
class Property:
    """One field of a contact. Only a set has options."""

    name: str
    description: str
    type: PropertyType = PropertyType.STRING
    options: tuple[Option, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the JSON of `GET /contact/properties/list`."""
        body: dict[str, Any] = {"name": self.name, "description": self.description, "type": str(self.type)}
        if self.type is PropertyType.SET:
            body["entries"] = [
                {"bit": option.bit, "description": option.description, "rank": rank}
                for rank, option in enumerate(self.options, start=1)
            ]
        return body


class InvalidPropertyError(ValueError):
    """A name that is not in the catalogue or a value that its type does not accept. Quotes the name, not the value."""


Scalar = str | int | float
Switches = Mapping[int, bool]


class Catalogue:
    """The properties of an account by name."""

    def __init__(self, properties: tuple[Property, ...]) -> None:
        self.properties = {entry.name: entry for entry in properties}
        self.sets = tuple(entry for entry in properties if entry.type is PropertyType.SET)

    def read(self, values: Mapping[str, Any]) -> dict[str, Scalar | Switches | None]:
        """Check and normalise written values: None clears, a mapping switches options. InvalidPropertyError."""
        return {name: self._read(name, value) for name, value in values.items()}

    def _read(self, name: str, value: Any) -> Scalar | Switches | None:
        entry = self.properties.get(name)
        if entry is None:
            raise InvalidPropertyError(f"property {name} is unknown")
        if value is None or value == "":
            return None
        try:
            return _switches(entry, value) if entry.type is PropertyType.SET else _READERS[entry.type](value)
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidPropertyError(f"property {name} has an invalid value") from error


def _string(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(type(value))
    return str(value)


def _email(value: Any) -> str:
    text = _string(value).strip()
    if len(text) > EMAIL_LENGTH or not _EMAIL.fullmatch(text):
        raise ValueError("email")
    return text


def _int(value: Any) -> int:
    text = _string(value).strip()
    if not _WHOLE_NUMBER.fullmatch(text):
        raise ValueError("int")
    return int(text)


def _money(value: Any) -> Scalar:
    text = _string(value).strip()
    if not _AMOUNT.fullmatch(text):
        raise ValueError("money")
    return text if isinstance(value, str) else _number(value)


def _number(value: Any) -> int | float:
    return value if isinstance(value, int) else float(value)


def _date(value: Any) -> str:
    text = _string(value)
    day = date.fromisoformat(text) if len(text) == len("YYYY-MM-DD") else datetime.fromisoformat(text).date()
    return day.isoformat()


def _date_time(value: Any) -> str:
    return iso(read_moment(_string(value)))


def _gender(value: Any) -> str:
    try:
        return _GENDERS[_string(value).strip().upper()]
    except KeyError as error:
        raise ValueError("gender") from error


def _postcode(value: Any) -> str:
    text = _string(value).strip().upper()
    if not _DUTCH_POSTCODE.fullmatch(text):
        raise ValueError("postcode")
    return text


def _mobile(value: Any) -> str:
    text = _string(value)
    if not _DUTCH_PHONE.fullmatch(text):
        raise ValueError("mobNr")
    return text


def _switches(entry: Property, value: Any) -> Switches:
    bits = {option.bit for option in entry.options}
    switches: dict[int, bool] = {}
    for item in value:
        bit, enabled = item.get("bit"), item.get("enabled")
        if isinstance(bit, bool) or bit not in bits or not isinstance(enabled, bool):
            raise ValueError("set")
        switches[bit] = enabled
    return switches


_READERS: Mapping[PropertyType, Callable[[Any], Scalar]] = {
    PropertyType.STRING: _string,
    PropertyType.EMAIL: _email,
    PropertyType.INT: _int,
    PropertyType.MONEY: _money,
    PropertyType.DATE: _date,
    PropertyType.DATE_TIME: _date_time,
    PropertyType.BIRTHDATE: _date,
    PropertyType.GENDER: _gender,
    PropertyType.POSTCODE: _postcode,
    PropertyType.MOBILE: _mobile,
}

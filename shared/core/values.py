"""How a Dataverse value becomes a value that Spotler accepts, per property type (VAL-06..VAL-08).

Dataverse values are its JSON types; dates are ISO text. The result is exactly what goes over the wire to Spotler, so
that equal results mean "nothing to write". The empty string empties a property.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from shared.core.marketing import PropertyType
from shared.core.records import Choices, Lookup

EMPTY = ""
"""What empties a property in Spotler."""

_DUTCH_POSTCODE = re.compile(r"([1-9][0-9]{3})\s?([A-Za-z]{2})")
_GENDERS = {"1": "M", "2": "F", "m": "M", "f": "F", "male": "M", "female": "F", "man": "M", "vrouw": "F", "v": "F"}
_BLANKS_IN_PHONE = re.compile(r"[\s().\u00a0]")
_DUTCH_PHONE = re.compile(r"0[0-9]{1,3}-?[0-9]{6,8}")
_DUTCH_REGION, _DUTCH_PREFIX = "NL", 31
_DUTCH_PHONE_DIGITS = 10
_CENT = Decimal("0.01")
_WITH_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]{1,2}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T|$)")
_DAY_LENGTH = len("2024-12-31")
_MOST_DIGITS = 18  # Dataverse's own limit is 100 billion for amounts and 2^63 for whole numbers


@dataclass(frozen=True, slots=True)
class Fits:
    """The value as Spotler wants it; `loss` tells what of it did not come along."""

    value: str | int
    loss: str = field(default="", compare=False)  # equal is what is equal on the wire


@dataclass(frozen=True, slots=True)
class Foreign:
    """Well formed, but Spotler's property is for Dutch values only; it belongs into a field of its own (VAL-07)."""

    value: str


@dataclass(frozen=True, slots=True)
class Misfit:
    """Spotler would refuse it. `expected` tells the record's owner what would do."""

    expected: str


Converted = Fits | Foreign | Misfit


def convert(value: Any, label: str | None, kind: PropertyType, *, zone: tzinfo = UTC) -> Converted:
    """Convert one value; `label` is its formatted text where Dataverse has one (choices, lookups, two options).

    `zone` is where dates are dates: a moment is turned into its day there, and a day into its midnight.
    """
    if kind is not PropertyType.SET and is_blank(value):
        return Fits(EMPTY)
    return _CONVERSIONS[kind](value, label, zone)


def is_email(text: str) -> bool:
    """Whether an address is syntactically fine (VAL-02); says nothing about the mailbox."""
    return _is_address(text_of(text, None))


def is_blank(value: Any) -> bool:
    """Whether there is nothing in a column: no value, or blanks only."""
    return value is None or (isinstance(value, str) and not value.strip())


def text_of(value: Any, label: str | None) -> str:
    """Write a value as text: its label where it has one, a number without an exponent, blanks around it removed."""
    if label is not None:
        return sound(label)
    match value:
        case bool():
            return "true" if value else "false"
        case float() | Decimal():
            return f"{Decimal(str(value)):f}".removesuffix(".0")
        case Lookup():
            return str(value.id)
        case Choices():
            return sound("; ".join(value.labels))
        case _:
            return sound(str(value).strip())


def sound(text: str) -> str:
    """Replace half characters: long texts are cut anywhere in Dataverse, also within an emoji; Spotler takes UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def clipped(text: str, longest: int) -> str:
    """Cut a text to what a column of Dataverse holds, which counts as Windows does: an emoji is two (UTF-16).

    Whoever compares a text with what was written cuts it first, or it differs for ever.
    """
    units = text.encode("utf-16-le", "replace")
    return text if len(units) <= 2 * longest else units[: 2 * longest].decode("utf-16-le", "ignore").rstrip()


def _text(value: Any, label: str | None, _zone: tzinfo) -> Converted:
    return Fits(text_of(value, label))


def _email(value: Any, _label: str | None, _zone: tzinfo) -> Converted:
    text = text_of(value, None)
    return Fits(text) if _is_address(text) else Misfit("an e-mail address such as name@company.com")


@lru_cache(maxsize=4096)  # a record's address is looked at several times while it is planned
def _is_address(text: str) -> bool:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  # imports dnspython; keep start fast

    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True


def _integer(value: Any, _label: str | None, _zone: tzinfo) -> Converted:
    if isinstance(value, bool):
        return Fits(int(value))
    number = decimal_of(value)
    if number is None or number != number.to_integral_value():
        return Misfit("a whole number")
    return Fits(int(number))


def _money(value: Any, _label: str | None, _zone: tzinfo) -> Converted:
    amount = None if isinstance(value, bool) else decimal_of(value)
    if amount is None:
        return Misfit("an amount")
    rounded = amount.quantize(_CENT, ROUND_HALF_UP)
    return Fits(str(rounded), loss="" if rounded == amount else "rounded to cents")


def decimal_of(value: Any) -> Decimal | None:
    """Read a number as it is written; None if it is none, or too large to be meant.

    A comma before one or two digits is a decimal point, as Spotler writes amounts; before three it could be either.
    """
    text = str(value).strip()
    if _WITH_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    return number if number.adjusted() <= _MOST_DIGITS else None


def _date(value: Any, _label: str | None, zone: tzinfo) -> Converted:
    moment = moment_of(value)
    if moment is None:
        return Misfit("a date")
    if not isinstance(moment, datetime):
        return Fits(moment.isoformat())
    try:
        local = moment if moment.tzinfo is None else moment.astimezone(zone)
    except OverflowError:
        return Misfit("a date")
    return Fits(local.date().isoformat(), loss="" if local.time() == time() else "without the time of day")


def _moment(value: Any, _label: str | None, zone: tzinfo) -> Converted:
    moment = moment_of(value)
    if moment is None:
        return Misfit("a date and time")
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    try:
        return Fits(in_zone(moment, zone).isoformat(timespec="seconds"))
    except OverflowError:
        return Misfit("a date and time")


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """Give a moment the zone's offset; one without an offset is that time there (where clocks skip it, the next)."""
    local = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
    return local.astimezone(UTC).astimezone(zone)


def moment_of(value: Any) -> datetime | date | None:
    """Read an ISO date, or date and time; None if it is none."""
    text = str(value).strip()
    if not _ISO_DATE.match(text):
        return None
    try:
        return date.fromisoformat(text) if len(text) == _DAY_LENGTH else datetime.fromisoformat(text)
    except ValueError:
        return None


def _gender(value: Any, label: str | None, _zone: tzinfo) -> Converted:
    gender = gender_of(str(value), label or "")
    return Misfit("male or female (1 or 2)") if gender is None else Fits(gender)


def gender_of(*spellings: str) -> str | None:
    """Return M or F for the first spelling that is one of them; None if none is."""
    return next((gender for text in spellings if (gender := _GENDERS.get(text.strip().lower()))), None)


def _postcode(value: Any, _label: str | None, _zone: tzinfo) -> Converted:
    text = text_of(value, None)
    if match := _DUTCH_POSTCODE.fullmatch(text):
        return Fits(f"{match[1]} {match[2].upper()}")
    return Foreign(text)


def _phone(value: Any, _label: str | None, _zone: tzinfo) -> Converted:
    """Accept the Dutch forms of VAL-08 as they are (a dash is fine, blanks are not), bring others into one."""
    text = _BLANKS_IN_PHONE.sub("", str(value))
    if _DUTCH_PHONE.fullmatch(text) and sum(character.isdigit() for character in text) == _DUTCH_PHONE_DIGITS:
        return Fits(text)
    import phonenumbers  # noqa: PLC0415  # its tables take a while to load; most numbers do not need them

    try:
        number = phonenumbers.parse(str(value), _DUTCH_REGION)
    except phonenumbers.NumberParseException:
        return Misfit("a phone number such as 06-18596225 or +32 470 12 34 56")
    if not phonenumbers.is_possible_number(number):
        return Misfit("a phone number such as 06-18596225 or +32 470 12 34 56")
    if number.country_code != _DUTCH_PREFIX:
        return Foreign(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))
    return Fits(f"0{number.national_number}")


def _set(_value: Any, _label: str | None, _zone: tzinfo) -> Converted:
    return Misfit("options: a choice, choices, or rows by @map(permissions)")


_CONVERSIONS: dict[PropertyType, Callable[[Any, str | None, tzinfo], Converted]] = {
    PropertyType.STRING: _text,
    PropertyType.UNKNOWN: _text,  # a type that Spotler got later: text is what every type can be written as
    PropertyType.EMAIL: _email,
    PropertyType.INT: _integer,
    PropertyType.MONEY: _money,
    PropertyType.DATE: _date,
    PropertyType.BIRTHDATE: _date,
    PropertyType.DATE_TIME: _moment,
    PropertyType.GENDER: _gender,
    PropertyType.POSTCODE: _postcode,
    PropertyType.MOBILE_NUMBER: _phone,
    PropertyType.SET: _set,
}

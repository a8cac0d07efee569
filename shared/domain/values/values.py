"""Converts a Dataverse value to a value that the platform accepts, per property type (VAL-06..VAL-08).

Dataverse values have its JSON types; dates are ISO text. The result is exactly what is sent, so equal results mean
"nothing to write". The empty string empties a property. Conversion is idempotent: a converted value stays the same, so
it is no change when it is read back.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from shared.domain.records.marketing_contact import PropertyType
from shared.domain.records.records import Choices, Lookup, UnknownOption
from shared.domain.values.addresses import address_text
from shared.domain.values.countries import NETHERLANDS
from shared.domain.values.moments import in_zone, moment_of
from shared.domain.values.texts import visible
from shared.domain.wording.expectations import Expectation, LossText
from shared.domain.wording.phrase import Phrase

EMPTY = ""
"""The value that empties a property."""

_GENDERS = {"1": "M", "2": "F", "m": "M", "f": "F", "male": "M", "female": "F", "man": "M", "vrouw": "F", "v": "F"}
_DUTCH_POSTCODE = re.compile(r"(?:NL[ -]*)?([1-9][0-9]{3})[ -]*([A-Z]{2})", re.IGNORECASE | re.ASCII)
_NEARLY_DUTCH_POSTCODE = re.compile(r"(?:NL[ -]*)?[0-9]{4}[ -]*(?=[0-9]*[A-Z])[A-Z0-9]{1,3}", re.IGNORECASE | re.ASCII)
_BLANKS_IN_PHONE = re.compile(r"[\s().]")
_DUTCH_PHONE = re.compile(r"0[1-9][0-9]{0,2}-?[0-9]{6,8}", re.ASCII)
_WITH_COUNTRY_CODE = re.compile(r"\s*(\+|\uff0b|00)")
_DUTCH_PHONE_DIGITS = 10
_DUTCH_PREFIX = 31
_CENT = Decimal("0.01")
_WITH_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]{1,2}")
_PERHAPS_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_PLAIN_ADDRESS = re.compile(
    r"[a-z0-9]+(?:[._+-][a-z0-9]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,3}", re.IGNORECASE | re.ASCII
)
_LONGEST_PLAIN = 64
"""Nearly all addresses are of this form and length, and each of these is valid. The library takes far longer."""
_MOST_DIGITS = 18  # Dataverse's own limit is 100 billion for amounts and 2^63 for whole numbers


@dataclass(frozen=True, slots=True)
class Fits:
    """The value in the platform's form; `loss` is the part that was left out."""

    value: str | int
    loss: Phrase | None = field(default=None, compare=False)  # equal values are equal on the wire


@dataclass(frozen=True, slots=True)
class Foreign:
    """A valid value for a property that accepts Dutch values only; it needs a foreign property (VAL-07)."""

    value: str


@dataclass(frozen=True, slots=True)
class Misfit:
    """The platform would refuse the value. `expected` describes a valid value to the record's owner."""

    expected: Phrase


Converted = Fits | Foreign | Misfit

_EMPTY_FITS = Fits(EMPTY)


def convert(value: Any, label: str | None, kind: PropertyType, *, zone: tzinfo = UTC, country: str = "") -> Converted:
    """Convert one value; `label` is its formatted text if Dataverse has one (choices, lookups, two options).

    `country` is the ISO 3166 code of the person's address, "" if unknown: it decides whether a post code or a phone
    number without country code is Dutch (VAL-07).
    """
    if isinstance(value, UnknownOption):
        return Misfit(Expectation.OPTION())
    if kind is not PropertyType.SET and is_blank(value):
        return _EMPTY_FITS
    return _CONVERSIONS[kind](value, label, zone, country)


def is_email(text: str) -> bool:
    """Whether an address has a valid syntax (VAL-02); the mailbox may not exist."""
    return _is_address(address_text(text))


def is_blank(value: Any) -> bool:
    """Whether there is nothing in a column: no value, or blanks only."""
    return value is None or (isinstance(value, str) and not value.strip())


def text_of(value: Any, label: str | None) -> str:
    """Write a value as text: its label where it has one, a number without an exponent, blanks around it removed."""
    if label is not None:
        return sound(label).strip()
    match value:
        case bool():
            return "true" if value else "false"
        case float() | Decimal():
            return f"{Decimal(str(value)):f}".removesuffix(".0")
        case Lookup():
            return str(value.id)
        case Choices():
            return sound("; ".join(filter(None, value.labels)))
        case _:
            return sound(str(value).strip())


def sound(text: str) -> str:
    """Replace lone surrogates: Dataverse may cut a long text within an emoji, and the platform accepts UTF-8 only."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def clipped(text: str, longest: int) -> str:
    """Cut a text to the room in a column of Dataverse, which counts UTF-16 units: an emoji has two.

    A text must be cut before it is compared with a written one, or they would always differ.
    """
    units = text.encode("utf-16-le", "replace")
    return text if len(units) <= 2 * longest else units[: 2 * longest].decode("utf-16-le", "ignore").rstrip()


def _text(value: Any, label: str | None, _zone: tzinfo, _country: str) -> Converted:
    if label is None and isinstance(value, Choices) and value.has_unknown:
        text = text_of(value, None)
        return Fits(text, loss=LossText.OPTION()) if text else Misfit(Expectation.OPTIONS())
    return Fits(text_of(value, label))


def _email(value: Any, _label: str | None, _zone: tzinfo, _country: str) -> Converted:
    text = address_text(value)
    if not text:
        return Fits(EMPTY)
    return Fits(text) if _is_address(text) else Misfit(Expectation.EMAIL())


def _is_address(text: str) -> bool:
    return (len(text) <= _LONGEST_PLAIN and _PLAIN_ADDRESS.fullmatch(text) is not None) or _is_valid(text)


@lru_cache(maxsize=4096)  # a record's address is converted several times during planning
def _is_valid(text: str) -> bool:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  # imports dnspython; keep start fast

    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True


def _integer(value: Any, _label: str | None, _zone: tzinfo, _country: str) -> Converted:
    if isinstance(value, bool):
        return Fits(int(value))
    number = decimal_of(value)
    if number is None or number != number.to_integral_value():
        return Misfit(Expectation.WHOLE())
    return Fits(int(number))


def _money(value: Any, _label: str | None, _zone: tzinfo, _country: str) -> Converted:
    amount = None if isinstance(value, bool) else decimal_of(value)
    if amount is None:
        return Misfit(Expectation.AMOUNT())
    rounded = amount.quantize(_CENT, ROUND_HALF_UP)
    return Fits(str(rounded), loss=None if rounded == amount else LossText.CENTS())


def decimal_of(value: Any) -> Decimal | None:
    """Read a number as it is written; None for other texts and for unreasonably large numbers.

    A comma before one or two digits is a decimal point, as the platform writes amounts. Before three digits a comma is
    ambiguous, and so is a point in a text: 1.250 is Dutch for 1250. Values of type number are never ambiguous.
    """
    text = str(value).strip()
    if isinstance(value, str) and _PERHAPS_THOUSANDS.fullmatch(text):
        return None
    if _WITH_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    return number if number.adjusted() <= _MOST_DIGITS else None


def _date(value: Any, _label: str | None, zone: tzinfo, _country: str) -> Converted:
    moment = moment_of(value)
    if moment is None:
        return Misfit(Expectation.DATE())
    if not isinstance(moment, datetime):
        return Fits(moment.isoformat())
    try:
        local = moment if moment.tzinfo is None else in_zone(moment, zone)
    except OverflowError:
        return Misfit(Expectation.DATE())
    return Fits(local.date().isoformat(), loss=None if local.time() == time() else LossText.TIME())


def _moment(value: Any, _label: str | None, zone: tzinfo, _country: str) -> Converted:
    moment = moment_of(value)
    if moment is None:
        return Misfit(Expectation.MOMENT())
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    try:
        return Fits(in_zone(moment, zone).isoformat(timespec="seconds"))
    except OverflowError:
        return Misfit(Expectation.MOMENT())


def _gender(value: Any, label: str | None, _zone: tzinfo, _country: str) -> Converted:
    gender = gender_of(str(value), label or "")
    return Misfit(Expectation.GENDER()) if gender is None else Fits(gender)


def gender_of(*spellings: str) -> str | None:
    """Return M or F for the first spelling that is one of them; None if none is."""
    return next((gender for text in spellings if (gender := _GENDERS.get(text.strip().lower()))), None)


def _postcode(value: Any, _label: str | None, _zone: tzinfo, country: str) -> Converted:
    """Normalise a Dutch post code (VAL-07).

    For other texts the country, or without one the form, shows whether the post code is foreign.
    """
    text = " ".join(visible(text_of(value, None)).split())
    if not text:
        return Fits(EMPTY)
    if match := _DUTCH_POSTCODE.fullmatch(text):
        return Fits(f"{match[1]} {match[2].upper()}")
    is_foreign = country != NETHERLANDS if country else not _NEARLY_DUTCH_POSTCODE.fullmatch(text)
    has_digit = any(character.isdigit() for character in text)  # as every post code has that there is
    return Foreign(text) if is_foreign and has_digit else Misfit(Expectation.POSTCODE())


def _phone(value: Any, _label: str | None, _zone: tzinfo, country: str) -> Converted:
    """Accept the Dutch forms of VAL-08 as they are (with a dash, without blanks), and normalise others.

    A number without country code is a number of the address's country if it is valid there, else a Dutch one of ten
    digits.
    """
    typed = visible(text_of(value, None))
    text = _BLANKS_IN_PHONE.sub("", typed)
    if not text:
        return Fits(EMPTY)
    is_dutch = is_dutch_phone(text)
    is_abroad = country not in {"", NETHERLANDS} and not _WITH_COUNTRY_CODE.match(text)
    if is_dutch and not is_abroad:
        return Fits(text)
    return _parsed_phone(typed, country if is_abroad else NETHERLANDS, Fits(text) if is_dutch else None)


def _parsed_phone(typed: str, country: str, dutch: Fits | None) -> Converted:
    """Read a number as people of a country dial it; one that is also in the Dutch form must exist there."""
    import phonenumbers  # noqa: PLC0415  # its tables take a while to load; most numbers do not need them

    try:
        number = phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        return dutch or _NO_PHONE
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    if not possible or (dutch and not phonenumbers.is_valid_number(number)):
        return dutch or _NO_PHONE
    if number.country_code != _DUTCH_PREFIX:
        return Foreign(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))
    national = f"0{number.national_number}"
    loss = LossText.EXTENSION() if number.extension else None
    return Fits(national, loss) if is_dutch_phone(national) else _NO_PHONE


def is_dutch_phone(text: str) -> bool:
    """Whether a text is a phone number in the platform's form: ten digits, perhaps with a dash (VAL-08)."""
    return bool(_DUTCH_PHONE.fullmatch(text)) and sum(map(str.isdigit, text)) == _DUTCH_PHONE_DIGITS


_NO_PHONE = Misfit(Expectation.PHONE())


def _set(_value: Any, _label: str | None, _zone: tzinfo, _country: str) -> Converted:
    return Misfit(Expectation.LIST_SOURCE())


_CONVERSIONS: dict[PropertyType, Callable[[Any, str | None, tzinfo, str], Converted]] = {
    PropertyType.STRING: _text,
    PropertyType.UNKNOWN: _text,  # a type added to the platform later: every type can be written as text
    PropertyType.EMAIL: _email,
    PropertyType.INT: _integer,
    PropertyType.MONEY: _money,
    PropertyType.DATE: _date,
    PropertyType.BIRTHDATE: _date,
    PropertyType.DATE_TIME: _moment,
    PropertyType.GENDER: _gender,
    PropertyType.POSTCODE: _postcode,
    PropertyType.MOBILE_NUMBER: _phone,
    PropertyType.PHONE_NUMBER: _phone,
    PropertyType.SET: _set,
}

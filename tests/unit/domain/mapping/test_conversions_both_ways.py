"""The table of conversions (MAP-03): what it promises holds for values, and its page is fresh."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from shared.adapters.dataverse.records.columns import ColumnReader
from shared.adapters.dataverse.web_api.operations import Annotation
from shared.domain.mapping.conversions import (
    ColumnKind,
    Impossible,
    Lossy,
    Possible,
    expression_to_platform,
    kind_of,
    to_dataverse,
    to_platform,
)
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.language.parser import parse_expression
from shared.domain.mapping.reverse_conversions import NeedsMatch, Stored, returned
from shared.domain.records.marketing_contact import (
    PropertyCatalogue,
    PropertyDefinition,
    PropertyType,
    SetEntry,
    SetOption,
)
from shared.domain.records.records import Choices, Lookup, PersonTable, UnknownOption
from shared.domain.records.table_schema import ColumnDefinition, ColumnType, DateBehaviour, Option
from shared.domain.values.fields import as_properties, wished_fields
from shared.domain.values.values import Fits, Misfit, convert
from shared.local.pages.conversions_page import PAGE, conversions_page
from tests.person_records import person

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
OPTIONS = (Option(1, {1043: "Man"}, "Male"), Option(2, {1043: "Vrouw"}, "Female"))
COLUMNS = {
    ColumnKind.TEXT: ColumnDefinition("c", ColumnType.STRING, max_length=100),
    ColumnKind.MEMO: ColumnDefinition("c", ColumnType.MEMO, max_length=2000),
    ColumnKind.WHOLE: ColumnDefinition("c", ColumnType.INTEGER),
    ColumnKind.BIG: ColumnDefinition("c", ColumnType.BIG_INT),
    ColumnKind.DECIMAL: ColumnDefinition("c", ColumnType.DECIMAL),
    ColumnKind.FLOAT: ColumnDefinition("c", ColumnType.DOUBLE),
    ColumnKind.CURRENCY: ColumnDefinition("c", ColumnType.MONEY),
    ColumnKind.TWO_OPTIONS: ColumnDefinition(
        "c", ColumnType.BOOLEAN, options=(Option(0, label="Geen"), Option(1, label="Wel"))
    ),
    ColumnKind.CHOICE: ColumnDefinition("c", ColumnType.PICKLIST, options=OPTIONS),
    ColumnKind.CHOICES: ColumnDefinition("c", ColumnType.MULTI_SELECT, options=OPTIONS),
    ColumnKind.STATE: ColumnDefinition("c", ColumnType.STATE, options=OPTIONS),
    ColumnKind.STATUS: ColumnDefinition("c", ColumnType.STATUS, options=OPTIONS),
    ColumnKind.DATE: ColumnDefinition("c", ColumnType.DATE_TIME, behaviour=DateBehaviour.DATE_ONLY, shows_time=False),
    ColumnKind.LOCAL_DATE: ColumnDefinition(
        "c", ColumnType.DATE_TIME, behaviour=DateBehaviour.USER_LOCAL, shows_time=False
    ),
    ColumnKind.LOCAL_TIME: ColumnDefinition("c", ColumnType.DATE_TIME, behaviour=DateBehaviour.USER_LOCAL),
    ColumnKind.INDEPENDENT_TIME: ColumnDefinition(
        "c", ColumnType.DATE_TIME, behaviour=DateBehaviour.TIME_ZONE_INDEPENDENT
    ),
    ColumnKind.LOOKUP: ColumnDefinition("c", ColumnType.LOOKUP),
    ColumnKind.CUSTOMER: ColumnDefinition("c", ColumnType.CUSTOMER),
    ColumnKind.OWNER: ColumnDefinition("c", ColumnType.OWNER),
    ColumnKind.UNIQUE_ID: ColumnDefinition("c", ColumnType.UNIQUEIDENTIFIER),
    ColumnKind.OTHER: ColumnDefinition("c", ColumnType.UNKNOWN),
}
VALUES: dict[ColumnKind, tuple[Any, str | None]] = {
    ColumnKind.WHOLE: (12, None),
    ColumnKind.BIG: (2**53 + 1, None),
    ColumnKind.DECIMAL: (12.0, None),
    ColumnKind.FLOAT: (12.0, None),
    ColumnKind.CURRENCY: (12.0, None),
    ColumnKind.TWO_OPTIONS: (True, "Wel"),
    ColumnKind.CHOICE: (2, "Vrouw"),
    ColumnKind.CHOICES: (Choices((1, 2), ("Man", "Vrouw")), None),
    ColumnKind.STATE: (1, "Man"),
    ColumnKind.STATUS: (1, "Man"),
    ColumnKind.DATE: ("2024-03-31", None),
    ColumnKind.LOCAL_DATE: ("2024-03-31", None),
    ColumnKind.LOCAL_TIME: ("2024-03-31T12:00:00Z", None),
    ColumnKind.INDEPENDENT_TIME: ("2024-03-31T12:00:00", None),
    ColumnKind.LOOKUP: (Lookup("account", UUID(int=1)), "Contoso"),
    ColumnKind.CUSTOMER: (Lookup("account", UUID(int=1)), "Contoso"),
    ColumnKind.OWNER: (Lookup("systemuser", UUID(int=1)), "Jan"),
    ColumnKind.UNIQUE_ID: (str(UUID(int=1)), None),
}
"""A value of each kind; texts take what the property wants."""
TEXTS = {
    PropertyType.BIRTHDATE: "2024-03-31",
    PropertyType.DATE: "2024-03-31",
    PropertyType.DATE_TIME: "2024-03-31T12:00:00+02:00",
    PropertyType.EMAIL: "ann@example.com",
    PropertyType.GENDER: "F",
    PropertyType.INT: "1",
    PropertyType.MOBILE_NUMBER: "06-18596225",
    PropertyType.MONEY: "12.00",
    PropertyType.PHONE_NUMBER: "079-3632921",
    PropertyType.POSTCODE: "3511 AB",
    PropertyType.STRING: "anything",
    PropertyType.UNKNOWN: "anything",
}
OPEN = [
    (kind, property_type)
    for kind in ColumnKind
    for property_type in PropertyType
    if isinstance(to_platform(kind, property_type), Possible)
]
OPEN_BOTH_WAYS = [(kind, type_) for kind, type_ in OPEN if isinstance(to_dataverse(type_, kind), Possible)]
ENTRIES = (SetEntry(4, "Man"), SetEntry(8, "Vrouw"))


def definition(property_type: PropertyType) -> PropertyDefinition:
    return PropertyDefinition("p", "P", property_type, ENTRIES if property_type is PropertyType.SET else ())


def sent(kind: ColumnKind, property_type: PropertyType) -> Any:
    """What a value of the kind becomes in Spotler; None where it does not fit."""
    mapping = read_mapping(
        {"version": 1, "rows": [{"spotler": "email", "contact": "e"}, {"spotler": "p", "contact": "c"}]}
    )
    value, label = VALUES[kind] if kind in VALUES else (TEXTS.get(property_type, "anything"), None)
    values = {"e": "a@b.nl", "c": value}
    record = person(mapping, PersonTable.CONTACT, values, labels={} if label is None else {"c": label})
    fields = wished_fields(record, mapping, PropertyCatalogue((definition(property_type),)))
    return as_properties(fields.values).get("p")


def test_every_kind_of_column_is_told_from_its_metadata() -> None:
    assert {kind: kind_of(column) for kind, column in COLUMNS.items()} == {kind: kind for kind in ColumnKind}


@pytest.mark.parametrize(("kind", "property_type"), OPEN)
def test_map_03_conversions_that_the_table_allows_are_sent_to_spotler(
    kind: ColumnKind, property_type: PropertyType
) -> None:
    assert sent(kind, property_type) not in (None, "")


@pytest.mark.parametrize("property_type", PropertyType)
@pytest.mark.parametrize("kind", ColumnKind)
def test_map_03_the_way_back_follows_the_table(kind: ColumnKind, property_type: PropertyType) -> None:
    value: Any = TEXTS.get(property_type, (SetOption(4, enabled=True), SetOption(8, enabled=False)))
    result = returned(value, definition(property_type), COLUMNS[kind], zone=AMSTERDAM)
    if not isinstance(to_dataverse(property_type, kind), Possible):
        assert isinstance(result, Misfit)
        assert result.expected.startswith("nothing from Spotler")
    else:
        assert property_type in (PropertyType.STRING, PropertyType.UNKNOWN) or isinstance(result, Stored)


@pytest.mark.parametrize(("kind", "property_type"), OPEN_BOTH_WAYS)
def test_map_03_there_and_back_is_the_same_value(kind: ColumnKind, property_type: PropertyType) -> None:
    """Wherever both ways are open, a value survives both conversions, in the form of the Web API."""
    original, label = VALUES[kind] if kind in VALUES else (TEXTS[property_type], None)
    result = returned(sent(kind, property_type), definition(property_type), COLUMNS[kind], zone=AMSTERDAM)
    if isinstance(original, Lookup):
        assert result == NeedsMatch(str(label))
    elif isinstance(original, Choices):
        assert result == Stored("1,2")
    elif kind is ColumnKind.LOCAL_DATE:
        assert result == Stored("2024-03-30T23:00:00Z")  # as Dataverse holds the day
    elif kind is ColumnKind.INDEPENDENT_TIME:
        assert result == Stored(f"{original}Z")
    else:
        assert result == Stored(original)


@pytest.mark.parametrize(
    ("kind", "text", "stored"),
    [
        (ColumnKind.TWO_OPTIONS, "ja", True),  # FLD-09
        (ColumnKind.TWO_OPTIONS, "nee", False),
        (ColumnKind.TWO_OPTIONS, "1", True),
        (ColumnKind.TWO_OPTIONS, "Geen", False),
        (ColumnKind.CHOICE, "male", 1),
        (ColumnKind.CHOICE, "VROUW", 2),
        (ColumnKind.CHOICE, "2", 2),
        (ColumnKind.CHOICES, "Vrouw; Man", "1,2"),
        (ColumnKind.WHOLE, "-12", -12),
        (ColumnKind.CURRENCY, "12.5", 12.5),
        (ColumnKind.LOCAL_TIME, "2024-07-01T12:00:00+02:00", "2024-07-01T10:00:00Z"),
        (ColumnKind.INDEPENDENT_TIME, "2024-07-01T10:00:00Z", "2024-07-01T12:00:00Z"),
        (ColumnKind.LOCAL_DATE, "2024-07-01", "2024-06-30T22:00:00Z"),
    ],
)
def test_texts_of_spotler_are_read_as_people_write_them(kind: ColumnKind, text: str, stored: Any) -> None:
    assert returned(text, definition(PropertyType.STRING), COLUMNS[kind], zone=AMSTERDAM) == Stored(stored)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ColumnKind.TEXT, "x" * 101),
        (ColumnKind.TEXT, "😀" * 51),
        (ColumnKind.WHOLE, "2147483648"),
        (ColumnKind.WHOLE, "1.5"),
        (ColumnKind.CURRENCY, "1e15"),
        (ColumnKind.TWO_OPTIONS, "perhaps"),
        (ColumnKind.CHOICE, "Unknown"),
        (ColumnKind.CHOICES, "Man; Unknown"),
        (ColumnKind.DATE, "31-3-2024"),
        (ColumnKind.LOCAL_TIME, "0001-01-01"),
    ],
)
def test_values_that_do_not_fit_are_reported_without_the_value(kind: ColumnKind, text: str) -> None:
    result = returned(text, definition(PropertyType.STRING), COLUMNS[kind], zone=AMSTERDAM)

    assert isinstance(result, Misfit)
    assert text not in result.expected


@pytest.mark.parametrize(("kind", "property_type"), OPEN_BOTH_WAYS)
def test_an_empty_property_empties_the_column(kind: ColumnKind, property_type: PropertyType) -> None:
    nothing = (SetOption(4, enabled=False),) if property_type is PropertyType.SET else ""
    assert returned(nothing, definition(property_type), COLUMNS[kind]) == Stored(None)


@pytest.mark.parametrize(
    ("expression", "property_type", "refused"),
    [
        ("moment", PropertyType.DATE, Lossy),
        ("text;moment", PropertyType.BIRTHDATE, Lossy),
        ("text", PropertyType.DATE, None),
        ("gone", PropertyType.DATE, None),
        ("owner", PropertyType.INT, Impossible),
        ("@concat(text, moment)", PropertyType.STRING, None),
        ("$value:Golf", PropertyType.SET, Impossible),
        ("@map(permissions)", PropertyType.SET, None),
        ("@map(permissions)", PropertyType.STRING, Impossible),
    ],
)
def test_a_row_is_refused_if_anything_it_may_yield_is(
    expression: str, property_type: PropertyType, refused: type | None
) -> None:
    columns = {
        "text": COLUMNS[ColumnKind.TEXT],
        "moment": COLUMNS[ColumnKind.LOCAL_TIME],
        "owner": COLUMNS[ColumnKind.OWNER],
    }
    way = expression_to_platform(
        parse_expression(expression), definition(property_type), lambda source: columns.get(str(source))
    )

    assert isinstance(way, refused or Possible)


def test_the_page_of_conversions_is_what_the_code_does() -> None:
    assert PAGE.read_text(encoding="utf-8") == conversions_page(), "run: python -m shared.local.pages.conversions_page"


# ---------------------------------------------------------------------------------------------------------------- dates

DAYS = ["1753-01-02", "1899-12-31", "1900-01-01", "1937-05-02", "1941-01-15", "1944-02-29", "1960-07-15", "1960-01-15"]
DAYS += ["1976-08-31", "1977-07-15", "1995-10-15", "2000-07-15", "2024-03-31", "2024-10-27", "2038-07-01"]


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York", "Pacific/Auckland", "Asia/Tokyo"])
def test_a_day_stays_the_day_in_a_column_that_shows_days_and_holds_moments(day: str, zone: str) -> None:
    stored = returned(day, definition(PropertyType.DATE), COLUMNS[ColumnKind.LOCAL_DATE], zone=ZoneInfo(zone))
    assert isinstance(stored, Stored)
    read = ColumnReader(COLUMNS[ColumnKind.LOCAL_DATE], zone=ZoneInfo(zone)).value({"c": stored.value})
    assert read == day


@pytest.mark.parametrize(
    ("day", "stored"),
    [
        ("1960-07-15", "1960-07-14T22:00:00Z"),
        ("1937-05-02", "1937-05-01T22:00:00Z"),
        ("1960-01-15", "1960-01-14T23:00:00Z"),
        ("1941-01-15", "1941-01-14T23:00:00Z"),
        ("2000-07-15", "2000-07-14T22:00:00Z"),
    ],
)
@pytest.mark.parametrize("property_type", [PropertyType.BIRTHDATE, PropertyType.DATE, PropertyType.STRING])
def test_dataverse_applies_today_s_summer_time_to_every_year(
    day: str, stored: str, property_type: PropertyType
) -> None:
    reader = ColumnReader(COLUMNS[ColumnKind.LOCAL_DATE], zone=AMSTERDAM)
    assert reader.value({"c": stored}) == day
    assert convert(day, None, property_type, zone=AMSTERDAM) == Fits(day)
    back = returned(day, definition(property_type), COLUMNS[ColumnKind.LOCAL_DATE], zone=AMSTERDAM)
    assert back == Stored(stored)


@pytest.mark.parametrize("raw", ["2024-12-31", "9999-12-31T23:00:00Z", "no date"])
def test_a_day_that_is_none_or_lies_beyond_the_calendar_is_read_as_it_stands(raw: str) -> None:
    assert ColumnReader(COLUMNS[ColumnKind.LOCAL_DATE], zone=AMSTERDAM).value({"c": raw}) == raw


def test_a_day_is_what_the_user_sees_in_texts_and_sentences_too() -> None:
    reader = ColumnReader(COLUMNS[ColumnKind.LOCAL_DATE], zone=AMSTERDAM)
    mapping = read_mapping(
        {
            "version": 1,
            "rows": [{"spotler": "email", "contact": "e"}, {"spotler": "p", "contact": '@concat("lid sinds ", c)'}],
        }
    )
    record = person(mapping, values={"e": "a@b.nl", "c": reader.value({"c": "2024-12-31T23:00:00Z"})})
    fields = wished_fields(record, mapping, PropertyCatalogue((definition(PropertyType.STRING),)))
    assert fields.values["p"] == "lid sinds 2025-01-01"


@pytest.mark.parametrize("value", ["1900-01-01", "1900-01-01T00:00:00", "1900-01-01T00:00:00Z", "1938-07-01"])
@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "Europe/Paris", "America/New_York"])
def test_a_moment_has_an_offset_in_whole_minutes_and_is_read_back_as_the_same(value: str, zone: str) -> None:
    """RFC 3339; until 1937 clocks in Amsterdam were 19 minutes and 32 seconds ahead of world time."""
    there = ZoneInfo(zone)
    wire = convert(value, None, PropertyType.DATE_TIME, zone=there)
    assert isinstance(wire, Fits)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00[+-]\d\d:\d\d", str(wire.value))
    assert value.endswith("Z") or str(wire.value).startswith(f"{value[:10]}T00:00:00")
    assert convert(wire.value, None, PropertyType.DATE_TIME, zone=there) == wire
    instant = datetime.fromisoformat(str(wire.value))
    for written in (instant.astimezone(UTC), instant.astimezone(there)):  # however Spotler writes it
        assert convert(written.isoformat(), None, PropertyType.DATE_TIME, zone=there) == wire
    assert value.endswith("Z") or instant.astimezone(there).date().isoformat() == value[:10]


# -------------------------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("text", ["1.250", "1.000", "-12.345", "+999.000", "1,250"])
def test_a_text_that_may_mean_thousands_is_no_number_in_any_direction(text: str) -> None:
    assert isinstance(convert(text, None, PropertyType.INT), Misfit)
    assert isinstance(convert(text, None, PropertyType.MONEY), Misfit)
    for kind in (ColumnKind.WHOLE, ColumnKind.BIG, ColumnKind.DECIMAL, ColumnKind.FLOAT, ColumnKind.CURRENCY):
        for property_type in (PropertyType.STRING, PropertyType.MONEY, PropertyType.INT):
            assert isinstance(returned(text, definition(property_type), COLUMNS[kind]), Misfit)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1250", "1250.00"), ("0.125", "0.13"), ("1.25", "1.25"), ("1,25", "1.25"), ("12345.678", "12345.68")],
)
def test_a_text_whose_point_can_only_be_one_thing_is_a_number(text: str, amount: str) -> None:
    assert convert(text, None, PropertyType.MONEY) == Fits(amount)


@pytest.mark.parametrize("number", [1.125, 1.25, 999.875, 1000.0])
def test_a_number_that_is_one_already_is_in_no_doubt(number: float) -> None:
    amount = convert(number, None, PropertyType.MONEY)
    assert isinstance(amount, Fits)
    back = returned(number, definition(PropertyType.MONEY), COLUMNS[ColumnKind.DECIMAL])
    assert back == Stored(number)


# -------------------------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize("kind", [ColumnKind.CHOICE, ColumnKind.STATE, ColumnKind.STATUS])
def test_an_option_that_was_deleted_is_no_number(kind: ColumnKind) -> None:
    shown = f"c@{Annotation.LABEL}"
    reader = ColumnReader(COLUMNS[kind], 1043)
    for row in ({"c": 3}, {"c": 3, shown: "3"}):
        assert isinstance(reader.value(row), UnknownOption)
        assert reader.label(row) is None
    new = {"c": 3, shown: "Anders"}  # made after the metadata were read
    assert (reader.value(new), reader.label(new)) == (3, "Anders")
    assert not isinstance(reader.value(new), UnknownOption)
    assert (reader.value({"c": 2}), reader.label({"c": 2})) == (2, "Vrouw")


def test_of_several_options_those_that_were_deleted_have_no_label() -> None:
    shown = f"c@{Annotation.LABEL}"
    reader = ColumnReader(COLUMNS[ColumnKind.CHOICES], 1043)
    assert reader.value({"c": "1,3"}) == Choices((1, 3), ("Man", ""))
    assert reader.value({"c": "1,3", shown: "Male; 3"}) == Choices((1, 3), ("Man", ""))
    assert reader.value({"c": "1,3", shown: "Male; Other"}) == Choices((1, 3), ("Man", "Other"))

"""Days and moments are what the user sees, in every year and time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from shared.adapters.dataverse.records.columns import ColumnReader
from shared.domain.mapping.conversions import (
    ColumnKind,
)
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.reverse_conversions import Stored, returned
from shared.domain.records.marketing_contact import (
    PropertyCatalogue,
    PropertyType,
)
from shared.domain.values.fields import wished_fields
from shared.domain.values.values import Fits, convert
from tests.person_records import person
from tests.unit.domain.mapping.conversions.kinds import AMSTERDAM, COLUMNS, definition

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

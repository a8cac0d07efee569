"""The table of conversions (MAP-03): what it promises holds for values, and its page is fresh."""

from __future__ import annotations

from typing import Any

import pytest

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
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyType, SetOption
from shared.domain.records.records import Choices, Lookup, PersonTable
from shared.domain.values.fields import as_properties, wished_fields
from shared.domain.values.values import Misfit
from shared.local.pages.conversions_page import PAGE, conversions_page
from tests.person_records import person
from tests.unit.domain.mapping.conversions.kinds import AMSTERDAM, COLUMNS, TEXTS, VALUES, definition

OPEN = [
    (kind, property_type)
    for kind in ColumnKind
    for property_type in PropertyType
    if isinstance(to_platform(kind, property_type), Possible)
]
OPEN_BOTH_WAYS = [(kind, type_) for kind, type_ in OPEN if isinstance(to_dataverse(type_, kind), Possible)]


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

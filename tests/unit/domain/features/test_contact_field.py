"""FLD-03..FLD-12: which property a name means, and what becomes of the value."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.domain.features.contact_field import ContactFieldError, cleared_value, find_target, set_value
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.records.marketing_contact import (
    PropertyCatalogue,
    PropertyDefinition,
    PropertyType,
    SetEntry,
    SetOption,
)
from shared.domain.records.records import PersonTable

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
CATALOGUE = PropertyCatalogue(
    (
        PropertyDefinition("email", "E-mail", PropertyType.EMAIL),
        PropertyDefinition("city", "City", PropertyType.STRING),
        PropertyDefinition("foreignPostalCode", "Foreign post code", PropertyType.STRING),
        PropertyDefinition("postalCode", "Post code", PropertyType.POSTCODE),
        PropertyDefinition("lastorderdate", "Last Order Date", PropertyType.DATE),
        PropertyDefinition("visited", "Visited", PropertyType.DATE_TIME),
        PropertyDefinition("orders", "Orders", PropertyType.INT),
        PropertyDefinition("orders2", "orders ", PropertyType.INT),
        PropertyDefinition("hobby1", "Hobby", PropertyType.STRING),
        PropertyDefinition("hobby2", "Hobby", PropertyType.STRING),
        PropertyDefinition("ratio", "Odd: name", PropertyType.STRING),
        PropertyDefinition("postcode2", "Dutch code", PropertyType.POSTCODE),
        PropertyDefinition("gender", "Gender", PropertyType.GENDER),
        PropertyDefinition(
            "permissions",
            "Permissions",
            PropertyType.SET,
            (SetEntry(1, "Newsletter"), SetEntry(2, "News: NL"), SetEntry(4, "Twice"), SetEntry(8, "twice")),
        ),
    )
)
ROWS = read_mapping(
    {
        "version": 1,
        "rows": [
            {"spotler": "email", "contact": "emailaddress1"},
            {"spotler": "city", "contact": "address1_city", "direction": "<->"},
            {"spotler": "postalCode", "contact": "address1_postalcode", "foreign": "foreignPostalCode"},
            {"spotler": "permissions", "contact": "@map(permissions)", "direction": "<->"},
        ],
    }
).for_table(PersonTable.CONTACT)


def write(name: str, value: str) -> tuple[str, Any]:
    target = find_target(name, CATALOGUE, ROWS)
    return target.definition.name, set_value(target, value, AMSTERDAM)


def clear(name: str) -> tuple[str, Any]:
    target = find_target(name, CATALOGUE, ROWS)
    return target.definition.name, cleared_value(target)


@pytest.mark.parametrize("name", ["lastorderdate", "Last Order Date", " last order date "])
def test_fld_03_a_field_is_named_by_its_internal_or_its_display_name(name: str) -> None:
    assert write(name, "2026-03-01") == ("lastorderdate", "2026-03-01")


def test_an_internal_name_goes_before_a_display_name() -> None:
    assert write("orders", "3") == ("orders", 3)


def test_fld_04_a_display_name_of_several_fields_asks_for_the_internal_name() -> None:
    with pytest.raises(ContactFieldError, match=r'Several fields are called "Hobby".*: hobby1, hobby2'):
        write("Hobby", "chess")


def test_a_field_that_spotler_does_not_have_is_refused() -> None:
    with pytest.raises(ContactFieldError, match='Spotler has no field "shoesize"'):
        write("shoesize", "42")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("orders", "3", 3),
        ("gender", "female", "F"),
        ("postcode2", "1234ab", "1234 AB"),
        ("hobby1", " chess ", "chess"),
        ("visited", "2026-07-01T14:30", "2026-07-01T14:30:00+02:00"),  # a time without an offset is that of the mapping
        ("visited", "2026-01-15", "2026-01-15T00:00:00+01:00"),
        ("visited", "2026-07-01T14:30:00Z", "2026-07-01T16:30:00+02:00"),
    ],
)
def test_fld_05_a_value_is_converted_to_the_type_of_the_field(name: str, value: str, expected: Any) -> None:
    assert write(name, value)[1] == expected


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("lastorderdate", "yesterday", r"lastorderdate expects a date, such as 2026-03-31\.$"),
        ("orders", "many", "orders expects a whole number"),
        ("orders", "2.000", "orders expects a whole number, such as 1250"),
        ("postcode2", "SW1A 1AA", "postcode2 takes the Dutch format only"),
        ("hobby1", "  ", "use Clear Contact Field"),
    ],
)
def test_fld_06_a_value_that_does_not_fit_is_refused_without_being_quoted(name: str, value: str, told: str) -> None:
    with pytest.raises(ContactFieldError, match=told) as caught:
        write(name, value)
    assert not value.strip() or value not in str(caught.value)


@pytest.mark.parametrize("name", ["email", "postalCode", "foreignPostalCode"])
def test_fld_07_a_field_that_the_next_synchronisation_would_overwrite_is_refused(name: str) -> None:
    with pytest.raises(ContactFieldError, match="is filled from Dataverse"):
        write(name, "x")
    with pytest.raises(ContactFieldError, match="is filled from Dataverse"):
        clear(name)


def test_fld_07_a_field_that_is_mapped_both_ways_can_be_set() -> None:
    assert write("city", "Utrecht") == ("city", "Utrecht")


@pytest.mark.parametrize("word", ["true", "JA", " 1 "])
def test_fld_09_true_ja_and_1_switch_on(word: str) -> None:
    assert write("permissions:Newsletter", word) == ("permissions", (SetOption(1, enabled=True),))


@pytest.mark.parametrize("word", ["false", "Nee", "0"])
def test_fld_09_false_nee_and_0_switch_off(word: str) -> None:
    assert write("permissions : newsletter", word) == ("permissions", (SetOption(1, enabled=False),))


def test_fld_09_no_other_word_switches() -> None:
    with pytest.raises(ContactFieldError, match="permissions:Newsletter is switched on by true, ja or 1"):
        write("permissions:Newsletter", "yes")


def test_names_may_hold_colons() -> None:
    assert write("permissions:News: NL", "1") == ("permissions", (SetOption(2, enabled=True),))
    assert write("Odd: name", "x") == ("ratio", "x")


def test_fld_08_fld_10_the_bare_name_of_a_list_is_refused() -> None:
    with pytest.raises(ContactFieldError, match="permissions is a list: name one item of it, such as permissions:News"):
        write("permissions", "true")


@pytest.mark.parametrize("item", ["Unknown", "Twice", ""])
def test_fld_10_the_item_must_be_one_that_the_list_has_once(item: str) -> None:
    with pytest.raises(ContactFieldError, match="has no item of that name, or several: Newsletter"):
        write(f"permissions:{item}", "true")


def test_an_item_of_a_field_that_is_no_list_is_refused() -> None:
    with pytest.raises(ContactFieldError, match="hobby1 is no list"):
        write("hobby1:chess", "true")


def test_fld_11_clearing_empties_the_field() -> None:
    assert clear("Last Order Date") == ("lastorderdate", "")


@pytest.mark.parametrize("name", ["permissions", "permissions:Newsletter"])
def test_fld_12_only_fields_that_are_no_lists_can_be_cleared(name: str) -> None:
    with pytest.raises(ContactFieldError, match="list"):
        clear(name)

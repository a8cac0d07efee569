"""VAL-06..VAL-08: post codes and phone numbers, Dutch and foreign, by their form and by the country of the address."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.mapping.formats.document import read_mapping
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType, property_type
from shared.domain.records.records import Lookup, UnknownOption
from shared.domain.values.countries import country_code
from shared.domain.values.fields import Fields, wished_fields
from shared.domain.values.values import Fits, Foreign, Misfit, convert
from tests.person_records import person

PHONES = [PropertyType.MOBILE_NUMBER, PropertyType.PHONE_NUMBER]
CATALOGUE = PropertyCatalogue(
    (
        PropertyDefinition("email", "E-mail", PropertyType.EMAIL),
        PropertyDefinition("country", "Country", PropertyType.STRING),
        PropertyDefinition("postalCode", "Post code", PropertyType.POSTCODE),
        PropertyDefinition("foreignPostalCode", "Post code abroad", PropertyType.STRING),
        PropertyDefinition("mobileNumber", "Mobile number", PropertyType.MOBILE_NUMBER),
        PropertyDefinition("phoneNumber", "Phone number", PropertyType.PHONE_NUMBER),
        PropertyDefinition("foreignPhoneNumber", "Phone number abroad", PropertyType.STRING),
    )
)
ROWS: list[dict[str, Any]] = [
    {"spotler": "email", "contact": "emailaddress1"},
    {"spotler": "country", "contact": "address1_country"},
    {"spotler": "postalCode", "contact": "address1_postalcode", "foreign": "foreignPostalCode"},
    {"spotler": "mobileNumber", "contact": "mobilephone", "foreign": "foreignPhoneNumber"},
]


def wished(*rows: dict[str, Any], labels: dict[str, str] | None = None, **values: Any) -> Fields:
    mapping = read_mapping({"version": 1, "rows": [*ROWS, *rows]})
    record = person(mapping, values={"emailaddress1": "a@b.nl", **values}, labels=labels or {})
    return wished_fields(record, mapping, CATALOGUE)


# --------------------------------------------------------------------------------------------------------------- phones


@pytest.mark.parametrize("kind", PHONES)
@pytest.mark.parametrize(
    "number",
    [
        "061859622",  # nine digits
        "06185962255",  # eleven
        "0900-1234",
        "0900 1234567",
        "0800 1234",
        "14030",
        "014030",
        "123456",
        "0171 1234567",  # German, without its country code
        "+31 6 1859622",
        "+31 14030",
        "+31 800 1234",
        "0012345678",
        "call me",
    ],
)
def test_val_08_a_number_that_has_not_ten_digits_is_no_dutch_one(kind: PropertyType, number: str) -> None:
    assert isinstance(convert(number, None, kind), Misfit)


@pytest.mark.parametrize("kind", PHONES)
@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("079 3632921", "0793632921"),
        ("079-3632921", "079-3632921"),
        ("079/3632921", "0793632921"),
        ("06\u201318596225", "0618596225"),  # an en dash
        ("+31 (0)6 18596225", "0618596225"),
        ("\u200b06-18596225\ufeff", "06-18596225"),
        ("06\u00a01859\u00a06225", "0618596225"),
        ("\u202a+31618596225\u202c", "0618596225"),  # as phones copy it
    ],
)
def test_val_08_a_dutch_number_is_brought_into_the_form_without_blanks(
    kind: PropertyType, typed: str, number: str
) -> None:
    assert convert(typed, None, kind) == Fits(number)
    assert convert(number, None, kind) == Fits(number)


def test_an_extension_does_not_come_along_and_that_is_told() -> None:
    converted = convert("079-3632921 ext 12", None, PropertyType.PHONE_NUMBER)
    assert isinstance(converted, Fits)
    assert (converted.value, converted.loss) == ("0793632921", "without the extension")


def test_a_number_of_invisible_characters_is_none() -> None:
    assert convert("\u200b", None, PropertyType.MOBILE_NUMBER) == Fits("")


def test_val_06_the_text_property_for_phone_numbers_takes_numbers_only() -> None:
    assert property_type("phoneNumber", "string") is PropertyType.PHONE_NUMBER
    assert property_type("phoneNumber", "mobNr") is PropertyType.MOBILE_NUMBER
    assert property_type("profileField1", "string") is PropertyType.STRING
    assert property_type("profileField1", "novelty") is PropertyType.UNKNOWN


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        ("0470 12 34 56", "BE", Foreign("+32 470 12 34 56")),
        ("0171 1234567", "DE", Foreign("+49 171 1234567")),
        ("0612345678", "BE", Fits("0612345678")),  # no number of Belgium: a Dutch one, of somebody who lives there
        ("06-18596225", "NL", Fits("06-18596225")),
        ("+31 6 18596225", "BE", Fits("0618596225")),
        ("+32 470 12 34 56", "NL", Foreign("+32 470 12 34 56")),
        ("0032470123456", "DE", Foreign("+32 470 12 34 56")),
        ("0470 12 34 56", "", Fits("0470123456")),
        ("0470 12 34 56", "QQ", Fits("0470123456")),
    ],
)
def test_val_07_a_number_without_country_code_is_one_of_the_address_s_country(
    typed: str, country: str, number: Fits | Foreign
) -> None:
    assert convert(typed, None, PropertyType.MOBILE_NUMBER, country=country) == number


# ----------------------------------------------------------------------------------------------------------- post codes


@pytest.mark.parametrize(
    "typed", ["3511  AB", "NL-3511 AB", "NL 3511AB", "nl3511ab", "3511-AB", "3511 AB\u200b", "3511\u00a0AB", "3511ab"]
)
@pytest.mark.parametrize("country", ["", "NL"])
def test_val_06_a_dutch_post_code_is_brought_into_form(typed: str, country: str) -> None:
    assert convert(typed, None, PropertyType.POSTCODE, country=country) == Fits("3511 AB")


@pytest.mark.parametrize(
    ("typed", "country", "converted"),
    [
        ("n.v.t.", "", Misfit),
        ("3511 A8", "", Misfit),
        ("3511 A", "", Misfit),
        ("0611 AB", "", Misfit),
        ("onbekend", "", Misfit),
        ("9000 Gent, Oost-Vlaanderen", "", Foreign),
        ("9000", "", Foreign),
        ("B-9000", "", Foreign),
        ("SW1A 1AA", "", Foreign),
        ("90-123", "", Foreign),
        ("D02 X285", "", Foreign),
        ("n.v.t.", "BE", Misfit),
        ("onbekend", "BE", Misfit),
        ("3511 A8", "BE", Foreign),
        ("9000 Gent, Oost-Vlaanderen", "BE", Foreign),
        ("9000", "BE", Foreign),
        ("9000", "NL", Misfit),
        ("\u200b", "", Fits),
    ],
)
def test_val_07_a_post_code_of_another_form_is_foreign_if_country_or_form_say_so(
    typed: str, country: str, converted: type
) -> None:
    assert isinstance(convert(typed, None, PropertyType.POSTCODE, country=country), converted)


# ------------------------------------------------------------------------------------------------------ whose country?


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Nederland", "NL"),
        ("the Netherlands", "NL"),
        ("nl", "NL"),
        ("België", "BE"),
        ("BELGIE", "BE"),
        ("Belgium", "BE"),
        ("Duitsland", "DE"),
        ("Deutschland", "DE"),
        ("UK", "GB"),
        ("U.S.A.", "US"),
        ("Utopia", ""),
        ("", ""),
    ],
)
def test_a_country_is_known_by_its_name_or_code(written: str, code: str) -> None:
    assert country_code(written) == code


def test_val_07_the_row_for_the_country_decides_about_numbers_and_post_codes() -> None:
    fields = wished(address1_country="België", mobilephone="0470 12 34 56", address1_postalcode="n 3511 A8")
    assert fields.values["foreignPhoneNumber"] == "+32 470 12 34 56"
    assert fields.values["foreignPostalCode"] == "n 3511 A8"
    assert (fields.values["mobileNumber"], fields.values["postalCode"]) == ("", "")


def test_without_a_country_a_number_of_ten_digits_is_dutch() -> None:
    fields = wished(mobilephone="0470 12 34 56")
    assert (fields.values["mobileNumber"], fields.values["foreignPhoneNumber"]) == ("0470123456", "")


def test_the_country_beside_a_post_code_goes_before_the_row_for_the_country() -> None:
    rows = [dict(row) for row in ROWS]
    rows[1] |= {"contact": "address2_country"}
    mapping = read_mapping(
        {"version": 1, "rows": rows, "filters": {"contact": 'not address1_country = "Nergens"'}}  # read by the filter
    )
    values = {
        "emailaddress1": "a@b.nl",
        "address1_country": "België",
        "address2_country": "Nederland",
        "address1_postalcode": "1000",
        "mobilephone": "0470123456",
    }
    fields = wished_fields(person(mapping, values=values), mapping, CATALOGUE)
    assert fields.values["foreignPostalCode"] == "1000"
    assert fields.values["mobileNumber"] == "0470123456"


def test_a_country_may_be_a_choice_or_a_lookup() -> None:
    country = Lookup("new_country", person(read_mapping({"version": 1, "rows": ROWS})).key.id)
    fields = wished(labels={"address1_country": "Belgium"}, address1_country=country, mobilephone="0470123456")
    assert fields.values["foreignPhoneNumber"] == "+32 470 12 34 56"


def test_val_07_a_foreign_landline_needs_a_property_of_its_own_or_is_left_out_and_told() -> None:
    without = wished({"spotler": "phoneNumber", "contact": "telephone1"}, telephone1="+49 221 1234567")
    assert "phoneNumber" not in without.values
    assert [str(one) for one in without.omitted] == ["telephone1: Spotler's phoneNumber expects the Dutch format"]

    row = {"spotler": "phoneNumber", "contact": "telephone1", "foreign": "foreignPhoneNumber"}
    fields = wished(row, telephone1="+49 221 1234567")
    assert (fields.values["phoneNumber"], fields.values["foreignPhoneNumber"]) == ("", "+49 221 1234567")


def test_two_rows_that_share_a_foreign_property_fill_it_once_and_tell_of_the_other() -> None:
    row = {"spotler": "phoneNumber", "contact": "telephone1", "foreign": "foreignPhoneNumber"}
    fields = wished(row, mobilephone="+32 470 12 34 56", telephone1="+49 221 1234567")
    assert fields.values["foreignPhoneNumber"] == "+32 470 12 34 56"
    assert [one.source for one in fields.omitted] == ["telephone1"]


# ------------------------------------------------------------------------------------------------------ options of old


@pytest.mark.parametrize("kind", [kind for kind in PropertyType if kind is not PropertyType.SET])
def test_an_option_that_does_not_exist_any_more_fits_nowhere(kind: PropertyType) -> None:
    assert convert(UnknownOption(3), None, kind) == Misfit("an option that exists")


def test_an_option_that_does_not_exist_any_more_is_translated_if_the_row_knows_it_and_left_out_otherwise() -> None:
    row = {"spotler": "foreignPhoneNumber", "contact": "new_colour"}
    rows = [ROWS[0], row]
    mapping = read_mapping({"version": 1, "rows": rows})
    record = person(mapping, values={"emailaddress1": "a@b.nl", "new_colour": UnknownOption(3)})
    fields = wished_fields(record, mapping, CATALOGUE)
    assert ("foreignPhoneNumber" in fields.values, [one.source for one in fields.omitted]) == (False, ["new_colour"])

    known = read_mapping({"version": 1, "rows": [ROWS[0], {**row, "choices": {3: "Mauve"}}]})
    assert wished_fields(record, known, CATALOGUE).values["foreignPhoneNumber"] == "Mauve"
    joined = read_mapping({"version": 1, "rows": [ROWS[0], {**row, "contact": '@concat("colour ", new_colour)'}]})
    assert "foreignPhoneNumber" not in wished_fields(record, joined, CATALOGUE).values


def test_of_several_choices_those_that_exist_go_along_and_the_others_are_told() -> None:
    mapping = read_mapping(
        {"version": 1, "rows": [ROWS[0], {"spotler": "foreignPhoneNumber", "contact": "new_topics"}]}
    )
    some = person(mapping, values={"emailaddress1": "a@b.nl", "new_topics": {"choices": {1: "Golf", 9: ""}}})
    none = person(mapping, values={"emailaddress1": "a@b.nl", "new_topics": {"choices": {9: ""}}})

    fields = wished_fields(some, mapping, CATALOGUE)
    assert fields.values["foreignPhoneNumber"] == "Golf"
    assert [one.loss for one in fields.cut] == ["without an option that no longer exists"]
    assert [one.source for one in wished_fields(none, mapping, CATALOGUE).omitted] == ["new_topics"]

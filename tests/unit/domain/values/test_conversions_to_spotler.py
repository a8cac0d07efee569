"""How Dataverse values become what Spotler accepts, by type of the Spotler property (VAL-06..VAL-08)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from shared.domain.records.marketing_contact import PropertyType
from shared.domain.records.records import Lookup
from shared.domain.values.values import Fits, Foreign, Misfit, convert, is_email

ACCOUNT = Lookup("account", UUID(int=5))


@pytest.mark.parametrize("kind", [kind for kind in PropertyType if kind is not PropertyType.SET])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_an_empty_value_empties_the_property(kind: PropertyType, value: Any) -> None:
    assert convert(value, None, kind) == Fits("")


@pytest.mark.parametrize("value", [None, "", "Newsletter"])
def test_a_set_is_never_filled_from_a_column_not_even_with_nothing(value: Any) -> None:
    assert isinstance(convert(value, None, PropertyType.SET), Misfit)


@pytest.mark.parametrize(
    ("kind", "value", "label", "fits"),
    [
        (PropertyType.STRING, " Ann ", None, "Ann"),
        (PropertyType.STRING, 3, "Donor", "Donor"),  # a choice shows its label
        (PropertyType.STRING, 3, None, "3"),
        (PropertyType.STRING, True, None, "true"),
        (PropertyType.STRING, ACCOUNT, "Contoso", "Contoso"),
        (PropertyType.STRING, ACCOUNT, None, str(UUID(int=5))),
        (PropertyType.UNKNOWN, "anything", None, "anything"),
        (PropertyType.EMAIL, " Ann@Example.com ", None, "Ann@Example.com"),
        (PropertyType.INT, 12, "12", 12),
        (PropertyType.INT, "12", None, 12),
        (PropertyType.INT, 12.0, None, 12),
        (PropertyType.INT, 9007199254740993, None, 9007199254740993),  # beyond the precision of a float
        (PropertyType.INT, True, "Yes", 1),
        (PropertyType.MONEY, 12, None, "12.00"),
        (PropertyType.MONEY, 12.345, None, "12.35"),
        (PropertyType.MONEY, "-0.5", None, "-0.50"),
        (PropertyType.MONEY, 100_000_000_000, None, "100000000000.00"),
        (PropertyType.DATE, "2026-03-01", None, "2026-03-01"),
        (PropertyType.DATE, "2026-03-01T22:00:00Z", None, "2026-03-01"),
        (PropertyType.BIRTHDATE, "1980-02-29", None, "1980-02-29"),
        (PropertyType.DATE_TIME, "2026-03-01T22:00:00Z", None, "2026-03-01T22:00:00+00:00"),
        (PropertyType.GENDER, 1, "Male", "M"),
        (PropertyType.GENDER, 2, "Female", "F"),
        (PropertyType.GENDER, 7, "Vrouw", "F"),
        (PropertyType.GENDER, "m", None, "M"),
        (PropertyType.POSTCODE, "2611ab", None, "2611 AB"),
        (PropertyType.POSTCODE, " 2611 AB ", None, "2611 AB"),
        (PropertyType.MOBILE_NUMBER, "079-3632921", None, "079-3632921"),  # VAL-08
        (PropertyType.MOBILE_NUMBER, "06-18596225", None, "06-18596225"),
        (PropertyType.MOBILE_NUMBER, "06 1859 6225", None, "0618596225"),
        (PropertyType.MOBILE_NUMBER, "(06) 18.59.62.25", None, "0618596225"),
        (PropertyType.MOBILE_NUMBER, "+31 6 18596225", None, "0618596225"),
        (PropertyType.MOBILE_NUMBER, "0031618596225", None, "0618596225"),
    ],
)
def test_a_value_that_fits_goes_over_the_wire_as_spotler_wants_it(
    kind: PropertyType, value: Any, label: str | None, fits: str | int
) -> None:
    converted = convert(value, label, kind)
    assert converted == Fits(fits)
    assert isinstance(converted, Fits)
    assert type(converted.value) is type(fits)


@pytest.mark.parametrize(
    ("kind", "value", "foreign"),
    [
        (PropertyType.POSTCODE, "B-1000", "B-1000"),
        (PropertyType.POSTCODE, "SW1A 1AA", "SW1A 1AA"),
        (PropertyType.MOBILE_NUMBER, "+32 470 12 34 56", "+32 470 12 34 56"),
        (PropertyType.MOBILE_NUMBER, "0032470123456", "+32 470 12 34 56"),
    ],
)
def test_a_value_of_another_country_is_told_from_a_wrong_one(kind: PropertyType, value: str, foreign: str) -> None:
    assert convert(value, None, kind) == Foreign(foreign)  # VAL-06, VAL-07


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (PropertyType.EMAIL, "ann@"),
        (PropertyType.INT, "twelve"),
        (PropertyType.INT, 12.5),
        (PropertyType.INT, "1e400"),
        (PropertyType.INT, "nan"),
        (PropertyType.MONEY, "much"),
        (PropertyType.MONEY, "nan"),
        (PropertyType.MONEY, "Infinity"),
        (PropertyType.DATE, "yesterday"),
        (PropertyType.DATE, "2026-02-30"),
        (PropertyType.DATE_TIME, "at noon"),
        (PropertyType.GENDER, 3),
        (PropertyType.MOBILE_NUMBER, "call me"),
        (PropertyType.MOBILE_NUMBER, "123"),
    ],
)
def test_a_value_that_spotler_would_refuse_is_refused_with_what_would_do(kind: PropertyType, value: Any) -> None:
    refused = convert(value, None, kind)
    assert isinstance(refused, Misfit)
    assert refused.expected
    assert str(value) not in refused.expected


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("ann@example.com", True),
        ("Ann.O'Neil+news@sub.example.co.uk", True),
        ("ann@münchen.example", True),
        ("", False),
        ("ann", False),
        ("ann@", False),
        ("@example.com", False),
        ("ann@example", False),
        ("ann@exa mple.com", False),
        ("ann@example.com, ben@example.com", False),
        ("Ann <ann@example.com>", False),
    ],
)
def test_an_address_is_judged_by_its_form(address: str, *, fine: bool) -> None:  # VAL-02
    assert is_email(address) is fine

"""A text is a number only where its point can mean one thing."""

from __future__ import annotations

import pytest

from shared.domain.mapping.conversions import (
    ColumnKind,
)
from shared.domain.mapping.reverse_conversions import Stored, returned
from shared.domain.records.marketing_contact import (
    PropertyType,
)
from shared.domain.values.values import Fits, Misfit, convert
from tests.unit.domain.mapping.conversions.kinds import COLUMNS, definition


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

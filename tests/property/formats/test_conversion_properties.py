"""Values of every type come back from Spotler as they went, or their loss is known."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.model import EMAIL
from shared.domain.mapping.reverse_conversions import Stored, returned
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType, SetEntry
from shared.domain.records.table_schema import ColumnDefinition, ColumnType, DateBehaviour, Option
from shared.domain.values.fields import as_properties, wished_fields
from shared.domain.values.values import _PLAIN_ADDRESS, Fits, _is_valid, convert, is_email
from tests.person_records import person

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def back(value: Any, kind: PropertyType, column: ColumnDefinition) -> Any:
    converted = convert(value, None, kind, zone=AMSTERDAM)
    assert isinstance(converted, Fits)
    result = returned(converted.value, PropertyDefinition("p", "P", kind), column, zone=AMSTERDAM)
    assert isinstance(result, Stored)
    return result.value, converted.loss or ""


@given(
    st.from_regex(_PLAIN_ADDRESS, fullmatch=True) | st.from_regex(r"[a-z.+-]{1,6}@[a-z0-9-]{1,4}(\.[a-z-]{1,4}){1,2}")
)
def test_an_address_of_the_plain_form_is_valid_and_others_are_asked_of_the_library(address: str) -> None:
    assert is_email(address) is _is_valid(address.strip())


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_whole_number_comes_back_as_it_went(number: int) -> None:
    column = ColumnDefinition("c", ColumnType.BIG_INT)
    for kind in (PropertyType.INT, PropertyType.STRING):
        if abs(number) < 10**18:
            assert back(number, kind, column) == (number, "")


@given(st.decimals(-(10**9), 10**9, places=4).map(float))
def test_amount_returns_unchanged_or_reports_its_rounding(amount: float) -> None:
    value, loss = back(amount, PropertyType.MONEY, ColumnDefinition("c", ColumnType.MONEY))

    assert (Decimal(str(value)) == Decimal(str(amount))) is (loss == "")
    assert abs(Decimal(str(value)) - Decimal(str(amount))) <= Decimal("0.005")


@given(st.dates())
def test_a_day_comes_back_as_it_went(day: Any) -> None:
    column = ColumnDefinition("c", ColumnType.DATE_TIME, behaviour=DateBehaviour.DATE_ONLY, shows_time=False)
    for kind in (PropertyType.DATE, PropertyType.BIRTHDATE, PropertyType.STRING):
        assert back(day.isoformat(), kind, column) == (day.isoformat(), "")


@given(
    st.datetimes(
        min_value=datetime(1753, 1, 1)  # noqa: DTZ001  # Hypothesis adds no zone
    )
)
def test_a_moment_comes_back_as_it_went(moment: Any) -> None:
    wire = f"{moment.isoformat(timespec='seconds')}Z"
    column = ColumnDefinition("c", ColumnType.DATE_TIME, behaviour=DateBehaviour.USER_LOCAL)
    for kind in (PropertyType.DATE_TIME, PropertyType.STRING):
        if moment.year < 9999:
            assert back(wire, kind, column) == (wire, "")


@given(st.text(max_size=50).filter(lambda text: text == text.strip() and text.isprintable()))
def test_a_text_comes_back_as_it_went(text: str) -> None:
    value, loss = back(text, PropertyType.STRING, ColumnDefinition("c", ColumnType.STRING, max_length=100))
    assert (value or "", loss) == (text, "")


labels = st.lists(
    st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters=";"), min_size=1, max_size=8),
    min_size=1,
    max_size=6,
    unique_by=str.casefold,
)


@given(labels, st.data())
def test_choices_come_back_as_they_went_through_a_list_and_through_a_text(
    texts: list[str], data: st.DataObject
) -> None:
    options = {100 + number: text for number, text in enumerate(texts)}
    chosen = sorted(data.draw(st.sets(st.sampled_from(sorted(options)))))
    column = ColumnDefinition(
        "a", ColumnType.MULTI_SELECT, options=tuple(Option(value, label=text) for value, text in options.items())
    )
    catalogue = PropertyCatalogue(
        (
            PropertyDefinition(
                "set", "Set", PropertyType.SET, tuple(SetEntry(1 << n, one) for n, one in enumerate(texts))
            ),
            PropertyDefinition("text", "Text", PropertyType.STRING),
        )
    )
    mapping = read_mapping(
        {
            "version": 1,
            "rows": [
                {"spotler": EMAIL, "contact": "e"},
                *({"spotler": name, "contact": "a"} for name in ("set", "text")),
            ],
        }
    )
    value = {"choices": {number: options[number] for number in chosen}}
    sent = as_properties(wished_fields(person(mapping, values={"e": "a@b.nl", "a": value}), mapping, catalogue).values)

    for name in ("set", "text"):
        definition = catalogue.named(name)
        assert definition is not None
        assert returned(sent[name], definition, column) == Stored(",".join(map(str, chosen)) or None)

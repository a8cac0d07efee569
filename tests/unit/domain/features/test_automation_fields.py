"""AUT-13..AUT-21: Automation Fields."""

from __future__ import annotations

import pytest

from shared.domain.features.automation_fields import (
    AutomationFieldsError,
    field_values,
    parse,
    read_hints,
    write_hints,
)
from shared.domain.features.automations import AutomationField, FieldType, FieldValue

STRING, URL, PRODUCTLIST = FieldType.STRING, FieldType.URL, FieldType.PRODUCTLIST


def read(text: str) -> dict[str, str | tuple[str, ...]]:
    return {assignment.name: assignment.value for assignment in parse(text)}


INVOICE = {"invoiceEmail": "invoice@company.com", "invoiceCode": "", "invoiceVatNumber": "NL123456"}
SHORT_INVOICE = {"invoiceEmail": "invoice@company.com", "invoiceVatNumber": "NL123456"}


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        pytest.param("invoiceEmail=invoice@company.com;invoiceCode=;invoiceVatNumber=NL123456", INVOICE, id="AUT-18"),
        pytest.param("invoiceEmail=invoice@company.com;invoiceVatNumber=NL123456", SHORT_INVOICE, id="AUT-19"),
        pytest.param("invoiceEmail=invoice@company.com\ninvoiceCode=\ninvoiceVatNumber=NL123456", INVOICE, id="AUT-20"),
        pytest.param("invoiceEmail=invoice@company.com\r\ninvoiceVatNumber=NL123456", SHORT_INVOICE, id="AUT-20-crlf"),
        pytest.param("crosssell={123,567,891}", {"crosssell": ("123", "567", "891")}, id="AUT-21"),
    ],
)
def test_the_examples_of_the_specification_are_valid(text: str, fields: dict[str, str]) -> None:
    assert read(text) == fields


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", {}),
        (" ; \n ;", {}),
        ("a=1;", {"a": "1"}),
        ("  a  =  1 2  ;  b = ", {"a": "1 2", "b": ""}),
        ("link=https://shop.example/?a=b&c={d}", {"link": "https://shop.example/?a=b&c={d}"}),
        ("a={}", {"a": ()}),
        ("a={ 1 , 2 };b=3", {"a": ("1", "2"), "b": "3"}),
        ("a={1,\n  2\n}\nb=3", {"a": ("1", "2"), "b": "3"}),
        ("a={1,,2}", {"a": ("1", "", "2")}),
        ("Naam=1;naam=2", {"Naam": "1", "naam": "2"}),
    ],
)
def test_blanks_and_empty_parts_do_not_matter_and_case_does(text: str, fields: dict[str, str]) -> None:
    assert read(text) == fields


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("voucher", "line 1, column 1: expected name=value"),
        ("a=1\n  voucher", "line 2, column 3: expected name=value"),
        ("a=1;=2", "line 1, column 5: expected a field name"),
        ("a={1,2", "line 1, column 3: the list that begins here has no closing curly bracket"),
        ("a={1,2;b=3", "line 1, column 3: the list that begins here has no closing curly bracket"),
        ("a={1} 2", "line 1, column 7: expected ; or Enter after the closing curly bracket"),
        ("a=1\r\na=2", "line 2, column 1: a was given before, at line 1, column 1"),
    ],
)
def test_error_has_its_position_and_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(AutomationFieldsError) as caught:
        parse(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "text", ["voucher=STRING", "voucher=<STRING>", "voucher=URL", "voucher={<PRODUCTLIST>}", "voucher={<STRING>,etc}"]
)
def test_a_type_hint_that_was_left_in_place_is_an_error_that_names_the_field(text: str) -> None:
    with pytest.raises(AutomationFieldsError, match="voucher still holds its type hint"):
        field_values(text, {})


def test_fields_get_the_type_that_the_automation_gives_them() -> None:
    known = {"voucher": STRING, "link": URL, "cart": PRODUCTLIST}

    values = field_values("voucher=X1;link=https://shop.example;cart={sku-1,,sku-2}", known)

    assert values == (
        FieldValue("voucher", STRING, ("X1",)),
        FieldValue("link", URL, ("https://shop.example",)),
        FieldValue("cart", PRODUCTLIST, ("sku-1", "sku-2")),
    )


def test_without_known_fields_the_form_of_the_value_decides() -> None:
    assert field_values("a=1;b={2}", {}) == (FieldValue("a", STRING, ("1",)), FieldValue("b", PRODUCTLIST, ("2",)))


def test_empty_fields_are_left_out() -> None:
    assert field_values("voucher=;cart={};link=", {"voucher": STRING, "cart": PRODUCTLIST, "link": URL}) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Voucher=1", "line 1, column 1: Voucher is no field of this automation. It has voucher, cart"),
        ("voucher={1}", "voucher takes one text"),
        ("cart=123", "cart takes product ids in curly brackets"),
    ],
)
def test_fields_that_the_automation_does_not_take_are_errors(text: str, message: str) -> None:
    with pytest.raises(AutomationFieldsError, match=message):
        field_values(text, {"voucher": STRING, "cart": PRODUCTLIST})


def test_no_message_quotes_a_value() -> None:
    for text in ("SECRET", "a={SECRET", "voucher={SECRET}", "cart=SECRET"):
        with pytest.raises(AutomationFieldsError) as caught:
            field_values(text, {"voucher": STRING, "cart": PRODUCTLIST})
        assert "SECRET" not in str(caught.value)


def test_the_hints_that_are_written_are_those_of_the_specification() -> None:
    fields = [AutomationField("voucher"), AutomationField("link", URL), AutomationField("crosssell", PRODUCTLIST)]

    assert write_hints(fields) == "voucher=<STRING>\nlink=<URL>\ncrosssell={<PRODUCTLIST>}"
    assert read_hints(write_hints(fields)) == {"voucher": STRING, "link": URL, "crosssell": PRODUCTLIST}


def test_edited_hint_counts_as_text() -> None:
    assert read_hints("voucher=whatever") == {"voucher": STRING}

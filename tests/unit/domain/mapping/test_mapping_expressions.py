"""Expressions that are refused say where and why; the ones of the specification are in `test_mapping_requirements`."""

from __future__ import annotations

import pytest

from shared.domain.mapping.language.parser import parse_expression
from shared.domain.mapping.language.tokens import ExpressionError


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 0, "a column, a text in double quotes, $CustomerType, @concat(…) or @child(…)"),
        ("first name", 6, "the end"),
        ("a;;b", 2, "a column, a text in double quotes, $CustomerType, @concat(…) or @child(…)"),
        ("a(b", 3, ").column"),
        ("a(b)c", 4, ").column"),
        ("a(b).", 5, "the logical name of a column of the related table"),
        ("a(b).c(d).e", 6, "the end of the column (it is at most one relationship away)"),
        ('"x"', 0, "$value:… (a text in double quotes stands only within other values)"),
        ('a;"x', 2, 'a closing "'),
        ("$customertype", 0, "$CustomerType, $value:…, @map(…), @concat(…), @child(…) or @odata:…"),
        ("@map(lists)", 5, "permissions or list or periodiek"),
        ("@map(list", 9, ")"),
        ("@concat()", 8, "a column, a text in double quotes, $CustomerType, @concat(…) or @child(…)"),
        ("@concat(a b)", 10, ", or )"),
        ("@concat(@map(list))", 8, "a column, a text in double quotes, $CustomerType, @concat(…) or @child(…)"),
        ("@child(a).last(b).c", 10, "first(column DESC).column"),
        ("@child(a).first(b UP).c", 18, "ASC, DESC or )"),
        ("@child(a).first(b)", 18, ".column"),
        ("@odata: ", 7, "a query, such as contacts($ID)?$select=fullname"),
        ("a=b", 1, "the end"),
        ("$CustomerType;a", 14, "the end, because $CustomerType is never empty"),
        ('@concat(a;"-";b)', 14, 'the end, because "-" is never empty'),
        ('@concat("a", "b")', 16, ", and a column (a fixed text alone is $value:…)"),
        ("a\x00", 1, "a name, a text, a number or a sign"),
        ("é", 0, "a name, a text, a number or a sign"),
    ],
)
def test_an_error_says_where_it_is_and_what_would_do(text: str, position: int, expected: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)

    assert (caught.value.position, caught.value.expected) == (position, expected)
    assert f"position {position + 1}: expected {expected}" in str(caught.value)


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("EMailAddress1", "emailaddress1"),
        (" a ; b ; ", "a;b"),
        ("a;", "a"),
        ('@concat( a ," " , b )', '@concat(a, " ", b)'),
        ("@child(a.b).first(c).d", "@child(a.b).first(c ASC).d"),
        ("@child(a.b).first(c desc).d", "@child(a.b).first(c DESC).d"),
        ("$value: as it is ; $ID", "$value: as it is ; $ID"),
        ('@concat(a, "say ""hi""")', '@concat(a, "say ""hi""")'),
    ],
)
def test_an_expression_is_printed_in_one_way(written: str, printed: str) -> None:
    assert str(parse_expression(written)) == printed


def test_nesting_has_a_limit_that_nobody_meets() -> None:
    with pytest.raises(ExpressionError, match="at most 20 levels"):
        parse_expression("@concat(" * 50 + "a" + ")" * 50)

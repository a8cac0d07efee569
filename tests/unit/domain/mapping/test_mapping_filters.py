"""Filters as people write them, on records as Dataverse gives them (MAP-12, VAL-04)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from shared.domain.mapping.language.evaluate import compile_filter
from shared.domain.mapping.language.filters import parse_filter
from shared.domain.mapping.language.tokens import ExpressionError
from shared.domain.records.records import Choices, Lookup, PersonRecord, PersonTable, RecordKey

RECORD = PersonRecord(
    RecordKey(PersonTable.CONTACT, UUID(int=1)),
    {
        "statuscode": 1,
        "country": "nl",
        "city": None,
        "note": "  ",
        "code": "007",
        "vip": True,
        "member": False,
        "budget": 12.5,
        "interests": Choices((100, 102), ("Golf", "Chess")),
        "owner": Lookup("systemuser", UUID(int=5)),
        "parentcustomerid(account).industry": 3,
        "quote": 'a "b" c',
    },
    labels={"statuscode": "Active", "owner": "Jan", "vip": "Ja", "parentcustomerid(account).industry": "Bouw"},
)


@pytest.mark.parametrize(
    "text",
    [
        "statuscode = 1",
        'statuscode = "Active"',
        'statuscode = "active"',
        "statuscode <> 2",
        'country in ("NL", "BE")',
        'country not in ("DE")',
        "empty(city)",
        "empty(note)",
        "not empty(country)",
        'city <> "Gouda"',
        'code = "007"',
        "vip = true",
        'vip = "Ja"',
        "member = false",
        "budget = 12.50",
        'interests = "Golf"',
        "interests = 102",
        'owner = "Jan"',
        'parentcustomerid(account).industry in ("Bouw", "Zorg")',
        'quote = "a ""b"" c"',
        'statuscode = 1 and (country in ("NL", "BE") or not empty(city))',
        'statuscode = 2 and city = "x" or vip = true',
        "NOT (statuscode = 2 OR empty(country))",
        "not not vip = true",
    ],
)
def test_the_record_passes(text: str) -> None:
    assert compile_filter(parse_filter(text))(RECORD)
    assert not compile_filter(parse_filter(f"not ({text})"))(RECORD)


@pytest.mark.parametrize(
    "text",
    [
        "statuscode = 2",
        "code = 7",
        'city = ""',
        "city = false",
        "vip = 2",
        'interests = "Tennis"',
        "empty(member)",
        "empty(statuscode)",
        'country = "nl " and statuscode = 3',
    ],
)
def test_the_record_does_not_pass(text: str) -> None:
    assert not compile_filter(parse_filter(text))(RECORD)


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 0, "a column, not, empty(…) or ("),
        ("statuscode", 10, "=, <>, in or not in"),
        ("statuscode 1", 11, "=, <>, in or not in"),
        ("statuscode = ", 13, "a text in double quotes, a number, true or false"),
        ("statuscode = active", 13, "a text in double quotes, a number, true or false"),
        ("(statuscode = 1", 15, "and, or, or )"),
        ("statuscode = 1 country = 2", 15, "and, or, or the end"),
        ('country in "NL"', 11, "("),
        ('country in ("NL"', 16, ", or )"),
        ("country not = 1", 12, "in"),
        ('country = "NL', 10, 'a closing "'),
        ("a(b).c.d = 1", 6, "the end of the column (it is at most one relationship away)"),
        ("and = 1", 0, "a column, not, empty(…) or ("),
    ],
)
def test_an_error_says_where_it_is_and_what_would_do(text: str, position: int, expected: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_filter(text)

    assert (caught.value.position, caught.value.expected) == (position, expected)
    assert f"position {position + 1}" in str(caught.value)


def test_a_two_options_column_that_is_on_is_one_and_the_number_one_is_not_true() -> None:
    record = PersonRecord(RECORD.key, {"flag": True, "number": 1})
    passing: dict[str, Any] = {
        text: compile_filter(parse_filter(text))(record)
        for text in ("flag = true", "flag = 1", "number = 1", "number = true")
    }

    assert passing == {"flag = true": True, "flag = 1": True, "number = 1": True, "number = true": False}

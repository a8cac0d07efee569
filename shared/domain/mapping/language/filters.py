"""The filter of a table, as people write it: which of its records may be in the platform (MAP-12, VAL-04).

    statuscode = 1 and (address1_country in ("NL", "BE") or not empty(emailaddress2))

    filter    = all { "or" all }
    all       = one { "and" one }
    one       = "not" one | "(" filter ")" | "empty" "(" column ")"
              | column ( "=" | "<>" ) value | column [ "not" ] "in" "(" value { "," value } ")"
    value     = text in double quotes | number | "true" | "false"

A column is one of the record, mapped or not, or one of a related row. `filter_comparison.py` has the rules of equality.
`column = null` is another way to write `empty(column)`, and `column <> null` to write `not empty(column)`. A number
with zeros in front is a text: the code 0123 is not the code 123. `str` prints a filter so that `parse_filter` gives the
same one back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from shared.domain.mapping.language.expression import Column, Related, quoted
from shared.domain.mapping.language.parser import parse_column
from shared.domain.mapping.language.tokens import TokenKind, Tokens
from shared.domain.wording.defects import Syntax

Value = str | int | Decimal | bool
Field = Column | Related


class Operator(StrEnum):
    """How a column is compared."""

    EQUAL = "="
    NOT_EQUAL = "<>"


@dataclass(frozen=True, slots=True)
class FilterComparison:
    """The column has this value, or another one. An empty column has another one."""

    field: Field
    operator: Operator
    value: Value

    def __str__(self) -> str:
        return f"{self.field} {self.operator} {_printed(self.value)}"


@dataclass(frozen=True, slots=True)
class Within:
    """The column has one of these values."""

    field: Field
    values: tuple[Value, ...]

    def __str__(self) -> str:
        return f"{self.field} in ({', '.join(_printed(value) for value in self.values)})"


@dataclass(frozen=True, slots=True)
class Empty:
    """The column has no value, or blanks only."""

    field: Field

    def __str__(self) -> str:
        return f"empty({self.field})"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    condition: Filter

    def __str__(self) -> str:
        match self.condition:
            case Within(field, values):
                return f"{field} not in ({', '.join(_printed(value) for value in values)})"
            case _:
                return f"not {_bracketed(self.condition)}"


@dataclass(frozen=True, slots=True)
class And:
    """All of them; two or more."""

    conditions: tuple[Filter, ...]

    def __str__(self) -> str:
        return " and ".join(_bracketed(condition) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Or:
    """One of them; two or more."""

    conditions: tuple[Filter, ...]

    def __str__(self) -> str:
        return " or ".join(
            f"({condition})" if isinstance(condition, Or) else str(condition) for condition in self.conditions
        )


Filter = FilterComparison | Within | Empty | Not | And | Or

KEYWORDS = frozenset({"and", "or", "not", "in", "empty", "true", "false", "null"})
"""Names that no column in a filter can have."""

_NULL = "null"
_ZEROS_IN_FRONT = re.compile(r"-?0[0-9]")


def parse_filter(text: str) -> Filter:
    """Read a filter; ExpressionError has the position of the error."""
    tokens = Tokens(text)
    condition = _any(tokens)
    tokens.end(Syntax.AND_OR_END())
    return condition


def filter_columns(condition: Filter) -> Iterator[Field]:
    """Return every column of a filter."""
    match condition:
        case FilterComparison(field) | Within(field) | Empty(field):
            yield field
        case Not(inner):
            yield from filter_columns(inner)
        case And(conditions) | Or(conditions):
            for inner in conditions:
                yield from filter_columns(inner)
        case _:
            assert_never(condition)


# ------------------------------------------------------------------------------------------------------------- reading


def _any(tokens: Tokens) -> Filter:
    conditions = [_all(tokens)]
    while tokens.comes_keyword("or"):
        tokens.take()
        conditions.append(_all(tokens))
    return conditions[0] if len(conditions) == 1 else Or(tuple(conditions))


def _all(tokens: Tokens) -> Filter:
    conditions = [_one(tokens)]
    while tokens.comes_keyword("and"):
        tokens.take()
        conditions.append(_one(tokens))
    return conditions[0] if len(conditions) == 1 else And(tuple(conditions))


def _one(tokens: Tokens) -> Filter:
    tokens.enter()
    condition: Filter
    if tokens.comes_keyword("not"):
        tokens.take()
        condition = Not(_one(tokens))
    elif tokens.take_symbol("("):
        condition = _any(tokens)
        tokens.expect(")", Syntax.AND_OR_CLOSE())
    elif tokens.comes_keyword("empty"):
        tokens.take()
        tokens.expect("(")
        condition = Empty(_field(tokens))
        tokens.expect(")")
    else:
        condition = _comparison(tokens)
    tokens.leave()
    return condition


def _comparison(tokens: Tokens) -> Filter:
    field = _field(tokens)
    for operator in Operator:
        if not tokens.take_symbol(operator):
            continue
        if not tokens.comes_keyword(_NULL):
            return FilterComparison(field, operator, _value(tokens))
        tokens.take()
        return Empty(field) if operator is Operator.EQUAL else Not(Empty(field))
    negated = tokens.comes_keyword("not")
    if negated:
        tokens.take()
    if not tokens.comes_keyword("in"):
        raise tokens.error("in" if negated else Syntax.OPERATOR())
    tokens.take()
    tokens.expect("(")
    values = [_value(tokens)]
    while tokens.take_symbol(","):
        values.append(_value(tokens))
    tokens.expect(")", Syntax.COMMA_OR_CLOSE())
    within = Within(field, tuple(values))
    return Not(within) if negated else within


def _field(tokens: Tokens) -> Field:
    if tokens.next.kind is not TokenKind.NAME or tokens.next.text.lower() in KEYWORDS:
        raise tokens.error(Syntax.CONDITION())
    return parse_column(tokens)


def _value(tokens: Tokens) -> Value:
    if tokens.next.kind is TokenKind.TEXT:
        return tokens.take().text
    if tokens.next.kind is TokenKind.NUMBER:
        number = tokens.take().text
        if _ZEROS_IN_FRONT.match(number):
            return number
        return Decimal(number) if "." in number else int(number)
    for truth in (True, False):
        if tokens.comes_keyword(str(truth).lower()):
            tokens.take()
            return truth
    raise tokens.error(Syntax.FILTER_VALUE())


# ------------------------------------------------------------------------------------------------------------ printing


def _printed(value: Value) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return quoted(value)
        case Decimal():
            return f"{value:f}"
        case int():
            return str(value)


def _bracketed(condition: Filter) -> str:
    return f"({condition})" if isinstance(condition, And | Or) else str(condition)

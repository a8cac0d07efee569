"""Evaluates expressions and filters for a record.

Expressions and filters are compiled once, into functions that are called for every record.
"""

from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Any, NamedTuple, assert_never

from shared.domain.mapping.language.expression import (
    Child,
    Coalesce,
    Column,
    Concat,
    Constant,
    CustomerType,
    Expression,
    Literal,
    MapTo,
    Operand,
    QueryExpression,
    Related,
)
from shared.domain.mapping.language.filter_comparison import wanted
from shared.domain.mapping.language.filters import (
    And,
    Empty,
    Filter,
    FilterComparison,
    Not,
    Operator,
    Or,
    Value,
    Within,
)
from shared.domain.records.records import Choices, PersonRecord, UnknownOption
from shared.domain.values.values import is_blank, text_of


class Evaluated(NamedTuple):
    """A value with Dataverse's JSON types and, where Dataverse has one, its label."""

    value: Any
    label: str | None = None


Evaluate = Callable[[PersonRecord], Evaluated]
Passes = Callable[[PersonRecord], bool]

_NOTHING = Evaluated(None)


def compile_expression(expression: Expression | Operand | Coalesce) -> Evaluate:
    """Make the function that evaluates an expression. `@map(…)` has no value: its options are rows of their own."""
    match expression:
        case Column() | Related() | Child() | QueryExpression():
            return _read(str(expression))
        case CustomerType():
            return lambda record: Evaluated(str(record.key.table))
        case Constant(text) | Literal(text):
            fixed = Evaluated(text)
            return lambda _record: fixed
        case Coalesce(operands):
            return _first([compile_expression(operand) for operand in operands])
        case Concat(parts):
            return _joined(parts)
        case MapTo():
            return lambda _record: _NOTHING
        case _:
            assert_never(expression)


def _read(name: str) -> Evaluate:
    return lambda record: Evaluated(record.values.get(name), record.labels.get(name))


def _first(operands: list[Evaluate]) -> Evaluate:
    def evaluate(record: PersonRecord) -> Evaluated:
        for operand in operands:
            found = operand(record)
            if not is_blank(found.value):
                return found
        return _NOTHING

    return evaluate


def _joined(parts: tuple[Operand | Coalesce, ...]) -> Evaluate:
    """Join texts. A literal between two columns is a separator: if one of them is empty, it is left out.

    So `@concat(firstname, " ", middlename, " ", lastname)` has one blank without a middle name. Of several adjacent
    separators, the first stays. Literals before and after all columns stay if one of the columns has a value.
    """
    pieces: list[tuple[str, Evaluate]] = []
    opening = separator = ""
    for part in parts:
        if not isinstance(part, Literal):
            pieces.append((separator, compile_expression(part)))
            separator = ""
        elif pieces:
            separator += part.text
        else:
            opening += part.text
    closing = separator

    def evaluate(record: PersonRecord) -> Evaluated:
        text, between = "", ""
        for before, piece in pieces:
            between = between or before
            found = piece(record)
            if _is_unknown(found.value):  # a sentence with a hole is no better than one with a number
                return found
            if not is_blank(found.value):
                text += (between if text else "") + text_of(found.value, found.label)
                between = ""
        return Evaluated(f"{opening}{text}{closing}") if text else _NOTHING

    return evaluate


def _is_unknown(value: Any) -> bool:
    """Whether a value stands for a deleted option."""
    return isinstance(value, UnknownOption) or (isinstance(value, Choices) and value.has_unknown)


# ------------------------------------------------------------------------------------------------------------- filters


def compile_filter(condition: Filter, zone: tzinfo = UTC) -> Passes:
    """Make the function that decides whether a record passes; `zone` is the time zone of dates."""
    match condition:
        case FilterComparison(field, operator, value):
            is_wanted = compile_equality(field, (value,), zone)
            return is_wanted if operator is Operator.EQUAL else lambda record: not is_wanted(record)
        case Within(field, values):
            return compile_equality(field, values, zone)
        case Empty(field):
            evaluate = compile_expression(field)
            return lambda record: is_blank(evaluate(record).value)
        case Not(inner):
            passes = compile_filter(inner, zone)
            return lambda record: not passes(record)
        case And(conditions):
            every = [compile_filter(inner, zone) for inner in conditions]
            return lambda record: all(passes(record) for passes in every)
        case Or(conditions):
            some = [compile_filter(inner, zone) for inner in conditions]
            return lambda record: any(passes(record) for passes in some)
        case _:
            assert_never(condition)


def compile_equality(expression: Expression, values: tuple[Value, ...], zone: tzinfo = UTC) -> Passes:
    """Make the function that decides whether an expression has one of these values (`filter_comparison.py`)."""
    evaluate = compile_expression(expression)
    searched = wanted(values, zone)
    return lambda record: searched.includes(*evaluate(record))

"""The condition operators that OData and FetchXML share, as predicates on the value of a column.

Names are those of FetchXML; OData's query functions are the same in Pascal case (`last-x-days`, `LastXDays`).
As in Dataverse, text compares without regard to case, and a negated operator also finds rows without a value.
"""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from shared.local.dataverse_sandbox.metadata.schema import Column, ColumnType
from shared.local.dataverse_sandbox.organisation.errors import bad_request, not_implemented
from shared.local.dataverse_sandbox.organisation.privileges import Rights
from shared.local.dataverse_sandbox.queries import relative_dates
from shared.local.dataverse_sandbox.rows.store import RowRef
from shared.local.dataverse_sandbox.rows.values import guid, instant

Test = Callable[[Any], bool]

_WILDCARD = re.compile(r"\[\^?[^\]]+\]|.", re.DOTALL)
_WILDCARDS = {"%": ".*", "_": "."}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operators.eq,
    "ne": operators.ne,
    "neq": operators.ne,
    "gt": operators.gt,
    "ge": operators.ge,
    "lt": operators.lt,
    "le": operators.le,
}

_NEGATED = {
    "ne": "eq",
    "neq": "eq",
    "not-in": "in",
    "not-like": "like",
    "not-begin-with": "begins-with",
    "not-end-with": "ends-with",
    "not-between": "between",
    "not-contain-values": "contain-values",
    "not-null": "null",
    "ne-userid": "eq-userid",
}
_KNOWN = re.compile(
    r"(not-)?(above|under)|eq-or-(above|under)|(above|under)-or-equal|(eq|ne)-(businessid|rolebusinessid|userlanguage|userteams"
    r"|useroruserteams|useroruserhierarchy|useroruserhierarchyandteams)"
    r"|(last|next|this)-fiscal-(period|year)|(last|next)-x-fiscal-(periods|years)"
    r"|in-((or-(after|before)-)?fiscal-period-and-year|fiscal-period|fiscal-year)"
)
"""Operators of Dataverse that are not simulated. Source: Microsoft's page "Condition operators"."""


@dataclass(frozen=True, slots=True)
class QueryContext:
    """The time, zone and user for relative operators, and the rights for the tables of a query."""

    now: datetime
    user: RowRef
    rights: Rights
    zone: tzinfo = UTC


def test(operator: str, column: Column, operands: Sequence[Any], context: QueryContext) -> Test:
    """Build the predicate of one condition; WebApiError 400 for an unknown operator or operands that do not fit."""
    if operator in _NEGATED:
        positive = test(_NEGATED[operator], column, operands, context)
        return lambda value: not positive(value)
    if relative_dates.is_of_dates(operator):
        return relative_dates.test(operator, column, operands, context.now, context.zone)
    match operator:
        case "null" | "eq-userid":
            if operands:
                raise bad_request(f"The operator '{operator}' takes no value.", "0x80041103")
            return _equal(None if operator == "null" else context.user.id)
        case "like" | "begins-with" | "ends-with" | "contains":
            return _pattern(operator, str(_only(operands)))
        case "eq" | "in" | "contain-values":
            return _membership(operator, column, operands)
        case "gt" | "ge" | "lt" | "le" | "between":
            return _order(operator, column, operands)
        case known if _KNOWN.fullmatch(known):
            raise not_implemented(f"The condition operator '{operator}'")
        case _:
            raise bad_request(f"The condition operator '{operator}' is not supported.", "0x80041103")


def compare(operator: str) -> Callable[[Any, Any], bool]:
    """Return how two columns of a row are compared; WebApiError 400 for an operator that compares no columns.

    A column without a value equals no other; `ne` finds it, as other negated operators do.
    """
    comparison = _COMPARISONS.get(operator)
    if comparison is None:
        raise bad_request(f"The operator '{operator}' does not compare two columns.", "0x80041103")
    finds_empty = operator in {"ne", "neq"}

    def passes(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return finds_empty
        return bool(comparison(plain(left), plain(right)))

    return passes


def comparand(column: Column, operand: Any) -> Any:
    """Bring an operand into the form that `plain` gives to values; WebApiError 400 if it does not fit the column."""
    try:
        match column.type:
            case ColumnType.LOOKUP | ColumnType.UNIQUEIDENTIFIER:
                return guid(str(operand).strip("{}"))
            case ColumnType.DATE_TIME:
                text = instant(str(operand))
                return text[:10] if column.is_day else text
            case ColumnType.BOOLEAN:
                return operand if isinstance(operand, bool) else str(operand).lower() in {"1", "true"}
            case ColumnType.INTEGER | ColumnType.BIG_INT | ColumnType.PICKLIST | ColumnType.STATE | ColumnType.STATUS:
                return int(operand)
            case ColumnType.DECIMAL | ColumnType.DOUBLE | ColumnType.MONEY:
                return float(operand)
            case (
                ColumnType.STRING
                | ColumnType.MEMO
                | ColumnType.ENTITY_NAME
                | ColumnType.PARTY_LIST
                | ColumnType.MULTI_SELECT
            ):
                return _text(operand)
    except ValueError:
        raise bad_request(
            f"The value '{operand}' does not fit the column '{column.name}' of type {column.type}.", "0x80041103"
        ) from None


def plain(value: Any) -> Any:
    """Return a stored value in the form that is compared: the id of a lookup, text without regard to case.

    Blanks at the end are ignored, as in SQL Server; `like` and similar operators compare the text unchanged.
    """
    if type(value) is str:
        return _text(value)
    return value.id if type(value) is RowRef else value


def _equal(wanted: Any) -> Test:
    return lambda value: plain(value) == wanted


def _membership(operator: str, column: Column, operands: Sequence[Any]) -> Test:
    if operator == "eq":
        return _equal(_fold(comparand(column, _only(operands))))
    if operator == "contain-values":
        if column.type is not ColumnType.MULTI_SELECT:
            raise bad_request(f"The operator '{operator}' does not fit the column '{column.name}'.", "0x80041103")
        options = {str(operand) for operand in operands}
        return lambda value: value is not None and not options.isdisjoint(value.split(","))
    wanted = frozenset(_fold(comparand(column, operand)) for operand in operands)
    return lambda value: plain(value) in wanted


def _order(operator: str, column: Column, operands: Sequence[Any]) -> Test:
    limits = [_fold(comparand(column, operand)) for operand in operands]
    if operator == "between":
        if len(limits) != 2:  # noqa: PLR2004  # an interval has two ends
            raise bad_request("The operator 'between' takes two values.", "0x80041103")
        low, high = limits
        return lambda value: value is not None and low <= plain(value) <= high
    limit = _only(limits)
    comparisons: dict[str, Test] = {
        "gt": lambda value: value is not None and plain(value) > limit,
        "ge": lambda value: value is not None and plain(value) >= limit,
        "lt": lambda value: value is not None and plain(value) < limit,
        "le": lambda value: value is not None and plain(value) <= limit,
    }
    return comparisons[operator]


def _pattern(operator: str, operand: str) -> Test:
    """`%`, `_`, `[a-c]` and `[^a]` are wildcards in every operator on parts of a text, as in SQL Server."""
    before = "" if operator in {"like", "begins-with"} else "%"
    after = "" if operator in {"like", "ends-with"} else "%"
    tokens = _WILDCARD.findall(f"{before}{operand.casefold()}{after}")
    try:
        expression = re.compile("".join(_WILDCARDS.get(one) or _set_of(one) for one in tokens), re.DOTALL)
    except re.error:  # a range from high to low holds nothing
        return lambda _value: False
    return lambda value: value is not None and expression.fullmatch(value.casefold()) is not None


def _set_of(token: str) -> str:
    if len(token) == 1:
        return re.escape(token)
    negated, members = token[1] == "^", token[1:-1].removeprefix("^")
    ranges = "".join("-" if one == "-" else re.escape(one) for one in members)
    return f"[{'^' if negated else ''}{ranges}]"


def _only(operands: Sequence[Any]) -> Any:
    if len(operands) != 1:
        raise bad_request("The condition takes exactly one value.", "0x80041103")
    return operands[0]


def _fold(operand: Any) -> Any:
    # `plain` folds all text, dates included.
    return _text(operand) if isinstance(operand, str) else operand


def _text(value: Any) -> str:
    return str(value).casefold().rstrip(" ")

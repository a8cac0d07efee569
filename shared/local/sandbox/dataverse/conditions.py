"""The condition operators that OData and FetchXML share, as predicates on the value of a column.

Names are those of FetchXML; OData's query functions are the same in Pascal case (`last-x-days`, `LastXDays`).
As in Dataverse, text compares without regard to case, and a negated operator also finds rows without a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.local.sandbox.dataverse.errors import bad_request
from shared.local.sandbox.dataverse.privileges import Rights
from shared.local.sandbox.dataverse.schema import Column, ColumnType
from shared.local.sandbox.dataverse.store import RowRef
from shared.local.sandbox.dataverse.values import guid, instant, stamp

Test = Callable[[Any], bool]

_NEGATED = {
    "ne": "eq",
    "neq": "eq",
    "not-in": "in",
    "not-like": "like",
    "not-begin-with": "begins-with",
    "not-end-with": "ends-with",
    "not-between": "between",
    "not-null": "null",
    "ne-userid": "eq-userid",
}
_UNITS = {"hours": timedelta(hours=1), "days": timedelta(days=1), "weeks": timedelta(weeks=1)}
_SPAN = re.compile(r"(last|next|olderthan)-x-(minutes|hours|days|weeks|months|years)")
_FIXED_DAYS = {"today": (0, 1), "yesterday": (-1, 0), "tomorrow": (1, 2), "last-seven-days": (-7, 1)}
_DAYS = {"months": 30.4375, "years": 365.25}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What relative operators relate to, and which tables a query may look into."""

    now: datetime
    user: RowRef
    rights: Rights


def test(operator: str, column: Column, operands: Sequence[Any], circumstances: Circumstances) -> Test:
    """Build the predicate of one condition; WebApiError 400 for an unknown operator or operands that do not fit."""
    if operator in _NEGATED:
        positive = test(_NEGATED[operator], column, operands, circumstances)
        return lambda value: not positive(value)
    match operator:
        case "null" | "eq-userid":
            return _equal(None if operator == "null" else circumstances.user.id)
        case "like" | "begins-with" | "ends-with" | "contains":
            return _pattern(operator, str(_only(operands)))
        case "eq" | "on" | "in" | "contain-values":
            return _membership(operator, column, operands)
        case "gt" | "ge" | "lt" | "le" | "between" | "on-or-after" | "on-or-before":
            return _order(operator, column, operands)
        case _:
            return _relative(operator, operands, circumstances.now)


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

    Nor do blanks at the end count, as in SQL Server; `like` and its kin look at the text as it is.
    """
    if type(value) is str:
        return _text(value)
    return value.id if type(value) is RowRef else value


def _equal(wanted: Any) -> Test:
    return lambda value: plain(value) == wanted


def _membership(operator: str, column: Column, operands: Sequence[Any]) -> Test:
    if operator == "on":
        day = _day(_only(operands))
        return lambda value: value is not None and value[:10] == day
    if operator == "eq":
        return _equal(_fold(comparand(column, _only(operands))))
    wanted = frozenset(_fold(comparand(column, operand)) for operand in operands)
    return lambda value: plain(value) in wanted


def _order(operator: str, column: Column, operands: Sequence[Any]) -> Test:
    if operator in {"on-or-after", "on-or-before"}:
        day = _day(_only(operands))
        if operator == "on-or-after":
            return lambda value: value is not None and value[:10] >= day
        return lambda value: value is not None and value[:10] <= day
    limits = [_fold(comparand(column, operand)) for operand in operands]
    if operator == "between":
        if len(limits) != 2:  # noqa: PLR2004  # an interval has two ends
            raise bad_request("The operator 'between' takes two values.", "0x80041103")
        low, high = limits
        return lambda value: value is not None and low <= plain(value) <= high
    (limit,) = limits
    comparisons: dict[str, Test] = {
        "gt": lambda value: value is not None and plain(value) > limit,
        "ge": lambda value: value is not None and plain(value) >= limit,
        "lt": lambda value: value is not None and plain(value) < limit,
        "le": lambda value: value is not None and plain(value) <= limit,
    }
    return comparisons[operator]


def _pattern(operator: str, operand: str) -> Test:
    text = operand.casefold()
    if operator == "contains":
        return lambda value: value is not None and text in value.casefold()
    if operator == "begins-with":
        return lambda value: value is not None and value.casefold().startswith(text)
    if operator == "ends-with":
        return lambda value: value is not None and value.casefold().endswith(text)
    wildcards = {"%": ".*", "_": "."}
    expression = re.compile("".join(wildcards.get(char, re.escape(char)) for char in text), re.DOTALL)
    return lambda value: value is not None and expression.fullmatch(value.casefold()) is not None


def _relative(operator: str, operands: Sequence[Any], now: datetime) -> Test:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if operator in _FIXED_DAYS:
        first, last = _FIXED_DAYS[operator]
        return _within(midnight + first * _DAY, midnight + last * _DAY)
    span = _SPAN.fullmatch(operator)
    if span is None:
        raise bad_request(f"The condition operator '{operator}' is not supported.", "0x80041103")
    direction, unit = span.groups()
    length = int(_only(operands)) * (_UNITS.get(unit) or _length(unit))
    if direction == "olderthan":
        limit = stamp(now - length)
        return lambda value: value is not None and value < limit
    # Days are whole days: the last three days begin at midnight, three days ago.
    start = midnight if unit not in {"hours", "minutes"} else now
    if direction == "last":
        return _within(start - length, now + timedelta(seconds=1))
    return _within(now, start + length + (_DAY if start == midnight else timedelta(0)))


def _length(unit: str) -> timedelta:
    return timedelta(minutes=1) if unit == "minutes" else timedelta(days=_DAYS[unit])


def _within(start: datetime, end: datetime) -> Test:
    first, last = stamp(start), stamp(end)
    return lambda value: value is not None and first <= value < last


def _day(operand: Any) -> str:
    try:
        return instant(str(operand))[:10]
    except ValueError:
        raise bad_request(f"'{operand}' is not a date.", "0x80041103") from None


def _only(operands: Sequence[Any]) -> Any:
    if len(operands) != 1:
        raise bad_request("The condition takes exactly one value.", "0x80041103")
    return operands[0]


def _fold(operand: Any) -> Any:
    # `plain` folds whatever is text, dates too.
    return _text(operand) if isinstance(operand, str) else operand


def _text(value: Any) -> str:
    return str(value).casefold().rstrip(" ")

"""The operators of dates: on, before and after a day, and in periods relative to the current time.

Days, weeks, months and years are those of the organisation's time zone; weeks begin on Sunday, the default
of an organisation. Source: Microsoft's pages "Filter rows using FetchXML" and "Condition operators".
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from shared.local.dataverse_sandbox.metadata.schema import Column, ColumnType
from shared.local.dataverse_sandbox.organisation.errors import bad_request
from shared.local.dataverse_sandbox.rows.values import stamp

Test = Callable[[Any], bool]

_SPAN = re.compile(r"(last|next|olderthan)-x-(minutes|hours|days|weeks|months|years)")
_PERIOD = re.compile(r"(last|this|next)-(week|month|year)")
_STEPS = {"last": -1, "this": 0, "next": 1}
_DAYS = {
    "today": (0, 1),
    "yesterday": (-1, 0),
    "tomorrow": (1, 2),
    "last-seven-days": (-7, 1),
    "next-seven-days": (0, 8),
}
_ON = frozenset({"on", "on-or-after", "on-or-before"})
_DAY = timedelta(days=1)
_MONTHS_OF_A_YEAR = 12


def is_of_dates(operator: str) -> bool:
    """Whether this module implements the operator."""
    return operator in _DAYS or operator in _ON or any(one.fullmatch(operator) for one in (_SPAN, _PERIOD))


def test(operator: str, column: Column, operands: Sequence[Any], now: datetime, zone: tzinfo) -> Test:
    """Build the predicate of a condition on a column of dates; WebApiError 400 for operands that do not fit."""
    if column.type is not ColumnType.DATE_TIME:
        raise bad_request(f"The operator '{operator}' does not fit the column '{column.name}'.", "0x80041103")
    clock = _Clock(column, now.astimezone(zone), zone)
    if operator in _ON:
        return _on(operator, clock, _only(operands))
    if operands and not _SPAN.fullmatch(operator):
        raise bad_request(f"The operator '{operator}' takes no value.", "0x80041103")
    if operator in _DAYS:
        first, last = _DAYS[operator]
        return clock.within(clock.midnight + first * _DAY, clock.midnight + last * _DAY)
    if period := _PERIOD.fullmatch(operator):
        step, unit = _STEPS[period[1]], period[2]
        start = _beginning(clock.midnight, unit)
        return clock.within(_moved(start, unit, step), _moved(start, unit, step + 1))
    direction, _, unit = operator.split("-")
    return _span(direction, unit.removesuffix("s"), _whole_number(_only(operands)), clock)


@dataclass(frozen=True, slots=True)
class _Clock:
    """The local time, and how a local time compares with the values of a column."""

    column: Column
    now: datetime
    zone: tzinfo

    @property
    def midnight(self) -> datetime:
        """The last local time, without a zone."""
        return self.now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)

    @property
    def wall(self) -> datetime:
        """The current local time, without a zone."""
        return self.now.replace(tzinfo=None)

    def mark(self, local: datetime) -> str:
        """Format a local time like the values of the column."""
        if self.column.is_day:
            return local.date().isoformat()
        if self.column.behavior == "TimeZoneIndependent":
            return stamp(local.replace(tzinfo=UTC))
        return stamp(local.replace(tzinfo=self.zone))

    def within(self, start: datetime, end: datetime) -> Test:
        """A predicate: from `start` on, before `end`; a day that has begun by `end` is included."""
        if self.column.is_day and end.time() != datetime.min.time():
            end += _DAY
        first, last = self.mark(start), self.mark(end)
        return lambda value: value is not None and first <= value < last


def _on(operator: str, clock: _Clock, operand: Any) -> Test:
    try:
        moment = datetime.fromisoformat(str(operand))
    except ValueError:
        raise bad_request(f"'{operand}' is not a date.", "0x80041103") from None
    local = moment.astimezone(clock.zone) if moment.tzinfo is not None else moment
    start = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    first, after = clock.mark(start), clock.mark(start + _DAY)
    if operator == "on":
        return lambda value: value is not None and first <= value < after
    if operator == "on-or-after":
        return lambda value: value is not None and value >= first
    return lambda value: value is not None and value < after


def _span(direction: str, unit: str, count: int, clock: _Clock) -> Test:
    if direction == "olderthan":
        limit = clock.mark(_moved(clock.wall, unit, -count))
        return lambda value: value is not None and value < limit
    if unit in {"minute", "hour"}:
        other = _moved(clock.wall, unit, -count if direction == "last" else count)
        return clock.within(min(other, clock.wall), max(other, clock.wall + timedelta(seconds=1)))
    # Days are whole days: the last three days begin at midnight, three days ago.
    if direction == "last":
        return clock.within(_moved(clock.midnight, unit, -count), clock.wall + timedelta(seconds=1))
    return clock.within(clock.wall, _moved(clock.midnight, unit, count) + _DAY)


def _beginning(midnight: datetime, unit: str) -> datetime:
    if unit == "week":
        return midnight - midnight.isoweekday() % 7 * _DAY
    return midnight.replace(day=1) if unit == "month" else midnight.replace(month=1, day=1)


def _moved(moment: datetime, unit: str, count: int) -> datetime:
    """Move by calendar months and years: a month after the 31st is the last day of the next month."""
    if unit not in {"month", "year"}:
        return moment + count * timedelta(**{f"{unit}s": 1})
    months = moment.year * _MONTHS_OF_A_YEAR + moment.month - 1 + count * (1 if unit == "month" else _MONTHS_OF_A_YEAR)
    year, month = months // _MONTHS_OF_A_YEAR, months % _MONTHS_OF_A_YEAR + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


def _whole_number(operand: Any) -> int:
    text = str(operand)
    if not text.isdigit() or int(text) == 0:
        raise bad_request(f"'{operand}' is not a whole number above 0.", "0x80041103")
    return int(text)


def _only(operands: Sequence[Any]) -> Any:
    if len(operands) != 1:
        raise bad_request("The condition takes exactly one value.", "0x80041103")
    return operands[0]

"""Schedules in local time on a host that counts in UTC: Flex Consumption supports no other time zone.

`in_utc` returns a schedule in UTC that covers a local one in summer and winter, so it also fires at hours that are not
due. `is_due` distinguishes them when the timer fires.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self

_LOWEST_AND_HIGHEST = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_HOUR = timedelta(hours=1)

EARLY = timedelta(seconds=2)
"""How much before its time a host may fire a timer."""

LATE = timedelta(minutes=5)
"""How long after its time a firing still belongs to it. What fires later was asked for, or made up for: it runs."""


@dataclass(frozen=True, slots=True)
class NCrontab:
    """The values of each field: seconds, minutes, hours, days, months, days of the week (0 is Sunday)."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @classmethod
    def read(cls, text: str) -> Self:
        """Read six fields of values, ranges, steps, lists and English names; ValueError for anything else."""
        fields = text.split()
        if len(fields) != len(_LOWEST_AND_HIGHEST):
            raise ValueError(f"{len(fields)} fields instead of {len(_LOWEST_AND_HIGHEST)}")
        return cls(*(_values(field, *ends) for field, ends in zip(fields, _LOWEST_AND_HIGHEST, strict=True)))

    @property
    def is_every_hour(self) -> bool:
        """Whether no hour and no day differs from another: then the time zone changes nothing."""
        return len(self.hours) == 24 and self.is_every_day  # noqa: PLR2004  # hours of a day

    @property
    def is_every_day(self) -> bool:
        """Whether it fires on all days."""
        return (len(self.days), len(self.months), len(self.weekdays)) == (31, 12, 7)

    def matches(self, local: datetime) -> bool:
        """Whether it fires at a wall time. A day must suit the day of the month and the day of the week."""
        return (
            local.second in self.seconds
            and local.minute in self.minutes
            and local.hour in self.hours
            and local.day in self.days
            and local.month in self.months
            and local.isoweekday() % 7 in self.weekdays
        )


def in_utc(text: str, zone: tzinfo, *, year: int) -> str:
    """Return a schedule in UTC that fires whenever a local one is due, and at few other times.

    `zone` is asked for its offsets in `year` and the next one. A schedule that is the same in every hour is returned as
    it is. ValueError if the schedule cannot be read.
    """
    schedule = NCrontab.read(text)
    offsets = _offsets(zone, year)
    if offsets == {timedelta()} or (schedule.is_every_hour and not any(offset % _HOUR for offset in offsets)):
        return text
    moments = {
        divmod(hour * 60 + minute - offset // timedelta(minutes=1), 60)
        for offset in offsets
        for hour in schedule.hours
        for minute in schedule.minutes
    }
    minutes = sorted({minute for _, minute in moments})
    hours = sorted({hour % 24 for hour, _ in moments})
    # A local day lies in two days of UTC: which one is decided when the timer fires.
    return f"{text.split(maxsplit=1)[0]} {_listed(minutes)} {'*' if len(hours) == 24 else _listed(hours)} * * *"  # noqa: PLR2004


def is_due(text: str, zone: tzinfo, now: datetime) -> bool:
    """Whether a timer with the schedule of `in_utc` that fires now is to run.

    False only just after a moment that is not due in local time. A wall time that the change of clocks skips is due an
    hour later; of one that comes twice, the first is due.
    """
    schedule = NCrontab.read(text)
    if schedule.is_every_hour:
        return True
    fired = NCrontab.read(in_utc(text, zone, year=now.year))
    moment = _latest(fired, now.astimezone(UTC) + EARLY)
    if moment is None:
        return True
    return any(
        schedule.matches(wall) and wall.replace(tzinfo=zone, fold=0).astimezone(UTC) == moment
        for offset in _offsets(zone, moment.year)
        for wall in [(moment + offset).replace(tzinfo=None)]
    )


def _latest(fired: NCrontab, until: datetime) -> datetime | None:
    """Return the last moment of a schedule within `LATE`; None if there is none."""
    second = until.replace(microsecond=0)
    while second > until - LATE - EARLY:
        if fired.matches(second):
            return second
        second -= timedelta(seconds=1)
    return None


def _offsets(zone: tzinfo, year: int) -> set[timedelta]:
    """Return the offsets of a zone in a year and the next one: that of every week."""
    begin = datetime(year, 1, 1, tzinfo=UTC)
    moments = (begin + timedelta(weeks=week) for week in range(105))
    return {offset for moment in moments if (offset := moment.astimezone(zone).utcoffset()) is not None}


def _listed(numbers: list[int]) -> str:
    return ",".join(map(str, numbers))


def _values(field: str, low: int, high: int) -> frozenset[int]:
    found = frozenset(value for part in field.split(",") for value in _part(part, low, high))
    if not all(low <= value <= high for value in found) or not found:
        raise ValueError(f"{field} is not between {low} and {high}")
    return found


def _part(part: str, low: int, high: int) -> Iterator[int]:
    span, _, step = part.partition("/")
    first, is_range, last = span.partition("-")
    if first == "*":
        begin, end = low, high
    else:
        begin = _number(first)
        end = _number(last) if is_range else (high if step else begin)
    yield from range(begin, end + 1, int(step or 1))


def _number(text: str) -> int:
    word = text.lower()[:3]
    if word in _MONTHS:
        return _MONTHS.index(word) + 1
    return _DAYS.index(word) if word in _DAYS else int(text)

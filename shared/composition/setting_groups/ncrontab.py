"""NCRONTAB expressions as sets of numbers: second, minute, hour, day, month, day of the week.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

import calendar
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

Numbers = frozenset[int]

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))}
_SUNDAY_TOO = 7
_TWO_YEARS = 2 * 366


@dataclass(frozen=True, slots=True)
class Ncrontab:
    """An expression of six fields. A day must suit day of the month, month, and day of the week (0 is Sunday)."""

    seconds: Numbers
    minutes: Numbers
    hours: Numbers
    days: Numbers
    months: Numbers
    weekdays: Numbers

    @property
    def takes_every_hour(self) -> bool:
        """Whether the time of day does not matter, apart from minutes and seconds."""
        return self.hours == _EVERY_HOUR

    @property
    def takes_every_day(self) -> bool:
        """Whether the day does not matter."""
        return (self.days, self.months, self.weekdays) == (_EVERY_DAY, _EVERY_MONTH, _EVERY_WEEKDAY)

    def suits(self, day: date) -> bool:
        """Whether the timer runs on a day at all."""
        return day.day in self.days and day.month in self.months and day.isoweekday() % 7 in self.weekdays

    def next_after(self, moment: datetime, zone: tzinfo) -> datetime | None:
        """Return the next run after an aware moment, in a zone; None if there is none within two years."""
        local = moment.astimezone(zone)
        # A time that the clocks skip in spring is due as much later: two hours at Troll in Antarctica.
        day, first_hour = local.date(), local.hour - 2
        for _ in range(_TWO_YEARS):
            if self.suits(day):
                due = (datetime.combine(day, one, zone).astimezone(UTC) for one in self.times(first_hour))
                if (found := next((one for one in due if one > moment), None)) is not None:
                    return found
            day, first_hour = day + timedelta(days=1), 0
        return None

    def times(self, first_hour: int = 0) -> Iterator[time]:
        """Yield the times of day in order, without time zone, from an hour on."""
        for hour in sorted(one for one in self.hours if one >= first_hour):
            for minute in sorted(self.minutes):
                yield from (time(hour, minute, second) for second in sorted(self.seconds))


def parse(text: str) -> Ncrontab:
    """Read six fields; ValueError for anything else."""
    fields = text.split()
    if len(fields) != len(_BOUNDS):
        raise ValueError(f"{len(fields)} fields instead of {len(_BOUNDS)}")
    read = [_field(field, *bounds) for field, bounds in zip(fields, _BOUNDS, strict=True)]
    seconds, minutes, hours, days, months, weekdays = read
    return Ncrontab(seconds, minutes, hours, days, months, frozenset(day % _SUNDAY_TOO for day in weekdays))


def next_run(expression: str, zone: str, moment: datetime) -> datetime | None:
    """Return when a timer is due after an aware moment. `zone` is an IANA name, "" is UTC.

    None where the schedule or the zone cannot be read.
    """
    try:
        return parse(expression).next_after(moment, ZoneInfo(zone or "UTC"))
    except (ValueError, OSError, LookupError):
        return None


def _field(text: str, low: int, high: int, names: Mapping[str, int]) -> Numbers:
    """Return what a field means: `*`, numbers and names, ranges, steps, and lists of these."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, to, last = span.partition("-")
        start = low if first == "*" else _number(first, names)
        end = _number(last, names) if to else high if first == "*" or step else start
        if not low <= start <= end <= high or (step and int(step) < 1):
            raise ValueError(f"{part!r} is not within {low} to {high}")
        found.update(range(start, end + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str, names: Mapping[str, int]) -> int:
    return names[text.upper()] if text.upper() in names else int(text)


_BOUNDS: tuple[tuple[int, int, Mapping[str, int]], ...] = (
    (0, 59, {}),
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, _MONTHS),
    (0, _SUNDAY_TOO, _WEEKDAYS),
)
_EVERY_HOUR, _EVERY_DAY, _EVERY_MONTH = (frozenset(range(low, high + 1)) for low, high, _ in _BOUNDS[2:5])
_EVERY_WEEKDAY = frozenset(range(_SUNDAY_TOO))

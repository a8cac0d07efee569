"""When a timer is due: NCRONTAB expressions and fixed intervals.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from croniter import CroniterError, croniter

from shared.local.functions_host.errors import HostError
from shared.local.functions_host.timing import parse_timespan

FIELDS = 5
FIELDS_WITH_SECONDS = 6


class Schedule(Protocol):
    """A series of moments."""

    def next_after(self, moment: datetime) -> datetime:
        """Return the first occurrence later than `moment`, in the same zone."""
        ...


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression of five fields, or of six with the seconds first."""

    expression: str

    def next_after(self, moment: datetime) -> datetime:
        """See Schedule."""
        following: datetime = _iterate(self.expression, moment).get_next(datetime)
        return following


@dataclass(frozen=True, slots=True)
class Every:
    """A fixed interval, counted from the last run."""

    interval: timedelta

    def next_after(self, moment: datetime) -> datetime:
        """See Schedule."""
        return moment + self.interval


def parse_schedule(text: str) -> Schedule:
    """Read `{second} {minute} {hour} {day} {month} {day of week}`, the same without seconds, or `hh:mm:ss`.

    HostError for anything else.
    """
    try:
        if ":" in text:
            return Every(parse_timespan(text))
        _iterate(text, None)
    except (CroniterError, ValueError) as error:
        raise HostError(f"{text!r} is no timer schedule: {error}") from error
    return Cron(text)


def _iterate(expression: str, start: datetime | None) -> croniter:
    count = len(expression.split())
    if count not in (FIELDS, FIELDS_WITH_SECONDS):
        raise ValueError(f"{count} fields instead of {FIELDS} or {FIELDS_WITH_SECONDS}")
    # A day must suit the day of the month and the day of the week: NCRONTAB knows no "or", unlike cron.
    return croniter(expression, start, second_at_beginning=count == FIELDS_WITH_SECONDS, day_or=False)

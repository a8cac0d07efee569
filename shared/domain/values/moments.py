"""Dates and moments: ISO texts, time zones, and the days of columns that hold moments but show days."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T|$)")
_DAY_LENGTH = len("2024-12-31")
_HALF_A_DAY = timedelta(hours=12)
_MINUTE = timedelta(minutes=1)
_RULES_OF_TODAY = 1996  # since then, summer time has ended in October in all of Europe
_CALENDAR_CYCLE = 28  # after as many years, every date is on the same day of the week again


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """Give a moment the zone's offset; one without an offset is that time there (where clocks skip it, the next).

    Offsets are whole minutes, as RFC 3339 has them: until 1940 clocks in Amsterdam were 19 minutes and 32 seconds ahead
    of world time. OverflowError for moments at the ends of the calendar.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_in_minutes(moment.replace(tzinfo=zone)))
    instant = moment.astimezone(UTC)
    return instant.astimezone(_in_minutes(instant.astimezone(zone)))


def _in_minutes(moment: datetime) -> timezone:
    offset = moment.utcoffset() or timedelta()
    return timezone(offset // _MINUTE * _MINUTE)  # the smaller one: half a minute past midnight is the same day still


def day_of(moment: datetime, zone: tzinfo) -> date:
    """Return the day that begins at a midnight, for a date-only column with a moment as its value. OverflowError.

    It is the midnight of some user. Dataverse has one rule of summer time for all years, so the moment may differ from
    the real midnight of this zone; the nearest midnight counts.
    """
    return (in_zone(moment, zone).replace(tzinfo=None) + _HALF_A_DAY).date()


def midnight_of(day: date, zone: tzinfo) -> datetime:
    """Return the moment, in world time, that Dataverse shows as the midnight of a day. OverflowError.

    It applies today's rule of summer time to all years; a year with the same calendar stands for one that is long past.
    """
    cycles = max(0, -((day.year - _RULES_OF_TODAY) // _CALENDAR_CYCLE))
    alike = day.replace(year=day.year + cycles * _CALENDAR_CYCLE)
    offset = datetime.combine(alike, time(), zone).utcoffset() or timedelta()
    return (datetime.combine(day, time()) - offset).replace(tzinfo=UTC)


EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Neither side has older moments, and datetime cannot shift moments at the ends of its calendar."""


def complaint_about_past(name: str, moment: datetime, now: datetime) -> str:
    """Return in a sentence why an aware moment is not in the past; "" if it is."""
    if moment > now:
        return f"{name} lies ahead: it is {now.isoformat(timespec='seconds')} now."
    if moment < EARLIEST:
        return f"{name} lies before {EARLIEST:%Y-%m-%d}."
    return ""


def complaint_about_range(since: datetime | None, until: datetime | None, now: datetime) -> str:
    """Return in a sentence why aware `from` and `to` are no span of the past; "" if they are. `to` may be later."""
    if since is not None and (wrong := complaint_about_past("from", since, now)):
        return wrong
    if until is not None and until < EARLIEST:
        return complaint_about_past("to", until, now)
    if since is not None and until is not None and until <= since:
        return "to must be later than from."
    return ""


def moment_of(value: Any) -> datetime | date | None:
    """Read an ISO date, or date and time; None if it is none."""
    text = str(value).strip()
    if not _ISO_DATE.match(text):
        return None
    try:
        return date.fromisoformat(text) if len(text) == _DAY_LENGTH else datetime.fromisoformat(text)
    except ValueError:
        return None

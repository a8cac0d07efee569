"""Schedules in words: `0 */15 * * * *` is *every 15 minutes*. Those of unusual shapes have none."""

import re

from shared.console.rendering.locale import Locale
from shared.console.rendering.words import said

_MINUTES, _HOURS = 60, 24
_WORKING_DAYS = frozenset({"1-5", "MON-FRI"})
_DAILY = "*"
_HOURLY = said("every hour")


def schedule_in_words(expression: str, zone: str, locale: Locale) -> str:
    """Return an NCRONTAB expression in the reader's language; empty for a shape that has no words here.

    `zone` is the IANA name of the time zone of the schedule; its city stands behind a time of day.
    """
    fields = expression.split()
    if len(fields) != 6 or fields[0] != "0" or fields[3:5] != ["*", "*"]:  # noqa: PLR2004  # second to day of the week
        return ""
    _, minute, hour, _, _, days = fields
    if days == _DAILY and (text := _repeated(minute, hour, locale)):
        return text
    times = _times(minute, hour)
    if not times:
        return ""
    from babel.lists import format_list  # noqa: PLC0415  # not before the console is used

    city = zone.rpartition("/")[2].replace("_", " ")
    at = {"times": format_list(times, locale=locale.language), "zone": city}
    if days == _DAILY:
        return locale.say(said("daily at %(times)s (%(zone)s)"), **at)
    if days.upper() in _WORKING_DAYS:
        return locale.say(said("Monday to Friday at %(times)s (%(zone)s)"), **at)
    return ""


def _repeated(minute: str, hour: str, locale: Locale) -> str:
    """Return the words of what repeats within a day, at equal distances; else nothing."""
    past = _number(minute, _MINUTES)
    if hour != "*":
        hours = _step(hour, _HOURS) if past == 0 else 0
        return locale.say(said("every %(count)s hours"), count=hours) if hours else ""
    if minute == "*":
        return locale.say(said("every minute"))
    if past is not None:
        return locale.say(said("every hour, at minute %(minute)s"), minute=past) if past else locale.say(_HOURLY)
    minutes = _step(minute, _MINUTES)
    return locale.say(said("every %(count)s minutes"), count=minutes) if minutes else ""


def _step(field: str, of: int) -> int:
    """Return the distance of `*/15` or `5/15` if it divides the span into equal parts; else 0."""
    found = re.fullmatch(r"(\*|\d{1,2})/(\d{1,2})", field)
    if found is None:
        return 0
    start, step = 0 if found[1] == "*" else int(found[1]), int(found[2])
    return step if 1 < step < of and of % step == 0 and start < step else 0


def _times(minute: str, hour: str) -> list[str]:
    """Return the times of day of one minute and some hours; none if a field is no number."""
    at = _number(minute, _MINUTES)
    hours = [_number(one, _HOURS) for one in hour.split(",")]
    return [] if at is None or None in hours else [f"{one:02}:{at:02}" for one in hours]


def _number(field: str, below: int) -> int | None:
    return int(field) if re.fullmatch(r"\d{1,2}", field) and int(field) < below else None

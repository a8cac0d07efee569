"""Schedules in local time on a host that counts in UTC, as Flex Consumption does.

A timer is registered for every moment in UTC at which it may be due, in summer or in winter. When the host calls it, it
finds out whether it was due since its last call, and otherwise ends at once. A time that the change of clocks skips is
caught up after the change; one that it repeats counts the first time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from shared.composition.setting_groups.ncrontab import Ncrontab, parse

EARLY = timedelta(seconds=2)
"""How much too early the host may call: its clock and ours differ."""

FIRST = timedelta(minutes=29)
"""How far back the very first call looks: less than the smallest change of clocks in the world."""

LONGEST = timedelta(days=8)
"""How far back a call looks at most."""

_YEAR = 366
_HOUR, _DAY = 60, 24 * 60


@dataclass(frozen=True, slots=True)
class LocalSchedule:
    """A schedule whose times are those of a zone. `utc` is the expression for the host."""

    local: Ncrontab
    zone: tzinfo
    utc: str

    def was_due(self, now: datetime, last: datetime | None) -> bool:
        """Whether a run was due between the last call (None: the first) and now; both are aware."""
        since = now - FIRST if last is None else max(last, now - LONGEST)
        return any(since < moment <= now + EARLY for moment in self._occurrences(since, now + EARLY))

    def _occurrences(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """Yield the moments of the days in question, in UTC."""
        folds = (0, 1) if self.local.takes_every_hour else (0,)
        day, last = since.astimezone(self.zone).date() - timedelta(days=1), until.astimezone(self.zone).date()
        while day <= last:
            if self.local.suits(day):
                for moment in self.local.times():
                    yield from (
                        datetime.combine(day, moment, self.zone).replace(fold=fold).astimezone(UTC) for fold in folds
                    )
            day += timedelta(days=1)


def local_schedule(expression: str, zone_name: str, now: datetime) -> LocalSchedule | None:
    """Return the schedule in a zone, with the offsets of the year from `now` on.

    None where the expression means the same in every zone, where no zone is named, and where one of both cannot be
    read: the settings and the host complain about that by themselves.
    """
    try:
        local, zone = parse(expression), ZoneInfo(zone_name)
    except (ValueError, OSError, LookupError):
        return None
    if local.takes_every_hour and local.takes_every_day:
        return None
    return LocalSchedule(local, zone, _in_utc(expression, local, zone, now))


def _in_utc(expression: str, local: Ncrontab, zone: tzinfo, now: datetime) -> str:
    """Return an expression for all moments at which the local one may be due, and some at which it is not."""
    days = [now.astimezone(UTC) + timedelta(days=number) for number in range(-1, _YEAR)]
    offsets = {(day.astimezone(zone).utcoffset() or timedelta()) // timedelta(minutes=1) for day in days}
    moments = [
        (hour * _HOUR + minute - offset) % _DAY
        for hour in local.hours
        for minute in local.minutes
        for offset in offsets
    ]
    seconds = expression.split(maxsplit=1)[0]
    minutes, hours = ({moment % _HOUR for moment in moments}, {moment // _HOUR for moment in moments})
    return f"{seconds} {_listed(minutes)} {_listed(hours)} * * *"


def _listed(numbers: set[int]) -> str:
    return ",".join(str(number) for number in sorted(numbers))

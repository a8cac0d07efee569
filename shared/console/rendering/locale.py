"""Numbers, times and texts in the reader's language: `1.284`, `6 min geleden`, `24 november 2026`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache, partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.console.rendering.words import counted, translated
from shared.domain.wording.phrase import Phrase

_DAY = timedelta(days=1)
_MINUTE, _HOUR = 60, 3600
_TENTHS_BELOW = 10.0

ZONE = "Europe/Amsterdam"
"""The time zone of a reader whose browser has not told another one yet."""


class Times(StrEnum):
    """How times of the last day are written."""

    AGO = "ago"
    ABSOLUTE = "absolute"


@lru_cache
def zone_of(name: str) -> str:
    """Return the IANA name if there is such a time zone, else `ZONE`."""
    try:
        return ZoneInfo(name).key if name else ZONE
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZONE


def instant(text: str | datetime) -> datetime:
    """Return the time of an ISO text; one without a zone is in UTC, as services write it. ValueError for another."""
    moment = datetime.fromisoformat(text) if isinstance(text, str) else text
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _coarse(age: int) -> int:
    """Return an age in seconds, from a minute on without those of the last minute."""
    return age if age < _MINUTE else age - age % _MINUTE


@dataclass(frozen=True, slots=True)
class Locale:
    """Writes for a reader, all times in one zone. `zone` is an IANA name."""

    language: str
    zone: str = ZONE
    times: Times = Times.AGO

    def say(self, text: str, **values: object) -> str:
        """Return a text of the catalogue with its values; whole numbers get thousands signs."""
        return self._filled(translated(self.language, text), values)

    def many(self, one: str, many: str, n: int, **values: object) -> str:
        """Return the form of a text for the number `n`, which the text calls `%(n)s`."""
        return self._filled(counted(self.language, one, many, n), {"n": n, **values})

    def tell(self, text: str) -> str:
        """Return a phrase of the domain, or a sentence that the catalogue has; another text as it is."""
        if not isinstance(text, Phrase):
            return translated(self.language, text)
        return text.told(partial(translated, self.language), lambda number: self.number(int(number)))

    def _filled(self, text: str, values: dict[str, object]) -> str:
        shown = {name: self._shown(one) for name, one in values.items()}
        return text % shown if shown else text.replace("%%", "%")

    def _shown(self, value: object) -> object:
        if type(value) is int:
            return self.number(value)
        return self.tell(value) if isinstance(value, Phrase) else value

    def number(self, value: float) -> str:
        """Return a number: whole above ten, one decimal below."""
        from babel.numbers import format_decimal  # noqa: PLC0415  # not before the console is used

        whole = isinstance(value, int) or abs(value) >= _TENTHS_BELOW
        return format_decimal(Decimal(str(value)), format="#,##0" if whole else "#,##0.##", locale=self.language)

    def share(self, part: float, of: float) -> str:
        """Return a percentage; a small share is `< 0.1 %`, never 0 %. Empty without a base."""
        if not of:
            return ""
        percent = 100 * part / of
        if 0 < percent < 0.1:  # noqa: PLR2004  # one decimal is shown
            return f"< {self.number(0.1)} %"
        return f"{self.number(round(percent, 1) if percent < _TENTHS_BELOW else round(percent))} %"

    def span(self, seconds: float) -> str:
        """Return a duration: `0.2 s`, `1 min 20 s`, `3 h`, `2 days`."""
        if 0 < seconds < 0.05:  # noqa: PLR2004  # one decimal is shown
            return f"< {self.number(0.1)} s"
        if seconds < _MINUTE:
            return f"{self.number(round(seconds, 1) if seconds < _TENTHS_BELOW else round(seconds))} s"
        if seconds < _HOUR:
            minutes, rest = divmod(round(seconds), _MINUTE)
            return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"  # noqa: PLR2004
        if seconds < _DAY.total_seconds():
            hours, rest = divmod(round(seconds / _MINUTE), _MINUTE)
            return self.say("%(hours)s h %(minutes)s min", hours=hours, minutes=rest) if rest else self._hours(hours)
        return self.many("%(n)s day", "%(n)s days", round(seconds / _DAY.total_seconds()))

    def _hours(self, hours: int) -> str:
        return self.say("%(hours)s h", hours=hours)

    def since(self, moment: datetime, now: datetime) -> str:
        """Return how long ago a moment was, up to a day; an older one, or each by choice, as date and time."""
        age = now - moment
        if self.times is Times.ABSOLUTE or age >= _DAY:
            return self.moment(moment)
        if age < timedelta(seconds=5):
            return self.say("just now")
        return self.say("%(span)s ago", span=self.span(_coarse(round(age.total_seconds()))))

    def moment(self, moment: datetime) -> str:
        """Return date and time in the reader's zone."""
        from babel.dates import format_datetime  # noqa: PLC0415  # see above

        return format_datetime(moment, "d MMM y HH:mm", tzinfo=ZoneInfo(self.zone), locale=self.language)

    def exact(self, moment: datetime) -> str:
        """Return date and time to the second, with the zone's city."""
        from babel.dates import format_datetime  # noqa: PLC0415  # see above

        text = format_datetime(moment, "d MMM y HH:mm:ss", tzinfo=ZoneInfo(self.zone), locale=self.language)
        return f"{text} ({self.city})"

    @property
    def city(self) -> str:
        """The city after which the zone is named."""
        return self.zone.rpartition("/")[2].replace("_", " ")

    def calendar_day(self, day: date) -> str:
        """Return day, month and year of a day that is the same in every zone."""
        from babel.dates import format_date  # noqa: PLC0415  # see above

        return format_date(day, "d MMM y", locale=self.language)

    def short_date(self, moment: datetime) -> str:
        """Return day and month in the reader's zone."""
        from babel.dates import format_datetime  # noqa: PLC0415  # see above

        return format_datetime(moment, "d MMM", tzinfo=ZoneInfo(self.zone), locale=self.language)

    def clock(self, moment: datetime) -> str:
        """Return the time of day in the reader's zone."""
        return moment.astimezone(ZoneInfo(self.zone)).strftime("%H:%M")

    def day(self, moment: datetime) -> str:
        """Return the day in words, with the zone's city."""
        from babel.dates import format_datetime  # noqa: PLC0415  # see above

        text = format_datetime(moment, "EEEE d MMMM y, HH:mm", tzinfo=ZoneInfo(self.zone), locale=self.language)
        return f"{text[:1].upper()}{text[1:]} ({self.city})"

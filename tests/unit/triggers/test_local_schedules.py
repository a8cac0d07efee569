"""Schedules mean local time in summer, in winter and on the nights between them, though the host counts in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.composition.settings import Settings
from shared.local.functions_host.schedule import parse_schedule
from shared.triggers.timers.local_schedule import NCrontab, in_utc, is_due
from shared.triggers.timers.timer_function import host_schedule, is_wanted

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
TWO = "0 0 2 * * *"


def runs(text: str, zone: ZoneInfo, begin: datetime, days: int = 1) -> list[datetime]:
    """The moments at which a timer runs on a host that counts in UTC, in UTC."""
    return list(_runs(text, zone, begin, begin + timedelta(days=days)))


def _runs(text: str, zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[datetime]:
    host = parse_schedule(in_utc(text, zone, year=begin.year))
    moment = host.next_after(begin - timedelta(seconds=1))
    while moment < end:
        if is_due(text, zone, moment + timedelta(milliseconds=300)):
            yield moment
        moment = host.next_after(moment)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (datetime(2026, 7, 1, tzinfo=UTC), 0),
        (datetime(2026, 12, 1, tzinfo=UTC), 1),
        # 02:00 does not exist on this night: 03:00, the moment after it.
        (datetime(2026, 3, 29, tzinfo=UTC), 1),
        # 02:00 comes twice on this night: the first one.
        (datetime(2026, 10, 25, tzinfo=UTC), 0),
    ],
    ids=["summer", "winter", "the night that skips it", "the night that has it twice"],
)
def test_two_in_amsterdam_is_two_in_amsterdam_once_a_night(day: datetime, expected: int) -> None:
    assert runs(TWO, AMSTERDAM, day) == [day.replace(hour=expected)]


def test_a_nightly_timer_runs_every_night_of_two_years() -> None:
    nights = runs(TWO, AMSTERDAM, datetime(2026, 1, 1, tzinfo=UTC), days=365)

    assert len(nights) == 365
    assert len({night.astimezone(AMSTERDAM).date() for night in nights}) == 365


def test_a_local_day_is_found_on_the_utc_day_before_it() -> None:
    mondays = runs("0 30 0 * * MON", AMSTERDAM, datetime(2026, 7, 1, tzinfo=UTC), days=14)

    assert [moment.isoformat() for moment in mondays] == ["2026-07-05T22:30:00+00:00", "2026-07-12T22:30:00+00:00"]


def test_the_first_of_a_month_is_that_of_the_zone() -> None:
    (first,) = runs("0 0 0 1 * *", AMSTERDAM, datetime(2026, 6, 15, tzinfo=UTC), days=30)

    assert first.astimezone(AMSTERDAM).isoformat() == "2026-07-01T00:00:00+02:00"


def test_a_zone_with_half_an_hour_keeps_its_minutes() -> None:
    (moment,) = runs("0 15 4 * * *", ZoneInfo("Asia/Kolkata"), datetime(2026, 7, 1, tzinfo=UTC))

    assert moment == datetime(2026, 7, 1, 22, 45, tzinfo=UTC)


@pytest.mark.parametrize("text", ["0 */15 * * * *", "0 * * * * *", "0 10 * * * *"])
def test_what_runs_every_hour_is_left_as_it_is(text: str) -> None:
    assert in_utc(text, AMSTERDAM, year=2026) == text


def test_the_host_fires_once_more_a_day_and_no_more() -> None:
    assert in_utc(TWO, AMSTERDAM, year=2026) == "0 0 0,1 * * *"


def test_a_timer_that_fires_a_moment_early_belongs_to_its_time() -> None:
    due, other = datetime(2026, 7, 1, 0, 0, tzinfo=UTC), datetime(2026, 7, 1, 1, 0, tzinfo=UTC)

    assert is_due(TWO, AMSTERDAM, due - timedelta(milliseconds=40))
    assert not is_due(TWO, AMSTERDAM, other - timedelta(milliseconds=40))


def test_a_run_that_was_asked_for_or_makes_up_for_a_lost_one_is_never_left_out() -> None:
    other = datetime(2026, 7, 1, 3, 37, 1, tzinfo=UTC)  # 04:37 in winter

    assert not is_wanted("housekeeping_schedule", other, past_due=False)
    assert is_wanted("housekeeping_schedule", other, past_due=True)
    assert is_wanted("housekeeping_schedule", other + timedelta(hours=9), past_due=False)


@given(
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=4),
    minute=st.integers(0, 59),
    zone=st.sampled_from(["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
    day=st.integers(0, 364),
)
def test_every_wall_time_runs_exactly_once_a_day(hours: set[int], minute: int, zone: str, day: int) -> None:
    text = f"0 {minute} {','.join(map(str, sorted(hours)))} * * *"
    where = ZoneInfo(zone)
    local = datetime(2026, 1, 1) + timedelta(days=day)  # noqa: DTZ001  # a wall time
    expected = {local.replace(hour=hour, minute=minute, tzinfo=where).astimezone(UTC) for hour in hours}
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day - 1)

    assert expected <= set(runs(text, where, begin, days=3))
    assert len(runs(text, where, begin, days=3)) <= 4 * len(hours)


@pytest.mark.parametrize("text", ["0 0 2 * *", "0 0 24 * * *", "0 61 * * * *", "0 0 x * * *", "0 0 5-2 * * *"])
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the text is the host's to write
        NCrontab.read(text)


def test_a_schedule_that_cannot_be_read_is_left_to_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLL_SCHEDULE", "0 0 24 * * *")

    assert host_schedule("poll_schedule") == "0 0 24 * * *"
    assert is_wanted("poll_schedule", datetime.now(UTC), past_due=False)


def test_a_zone_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDULE_TIME_ZONE", "Europe/Amsterdan")

    with pytest.raises(ValueError, match="no such time zone"):
        Settings()


def test_the_daily_timers_begin_at_times_of_their_own() -> None:
    daily = [
        field.default
        for name, field in Settings.model_fields.items()
        if name.endswith("_schedule") and not NCrontab.read(field.default).is_every_hour
    ]

    assert len(daily) >= 5
    assert len(set(daily)) == len(daily)

"""Schedules of timers are settings: a default that works, another one from the environment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from shared.composition.settings import Settings
from shared.local.functions_host.schedule import parse_schedule
from shared.triggers.timers.timer_function import schedule

SCHEDULES = sorted(name for name in Settings.model_fields if name.endswith("_schedule"))
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("setting", SCHEDULES)
def test_every_default_is_a_schedule(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(setting.upper(), raising=False)
    assert parse_schedule(schedule(setting)).next_after(MIDNIGHT) > MIDNIGHT


def test_automations_are_refreshed_twice_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOMATIONS_SCHEDULE", raising=False)
    due = parse_schedule(schedule("automations_schedule"))
    first = due.next_after(MIDNIGHT)
    second = due.next_after(first)
    assert [first.hour, second.hour] == [6, 18]
    assert due.next_after(second).date() > second.date()


def test_the_environment_overrides_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOMATIONS_SCHEDULE", "0 0 3 * * *")
    assert schedule("automations_schedule") == "0 0 3 * * *"


def test_an_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOMATIONS_SCHEDULE", "")
    assert schedule("automations_schedule") == "0 0 6,18 * * *"


def once_a_day(setting: str) -> list[time]:
    """The times of day of a default that runs at most a few times a day."""
    due, found = parse_schedule(Settings.model_fields[setting].default), set()
    moment = MIDNIGHT
    while (moment := due.next_after(moment)) <= MIDNIGHT + timedelta(days=1):
        found.add(moment.time())
    return sorted(found) if len(found) < 5 else []


def clock_changes() -> Iterator[tuple[ZoneInfo, date]]:
    """The days on which a zone of the world changes its clocks, in ten years: weeks first, then days within them."""
    weeks = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(weeks=number) for number in range(522)]
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        offsets = [week.astimezone(zone).utcoffset() for week in weeks]
        for week, before, after in zip(weeks, offsets, offsets[1:], strict=False):
            if before != after:
                yield from ((zone, week.date() + timedelta(days=number)) for number in range(-1, 9))


def test_daily_defaults_exist_once_on_the_nights_on_which_clocks_change() -> None:
    """02:00 does not exist on a night in March in Amsterdam, and comes twice in November in New York."""
    times = {moment for setting in SCHEDULES for moment in once_a_day(setting)}
    assert len(times) >= 5
    wrong = {
        (zone.key, day.isoformat(), moment.isoformat())
        for zone, day in clock_changes()
        for moment in times
        if (local := datetime.combine(day, moment, zone)).utcoffset() != local.replace(fold=1).utcoffset()
    }
    assert not wrong


def test_the_comparison_begins_apart_from_the_poll() -> None:
    polls, nights = (parse_schedule(Settings.model_fields[f"{one}_schedule"].default) for one in ("poll", "reconcile"))
    night = nights.next_after(MIDNIGHT)

    assert polls.next_after(night - timedelta(minutes=5)) > night

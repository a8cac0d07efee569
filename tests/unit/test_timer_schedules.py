"""Schedules of timers are settings: a default that works, another one from the environment."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.local.host.schedule import parse_schedule
from shared.settings import Settings
from shared.triggers.schedules import schedule

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


def test_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOMATIONS_SCHEDULE", "0 0 3 * * *")
    assert schedule("automations_schedule") == "0 0 3 * * *"


def test_an_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOMATIONS_SCHEDULE", "")
    assert schedule("automations_schedule") == "0 0 6,18 * * *"

"""What happened within a day: counted in memory, added up over processes, and never lost by a failed write."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import TransientError
from shared.telemetry import activity
from shared.telemetry.activity import (
    Activity,
    bucket_of,
    count_echoes,
    count_latency,
    count_outcome,
    note_behind,
    percentile,
)
from tests.connector_twin import ManualClock
from tests.twins.state import TwinStore


@pytest.fixture(autouse=True)
def _nothing_is_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "_pending", activity._Pending())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def test_two_processes_add_up(clock: ManualClock) -> None:
    store = TwinStore()
    for _ in range(2):
        count_outcome("written", "created")
        count_latency(0.2)
        await Activity(store, clock, "test").add(at_once=True)
    (quarter,) = await Activity(store, clock, "test").last_day()

    assert quarter.outcomes == {"written/created": 2}
    assert sum(quarter.latencies.values()) == 2


async def test_the_longest_time_behind_of_all_processes_is_kept(clock: ManualClock) -> None:
    store = TwinStore()
    for seconds in (60.0, 900.0, 120.0):
        note_behind(seconds)
        await Activity(store, clock, "test").add(at_once=True)
    (quarter,) = await Activity(store, clock, "test").last_day()

    assert quarter.behind == 900.0


async def test_a_quarter_in_which_nobody_looked_at_spotler_has_no_freshness(clock: ManualClock) -> None:
    store = TwinStore()
    count_outcome("written", "created")
    await Activity(store, clock, "test").add(at_once=True)
    (quarter,) = await Activity(store, clock, "test").last_day()

    assert quarter.behind is None


async def test_what_could_not_be_written_is_written_later(clock: ManualClock) -> None:
    store = TwinStore()
    count_outcome("written", "created")
    count_echoes(3)
    note_behind(60.0)
    store.broken["write"] = TransientError("down")
    with pytest.raises(TransientError):
        await Activity(store, clock, "test").add(at_once=True)
    store.broken.clear()
    await Activity(store, clock, "test").add(at_once=True)

    (quarter,) = await Activity(store, clock, "test").last_day()
    assert quarter.outcomes == {"written/created": 1, "echo/echo": 3}
    assert quarter.behind == 60.0


async def test_a_process_writes_seldom(clock: ManualClock) -> None:
    store = TwinStore()
    for _ in range(5):
        count_outcome("written", "created")
        await Activity(store, clock, "test").add()

    assert store.calls["write"] == 1


async def test_a_day_has_only_its_quarters_and_a_month_is_kept(clock: ManualClock) -> None:
    store = TwinStore()
    kept = Activity(store, clock, "test")
    for _ in range(3):
        count_outcome("written", "created")
        await kept.add(at_once=True)
        clock.advance(timedelta(hours=20))
    assert len(await kept.last_day()) == 1

    clock.advance(timedelta(days=32))
    await kept.tidy()
    assert store.documents == {}


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.2, 1.0, 59.0, 86_400.0])
def test_a_latency_is_known_to_a_quarter(seconds: float) -> None:
    found = percentile({bucket_of(seconds): 1}, 0.5)

    assert found is not None
    assert max(seconds, 0.01) <= found * 1.0000001
    assert found <= max(seconds, 0.01) * 1.26


def test_percentiles_are_those_of_all_saves() -> None:
    latencies = {bucket_of(0.1): 90, bucket_of(10): 10}

    assert percentile(latencies, 0.5) == pytest.approx(0.1, rel=0.3)
    assert percentile(latencies, 0.95) == pytest.approx(10, rel=0.3)
    assert percentile({}, 0.5) is None

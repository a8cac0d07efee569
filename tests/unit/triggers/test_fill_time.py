"""Whether a call waits for the next batch of events: in a burst, and where requests to Dataverse are scarce."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.triggers.queues.fill_time import FULL, fill_time

PROJECT = Path(__file__).parents[3]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def arrivals(count: int, *, a_second: float) -> list[datetime]:
    return [NOON + timedelta(seconds=number / a_second) for number in range(count)]


def test_a_burst_waits_for_more_unless_its_batch_is_full() -> None:
    host = json.loads((PROJECT / "host.json").read_text())

    assert host["extensions"]["serviceBus"]["maxMessageBatchSize"] == FULL
    assert fill_time(arrivals(50, a_second=150), 1.0) == 0.5
    assert fill_time([NOON] * 499, 0.6) == 0.5
    assert fill_time([NOON] * 499, 0.0) == 4.0
    assert fill_time([NOON] * 500, 0.0) == 0.0


def test_people_who_save_wait_for_nobody_however_many_there_are() -> None:
    assert fill_time(arrivals(49, a_second=500), 0.95) == 0.0
    assert fill_time(arrivals(70, a_second=50), 0.95) == 0.0
    assert fill_time(arrivals(499, a_second=50), 0.95) == 0.0


@pytest.mark.parametrize("count", [1, 5])
def test_the_scarcer_the_requests_the_longer_is_the_wait_also_after_a_single_event(count: int) -> None:
    waits = [fill_time(arrivals(count, a_second=20), share) for share in (1.0, 0.825, 0.7, 0.25, 0.125, 0.0625, 0.0)]
    assert waits == pytest.approx([0.0, 0.125, 0.25, 0.25, 1.0, 4.0, 4.0])


@pytest.mark.parametrize("budget", [0.0, 1.0])
def test_a_call_without_events_never_waits(budget: float) -> None:
    assert fill_time([], budget) == 0.0

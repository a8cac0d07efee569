"""Whether a call waits for the next batch of events: in a burst, and where requests to Dataverse are scarce."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.triggers.queues.fill_time import FULL, BatchSpacing

PROJECT = Path(__file__).parents[3]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def arrivals(count: int, *, a_second: float) -> list[datetime]:
    return [NOON + timedelta(seconds=number / a_second) for number in range(count)]


def alone(arrivals: list[datetime], budget: float) -> float:
    """Return the wait after the first batch of a process."""
    return BatchSpacing().fill_time(arrivals, budget, now=0.0)


def test_a_burst_waits_for_more_unless_its_batch_is_full() -> None:
    host = json.loads((PROJECT / "host.json").read_text())

    assert host["extensions"]["serviceBus"]["maxMessageBatchSize"] == FULL
    assert alone(arrivals(50, a_second=150), 1.0) == 0.5
    assert alone([NOON] * 499, 0.6) == 0.5
    assert alone([NOON] * 499, 0.0) == 3.0
    assert alone([NOON] * 500, 0.0) == 0.0


def test_people_who_save_wait_for_nobody_however_many_there_are() -> None:
    spacing = BatchSpacing()
    for batch in (arrivals(1, a_second=1), arrivals(49, a_second=500), arrivals(499, a_second=50)):
        for _ in range(20):
            assert spacing.fill_time(batch, 0.95, now=0.0) == 0.0


@pytest.mark.parametrize("count", [1, 5])
def test_the_scarcer_the_requests_the_further_apart_are_batches_also_of_a_single_event(count: int) -> None:
    spacing = BatchSpacing()
    spacing.fill_time(arrivals(count, a_second=20), 0.0, now=0.0)
    apart = []
    due = 3.0
    for share in (1.0, 0.825, 0.7, 0.25, 0.125, 0.0625, 1e-300, 0.0):
        wait = spacing.fill_time(arrivals(count, a_second=20), share, now=0.0)
        apart.append(wait - due)
        due = wait
    assert apart == pytest.approx([0.0, 0.15, 0.3, 0.3, 1.2, 4.0, 4.0, 4.0])


def test_somebody_who_saves_now_and_then_waits_for_nobody() -> None:
    spacing = BatchSpacing()
    assert all(spacing.fill_time([NOON], 0.3, now=number * 0.3) == 0.0 for number in range(10))
    waits = [spacing.fill_time([NOON], 0.3, now=100.0) for _ in range(5)]
    assert waits == pytest.approx([0.0, 0.0, 0.0, 0.2, 0.5]), "three at once are few, five are not"


def test_a_call_without_events_never_waits() -> None:
    assert alone([], 0.0) == alone([], 1.0) == 0.0

"""Ten minutes of saves beside bulk work within the limits of Dataverse: nobody is refused, and saves stay fast."""

from __future__ import annotations

import pytest

from tests.bench.load.ten_minutes import MINUTES, percentile, ten_minutes
from tests.examples import thinned


@pytest.mark.parametrize(
    ("saves_a_second", "workers", "slowest_median"), thinned([(50, 2, 0.5), (50, 1, 0.3), (5, 1, 0.3)])
)
def test_saves_stay_fast_for_ten_minutes_and_bulk_work_goes_on(
    saves_a_second: int, workers: int, slowest_median: float
) -> None:
    found = ten_minutes(saves_a_second=saves_a_second, workers=workers)
    assert len(found.taken) >= saves_a_second * 60 * MINUTES - 100, "the last batch may still be under way"
    assert percentile(found.taken, 0.5) < 0.3
    assert percentile(found.taken, 0.99) < 1.0
    assert found.slowest(0.5) < slowest_median
    assert found.used_by_bulk > 60 * MINUTES * 6.5, "of eight a second that the processor permits one worker"

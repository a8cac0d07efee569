"""An hour without one of the services; figures by `make chaos`."""

from __future__ import annotations

import pytest

from tests.chaos.hours import Down, an_hour_without


@pytest.mark.parametrize("down", list(Down))
async def test_all_is_well_after_an_hour_without(down: Down) -> None:
    figures = await an_hour_without(down, 120)
    assert figures.faults > 0
    assert figures.dead == 0
    assert figures.recovery <= 15 * 60, "the longest pause between two attempts"

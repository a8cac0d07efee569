"""The short version of each scenario over the sandboxes; `make chaos` runs the long ones and prints their figures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.chaos import scenarios
from tests.chaos.backlog import backlog
from tests.chaos.cold_starts import COLD_STARTS
from tests.chaos.ordeal import SHORT, Ordeal, open_ordeal
from tests.chaos.scenarios import SCENARIOS, Scenario

_ELSEWHERE = (
    *COLD_STARTS,
    scenarios.spotler_throttles,
    scenarios.spotler_is_unavailable,
    scenarios.spotler_is_cut_off,
    scenarios.spotler_hangs_up,
    scenarios.dataverse_throttles,
    scenarios.dataverse_is_unavailable,
    scenarios.dataverse_hangs_up,
)
"""What `make test` shows in `tests/scenario/faults` and `tests/scenario/hosting`, with fewer people."""

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ordeal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ordeal]:
    async with open_ordeal(tmp_path_factory.mktemp("chaos"), SHORT) as opened:
        yield opened


@pytest.mark.parametrize(
    "scenario",
    [pytest.param(one, id=one.__name__, marks=[pytest.mark.slow] if one in _ELSEWHERE else []) for one in SCENARIOS],
)
async def test_all_is_well_after(ordeal: Ordeal, scenario: Scenario) -> None:
    figures = await scenario(ordeal)
    assert figures.records == SHORT.people
    assert figures.faults > 0, "what was to go wrong did not"


async def test_a_backlog_is_worked_off(tmp_path: Path) -> None:
    figures = await backlog(tmp_path, 600, pause=0.1)
    assert figures.requests / figures.records < 0.2

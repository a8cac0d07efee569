"""The short version of each scenario over the sandboxes; `make chaos` runs the long ones and prints their figures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.chaos.backlog import backlog
from tests.chaos.ordeal import SHORT, Ordeal, open_ordeal
from tests.chaos.scenarios import SCENARIOS, Scenario

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ordeal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ordeal]:
    async with open_ordeal(tmp_path_factory.mktemp("chaos"), SHORT) as opened:
        yield opened


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_all_is_well_after(ordeal: Ordeal, scenario: Scenario) -> None:
    figures = await scenario(ordeal)
    assert figures.records == SHORT.people
    assert figures.faults > 0, "what was to go wrong did not"


async def test_a_backlog_is_worked_off(tmp_path: Path) -> None:
    figures = await backlog(tmp_path, 600, pause=0.1)
    assert figures.requests / figures.records < 0.2

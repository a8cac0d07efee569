"""A world for each module: both directions, with the default rows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.scenario.two_way import open_both_ways
from tests.scenario.world import World


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_both_ways(tmp_path_factory.mktemp("refusals"), rows=()) as opened:
        yield opened

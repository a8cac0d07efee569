"""A world for each module that changes the mapping, and an administrator in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.scenario.administration.mapping_acts import Administrator
from tests.scenario.world import World, open_world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own_world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world whose mapping is changed."""
    async with open_world(tmp_path_factory.mktemp("mapping")) as opened:
        await opened.connector.start()
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def administrator(own_world: World) -> AsyncIterator[Administrator]:
    """Begins and ends with the first version's text."""
    somebody = Administrator(own_world)
    yield somebody
    answer = await somebody.call("POST", "/rollback/1")
    assert answer.status_code == 200, answer.text

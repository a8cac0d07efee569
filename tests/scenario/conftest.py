"""The world that most scenarios share; those that break things open one of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.scenario.world import World, open_world


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world with default settings, in which everybody uses addresses of their own."""
    async with open_world(tmp_path_factory.mktemp("world")) as opened:
        await opened.connector.start()
        yield opened

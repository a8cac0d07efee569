"""One browser and one world for all tests of the console."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Error, async_playwright

from shared.console.access.roles import Role
from tests.console.browser import Visitor, visitor
from tests.programs.chromium import NOT_COVERED, chromium
from tests.scenario.world import World, open_world


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    async with async_playwright() as playwright:
        try:
            opened = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        except Error:
            pytest.skip(NOT_COVERED)
        yield opened
        await opened.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world with people in Dynamics whom the connector has not met, and limits that are soon reached."""
    folder = tmp_path_factory.mktemp("console")
    async with open_world(folder, "--people", "200", MASS_ERASURE_LIMIT="2") as opened:
        await opened.connector.start()
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def administrator(browser: Browser, world: World) -> AsyncIterator[Visitor]:
    """Somebody who may do everything."""
    async with visitor(browser, world) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def reader(browser: Browser, world: World) -> AsyncIterator[Visitor]:
    """Somebody who may look, at ids and codes."""
    async with visitor(browser, world, Role.READER) as opened:
        yield opened

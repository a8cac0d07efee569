"""One browser and two worlds for all tests of the console."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Error, async_playwright

from shared.console.access.roles import Role
from tests.console.visitors.routes_used import declared
from tests.console.visitors.usable import AXE_ON_REQUEST
from tests.console.visitors.visitor import Visitor, Windows, used
from tests.programs.chromium import NOT_COVERED, chromium
from tests.programs.short_clocks import Clocks
from tests.scenario.two_way import BOTH, mapping_text
from tests.scenario.world import World, open_world

DISPUTED = {"spotler": "taal", "contact": "address1_county", "direction": BOTH, "conflict": "ask"}

_WITHOUT = (
    "RenderDocument",  # a new frame, with all its tiles, for each page: a fifth of the processor time
    "SpareRendererForSitePerProcess",  # a process for a site that nobody visits
    "HttpsUpgrades",  # from here on: what Playwright leaves out, as the last list replaces the others
    "MediaRouter",
    "OptimizationHints",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
)
_SCRIPTS = ("--no-opt", "--no-maglev", "--sparkplug", "--min-semi-space-size=32", "--no-flush-bytecode")
"""Little optimisation and collection: no page lives long enough for them, and the next one runs the same scripts."""

_ARGUMENTS = ("--no-sandbox", f"--disable-features={','.join(_WITHOUT)}", f"--js-flags={' '.join(_SCRIPTS)}")

_HAS_PASSED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Note whether a test has passed; one that was skipped has not."""
    report = yield
    if call.when == "call":
        item.stash[_HAS_PASSED] = report.passed
    return report


@pytest.fixture(autouse=True)
def _uses_what_it_declares(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that passes though it declares a page or an act of which its browser had no answer."""
    used.clear()
    yield
    if request.node.stash.get(_HAS_PASSED, False):
        assert used.missing(declared(request.node.iter_markers())) == []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    async with async_playwright() as playwright:
        try:
            opened = await playwright.chromium.launch(executable_path=chromium(), args=_ARGUMENTS)
        except Error:
            pytest.skip(NOT_COVERED)
        yield opened
        await opened.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world with people in Dynamics whom the connector has not met, limits that are soon reached, and a mapping that
    asks about one field.
    """
    folder = tmp_path_factory.mktemp("console")
    (mapping := folder / "mapping.yaml").write_text(mapping_text(DISPUTED), encoding="utf-8")
    settings = {"MASS_ERASURE_LIMIT": "2", "NEW_SUBSCRIBER_TARGET": "contact", "MAPPING_FILE": str(mapping)}
    async with open_world(folder, "--people", "40", **settings) as opened:
        await opened.connector.start()
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def trial(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world that somebody tries out, where messages come again soon after a kill and a run has several pages."""
    folder = tmp_path_factory.mktemp("trial")
    settings = {"CLAIM_SECONDS": "5", "LOCAL_LOCK_SECONDS": "6"}
    async with open_world(folder, "--people", "120", clocks=Clocks.SHORT_PAGES, **settings) as opened:
        marked = await opened.bring_in()
        opened.connector.settings = {**opened.connector.settings, "ROUND_TRIP_RECORD": f"contact:{marked.id}"}
        await opened.connector.start()
        yield opened


@pytest.fixture(scope="session")
def windows(browser: Browser) -> Windows:
    """The windows of the browser."""
    return Windows(browser, AXE_ON_REQUEST)


@pytest_asyncio.fixture(loop_scope="session")
async def administrator(windows: Windows, world: World) -> AsyncIterator[Visitor]:
    """Somebody who may do everything."""
    async with windows.visitor(world) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def reader(windows: Windows, world: World) -> AsyncIterator[Visitor]:
    """Somebody who may look, at ids and codes."""
    async with windows.visitor(world, Role.READER) as opened:
        yield opened

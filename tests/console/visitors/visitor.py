"""What the tests of the console share: a session of any role, and a page that reports what a browser complains of."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Response, expect

from shared.console.access.roles import Role, User
from shared.console.access.sessions import SESSION, Session, Sessions
from shared.console.web import ROOT
from tests.console.visitors.routes_used import RoutesUsed
from tests.scenario.world import World

used = RoutesUsed()
"""What the browsers of the current test were answered."""


def session_of(world: World, role: Role, user: str = "local") -> str:
    """A cookie as the console signs it for somebody of this role."""
    key = (Path(world.folder) / "fingerprint.key").read_bytes()
    return Sessions(key).write(Session(User(user, role), f"session-of-{user}-{role}"))


@dataclass
class Visitor:
    """Somebody with a browser. `complaints` are what the browser and the pages complained of."""

    world: World
    page: Page
    complaints: list[str] = field(default_factory=list)

    async def sign_in(self, role: Role) -> None:
        """Be somebody of this role, who has chosen nothing yet."""
        host = urlsplit(self.world.connector.url).hostname
        value = session_of(self.world, role)
        await self.page.context.clear_cookies()
        await self.page.context.add_cookies([{"name": SESSION, "value": value, "domain": host, "path": ROOT}])

    async def open(self, path: str) -> Response:
        """Open a page of the console and wait for its parts."""
        answer = await self.page.goto(f"{self.world.connector.url}/console{path}")
        assert answer is not None
        await self.settled()
        return answer

    async def settled(self) -> None:
        """Wait until no part is being loaded."""
        await self.page.wait_for_load_state()
        await expect(self.page.locator("[aria-busy=true]")).to_have_count(0, timeout=20_000)

    async def press(self, name: str) -> None:
        """Press the first button of that name, and wait for the next page."""
        await self.page.get_by_role("button", name=name).first.click()
        await self.settled()

    async def follow(self, name: str) -> None:
        """Follow the first link of that name."""
        await self.page.get_by_role("link", name=name).first.click()
        await self.settled()

    async def download(self, name: str) -> bytes:
        """Follow the first link of that name, which leads to a file, and return what it has."""
        async with self.page.expect_download() as download:
            await self.page.get_by_role("link", name=name).first.click()
        return (await (await download.value).path()).read_bytes()

    async def rows(self, name: str) -> list[dict[str, str]]:
        """Follow the first link of that name, which leads to a CSV, and return its rows."""
        return list(csv.DictReader(io.StringIO((await self.download(name)).decode("utf-8-sig"))))

    async def text(self) -> str:
        """What the page says."""
        return await self.page.locator("main").inner_text()

    async def heading(self) -> str:
        """The page's heading."""
        return await self.page.locator("h1").first.inner_text()


class Windows:
    """The windows of a browser; one that nobody uses is used again, because each takes much processor time to open."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[tuple[object, ...], list[Visitor]] = {}

    @asynccontextmanager
    async def visitor(
        self, world: World, role: Role = Role.ADMINISTRATOR, *, width: int = 1280, locale: str = "en-GB"
    ) -> AsyncIterator[Visitor]:
        """Somebody of this role, without any cookie but the session's; what the browser complains of fails the test."""
        free = self._free.setdefault((world.folder, width, locale), [])
        found = free.pop() if free else await self._open(world, width, locale)
        await found.sign_in(role)
        yield found
        assert found.complaints == []
        free.append(found)

    async def _open(self, world: World, width: int, locale: str) -> Visitor:
        context = await self._browser.new_context(
            viewport={"width": width, "height": 900},
            locale=locale,
            timezone_id="Europe/Amsterdam",
            color_scheme="light",
            reduced_motion="reduce",  # axe would measure a colour that is half way to another one
        )
        context.on("response", used.note)
        page = await context.new_page()
        page.set_default_timeout(20_000)
        found = Visitor(world, page)
        page.on("pageerror", lambda error: found.complaints.append(str(error)))
        page.on("console", lambda one: found.complaints.append(one.text) if "Content Security" in one.text else None)
        return found

"""What the tests of the console share: a session of any role, and a page that reports what a browser complains of."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx
from playwright.async_api import Browser, Page, Response, ViewportSize, expect

from shared.console.access.roles import Role, User
from shared.console.access.sessions import SESSION, Session, Sessions
from shared.console.web import ROOT
from tests.console.visitors.routes_used import RoutesUsed
from tests.programs.times import LONGEST_WAIT
from tests.scenario.world import World, eventually

WIDE, NARROW, HEIGHT = 1280, 390, 900
"""Pixels of a window: its width on a computer and on a telephone, and its height."""

Scheme = Literal["light", "dark"]

used = RoutesUsed()
"""What the browsers of the current test were answered."""


def session_of(world: World, role: Role, user: str = "local") -> str:
    """A cookie as the console signs it for somebody of this role."""
    key = (Path(world.folder) / "fingerprint.key").read_bytes()
    return Sessions(key).write(Session(User(user, role), f"session-of-{user}-{role}"))


def client(world: World, role: Role | None) -> httpx.AsyncClient:
    """Somebody of this role, or without a session, who has no browser."""
    cookies = {} if role is None else {SESSION: session_of(world, role)}
    return httpx.AsyncClient(base_url=world.connector.url, timeout=LONGEST_WAIT, cookies=cookies)


@dataclass
class Visitor:
    """Somebody with a browser. `complaints` are what the browser and the pages complained of."""

    world: World
    page: Page
    complaints: list[str] = field(default_factory=list)
    looks: tuple[int, Scheme] = (WIDE, "light")

    async def sign_in(self, role: Role | None) -> None:
        """Be somebody of this role, or without a session, who has chosen nothing yet."""
        await self.page.context.clear_cookies()
        if role is not None:
            host = urlsplit(self.world.connector.url).hostname
            value = session_of(self.world, role)
            await self.page.context.add_cookies([{"name": SESSION, "value": value, "domain": host, "path": ROOT}])

    async def look(self, width: int, scheme: Scheme) -> None:
        """Have a window as wide as this, in these colours."""
        if (width, scheme) != self.looks:
            size: ViewportSize = {"width": width, "height": HEIGHT}
            await asyncio.gather(self.page.set_viewport_size(size), self.page.emulate_media(color_scheme=scheme))
            self.looks = width, scheme

    async def open(self, path: str) -> Response:
        """Open a page of the console and wait for its parts."""
        answer = await self.page.goto(f"{self.world.connector.url}/console{path}")
        assert answer is not None
        await self.settled()
        return answer

    async def settled(self) -> None:
        """Wait until no part is being loaded."""
        await self.page.wait_for_load_state()
        await expect(self.page.locator("[aria-busy=true]")).to_have_count(0, timeout=LONGEST_WAIT * 1000)

    async def until(self, path: str, seen: Callable[[str], bool]) -> None:
        """Wait until a page or a part says what is awaited, without showing it."""

        async def look() -> bool:
            answer = await self.page.request.get(f"{self.world.connector.url}/console{path}")
            words = re.sub("<[^>]+>", "", await answer.text())
            return seen(" ".join(words.split()))

        await eventually(look, f"what is awaited on {path}")

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

    def __init__(self, browser: Browser, script: str) -> None:
        """`script` is run by each page before its own."""
        self._browser = browser
        self._script = script
        self._free: dict[str, list[Visitor]] = {}

    @asynccontextmanager
    async def visitor(
        self, world: World, role: Role | None = Role.ADMINISTRATOR, *, width: int = WIDE, locale: str = "en-GB"
    ) -> AsyncIterator[Visitor]:
        """Somebody of this role, without any cookie but the session's; without a role, somebody who has no session.

        What the browser complains of fails the test.
        """
        free = self._free.setdefault(locale, [])
        found = free.pop() if free else await self._open(world, locale)
        found.world = world
        await found.sign_in(role)
        await found.look(width, "light")
        yield found
        assert found.complaints == []
        free.append(found)

    async def _open(self, world: World, locale: str) -> Visitor:
        context = await self._browser.new_context(
            viewport={"width": WIDE, "height": HEIGHT},
            locale=locale,
            timezone_id="Europe/Amsterdam",
            color_scheme="light",
            reduced_motion="reduce",  # axe would measure a colour that is half way to another one
        )
        await context.add_init_script(self._script)
        context.on("response", used.note)
        page = await context.new_page()
        page.set_default_timeout(LONGEST_WAIT * 1000)
        found = Visitor(world, page)
        page.on("pageerror", lambda error: found.complaints.append(str(error)))
        page.on("console", lambda one: found.complaints.append(one.text) if "Content Security" in one.text else None)
        return found

"""A world, what goes wrong in it, and the figures of that."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from shared.domain.records.jobs import JobStatus, Operation
from shared.local.commands.local_settings import ROOT
from shared.ports.state import Document, DocumentKey
from tests.chaos.crowd import Crowd
from tests.chaos.figures import Figures
from tests.programs.short_clocks import Clocks
from tests.scenario.job_acts import automation_rows, done
from tests.scenario.world import World, open_world

CONNECTOR_ONLY = r"^(POST \$batch$|PATCH dh_)"
"""Requests to Dataverse that only the connector makes: the users' own must get through."""

_RETRY = re.compile(rb"cannot be done now| postponed: |retry \d+ in ")


@dataclass(frozen=True, slots=True)
class Size:
    """How bad it gets: people concerned, faults of a kind, seconds of an outage."""

    people: int
    times: int
    seconds: float


SHORT = Size(people=12, times=5, seconds=0.5)
LONG = Size(people=300, times=60, seconds=10.0)


@dataclass
class Ordeal:
    """One world through all scenarios, so that what one leaves behind shows in the next."""

    world: World
    crowd: Crowd
    size: Size
    settings: Mapping[str, str] = field(default_factory=dict)

    async def suffer(
        self,
        name: str,
        fail: Callable[[], Coroutine[Any, Any, None]],
        heal: Callable[[], Coroutine[Any, Any, int]],
        *,
        dead: int = 0,
    ) -> Figures:
        """Let `fail` happen while people work on both sides; `heal` ends it and says how many faults struck.

        When this returns, everything is as it must be; `dead` letters are expected.
        """
        people = await self.crowd.settle(self.size.people)
        figures = Figures(name)
        requests, log = await self.requests(), self._log()
        self.crowd.awaited.clear()
        await fail()
        figures.records = await self.crowd.stir(people)
        await self._endure()
        figures.faults = await heal()
        began = time.monotonic()
        await self.calm()
        figures.recovery = time.monotonic() - began
        letters = await self.world.queue.dead_letters(limit=1000)
        assert len(letters) == dead, [letter.reason for letter in letters]
        figures.dead = len(letters)
        await self.world.queue.discard([letter.id for letter in letters])
        await self.check()
        figures.requests = await self.requests() - requests
        figures.retries = len(_RETRY.findall(self._log()[len(log) :]))
        figures.slowest = max((one.seen or began) - one.since for one in self.crowd.awaited)
        return figures

    async def calm(self, timeout_s: float = 400) -> None:
        """Wait until nothing is on its way any more, in either direction."""
        watching = asyncio.create_task(self._watch())
        try:
            await self.world.settled(timeout_s)
            await self.poll()
            await self.world.settled(timeout_s)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        await self.crowd.watch()

    async def check(self) -> None:
        """Everything is as it must be (the files are searched for personal data when the world ends)."""
        complaints = await self.crowd.complaints()
        assert complaints == [], complaints
        claims = [one for one in await self.world.claims() if not await self._rests_in_doubt(one)]
        assert claims == [], [document.key for document in claims]
        late = [f"{one.column} of somebody" for one in self.crowd.awaited if one.seen is None]
        assert late == [], "changes that nobody has seen arrive"

    async def _rests_in_doubt(self, contact: Document) -> bool:
        """Whether a contact is closed: what a worker had written there counts when the person comes back."""
        keys = [DocumentKey("default-binding", user) for user in contact.body.get("users", {})]
        bindings = await self.world.store.read(keys) if keys else {}
        return "claim" not in contact.body and any(one.body.get("reach") for one in bindings.values())

    async def poll(self) -> None:
        """Ask Spotler for changes, as the timer does; every poll must succeed."""
        answer = await self.world.connector.call("POST", "/api/poll", {})
        assert answer.status_code == httpx.codes.OK, answer.text

    async def requests(self) -> int:
        """Count what the connector has asked so far, of both sides."""
        ours = await self.world.dynamics.requests_of_the_connector()
        return ours + sum((await self.world.spotler.requests()).values())

    async def _endure(self) -> None:
        """Let the fault last, with a poll in the middle of it, whatever becomes of that."""
        ends = time.monotonic() + self.size.seconds
        with contextlib.suppress(httpx.HTTPError, TimeoutError):
            async with asyncio.timeout(self.size.seconds):
                await self.world.connector.call("POST", "/api/poll", {})
        while time.monotonic() < ends:
            await self.crowd.watch()
            await asyncio.sleep(0.2)

    async def _watch(self) -> None:
        while True:
            await self.crowd.watch()
            await asyncio.sleep(0.1 if self.size is SHORT else 1.0)

    def _log(self) -> bytes:
        return self.world.connector.log.read_bytes()


@asynccontextmanager
async def open_ordeal(folder: Path, size: Size, *options: str) -> AsyncIterator[Ordeal]:
    """Open a world in which a field and the permissions go both ways, and start its connector."""
    settings = {"MAPPING_FILE": str(_two_way_mapping(folder)), "CLAIM_SECONDS": "20", "LOCAL_LOCK_SECONDS": "25"}
    clocks = Clocks.SHORT if size is SHORT else Clocks.REAL
    async with open_world(folder, *options, clocks=clocks, **settings) as world:
        await world.connector.start()
        refreshed = await done(world, Operation.REFRESH_AUTOMATIONS)
        assert refreshed.status is JobStatus.COMPLETED
        crowd = Crowd(world)
        (crowd.automation,) = [one for name, one in (await automation_rows(world)).items() if "Welcome" in name]
        yield Ordeal(world, crowd, size, settings)


def _two_way_mapping(folder: Path) -> Path:
    text = (ROOT / "shared/domain/mapping/default.yaml").read_text(encoding="utf-8")
    one_way = "contact: jobtitle, lead: jobtitle}"
    assert one_way in text
    folder.mkdir(parents=True, exist_ok=True)
    mapping = folder / "mapping.yaml"
    mapping.write_text(text.replace(one_way, one_way[:-1] + ', direction: "<->"}'), encoding="utf-8")
    return mapping


async def spotler_faults_left(world: World) -> Sequence[Mapping[str, Any]]:
    """Return the faults that Spotler has still to play."""
    left: Sequence[Mapping[str, Any]] = (await world.spotler._http.get("faults")).json()
    return left

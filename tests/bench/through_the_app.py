"""How fast the whole connector is, and what it asks of Dataverse and Spotler."""

from __future__ import annotations

import asyncio
import logging
import os
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpx

from shared.composition import app
from shared.local.commands.connector import connector_host
from shared.local.functions_host.host import FunctionsHost
from shared.local.sandbox.addresses import Addresses
from shared.local.sandbox.process import sandbox
from shared.local.sandbox.users import DynamicsUser, SpotlerUser
from shared.ports.queue import QueueName
from tests.bench.saver import spread
from tests.installed import organisation

_SAVES = 1_000
_SINGLES = 50
_TABLE = 5_000


@dataclass(frozen=True, slots=True)
class Bench:
    """A running connector between two sandboxes, and the users of both."""

    host: FunctionsHost
    dynamics: DynamicsUser
    spotler: SpotlerUser
    addresses: Addresses

    async def requests(self) -> tuple[int, int]:
        """Count what the connector has asked so far: of Dataverse, of Spotler."""
        return await self.dynamics.requests_of_the_connector(), sum((await self.spotler.requests()).values())


@asynccontextmanager
async def bench(people: int = 0) -> AsyncIterator[Bench]:
    """Start everything with `people` in Dataverse."""
    async with sandbox("--organisation", str(organisation()), "--people", str(people)) as addresses:
        os.environ.update(addresses.as_environment())
        async with (
            connector_host(port=0) as host,
            DynamicsUser(addresses) as dynamics,
            SpotlerUser(addresses) as spotler,
        ):
            yield Bench(host, dynamics, spotler, addresses)


async def latency() -> None:
    """One save after the other; each is awaited in Spotler."""
    async with bench() as running:
        taken = []
        for number in range(_SINGLES):
            email = f"single{number}@example.com"
            begin = time.perf_counter()
            await running.dynamics.create("contacts", {"lastname": "Bench", "emailaddress1": email})
            await running.spotler.wait_for(email, lambda contact: contact is not None)
            taken.append((time.perf_counter() - begin) * 1000)
        taken.sort()
        median = statistics.median(taken)
        print(f"latency  save to Spotler: median {median:.0f} ms, slowest of {_SINGLES}: {taken[-1]:.0f} ms")


async def singles() -> None:
    """One change after the other of people whom Spotler knows, each settled before the next: what one costs."""
    async with bench() as running:
        ids = []
        for number in range(_SINGLES):
            row = {"lastname": "Bench", "emailaddress1": f"known{number}@example.com"}
            ids.append(await running.dynamics.create("contacts", row))
        await settled()
        before = await running.requests()
        for number, identifier in enumerate(ids):
            await running.dynamics.change("contacts", identifier, {"address1_city": "Gouda"})
            email = f"known{number}@example.com"
            await running.spotler.wait_for(email, lambda contact: bool(contact and contact["properties"].get("city")))
            await settled()
        after = await running.requests()
        crm, platform = ((now - then) / _SINGLES for then, now in zip(before, after, strict=True))
        print(f"singles  one change: {crm:.2f} requests to Dataverse, {platform:.2f} to Spotler (at most 2.2)")


async def burst() -> None:
    """Many saves at once, as after an import or a flow; then every one of them once more, changed."""
    async with bench() as running:
        ids: dict[int, str] = {}

        async def create(number: int) -> None:
            row = {"lastname": "Bench", "emailaddress1": f"burst{number}@example.com"}
            ids[number] = await running.dynamics.create("contacts", row)

        async def change(number: int) -> None:
            await running.dynamics.change("contacts", ids[number], {"address1_city": "Gouda"})

        for what, save, is_done in (
            ("new", create, bool),
            ("changed", change, lambda contact: contact["properties"].get("city") == "Gouda"),
        ):
            before, asked = await running.requests(), await running.spotler.requests()
            begin = time.perf_counter()
            await spread(save, _SAVES)
            saved = time.perf_counter() - begin
            while sum(1 for contact in await running.spotler.contacts() if is_done(contact)) < _SAVES:
                await asyncio.sleep(0.02)
            arrived = time.perf_counter() - begin
            await settled()
            after = await running.requests()
            crm, platform = after[0] - before[0], after[1] - before[1]
            pages = (await running.spotler.requests()).get("contact.updates", 0) - asked.get("contact.updates", 0)
            print(
                f"burst    {_SAVES} {what} contacts: saved in {saved:.1f} s, all in Spotler after {arrived:.1f} s; "
                f"{crm} requests to Dataverse (at most 60), {platform - pages} to Spotler (at most 25) "
                f"and {pages} pages of its feed of changes"
            )


async def table() -> None:
    """The initial synchronisation of one table."""
    async with bench(_TABLE * 10 // 7) as running:
        count = len((await running.dynamics.read("contacts?$select=contactid"))["value"])
        before = await running.requests()
        begin = time.perf_counter()
        async with httpx.AsyncClient(base_url=running.host.url) as http:
            headers = {"x-functions-key": running.host.keys.default}
            (await http.post("/api/resync", json={"table": "contact"}, headers=headers)).raise_for_status()
        await settled()
        seconds = time.perf_counter() - begin
        after = await running.requests()
        print(
            f"table    {count} contacts in {seconds:.1f} s: {count / seconds:.0f} a second; "
            f"{(after[0] - before[0]) / count:.4f} requests to Dataverse and {(after[1] - before[1]) / count:.4f} to "
            "Spotler per contact"
        )


@contextmanager
def watching_calls(watcher: logging.Handler) -> Iterator[None]:
    """Show a handler what the local host logs of each call of a function."""
    logger = logging.getLogger("shared.local.functions_host.invocation")
    level = logger.level
    logger.addHandler(watcher)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(watcher)


async def settled() -> None:
    """Wait until the queues are empty, without asking either side anything."""
    queue = (await app.connector()).queue
    while sum([(await queue.depth(name)).active for name in QueueName]):
        await asyncio.sleep(0.05)

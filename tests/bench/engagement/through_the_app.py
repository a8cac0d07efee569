"""What a mailing costs through the app and both sandboxes, beside the naive way: a call for each recipient."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import httpx

from shared.composition import app
from tests.bench.cold_start import most_memory
from tests.bench.through_the_app import bench, settled

_NAIVE = 1_000
"""Recipients that the naive way is measured with."""


async def mailing() -> None:
    """A mailing to 1,000 people through the app and both sandboxes."""
    await _through_the_app(1_000)


async def mailing_20k() -> None:
    """The same with 20,000."""
    await _through_the_app(20_000)


async def _naive(handle: str, external_ids: Sequence[str]) -> float:
    """Ask for the clicks of each recipient, four at a time; returns seconds."""
    platform, gate = (await app.connector()).engagement.platform, asyncio.Semaphore(4)

    async def ask(external_id: str) -> None:
        async with gate:
            await platform.clicks_of(handle, external_id)

    begin = time.perf_counter()
    await asyncio.gather(*(ask(one) for one in external_ids))
    return time.perf_counter() - begin


async def _through_the_app(size: int) -> None:
    async with bench(round(size * 1.25)) as running:
        headers = {"x-functions-key": running.host.keys.default}
        async with httpx.AsyncClient(base_url=running.host.url, timeout=300, headers=headers) as http:
            for table in ("contact", "lead", "account"):
                (await http.post("/api/resync", json={"table": table})).raise_for_status()
            await settled()
            await running.spotler.post("mailing", {"name": "Bench", "halfMinutes": 0.05})
            await asyncio.sleep(8)  # people open and click
            before, asked = await running.requests(), await running.spotler.requests()
            memory = most_memory()
            begin = time.perf_counter()
            answer = (await http.post("/api/engagement", json={})).raise_for_status().json()
            await settled()
            seconds = time.perf_counter() - begin
            after, now = await running.requests(), await running.spotler.requests()
            calls = {name: count - asked.get(name, 0) for name, count in now.items()}
            shown = ", ".join(f"{count} {name}" for name, count in sorted(calls.items()) if count)
            rows = await running.dynamics.read("dh_marketinginteractions?$select=dh_type&$count=true&$top=1")
            print(
                f"mailing  {size:,} contacts: {answer['events']} events in the first step, "
                f"{rows.get('@odata.count')} rows, {seconds:.1f} s; {after[0] - before[0]} requests to Dataverse, "
                f"{after[1] - before[1]} to Spotler ({shown}); "
                f"most memory {memory:.0f} MB before, {most_memory():.0f} MB after"
            )
            (handle,) = [one.handle async for one in (await app.connector()).engagement.known.all()]
            people = [one["externalId"] for one in await running.spotler.contacts() if one.get("externalId")]
            sample = people[:_NAIVE]
            took = await _naive(handle, sample)
            print(
                f"mailing  the naive way, clicks of each recipient: {len(sample):,} calls took {took:.1f} s, so "
                f"{len(people):,} recipients {took * len(people) / len(sample):.0f} s, for clicks alone"
            )

"""What it costs to write back what people changed in Spotler, and to find that nothing was changed."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.bench.saver import spread
from tests.bench.through_the_app import Bench, bench, settled
from tests.scenario.two_way import mapping_text

_ROWS = ({"spotler": "city", "contact": "address1_city", "direction": "<->"},)
_FEW, _SOME, _MANY = 10, 1_000, 50_000
_AGE = 61
"""Seconds after which what a poll brings counts as newer than what was just written: clocks differ (decision 13)."""


async def changes() -> None:
    """Ten, then a thousand contacts change in Spotler; each time, another poll finds nothing but its own echoes."""
    await _bring_home(_FEW, _SOME)


async def many_changes() -> None:
    """The same with fifty thousand."""
    await _bring_home(_MANY)


async def _bring_home(*counts: int) -> None:
    mapping = Path(os.environ["LOCAL_FOLDER"]) / "mapping.yaml"
    mapping.write_text(mapping_text(*_ROWS), encoding="utf-8")
    os.environ["MAPPING_FILE"] = str(mapping)
    try:
        async with bench(max(counts) * 2) as running:
            await _call(running, "/api/resync", {"table": "contact"})
            await _catch_up(running)  # both sides have met
            ids = [str(one["externalId"]) for one in await running.spotler.contacts()]
            await asyncio.sleep(_AGE)
            for count in counts:
                await _change(running, ids[:count])
                del ids[:count]
    finally:
        del os.environ["MAPPING_FILE"]


async def _change(running: Bench, ids: Sequence[str]) -> None:
    town, count = f"Gouda {len(ids)}", len(ids)

    async def edit(number: int) -> None:
        await running.spotler.post(f"contact/edit?externalId={ids[number]}", {"properties": {"city": town}})

    await spread(edit, count)
    await _poll(running, f"changes  {count} contacts changed in Spotler", count)
    found = await running.dynamics.read(f"contacts?$filter=address1_city eq '{town}'&$select=contactid&$count=true")
    assert found["@odata.count"] >= min(count, 5_000), "all of them have been written back"
    await _poll(running, f"echoes   the next poll meets these {count} again", count)


async def _poll(running: Bench, what: str, count: int) -> None:
    before, begin = await running.requests(), time.perf_counter()
    await _catch_up(running)
    seconds, after = time.perf_counter() - begin, await running.requests()
    crm, platform = after[0] - before[0], after[1] - before[1]
    print(
        f"{what}: {seconds:.2f} s; {crm} requests to Dataverse ({crm / count:.3f} per contact), "
        f"{platform} to Spotler ({platform / count:.3f})"
    )


async def _catch_up(running: Bench) -> None:
    """Poll until there is nothing more to fetch."""
    while (await _call(running, "/api/poll", {}))["isBehind"]:
        pass


async def _call(running: Bench, path: str, body: dict[str, str]) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=running.host.url, timeout=600) as http:
        headers = {"x-functions-key": running.host.keys.default}
        answer = (await http.post(path, json=body, headers=headers)).raise_for_status()
    await settled()
    told: dict[str, Any] = answer.json()
    return told

"""How long a save takes while a whole table goes through the bulk lane."""

from __future__ import annotations

import asyncio
import statistics
import time
from itertools import count

import httpx

from tests.bench.through_the_app import Bench, bench, settled

_TABLE = 4_000
_QUIET = 20
_PAUSE = 0.2
"""Seconds between two saves: somebody works, nobody imports."""


async def live_beside_bulk() -> None:
    """Save one person after the other: alone, beside an initial synchronisation, and beside one that finds nothing."""
    async with bench(_TABLE * 10 // 7) as running:
        await settled()
        numbers = count()
        quiet = [await _save(running, next(numbers)) for _ in range(_QUIET)]
        _tell("alone", quiet, 0.0)
        for what in ("beside an initial synchronisation", "beside a resync that finds nothing to do"):
            async with httpx.AsyncClient(base_url=running.host.url) as http:
                headers = {"x-functions-key": running.host.keys.default}
                (await http.post("/api/resync", json={"table": "contact"}, headers=headers)).raise_for_status()
            begin = time.perf_counter()
            walking = asyncio.create_task(settled())
            taken: list[float] = []
            while not walking.done():
                taken.append(await _save(running, next(numbers)))
                await asyncio.sleep(_PAUSE)
            _tell(what, taken, time.perf_counter() - begin)


async def _save(running: Bench, number: int) -> float:
    """Save a new person and wait until Spotler has it; returns how many milliseconds that took."""
    email = f"beside{number}@example.com"
    begin = time.perf_counter()
    await running.dynamics.create("contacts", {"lastname": "Bench", "emailaddress1": email})
    await running.spotler.wait_for(email, lambda contact: contact is not None)
    return (time.perf_counter() - begin) * 1000


def _tell(what: str, taken: list[float], seconds: float) -> None:
    taken.sort()
    span = f", in {seconds:.0f} s" if seconds else ""
    print(
        f"beside   {len(taken)} saves {what}{span}: median {statistics.median(taken):.0f} ms, "
        f"90th percentile {taken[int(len(taken) * 0.9)]:.0f} ms, slowest {taken[-1]:.0f} ms"
    )

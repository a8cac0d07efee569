"""How long a save takes at a steady rate of saves, while an initial synchronisation goes through the bulk lane."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from tests.bench.figures.figure import Measured
from tests.bench.saver import NO_LIMITS, save
from tests.bench.through_the_app import Bench, bench, settled

_RATES = (5, 20, 50)
"""Saves a second."""

_CONTACTS_AMONG_PEOPLE = 0.7


@dataclass(frozen=True)
class _Load:
    """The contacts that the bulk lane synchronises meanwhile, and how long people save at each rate."""

    contacts: int
    seconds: int


@dataclass(frozen=True)
class _Latencies:
    """How long saves took, in milliseconds, and what else was done meanwhile: bulk contacts, requests to Dataverse."""

    rate: int
    taken: Sequence[float]
    walked: int
    requests: int
    seconds: float

    def percentile(self, share: float) -> float:
        ordered = sorted(self.taken)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    @property
    def row(self) -> str:
        points = " | ".join(f"{self.percentile(share) / 1000:.2f} s" for share in (0.5, 0.95, 0.99))
        bulk = f"{self.walked / self.seconds:.0f}"
        return f"| {self.rate} | {len(self.taken):,} | {points} | {bulk} | {self.requests / self.seconds * 300:,.0f} |"


async def under_load() -> Measured:
    """Twenty seconds at each rate beside the synchronisation of 3,000 contacts."""
    return await _measured(_Load(contacts=3_000, seconds=20))


async def under_load_long() -> Measured:
    """Ten minutes at each rate beside the synchronisation of 100,000 contacts."""
    return await _measured(_Load(contacts=100_000, seconds=600))


async def _measured(load: _Load) -> Measured:
    found: list[_Latencies] = []
    for rate in _RATES:
        async with bench(round(load.contacts / _CONTACTS_AMONG_PEOPLE)) as running:
            await running.dynamics.cause(
                "limits", NO_LIMITS
            )  # the saves come from one user; the connector's are counted
            found.append(await _at_rate(running, rate, load))
    head = (
        "| saves a second | saves | median | 95th percentile | 99th percentile | bulk contacts a second "
        "| requests to Dataverse in 5 minutes (at most 6,000) |\n|---|---|---|---|---|---|---|"
    )
    return Measured(markdown="\n".join([head, *(one.row for one in found)]))


async def _at_rate(running: Bench, rate: int, load: _Load) -> _Latencies:
    """Save at a rate; what Spotler notes as the creation of a contact is when the save has arrived."""
    await settled()
    asked, began = (await running.requests())[0], time.perf_counter()
    async with httpx.AsyncClient(base_url=running.host.url) as http:
        headers = {"x-functions-key": running.host.keys.default}
        (await http.post("/api/resync", json={"table": "contact"}, headers=headers)).raise_for_status()
    saved = await save(running.addresses, "paced", rate * load.seconds, rate=rate)
    seconds = time.perf_counter() - began
    requests = (await running.requests())[0] - asked
    bulk_until = time.time() * 1000
    await settled()
    created = {
        str(one["properties"]["email"]): float(one["createdAt"]) * 1000 for one in await running.spotler.contacts()
    }
    assert saved.keys() <= created.keys(), "every save has arrived"
    walked = sum(at <= bulk_until for email, at in created.items() if email not in saved)
    return _Latencies(rate, [created[email] - at for email, at in saved.items()], walked, requests, seconds)

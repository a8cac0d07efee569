"""What a privileged job costs, with the question whether its creator may do that."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

from shared.domain.records.jobs import Operation
from tests.bench.saver import spread
from tests.bench.through_the_app import Bench, bench, settled

_ONE_BY_ONE = 20
_AT_ONCE = 200


async def jobs() -> None:
    """Purge contacts by jobs of one user: one after the other, and many at once."""
    async with bench() as running:
        ids: dict[int, str] = {}

        async def create(number: int) -> None:
            row = {"lastname": "Bench", "emailaddress1": f"job{number}@example.com"}
            ids[number] = await running.dynamics.create("contacts", row)

        await spread(create, _ONE_BY_ONE + _AT_ONCE)
        await settled()
        before, taken = await running.requests(), []
        for number in range(_ONE_BY_ONE):
            begin = time.perf_counter()
            await _ended(running, [await _purge(running, ids[number])])
            taken.append((time.perf_counter() - begin) * 1000)
        await settled()
        _tell("one by one", _ONE_BY_ONE, f"median {statistics.median(taken):.0f} ms", before, await running.requests())

        asked: list[str] = []

        async def purge(number: int) -> None:
            asked.append(await _purge(running, ids[_ONE_BY_ONE + number]))

        before, begin = await running.requests(), time.perf_counter()
        await spread(purge, _AT_ONCE)
        await _ended(running, asked)
        seconds = time.perf_counter() - begin
        await settled()
        _tell("at once", _AT_ONCE, f"{seconds:.1f} s in all", before, await running.requests())


async def _purge(running: Bench, contact: str) -> str:
    row: dict[str, Any] = {"dh_name": "Bench", "dh_operation": int(Operation.PURGE_CONTACT)}
    return await running.dynamics.create(
        "dh_spotlerjobs", row | {"dh_CustomerId_contact@odata.bind": f"/contacts({contact})"}
    )


async def _ended(running: Bench, asked: list[str]) -> None:
    """Wait until the jobs are completed."""
    while True:
        rows = (await running.dynamics.read("dh_spotlerjobs?$select=statecode,dh_resultcode"))["value"]
        ended = {row["dh_spotlerjobid"]: row["dh_resultcode"] for row in rows if row["statecode"] == 1}
        if ended.keys() >= {*asked}:
            return
        await asyncio.sleep(0.02)


def _tell(what: str, count: int, took: str, before: tuple[int, int], after: tuple[int, int]) -> None:
    crm, platform = ((now - then) / count for then, now in zip(before, after, strict=True))
    print(f"jobs     {count} purges {what}: {took}; {crm:.2f} requests to Dataverse and {platform:.2f} to Spotler each")

"""Saves contacts in a process of its own: `python -m tests.bench.saver ADDRESSES new|changed COUNT [FIRST]`.

So its processor time is not that of the connector. Returns when the service endpoint has posted everything.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict

from shared.local.sandbox.addresses import Addresses
from shared.local.sandbox.users import DynamicsUser

_AT_ONCE = 20


async def save(addresses: Addresses, what: str, count: int, first: int = 0) -> None:
    """Let another process save contacts: `new` ones, or `changed` ones that are there."""
    words = (json.dumps(asdict(addresses)), what, str(count), str(first))
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.bench.saver", *words)
    if await process.wait():
        raise RuntimeError("contacts could not be saved")


async def spread(act: Callable[[int], Awaitable[None]], count: int) -> None:
    """Do many acts, twenty at a time."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await act(number)

    await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))


@asynccontextmanager
async def _user(addresses: Addresses) -> AsyncIterator[DynamicsUser]:
    async with DynamicsUser(addresses) as user:
        yield user
        while await user.underway():
            await asyncio.sleep(0.01)


async def main(addresses: Addresses, what: str, count: int, first: int) -> None:
    """Save contacts of known addresses."""
    async with _user(addresses) as user:
        if what == "new":

            async def create(number: int) -> None:
                row = {"firstname": "Noor", "lastname": "Bench", "emailaddress1": f"p{first + number}@example.com"}
                await user.create("contacts", row)

            await spread(create, count)
            return
        rows = (await user.read("contacts?$select=contactid&$orderby=emailaddress1"))["value"][first : first + count]

        async def change(number: int) -> None:
            await user.change("contacts", rows[number]["contactid"], {"address1_city": "Gouda"})

        await spread(change, len(rows))


if __name__ == "__main__":
    asyncio.run(main(Addresses(**json.loads(sys.argv[1])), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))

"""Saves contacts in a process of its own, so that its processor time is not the connector's.

`python -m tests.bench.saver ADDRESSES new|changed|paced COUNT FIRST RATE`; it ends when the service endpoint has posted
everything, and prints the time of each paced save, by address (JSON, milliseconds since 1970).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict

from shared.local.sandbox.addresses import Addresses
from shared.local.sandbox.users import DynamicsUser

_AT_ONCE = 20

NO_LIMITS = {"requests": 1_000_000, "execution_seconds": 1_000_000, "concurrent": 1_000}
"""For `DynamicsUser.cause("limits", …)`: one user who saves thousands of contacts would meet the limits."""


async def save(addresses: Addresses, what: str, count: int, *, first: int = 0, rate: float = 0) -> dict[str, float]:
    """Let another process save contacts: `new` ones, `changed` ones that are there, or `paced` at a rate a second.

    Returns when each paced one was saved.
    """
    words = (json.dumps(asdict(addresses)), what, str(count), str(first), str(rate))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.saver", *words, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("contacts could not be saved")
    saved: dict[str, float] = json.loads(output)
    return saved


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


async def _create(user: DynamicsUser, count: int, first: int) -> None:
    async def create(number: int) -> None:
        row = {"firstname": "Noor", "lastname": "Bench", "emailaddress1": f"p{first + number}@example.com"}
        await user.create("contacts", row)

    await spread(create, count)


async def _change(user: DynamicsUser, count: int, first: int) -> None:
    rows = (await user.read("contacts?$select=contactid&$orderby=emailaddress1"))["value"][first : first + count]

    async def change(number: int) -> None:
        await user.change("contacts", rows[number]["contactid"], {"address1_city": "Gouda"})

    await spread(change, len(rows))


async def _create_paced(user: DynamicsUser, count: int, first: int, rate: float) -> dict[str, float]:
    """Begin a save every 1/rate seconds, whether or not the one before has ended."""
    saved: dict[str, float] = {}

    async def create(email: str) -> None:
        await user.create("contacts", {"lastname": "Bench", "emailaddress1": email})
        saved[email] = time.time() * 1000

    began = time.monotonic()
    async with asyncio.TaskGroup() as saves:
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            saves.create_task(create(f"paced{first + number}@example.com"))
    return saved


async def main(addresses: Addresses, what: str, count: int, first: int, rate: float) -> dict[str, float]:
    """Save contacts of known addresses."""
    async with _user(addresses) as user:
        if what == "paced":
            return await _create_paced(user, count, first, rate)
        await (_create if what == "new" else _change)(user, count, first)
    return {}


if __name__ == "__main__":
    _, where, kind, number, begin, rate = sys.argv
    print(json.dumps(asyncio.run(main(Addresses(**json.loads(where)), kind, int(number), int(begin), float(rate)))))

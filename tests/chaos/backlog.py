"""The connector was away while a whole table was saved: a queue full of messages."""

from __future__ import annotations

import time
from pathlib import Path

from shared.ports.queue import QueueName
from tests.chaos.figures import Figures
from tests.chaos.ordeal import LONG, open_ordeal
from tests.scenario.privacy import MARK
from tests.scenario.world import World, eventually

_AT_ONCE = 500


async def backlog(folder: Path, messages: int, pause: float = 1.0) -> Figures:
    """Fill the queue while nobody reads it, start the connector, and wait until all of it is done.

    Half of the messages tell of new records, the other half of a change of the same records.
    """
    async with open_ordeal(folder, LONG) as ordeal:
        world = ordeal.world
        await world.connector.stop()
        await _fill(world, messages // 2)
        requests = await ordeal.requests()
        began = time.monotonic()
        await world.connector.start()

        async def is_empty() -> bool:
            return not await _waiting(world)

        await eventually(is_empty, "the queue to be empty", 60 + messages / 20, every=pause)
        recovery = time.monotonic() - began
        requests = await ordeal.requests() - requests
        letters = await world.queue.dead_letters()
        assert letters == []
        assert await ordeal.crowd.complaints() == []
        assert await _held(world) == 0
        retries = world.connector.log.read_bytes().count(b"cannot be done now")
    return Figures(
        f"backlog of {messages:,} messages", messages, 0, recovery, requests, retries, len(letters), slowest=recovery
    )


async def _fill(world: World, people: int) -> None:
    """Save people and change them, many to a request, as imports do."""
    for start in range(0, people, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, people))
        rows = [
            {
                "@odata.type": "Microsoft.Dynamics.CRM.contact",
                "emailaddress1": f"{MARK.lower()}.rij{number}@example.nl",
                "firstname": f"Voor{MARK}",
                "lastname": f"Achter{MARK}",
                "address1_city": f"{MARK}dam",
            }
            for number in numbers
        ]
        made = await world.dynamics.act("contacts/Microsoft.Dynamics.CRM.CreateMultiple", {"Targets": rows})
        changes = [
            {"@odata.type": rows[0]["@odata.type"], "contactid": one, "address1_city": f"{MARK}oord"}
            for one in made["Ids"]
        ]
        await world.dynamics.act("contacts/Microsoft.Dynamics.CRM.UpdateMultiple", {"Targets": changes})

    async def is_posted() -> bool:
        return not await world.dynamics.underway()

    await eventually(is_posted, "the messages to be posted", 60 + people / 20, every=0.5)
    assert await _waiting(world) == people * 2


async def _waiting(world: World) -> int:
    depths = [await world.queue.depth(queue) for queue in QueueName]
    return sum(depth.active + depth.scheduled for depth in depths)


async def _held(world: World) -> int:
    held, after = 0, None
    while True:
        page = await world.store.scan("default-contact", after=after)
        held += sum(bool({"claim", "doubt"} & document.body.keys()) for document in page.documents)
        if (after := page.after) is None:
            return held

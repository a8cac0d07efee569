"""Links of the client, opened before their use and shared by the tasks of this process, one task at a time."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from azure.servicebus.aio import ServiceBusReceiver, ServiceBusSender

from shared.adapters.messaging.servicebus_errors import translated

Link = TypeVar("Link", bound=ServiceBusReceiver | ServiceBusSender)


class Links(Generic[Link]):
    """One link for each queue. The client's links are not safe for concurrent tasks (README of azure-servicebus)."""

    def __init__(self, make: Callable[[str], Link]) -> None:
        """`make` creates the link of a queue, without opening it."""
        self._make = make
        self._links: dict[str, Link] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._discarded: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[Link]:
        """Use the link of a queue exclusively while the block runs. Raises ConnectorErrors for those of the client.

        The link is opened here, before its use: the client counts the opening as part of a wait for messages. If that
        wait is shorter than the opening takes, the client would give up again and again.
        """
        async with self._turns[name]:
            with translated(name):
                if name not in self._links:
                    self._links[name] = self._make(name)
                link = self._links[name]
                try:
                    await link.__aenter__()  # the link outlives this block
                    yield link
                except asyncio.CancelledError:
                    self._discard(name)
                    raise

    async def close(self) -> None:
        """Close all links concurrently; a later use opens new ones."""
        links = list(self._links.values())
        self._links.clear()
        await asyncio.gather(*(link.close() for link in links), *self._discarded)

    def _discard(self, name: str) -> None:
        # A cancelled task may leave half a frame unread, after which the link cannot be used.
        closing = asyncio.create_task(self._links.pop(name).close())
        self._discarded.add(closing)
        closing.add_done_callback(self._discarded.discard)

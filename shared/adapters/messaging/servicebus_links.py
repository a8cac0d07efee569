"""Links of the client, opened before their use and shared by the tasks of this process, one task at a time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Generic, Protocol, Self, TypeVar

from shared.adapters.messaging.servicebus_errors import translated


class ClientLink(Protocol):
    """What senders and receivers of the client have in common."""

    async def __aenter__(self) -> Self:
        """Open the link, or do nothing if it is open."""
        ...

    async def close(self) -> None:
        """Close it for good."""
        ...


Link = TypeVar("Link", bound=ClientLink)


class Links(Generic[Link]):
    """One link for each queue. The client's links are not safe for concurrent tasks (README of azure-servicebus)."""

    def __init__(self, make: Callable[[str], Link]) -> None:
        """`make` makes the link of a queue, not opened yet."""
        self._make = make
        self._links: dict[str, Link] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._discarded: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[Link]:
        """Have the link of a queue alone while the block runs; errors of the client leave it as ConnectorErrors.

        The link is opened here, in the client's own time: it would count the opening as part of a short wait for
        messages, give up, and begin again for ever where the service is further away than that wait.
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
        """Close every link, side by side; a later use opens new ones."""
        links = list(self._links.values())
        self._links.clear()
        await asyncio.gather(*(link.close() for link in links), *self._discarded)

    def _discard(self, name: str) -> None:
        # Whoever is cancelled may leave half a frame unread: what comes after it could not be understood.
        closing = asyncio.create_task(self._links.pop(name).close())
        self._discarded.add(closing)
        closing.add_done_callback(self._discarded.discard)

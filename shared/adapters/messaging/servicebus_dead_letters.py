"""Dead letters in Service Bus: the app's own queue of copies, and the sub-queues where Service Bus buries."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress

from azure.servicebus import ServiceBusReceivedMessage, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver
from azure.servicebus.exceptions import MessageLockLostError

from shared.adapters.messaging.servicebus_errors import translated
from shared.adapters.messaging.servicebus_links import Links
from shared.adapters.messaging.servicebus_messages import DEAD_LETTERS, from_dead_letter_copy, from_native_dead_letter
from shared.ports.queue import DeadLetter, QueueName

_LOG = logging.getLogger(__name__)

# Copies that Service Bus moved on, because they were passed by too often while others were looked for.
COPIES_MOVED_ON = f"{DEAD_LETTERS}/moved-on"

_BATCH = 100

# What one call moves at most, so that it ends well within the time of a function.
_MOST_BATCHES = 20

# How long a walk waits for more before it takes the queue for exhausted.
_QUIET_SECONDS = 2.0


class DeadLetterQueues:
    """Reads and clears dead letters. An identifier is `<place>/<sequence number>`; a place is a queue or sub-queue."""

    places = (DEAD_LETTERS, COPIES_MOVED_ON, *QueueName)

    def __init__(self, client: ServiceBusClient, *, redact: Callable[[QueueName, bytes], bytes]) -> None:
        """Borrow `client`."""
        self._client = client
        self._redact = redact
        self._browsers: Links[ServiceBusReceiver] = Links(self._receiver)  # they look only, and take nothing

    async def peek(self, place: str, *, limit: int | None = None) -> list[DeadLetter]:
        """Look at the dead letters of a place, oldest first, without locking them."""
        letters: list[DeadLetter] = []
        start = 1
        async with self._browsers.of(place) as receiver:
            while limit is None or len(letters) < limit:
                size = _BATCH if limit is None else min(_BATCH, limit - len(letters))
                batch = await receiver.peek_messages(max_message_count=size, sequence_number=start)
                if not batch:
                    break
                letters += self._letters(place, batch)
                start = (batch[-1].sequence_number or 0) + 1
        return letters

    async def peek_copies(self) -> list[DeadLetter]:
        """Look at all copies that the app buried."""
        return [*await self.peek(DEAD_LETTERS), *await self.peek(COPIES_MOVED_ON)]

    async def remove(self, identifiers: Sequence[str], *, when: Callable[[DeadLetter], Awaitable[bool]]) -> int:
        """Complete those dead letters for which `when` answers true; returns how many."""
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        for identifier in identifiers:
            wanted[identifier.rpartition("/")[0]].add(identifier)
        removed = 0
        for place in self.places:
            # Looking first is cheap. A walk disturbs what it passes by: none for what is not there.
            if place in wanted and (there := {one.id for one in await self.peek(place)} & wanted[place]):
                removed += await self._remove_from(place, there, when=when)
        return removed

    async def collect(self, copy: Callable[[Sequence[DeadLetter]], Awaitable[None]]) -> list[DeadLetter]:
        """Copy, then remove, what Service Bus has buried; returns it, without personal data.

        A crash, or a lock that ends, between the two copies a message twice. The rest of very many is left for the next
        call.
        """
        moved: list[DeadLetter] = []
        for queue in QueueName:
            if await self.peek(queue, limit=1):  # the open link tells at once; receiving waits for messages
                moved += await self._collect_from(queue, copy)
        return moved

    async def _collect_from(
        self, queue: QueueName, copy: Callable[[Sequence[DeadLetter]], Awaitable[None]]
    ) -> list[DeadLetter]:
        moved: list[DeadLetter] = []
        async with AsyncExitStack() as stack:
            stack.enter_context(translated(queue))
            receiver = await stack.enter_async_context(self._receiver(queue))
            for _ in range(_MOST_BATCHES):
                batch = await receiver.receive_messages(max_message_count=_BATCH, max_wait_time=_QUIET_SECONDS)
                if not batch:
                    break
                letters = list(self._letters(queue, batch))
                await copy(letters)
                for message in batch:
                    with suppress(MessageLockLostError):
                        await receiver.complete_message(message)
                moved += letters
        return moved

    async def close(self) -> None:
        """Close the links that were used for looking."""
        await self._browsers.close()

    async def _remove_from(self, place: str, wanted: set[str], *, when: Callable[[DeadLetter], Awaitable[bool]]) -> int:
        # A message cannot be received by its number: the walk locks all of them until it has met the wanted ones, and
        # gives the others back. Each time counts as a delivery. Copies for which these are used up move to the
        # sub-queue of `dead-letters`, which counts none; they are found there.
        removed = 0
        kept: list[ServiceBusReceivedMessage] = []
        met: set[str] = set()
        async with AsyncExitStack() as stack:
            stack.enter_context(translated(place))
            receiver = await stack.enter_async_context(self._receiver(place))
            while not wanted <= met:
                batch = await receiver.receive_messages(max_message_count=_BATCH, max_wait_time=_QUIET_SECONDS)
                fresh = [message for message in batch if _identifier(place, message) not in met]
                # Nothing new: the queue is exhausted, or a lock has ended and the walk begins to repeat itself.
                if not fresh:
                    break
                for message in fresh:
                    identifier = _identifier(place, message)
                    met.add(identifier)
                    letter = next(self._letters(place, [message]), None) if identifier in wanted else None
                    if letter is not None and await when(letter):
                        await receiver.complete_message(message)
                        removed += 1
                    else:
                        kept.append(message)
            for message in kept:
                with suppress(MessageLockLostError):
                    await receiver.abandon_message(message)
        return removed

    def _receiver(self, place: str) -> ServiceBusReceiver:
        if place == DEAD_LETTERS:
            return self._client.get_queue_receiver(place)
        queue = DEAD_LETTERS if place == COPIES_MOVED_ON else place
        return self._client.get_queue_receiver(queue, sub_queue=ServiceBusSubQueue.DEAD_LETTER)

    def _letters(self, place: str, messages: Sequence[ServiceBusReceivedMessage]) -> Iterator[DeadLetter]:
        for message in messages:
            identifier = _identifier(place, message)
            if place not in {DEAD_LETTERS, COPIES_MOVED_ON}:
                yield from_native_dead_letter(QueueName(place), message, identifier=identifier, redact=self._redact)
                continue
            try:
                yield from_dead_letter_copy(message, identifier=identifier)
            except ValueError:  # one that somebody else put there hides no other
                _LOG.warning("%s was not buried by this connector: remove it from the queue", identifier)


def _identifier(place: str, message: ServiceBusReceivedMessage) -> str:
    return f"{place}/{message.sequence_number}"

"""Dead letters in Service Bus: the app's own queue of copies, and the dead-letter sub-queues of Service Bus."""

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

# Copies that Service Bus moved to the sub-queue: searches for other copies delivered them too often.
COPIES_MOVED_ON = f"{DEAD_LETTERS}/moved-on"

_BATCH = 100

# The most batches that one call moves, so that it ends well within the time-out of a function.
_MOST_BATCHES = 20

# The wait for more messages after which a queue counts as exhausted.
_QUIET_SECONDS = 2.0


class DeadLetterQueues:
    """Reads and clears dead letters. An identifier is `<place>/<sequence number>`; a place is a queue or sub-queue."""

    places = (DEAD_LETTERS, COPIES_MOVED_ON, *QueueName)

    def __init__(self, client: ServiceBusClient, *, redact: Callable[[QueueName, bytes], bytes]) -> None:
        """Use `client` without closing it."""
        self._client = client
        self._redact = redact
        self._browsers: Links[ServiceBusReceiver] = Links(self._receiver)  # only for peeking

    async def peek(self, place: str, *, limit: int | None = None) -> list[DeadLetter]:
        """Return the dead letters of a place, oldest first, without locking them."""
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
        """Return all copies of the app."""
        return [*await self.peek(DEAD_LETTERS), *await self.peek(COPIES_MOVED_ON)]

    async def remove(self, identifiers: Sequence[str], *, when: Callable[[DeadLetter], Awaitable[bool]]) -> int:
        """Complete the dead letters for which `when` returns true; return how many."""
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        for identifier in identifiers:
            wanted[identifier.rpartition("/")[0]].add(identifier)
        removed = 0
        for place in self.places:
            # Peeking is cheap; a search counts as a delivery of the other messages, so it needs something to find.
            if place in wanted and (existing := {one.id for one in await self.peek(place)} & wanted[place]):
                removed += await self._remove_from(place, existing, when=when)
        return removed

    async def collect(self, copy: Callable[[Sequence[DeadLetter]], Awaitable[None]]) -> list[DeadLetter]:
        """Copy, then remove, what Service Bus has dead-lettered; return it, without personal data.

        A crash or an ended lock between the two copies a message twice. If there are very many messages, the next call
        continues.
        """
        moved: list[DeadLetter] = []
        for queue in QueueName:
            if await self.peek(queue, limit=1):  # peeking answers at once; receiving waits for messages
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
        """Close the links for peeking."""
        await self._browsers.close()

    async def _remove_from(self, place: str, wanted: set[str], *, when: Callable[[DeadLetter], Awaitable[bool]]) -> int:
        # A message cannot be received by its number: the search locks all messages until it has found the wanted ones,
        # and abandons the others, which counts as a delivery. Copies that were delivered too often move to the
        # sub-queue of `dead-letters`, which does not count deliveries.
        removed = 0
        kept: list[ServiceBusReceivedMessage] = []
        met: set[str] = set()
        async with AsyncExitStack() as stack:
            stack.enter_context(translated(place))
            receiver = await stack.enter_async_context(self._receiver(place))
            while not wanted <= met:
                batch = await receiver.receive_messages(max_message_count=_BATCH, max_wait_time=_QUIET_SECONDS)
                fresh = [message for message in batch if _identifier(place, message) not in met]
                # Nothing new: the queue is exhausted, or a lock has ended and messages repeat.
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
            except ValueError:  # sent by another app
                _LOG.warning("%s was not dead-lettered by this connector: remove it from the queue", identifier)


def _identifier(place: str, message: ServiceBusReceivedMessage) -> str:
    return f"{place}/{message.sequence_number}"

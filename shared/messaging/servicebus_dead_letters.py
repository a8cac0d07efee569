"""Dead letters in Service Bus: the app's own queue of copies, and the sub-queues where Service Bus buries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress

from azure.servicebus import ServiceBusReceivedMessage, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver
from azure.servicebus.exceptions import MessageLockLostError

from shared.messaging.servicebus_errors import translated
from shared.messaging.servicebus_links import Links
from shared.messaging.servicebus_messages import DEAD_LETTERS, from_dead_letter_copy, from_native_dead_letter
from shared.ports import DeadLetter, QueueName

_BATCH = 100

# How long a walk waits for more before it takes the queue for exhausted.
_QUIET_SECONDS = 2.0


class DeadLetterQueues:
    """Reads and clears dead letters. An identifier is `<place>/<sequence number>`; a place is one of four queues."""

    places = (DEAD_LETTERS, *QueueName)

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
                letters += [self._letter(place, message) for message in batch]
                start = (batch[-1].sequence_number or 0) + 1
        return letters

    async def remove(self, identifiers: Sequence[str], *, when: Callable[[DeadLetter], Awaitable[bool]]) -> int:
        """Complete those dead letters for which `when` answers true; returns how many."""
        wanted: defaultdict[str, set[int]] = defaultdict(set)
        for identifier in identifiers:
            place, _, number = identifier.partition("/")
            if place in self.places and number.isascii() and number.isdigit():
                wanted[place].add(int(number))
        return sum([await self._remove_from(place, numbers, when=when) for place, numbers in wanted.items()])

    async def _remove_from(
        self, place: str, numbers: set[int], *, when: Callable[[DeadLetter], Awaitable[bool]]
    ) -> int:
        # A message cannot be received by its number: the walk locks all of them until it has met the wanted ones, and
        # gives the others back. Each time counts as a delivery, so `dead-letters` needs a high maximum delivery count.
        removed = 0
        kept: list[ServiceBusReceivedMessage] = []
        met: set[int] = set()
        async with AsyncExitStack() as stack:
            stack.enter_context(translated(place))
            receiver = await stack.enter_async_context(self._receiver(place))
            while True:
                batch = await receiver.receive_messages(max_message_count=_BATCH, max_wait_time=_QUIET_SECONDS)
                fresh = [message for message in batch if message.sequence_number not in met]
                met.update(message.sequence_number or 0 for message in fresh)
                for message in fresh:
                    if message.sequence_number in numbers and await when(self._letter(place, message)):
                        await receiver.complete_message(message)
                        removed += 1
                    else:
                        kept.append(message)
                # Nothing new: the queue is exhausted, or a lock has ended and the walk begins to repeat itself.
                if not fresh or numbers <= met:
                    break
            for message in kept:
                with suppress(MessageLockLostError):
                    await receiver.abandon_message(message)
        return removed

    async def close(self) -> None:
        """Close the links that were used for looking."""
        await self._browsers.close()

    def _receiver(self, place: str) -> ServiceBusReceiver:
        if place == DEAD_LETTERS:
            return self._client.get_queue_receiver(place)
        return self._client.get_queue_receiver(place, sub_queue=ServiceBusSubQueue.DEAD_LETTER)

    def _letter(self, place: str, message: ServiceBusReceivedMessage) -> DeadLetter:
        if place == DEAD_LETTERS:
            return from_dead_letter_copy(message)
        return from_native_dead_letter(QueueName(place), message, redact=self._redact)

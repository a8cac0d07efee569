"""The queue in Azure Service Bus."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, Self

from azure.core.credentials_async import AsyncTokenCredential
from azure.servicebus import ServiceBusMessage, ServiceBusMessageBatch, ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver, ServiceBusSender
from azure.servicebus.aio.management import ServiceBusAdministrationClient
from azure.servicebus.exceptions import (
    MessageAlreadySettled,
    MessageLockLostError,
    MessageSizeExceededError,
    ServiceBusConnectionError,
)

from shared.adapters.messaging.servicebus_administration import administration_client, problem_of
from shared.adapters.messaging.servicebus_dead_letters import DeadLetterQueues
from shared.adapters.messaging.servicebus_errors import translated
from shared.adapters.messaging.servicebus_links import Links
from shared.adapters.messaging.servicebus_messages import (
    DEAD_LETTERS,
    as_copy,
    from_service_bus,
    oldest_due,
    to_dead_letter_copy,
    to_service_bus,
)
from shared.domain.wording.errors import ErrorText
from shared.errors import ConfigurationError, ConnectorError, Service, TransientError
from shared.ports.queue import DeadLetter, OutgoingMessage, QueueDepth, QueueName, ReceivedMessage

Redact = Callable[[QueueName, bytes], bytes]

# The client's own retries must end well before the lock of the current message.
_CLIENT_OPTIONS: Mapping[str, Any] = {
    "retry_total": 2,
    "retry_backoff_factor": 0.3,
    "retry_backoff_max": 5,
    "try_timeout": 15,
}

# The lock duration that `Settings.queue_lock` assumes: the longest one of Service Bus.
LOCK = timedelta(minutes=5)

# A link serves one task at a time; a long wait for messages is divided, so that other tasks can settle messages. The
# client requires a wait above zero.
_LONGEST_WAIT_SECONDS = 1.0
_SHORTEST_WAIT_SECONDS = 0.1

# The number of messages to peek at for the oldest one: scheduled ones may precede it.
_FIRST = 100

# The pause before an interrupted wait for messages continues.
_REST_SECONDS = 0.5


class ServiceBusQueue:
    """Implements the ports `Queue` and `QueueReceiver` with Service Bus."""

    def __init__(
        self,
        client: ServiceBusClient,
        administration: ServiceBusAdministrationClient,
        *,
        redact: Redact,
        credential: AsyncTokenCredential | None = None,
    ) -> None:
        """Take over both clients and their `credential`, and close them.

        `redact` turns a body into one without personal data, or into an empty one.
        """
        self._client = client
        self._credential = credential
        self._administration = administration
        self._dead_lettered = DeadLetterQueues(client, redact=redact)
        self._senders: Links[ServiceBusSender] = Links(client.get_queue_sender)
        self._receivers: Links[ServiceBusReceiver] = Links(client.get_queue_receiver)
        self._locked: dict[str, ServiceBusReceivedMessage] = {}
        self._returning: set[asyncio.Task[None]] = set()

    @classmethod
    def from_connection_string(cls, connection_string: str, *, redact: Redact) -> Self:
        """Use a shared access key; ConfigurationError if the string is malformed."""
        try:
            return cls(
                ServiceBusClient.from_connection_string(connection_string, **_CLIENT_OPTIONS),
                administration_client(connection_string),
                redact=redact,
            )
        except ValueError:
            raise ConfigurationError(ErrorText.CONNECTION_STRING(), service=Service.QUEUE) from None

    @classmethod
    def from_namespace(cls, namespace: str, credential: AsyncTokenCredential, *, redact: Redact) -> Self:
        """Use a managed identity. `namespace` is a full host name. The queue takes over `credential` and closes it.

        Roles: Data Sender and Data Receiver; `depth` needs a right to manage as well (Data Owner).
        """
        return cls(
            ServiceBusClient(namespace, credential, **_CLIENT_OPTIONS),
            ServiceBusAdministrationClient(namespace, credential),
            redact=redact,
            credential=credential,
        )

    # ------------------------------------------------------------------------------------------------------- the app

    async def send(self, queue: QueueName, messages: Sequence[OutgoingMessage]) -> None:
        """Send in as few batches as possible. If a batch fails, those before it were sent; a retry repeats them."""
        await self._send(queue, map(to_service_bus, messages))

    async def dead_letter(
        self, queue: QueueName, body: bytes, *, reason: str, description: str, correlation_id: str = ""
    ) -> None:
        """Send a copy to the queue `dead-letters`."""
        copy = to_dead_letter_copy(queue, body, reason=reason, description=description, correlation_id=correlation_id)
        await self._send(DEAD_LETTERS, [copy])

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Return the oldest dead letters: copies of the app, and messages that Service Bus dead-lettered itself."""
        places = await asyncio.gather(
            *(self._dead_lettered.peek(place, limit=limit) for place in self._dead_lettered.places)
        )
        return sorted(chain.from_iterable(places), key=lambda letter: letter.dead_since)[:limit]

    async def replay(self, identifiers: Sequence[str]) -> int:
        """Send each body to its queue, then complete the dead letter; a crash in between sends the body twice."""

        async def sent(letter: DeadLetter) -> bool:
            if letter.body:
                await self.send(letter.queue, [OutgoingMessage(letter.body, correlation_id=letter.correlation_id)])
            return bool(letter.body)

        return await self._dead_lettered.remove(identifiers, when=sent)

    async def discard(self, identifiers: Sequence[str]) -> int:
        """Delete dead letters; return how many there were."""

        async def always(_: DeadLetter) -> bool:
            return True

        return await self._dead_lettered.remove(identifiers, when=always)

    async def collect_dead_lettered(self) -> Sequence[DeadLetter]:
        """Move the messages of the dead-letter sub-queues, which have their original bodies, to the queue of copies."""

        async def copy(letters: Sequence[DeadLetter]) -> None:
            await self._send(DEAD_LETTERS, map(as_copy, letters))

        return await self._dead_lettered.collect(copy)

    async def depth(self, queue: QueueName) -> QueueDepth:
        """Read the counts of the namespace, and count the copies; ConfigurationError if the identity may not."""
        with translated(queue):
            counts, properties = await asyncio.gather(
                self._administration.get_queue_runtime_properties(queue), self._administration.get_queue(queue)
            )
            async with self._client.get_queue_receiver(queue) as receiver:
                first = await receiver.peek_messages(max_message_count=_FIRST)
        copies = [letter for letter in await self._dead_lettered.peek_copies() if letter.queue is queue]
        return QueueDepth(
            active=counts.active_message_count or 0,
            scheduled=counts.scheduled_message_count or 0,
            dead=(counts.dead_letter_message_count or 0) + len(copies),
            oldest=oldest_due(first),
            problem=problem_of(properties, lock=LOCK),
        )

    async def ping(self) -> None:
        """Open a new link to every queue; this fails if the queue is missing or sending is not allowed."""
        await asyncio.gather(*(self._ping(name) for name in (*QueueName, DEAD_LETTERS)))

    async def _ping(self, name: str) -> None:
        # An open link does not show whether the queue can be used now.
        with translated(name):
            async with self._client.get_queue_sender(name):
                pass

    async def close(self) -> None:
        """Close the links, both clients and the credential."""
        async with AsyncExitStack() as stack:
            if self._credential is not None:
                stack.push_async_callback(self._credential.close)
            stack.push_async_callback(self._administration.close)
            stack.push_async_callback(self._client.close)
            await asyncio.gather(*self._returning)
            await asyncio.gather(self._senders.close(), self._receivers.close(), self._dead_lettered.close())
        self._locked.clear()

    # ------------------------------------------------------------------------------------------------------ the host

    async def receive(self, queue: QueueName, *, limit: int, wait: timedelta) -> Sequence[ReceivedMessage]:
        """Lock up to `limit` messages; the broker decides how many it delivers at once."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait.total_seconds()
        while True:
            turn = asyncio.create_task(self._receive(queue, limit, until=deadline))
            try:
                messages = await asyncio.shield(turn)
            except asyncio.CancelledError:
                # The client may ignore a cancellation, or stop within a frame: so the receiving task may finish.
                self._returning.add(returning := asyncio.create_task(self._return(queue, turn)))
                returning.add_done_callback(self._returning.discard)
                raise
            except TransientError:  # with a short wait, the client gives up sooner
                if loop.time() + _REST_SECONDS >= deadline:
                    raise
                await asyncio.sleep(_REST_SECONDS)
                continue
            if messages or loop.time() >= deadline:
                return messages

    async def _receive(self, queue: QueueName, limit: int, *, until: float) -> list[ReceivedMessage]:
        async with self._receivers.of(queue) as receiver:
            seconds = min(max(until - asyncio.get_running_loop().time(), _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)
            messages = await receiver.receive_messages(max_message_count=limit, max_wait_time=seconds)
        return [self._hold(message) for message in messages]

    async def _return(self, queue: QueueName, turn: asyncio.Task[list[ReceivedMessage]]) -> None:
        with suppress(ConnectorError):  # the locks end later by themselves
            await self.abandon(queue, await turn)

    async def complete(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        """Delete messages. A lost lock is not an error: the message is delivered again."""
        await self._settle(queue, messages, ServiceBusReceiver.complete_message)

    async def abandon(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        """Unlock messages. Service Bus dead-letters those that were delivered too often."""
        await self._settle(queue, messages, ServiceBusReceiver.abandon_message)

    async def renew(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        """Extend locks that have not ended."""
        await self._each(queue, messages, ServiceBusReceiver.renew_message_lock)

    async def _settle(
        self,
        queue: QueueName,
        messages: Sequence[ReceivedMessage],
        settle: Callable[[ServiceBusReceiver, ServiceBusReceivedMessage], Awaitable[object]],
    ) -> None:
        await self._each(queue, messages, settle)
        for message in messages:
            self._locked.pop(message.settlement, None)

    async def _each(
        self,
        queue: QueueName,
        messages: Sequence[ReceivedMessage],
        act: Callable[[ServiceBusReceiver, ServiceBusReceivedMessage], Awaitable[object]],
    ) -> None:
        waiting = deque(self._held(messages))
        try:
            await self._act_on(queue, waiting, act)
        except TransientError:
            # The link was cut, which the client takes for final. A new link settles the messages by their lock tokens.
            await self._act_on(queue, waiting, act)

    async def _act_on(
        self,
        queue: QueueName,
        waiting: deque[ServiceBusReceivedMessage],
        act: Callable[[ServiceBusReceiver, ServiceBusReceivedMessage], Awaitable[object]],
    ) -> None:
        async with self._receivers.of(queue) as receiver:
            while waiting:
                with suppress(MessageLockLostError, MessageAlreadySettled):
                    await act(receiver, waiting[0])
                waiting.popleft()

    def _hold(self, locked: ServiceBusReceivedMessage) -> ReceivedMessage:
        # Settling needs the client's own object. Objects that were never settled are dropped when their lock has ended.
        now = datetime.now(UTC)  # the client compares the broker's times with this clock, too
        self._locked = {token: held for token, held in self._locked.items() if (held.locked_until_utc or now) > now}
        message = from_service_bus(locked)
        self._locked[message.settlement] = locked
        return message

    def _held(self, messages: Sequence[ReceivedMessage]) -> list[ServiceBusReceivedMessage]:
        return [self._locked[message.settlement] for message in messages if message.settlement in self._locked]

    async def _send(self, name: str, messages: Iterable[ServiceBusMessage]) -> None:
        async with self._senders.of(name) as sender:
            batch = await sender.create_message_batch()
            for message in messages:
                if _added(batch, message):
                    continue
                if len(batch):
                    await sender.send_messages(batch)
                    batch = await sender.create_message_batch()
                if not _added(batch, message):
                    await _send_alone(sender, message)
            if len(batch):
                await sender.send_messages(batch)


def _added(batch: ServiceBusMessageBatch, message: ServiceBusMessage) -> bool:
    try:
        batch.add_message(message)
    except MessageSizeExceededError:
        return False
    return True


async def _send_alone(sender: ServiceBusSender, message: ServiceBusMessage) -> None:
    """Send a message that is too large for a batch: a Premium namespace takes it, others close the link."""
    try:
        await sender.send_messages(message)
    except ServiceBusConnectionError as error:
        raise MessageSizeExceededError(error=error) from error

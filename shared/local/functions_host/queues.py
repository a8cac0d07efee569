"""Feeds a function from its queue, as the Service Bus extension does.

A batch function has one batch at a time, which is completed or abandoned as a whole. A function of single messages has
up to `maxConcurrentCalls` of them at once, each settled on its own. So does `ServiceBusListener` in
Azure/azure-sdk-for-net.

Locks are renewed while the function runs, for up to `maxAutoLockRenewalDuration`: a function that hangs, and is not
ended by its time-out, loses its messages then. The extension renews the locks of single messages only; this host also
renews the locks of batches, because a busy laptop would otherwise do the work twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from shared.local.functions_host.decode import decode_batch, decode_message
from shared.local.functions_host.host_json import ServiceBusSettings
from shared.local.functions_host.index import IndexedFunction, QueueTrigger
from shared.local.functions_host.invocation import Invoker
from shared.local.functions_host.timing import pause
from shared.ports.queue import QueueReceiver, ReceivedMessage

_LOG = logging.getLogger(__name__)

PAUSE_AFTER_ERROR = timedelta(seconds=1)

_RENEWALS_PER_LOCK = 3
"""Renewals within the duration of a lock: one renewal may fail."""


@dataclass(frozen=True, slots=True)
class QueueListener:
    """Receives messages, invokes the function and settles the messages.

    `wait` limits how long one receive call waits for a message, and so how long an idle listener takes to stop.
    Cancelling a call could leave messages locked.
    """

    function: IndexedFunction
    trigger: QueueTrigger
    receiver: QueueReceiver
    invoker: Invoker
    settings: ServiceBusSettings
    wait: timedelta = timedelta(milliseconds=250)

    async def run(self, stopping: asyncio.Event) -> None:
        """Process messages until `stopping` is set; received messages are finished first."""
        limit = self.settings.max_message_batch_size if self.trigger.batch else self.settings.max_concurrent_calls
        while not stopping.is_set():
            try:
                messages = await self.receiver.receive(self.trigger.queue, limit=limit, wait=self.wait)
                if messages:
                    await self._process(messages)
            except Exception as error:  # noqa: BLE001  # a listener goes on after any error of one receive call
                _LOG.warning("listening to %s was interrupted: %s", self.trigger.queue, self.invoker.describe(error))
                await pause(stopping, PAUSE_AFTER_ERROR)

    async def _process(self, messages: Sequence[ReceivedMessage]) -> None:
        if self.trigger.batch:
            await self._deliver(messages)
            return
        async with asyncio.TaskGroup() as group:
            for message in messages:
                group.create_task(self._deliver([message]))

    async def _deliver(self, messages: Sequence[ReceivedMessage]) -> None:
        async with self._renewing(messages):
            succeeded = await self._succeeds(messages)
        settle = self.receiver.complete if succeeded else self.receiver.abandon
        try:
            await settle(self.trigger.queue, messages)
        except Exception as error:  # noqa: BLE001  # after any error of a queue the message is redelivered
            what = self.invoker.describe(error)
            _LOG.warning("%d messages of %s will be redelivered: %s", len(messages), self.trigger.queue, what)

    async def _succeeds(self, messages: Sequence[ReceivedMessage]) -> bool:
        try:
            argument = self._argument(messages)
        except Exception as error:  # noqa: BLE001  # the worker, too, counts any error of the converters as a failure
            _LOG.error("%s cannot be given its messages: %s", self.function.name, type(error).__name__)
            return False
        try:
            await self.invoker.invoke(self.function, argument)
        except Exception:  # noqa: BLE001  # the invoker has logged the error; the delivery failed
            return False
        return True

    def _argument(self, messages: Sequence[ReceivedMessage]) -> object:
        if self.trigger.batch:
            return decode_batch(messages, binary=self.trigger.binary)
        return decode_message(messages[0], binary=self.trigger.binary)

    @asynccontextmanager
    async def _renewing(self, messages: Sequence[ReceivedMessage]) -> AsyncIterator[None]:
        ended = asyncio.Event()
        renewal = asyncio.create_task(self._renew(messages, ended))
        try:
            yield
        finally:
            ended.set()  # a running renewal is not cancelled: that could leave half a frame on the link
            await renewal

    async def _renew(self, messages: Sequence[ReceivedMessage], ended: asyncio.Event) -> None:
        remaining = self.settings.max_auto_lock_renewal_duration
        step = min(message.locked_for for message in messages) / _RENEWALS_PER_LOCK
        while remaining > timedelta():
            await pause(ended, min(step, remaining))
            if ended.is_set():
                return
            remaining -= step
            try:
                await self.receiver.renew(self.trigger.queue, messages)
            except Exception as error:  # noqa: BLE001  # as above
                what = self.invoker.describe(error)
                _LOG.warning("%d locks of %s were not renewed: %s", len(messages), self.trigger.queue, what)

"""The asynchronous service: posts a message for each saved event, after the save and without delaying it.

As in Dataverse the order is not guaranteed, and a message may be delivered twice.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared.local.dataverse_sandbox.organisation import execution_context
from shared.local.dataverse_sandbox.organisation.caller import Caller
from shared.local.dataverse_sandbox.organisation.execution_context import ServiceEndpointMessage
from shared.local.dataverse_sandbox.organisation.organization import Organization
from shared.local.dataverse_sandbox.organisation.registration import Step, Steps
from shared.local.dataverse_sandbox.rows.store import RowRef
from shared.local.dataverse_sandbox.rows.writes import Saved

Publish = Callable[[ServiceEndpointMessage], Awaitable[None]]

_LOG = logging.getLogger(__name__)
_COMPLETED, _FAILED = 3, 31
_PLUG_IN_OPERATION = 1


@dataclass(frozen=True, slots=True)
class Delivery:
    """How messages are delivered.

    Each waits between `min_delay` and `max_delay` seconds; a spread changes their order.
    """

    min_delay: float = 0.0
    max_delay: float = 0.0
    duplicate_rate: float = 0.0
    seed: int = 0


class ServiceEndpoint:
    """Builds and posts the messages of events."""

    def __init__(self, organization: Organization, publish: Publish, delivery: Delivery) -> None:
        self._organization = organization
        self._publish = publish
        self._steps = Steps(organization.store)
        self._underway: set[asyncio.Task[None]] = set()
        self.delivery = delivery
        self.posted = 0
        self.failed = 0
        self._random = random.Random(delivery.seed)

    @property
    def underway(self) -> int:
        """The number of messages that are not posted yet."""
        return len(self._underway)

    def fire(self, events: Sequence[Saved], caller: Caller) -> None:
        """Post a message for each event and step concerned, in the background."""
        if caller.skips_async_steps:
            return
        for event in events:
            for step in self._steps.concerned(event):
                if step.id not in caller.skipped_steps:
                    self._start(event, step, caller)

    async def drain(self) -> None:
        """Wait until all messages are posted."""
        while self._underway:
            await asyncio.gather(*self._underway)

    def _start(self, event: Saved, step: Step, caller: Caller) -> None:
        copies = 2 if self._random.random() < self.delivery.duplicate_rate else 1
        for _ in range(copies):
            delay = self._random.uniform(self.delivery.min_delay, self.delivery.max_delay)
            task = asyncio.get_running_loop().create_task(self._post(event, step, caller, delay))
            self._underway.add(task)
            task.add_done_callback(self._underway.discard)

    async def _post(self, event: Saved, step: Step, caller: Caller, delay: float) -> None:
        await asyncio.sleep(delay)
        try:
            await self._publish(execution_context.build(event, step, caller, self._organization))
        except Exception as error:  # noqa: BLE001  # the job fails, whatever the queue's reason
            self.failed += 1
            _LOG.warning("Posting %s of %s failed: %s", event.message, event.table, type(error).__name__)
            self._record_failure(event, step, caller, type(error).__name__)
        else:
            self.posted += 1

    def _record_failure(self, event: Saved, step: Step, caller: Caller, reason: str) -> None:
        """Create a failed system job: administrators search these for lost messages."""
        job = {
            "name": f"{event.message} of {event.table}",
            "operationtype": _PLUG_IN_OPERATION,
            "statecode": _COMPLETED,
            "statuscode": _FAILED,
            "message": reason,
            "friendlymessage": "The service endpoint could not be reached.",
            "correlationid": caller.correlation_id or None,
            "owningextensionid": RowRef("sdkmessageprocessingstep", step.id),
        }
        columns = self._organization.schema.tables["asyncoperation"].columns
        self._organization.seed([("asyncoperation", {name: job[name] for name in job if name in columns})])

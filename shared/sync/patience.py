"""Comes back later to a lane message that could not be handled at all, or buries it when patience ends."""

from __future__ import annotations

import logging
from datetime import datetime

from shared.core.outcomes import Reason
from shared.core.retry import Done, GiveUp, Next, RetryAt, RetryPolicy
from shared.errors import ConnectorError
from shared.ports import Clock, Queue, QueueName
from shared.sync.lanes import Jobs, Lanes, Permissions, Replay, Walk, write_lane_message
from shared.sync.lists.messages import ListMessage
from shared.sync.work import failure_of

log = logging.getLogger(__name__)


class Patience:
    """Schedules copies of messages; the original may then be completed."""

    def __init__(self, *, queue: Queue, lanes: Lanes, clock: Clock, policy: RetryPolicy) -> None:
        self._queue = queue
        self._lanes = lanes
        self._clock = clock
        self._policy = policy

    def after(self, attempt: int, error: ConnectorError) -> Next:
        """Decide whether, and when, an attempt that failed is worth another one."""
        failure, asked = failure_of(error)
        return self._policy.after(failure, attempt=attempt, now=self._clock.now(), asked=asked)

    async def wait(self, lane: QueueName, message: Jobs, until: datetime) -> None:
        """Look at the message again at a time that is known."""
        await self._lanes.send_later(lane, message, until)

    async def put_back(self, lane: QueueName, message: Jobs | Permissions | Walk | Replay | ListMessage) -> None:
        """Look at the message again in a moment: this call has no time left to begin it. Not an attempt."""
        await self._lanes.send_later(lane, message, self._clock.now() + self._policy.busy)

    async def postpone(
        self, lane: QueueName, message: Jobs | Permissions | Walk | Replay | ListMessage, error: ConnectorError
    ) -> None:
        """Look at the message again when its error is likely to be over."""
        log.warning("%s postponed: %s", message.kind, error, extra={"correlation": message.correlation})
        match self.after(message.attempt, error):
            case RetryAt(when, attempt):
                await self._lanes.send_later(lane, message.model_copy(update={"attempt": attempt}), when)
            case GiveUp():
                await self._queue.dead_letter(
                    lane,
                    write_lane_message(message.model_copy(update={"attempt": 1})),
                    reason=Reason.GAVE_UP,
                    description=f"{message.kind}: {error}",
                    correlation_id=message.correlation,
                )
            case Done():
                pass

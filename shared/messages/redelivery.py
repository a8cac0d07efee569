"""Delivers a lane message again that could not be handled at all, or dead-letters it after its last attempt."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.records.outcomes import TEXTS, Reason
from shared.domain.records.records import Reference
from shared.domain.recovery.retry import Done, GiveUp, Next, RetryAt, RetryPolicy, failure_of
from shared.domain.wording.errors import cause_of
from shared.domain.wording.letters import LetterText
from shared.errors import ConnectorError
from shared.messages.lane_messages import (
    Compare,
    Engage,
    ForecastStep,
    Jobs,
    Lanes,
    Permissions,
    Replay,
    Unchecked,
    Walk,
    references_body,
    write_lane_message,
)
from shared.messages.list_messages import ListMessage
from shared.messages.tally import note_failure
from shared.ports.clock import Clock
from shared.ports.queue import Queue, QueueName

log = logging.getLogger(__name__)

Message = Jobs | Permissions | Walk | Replay | Compare | Engage | ForecastStep | ListMessage | Unchecked
"""What is done as a whole, or put off as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redelivery:
    """Schedules copies of messages; the original may then be completed. Needs the queue alone."""

    queue: Queue
    lanes: Lanes
    clock: Clock
    policy: RetryPolicy

    def after(self, message: Message | Reference, error: ConnectorError) -> Next:
        """Decide whether, and when, a message is attempted again after an error."""
        failure, asked = failure_of(error)
        return self.policy.after(
            failure, attempt=message.attempt, now=self.clock.now(), since=message.waits_since, asked=asked
        )

    async def wait(self, lane: QueueName, message: Jobs, until: datetime) -> None:
        """Deliver the message again at a known time."""
        await self.lanes.send_later(lane, message, until)

    async def put_back(self, lane: QueueName, message: Message) -> None:
        """Deliver the message again in a moment, since this call has no time left for it. That counts no attempt."""
        await self.lanes.send_later(lane, message, self.clock.now() + self.policy.busy)

    async def postpone_references(
        self, lane: QueueName, references: Sequence[Reference], error: ConnectorError
    ) -> None:
        """Process records again when an error that concerns all of them is likely to be over."""
        if not references:
            return
        log.warning("%d references postponed: %s", len(references), error)
        later: list[tuple[Reference, datetime]] = []
        over: list[Reference] = []
        for one in references:
            note_failure(str(one.key), error)
            match self.after(one, error):
                case RetryAt(when, attempt, since):
                    later.append((replace(one, attempt=attempt, waits_since=since), when))
                case GiveUp():
                    over.append(one)
                case Done():
                    pass
        await self.lanes.reschedule(lane, later)
        for one in over:
            await self.queue.dead_letter(
                lane,
                references_body([replace(one, attempt=1, waits_since=None, first_seen=None)]),
                reason=Reason.GAVE_UP,
                description=LetterText.ABOUT(
                    what=str(one.key), text=LetterText.CAUSE(text=TEXTS[Reason.GAVE_UP], cause=cause_of(error))
                ),
                correlation_id=one.correlation,
            )

    async def postpone(self, lane: QueueName, message: Message, error: ConnectorError) -> None:
        """Deliver the message again when its error is likely to be over."""
        log.warning("%s postponed: %s", message.kind, error, extra={"correlation": message.correlation})
        for what in _about(message):
            note_failure(what, error)
        match self.after(message, error):
            case RetryAt(when, attempt, since):
                again = message.model_copy(update={"attempt": attempt, "waits_since": since})
                await self.lanes.send_later(lane, again, when)
            case GiveUp():
                await self.queue.dead_letter(
                    lane,
                    write_lane_message(message.model_copy(update={"attempt": 1, "waits_since": None})),
                    reason=Reason.GAVE_UP,
                    description=LetterText.ABOUT(what=message.kind, text=cause_of(error)),
                    correlation_id=message.correlation,
                )
            case Done():
                pass


def _about(message: Message) -> list[str]:
    match message:
        case Jobs(jobs=jobs):
            return [f"job:{job}" for job in jobs]
        case _:
            return [f"{message.kind}:{message.correlation}"]

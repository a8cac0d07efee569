"""Processes messages of both lanes: `sync-live` for people at work, `sync-bulk` for whole tables."""

import logging
from collections.abc import Sequence

import azure.functions as func

from shared.dispatch.intake import Arrival
from shared.domain.wording.letters import LetterText
from shared.messages.lane_messages import LaneMessageError, ReferenceBatch, read_lane_message
from shared.ports.organisations import RejectedMessage
from shared.ports.queue import QueueName
from shared.triggers.queues.consuming import consume, deliveries_of, name_of

log = logging.getLogger(__name__)


async def process(messages: Sequence[func.ServiceBusMessage], lane: QueueName) -> None:
    """Process messages of a lane as one batch."""
    await consume(read_lane(messages, lane), messages, lane=lane)


def read_lane(messages: Sequence[func.ServiceBusMessage], lane: QueueName) -> Arrival:
    """Read messages of a lane. Pure: needs no service."""
    arrival = Arrival(lane)
    for message in messages:
        try:
            match read_lane_message(message.get_body()):
                case ReferenceBatch() as batch:
                    arrival.work.add(batch.delivered(deliveries_of(message)))
                case other:
                    arrival.work.add(other)
        except LaneMessageError as problem:
            log.warning("message %s of %s refused", name_of(message), lane)
            description = LetterText.LANE(queue=lane, problem=problem.text)
            arrival.rejected.append(RejectedMessage("not-a-lane-message", description))
    return arrival

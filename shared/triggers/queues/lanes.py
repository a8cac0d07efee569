"""The functions of both lanes: `sync-live` for people at work, `sync-bulk` for whole tables."""

import logging
from collections.abc import Sequence
from typing import List

import azure.functions as func

from shared.dispatch.intake import Arrival
from shared.messages.lane_messages import LaneMessageError, read_lane_message
from shared.ports.organisations import RejectedMessage
from shared.ports.queue import QueueName
from shared.triggers.queues.consuming import SERVICE_BUS, consume, name_of

log = logging.getLogger(__name__)

blueprint = func.Blueprint()


@blueprint.function_name("on_sync_live")
@blueprint.service_bus_queue_trigger(
    arg_name="messages",
    queue_name=QueueName.LIVE,
    connection=SERVICE_BUS,
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
async def on_sync_live(messages: List[func.ServiceBusMessage]) -> None:
    """Process retries, resyncs of single records, follow-ups."""
    await _handle(messages, QueueName.LIVE)


@blueprint.function_name("on_sync_bulk")
@blueprint.service_bus_queue_trigger(
    arg_name="message", queue_name=QueueName.BULK, connection=SERVICE_BUS, data_type=func.DataType.BINARY
)
async def on_sync_bulk(message: func.ServiceBusMessage) -> None:
    """Process a page of a whole table. One message at a time: each is a batch by itself."""
    await _handle([message], QueueName.BULK)


async def _handle(messages: Sequence[func.ServiceBusMessage], lane: QueueName) -> None:
    await consume(read_lane(messages, lane), messages, lane=lane)


def read_lane(messages: Sequence[func.ServiceBusMessage], lane: QueueName) -> Arrival:
    """Read messages of a lane. Pure: needs no service."""
    arrival = Arrival(lane)
    for message in messages:
        try:
            arrival.work.add(read_lane_message(message.get_body()))
        except LaneMessageError as problem:
            log.warning("message %s of %s refused", name_of(message), lane)
            description = f"Only the connector writes to {lane}: {problem}"
            arrival.rejected.append(RejectedMessage("not-a-lane-message", description))
    return arrival

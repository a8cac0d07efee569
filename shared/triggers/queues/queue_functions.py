"""Registers the functions of the three queues; what they do is imported at their first message."""

# ruff: noqa: PLC0415  # see above
from typing import List

import azure.functions as func

from shared.ports.queue import QueueName
from shared.triggers.queues.decoding import decode_batches_once

decode_batches_once()
blueprint = func.Blueprint()

SERVICE_BUS = "SERVICE_BUS"
"""The app setting (or setting prefix, for managed identity) of the Service Bus namespace."""


@blueprint.function_name("on_dataverse_event")
@blueprint.service_bus_queue_trigger(
    arg_name="messages",
    queue_name=QueueName.EVENTS,
    connection=SERVICE_BUS,
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
async def on_dataverse_event(messages: List[func.ServiceBusMessage]) -> None:
    """Process events of Dataverse. A message that is no event is dead-lettered; the others are processed."""
    from shared.triggers.queues import events

    await events.process(messages)


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
    from shared.triggers.queues import lanes

    await lanes.process(messages, QueueName.LIVE)


@blueprint.function_name("on_sync_bulk")
@blueprint.service_bus_queue_trigger(
    arg_name="message", queue_name=QueueName.BULK, connection=SERVICE_BUS, data_type=func.DataType.BINARY
)
async def on_sync_bulk(message: func.ServiceBusMessage) -> None:
    """Process a page of a whole table. One message at a time: each is a batch by itself."""
    from shared.triggers.queues import lanes

    await lanes.process([message], QueueName.BULK)

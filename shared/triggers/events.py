"""The queue that Dataverse's service endpoint writes to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, List
from uuid import UUID

import azure.functions as func

from shared import app
from shared.dataverse.execution_context import NotAnExecutionContext, read_event
from shared.dataverse.routing import route
from shared.ports import QueueName
from shared.settings import OWN_TAG
from shared.sync.dispatch import Work
from shared.sync.lanes import Jobs, Permissions
from shared.sync.lists.changes import memberships
from shared.sync.lists.messages import ListLook
from shared.triggers.connection import SERVICE_BUS
from shared.triggers.consuming import discreet, dispatch

log = logging.getLogger(__name__)

blueprint = func.Blueprint()

_BURST = 20
_BREATH = 1.0
"""Seconds. The next batch is fetched when this call ends: in a burst, a breath lets it fill, which saves calls on both
sides. One save alone never waits."""


@blueprint.function_name("on_dataverse_event")
@blueprint.service_bus_queue_trigger(
    arg_name="messages",
    queue_name=QueueName.EVENTS,
    connection=SERVICE_BUS,
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
async def on_dataverse_event(messages: List[func.ServiceBusMessage]) -> None:
    """Look at what Dataverse says has changed. A message that is none is buried; its neighbours go on."""
    with discreet(QueueName.EVENTS):
        await _look(await app.connector(), messages)
    if len(messages) >= _BURST:
        await asyncio.sleep(_BREATH)


async def _look(connector: app.Connector, messages: Sequence[func.ServiceBusMessage]) -> None:
    work = Work()
    pairs: dict[tuple[UUID, UUID], str] = {}
    lists: dict[UUID, str] = {}
    for message in messages:
        try:
            event = read_event(
                message.get_body(), message.content_type or "", _texts(message.application_properties or {})
            )
            await connector.organisations.check(event)
        except NotAnExecutionContext as refusal:
            log.warning("message %s refused: %s", message.message_id, refusal.reason)
            await connector.queue.dead_letter(
                QueueName.EVENTS,
                b"",
                reason=refusal.reason,
                description=refusal.description,
            )
            continue
        routed = route(event, own_tag=OWN_TAG)
        correlation = str(event.correlation_id or "")
        work.people += [replace(one, first_seen=_sent_on(message)) for one in routed.people]
        if routed.jobs:
            work.add(Jobs(jobs=list(routed.jobs), correlation=correlation))
        if routed.permissions:
            work.add(Permissions(permissions=list(routed.permissions), correlation=correlation))
        pairs |= dict.fromkeys(routed.memberships, correlation)
        lists |= dict.fromkeys(routed.lists, correlation)
    # A change of members fires several events, and what happens to a list comes before who is in it.
    work.lists += [ListLook(list=one, correlation=correlation) for one, correlation in lists.items()]
    work.lists += memberships(pairs)
    await dispatch(connector, work, queue=QueueName.EVENTS, lane=QueueName.LIVE, messages=len(messages))


def _sent_on(message: func.ServiceBusMessage) -> datetime | None:
    """Return when Dataverse sent the message; the worker hands UTC out without saying so."""
    sent = message.enqueued_time_utc
    return sent.replace(tzinfo=UTC) if sent is not None and sent.tzinfo is None else sent


def _texts(properties: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in properties.items()}

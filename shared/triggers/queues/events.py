"""The queue that Dataverse's service endpoint writes to."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, List
from uuid import UUID

import azure.functions as func

from shared.adapters.dataverse.events.execution_context import NotAnExecutionContext, read_event
from shared.adapters.dataverse.events.routing import OwnIdentity, Routed, route
from shared.composition import app
from shared.composition.settings import OWN_TAG
from shared.dispatch.intake import Arrival
from shared.domain.records.outcomes import TEXTS, Reason
from shared.domain.records.records import Reference
from shared.errors import whereabouts
from shared.lists.changes import memberships
from shared.messages.lane_messages import EventMessage, Jobs, Permissions, Unchecked, references_messages
from shared.messages.list_messages import ListLook
from shared.ports.organisations import Origin, OriginRefused
from shared.ports.queue import QueueName
from shared.triggers.queues.connection import SERVICE_BUS
from shared.triggers.queues.consuming import consume, name_of

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
    own = OwnIdentity(OWN_TAG, await app.own_user())
    await consume(read_events(messages, own=own), messages, lane=QueueName.LIVE)
    if len(messages) >= _BURST:
        await asyncio.sleep(_BREATH)


def read_events(messages: Sequence[func.ServiceBusMessage], *, own: OwnIdentity) -> Arrival:
    """Read messages of Dataverse, by where they come from. Pure: needs no service."""
    delivery = Arrival(QueueName.EVENTS)
    asked: defaultdict[Origin, _Asked] = defaultdict(_Asked)
    for message in messages:
        try:
            event = read_event(
                message.get_body(), message.content_type or "", _texts(message.application_properties or {})
            )
            asked[event.origin].add(route(event, own=own), str(event.correlation_id or ""), _sent_on(message))
        except NotAnExecutionContext as refusal:
            log.warning("message %s refused: %s", name_of(message), refusal.reason)
            delivery.refused.append(OriginRefused(refusal.reason, refusal.description))
        except Exception as error:  # noqa: BLE001  # a defect of ours: the neighbours go on
            log.error("message %s broke the connector: %s", name_of(message), whereabouts(error))  # noqa: TRY400
            delivery.refused.append(OriginRefused(Reason.DEFECT, TEXTS[Reason.DEFECT]))
    for origin, one in asked.items():
        for content in one.messages():
            delivery.work.add(Unchecked(organisation=origin.organisation, host=origin.host, message=content))
    return delivery


@dataclass(slots=True)
class _Asked:
    """What the events of one organisation ask for."""

    people: list[Reference] = field(default_factory=list)
    jobs: dict[UUID, str] = field(default_factory=dict)
    permissions: list[Permissions] = field(default_factory=list)
    pairs: dict[tuple[UUID, UUID], str] = field(default_factory=dict)
    lists: dict[UUID, str] = field(default_factory=dict)

    def add(self, routed: Routed, correlation: str, sent_on: datetime | None) -> None:
        self.people += [replace(one, first_seen=sent_on) for one in routed.people]
        self.jobs |= dict.fromkeys(routed.jobs, correlation)
        if routed.permissions:
            self.permissions.append(Permissions(permissions=list(routed.permissions), correlation=correlation))
        self.pairs |= dict.fromkeys(routed.memberships, correlation)
        self.lists |= dict.fromkeys(routed.lists, correlation)

    def messages(self) -> Iterator[EventMessage]:
        yield from references_messages(self.people)
        if self.jobs:
            yield Jobs.of(self.jobs, attempt=1)
        yield from self.permissions
        # A change of members fires several events, and what happens to a list comes before who is in it.
        for one, correlation in self.lists.items():
            yield ListLook(list=one, correlation=correlation)
        yield from memberships(self.pairs)


def _sent_on(message: func.ServiceBusMessage) -> datetime | None:
    """Return when Dataverse sent the message; the worker hands UTC out without saying so."""
    sent = message.enqueued_time_utc
    return sent.replace(tzinfo=UTC) if sent is not None and sent.tzinfo is None else sent


def _texts(properties: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in properties.items()}

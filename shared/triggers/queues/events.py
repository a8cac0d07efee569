"""Processes messages of the queue that Dataverse's service endpoint writes to."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
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
from shared.messages.lane_messages import EventMessage, Jobs, Permissions, Unchecked, references_messages
from shared.messages.list_messages import ListLook, memberships
from shared.ports.organisations import Origin, RejectedMessage
from shared.ports.queue import QueueName
from shared.triggers.queues.consuming import consume, deliveries_of, name_of
from shared.triggers.queues.fill_time import BatchSpacing

log = logging.getLogger(__name__)

_spacing = BatchSpacing()


async def process(messages: Sequence[func.ServiceBusMessage]) -> None:
    """Process events; see `queue_functions.py`."""
    own = OwnIdentity(OWN_TAG, await app.own_user())
    await consume(read_events(messages, own=own), messages, lane=QueueName.LIVE)
    # The next batch is fetched when this call ends.
    arrivals = [at for one in messages if (at := _sent_on(one))]
    await asyncio.sleep(_spacing.fill_time(arrivals, await app.dataverse_budget(), now=time.monotonic()))


def read_events(messages: Sequence[func.ServiceBusMessage], *, own: OwnIdentity) -> Arrival:
    """Read messages of Dataverse, grouped by origin. Pure: needs no service."""
    arrival = Arrival(QueueName.EVENTS)
    requested: defaultdict[Origin, _Requested] = defaultdict(_Requested)
    for message in messages:
        try:
            event = read_event(
                message.get_body(), message.content_type or "", _texts(message.application_properties or {})
            )
            requested[event.origin].add(route(event, own=own), str(event.correlation_id or ""), message)
        except NotAnExecutionContext as refusal:
            log.warning("message %s refused: %s", name_of(message), refusal.reason)
            arrival.rejected.append(RejectedMessage(refusal.reason, refusal.description))
        except Exception as error:  # noqa: BLE001  # a defect of the connector: the other messages are processed
            log.error("message %s broke the connector: %s", name_of(message), whereabouts(error))  # noqa: TRY400
            arrival.rejected.append(RejectedMessage(Reason.DEFECT, TEXTS[Reason.DEFECT]))
    for origin, one in requested.items():
        for content in one.messages():
            arrival.work.add(Unchecked(organisation=origin.organisation, host=origin.host, message=content))
    return arrival


@dataclass(slots=True)
class _Requested:
    """The work that the events of one organisation ask for."""

    people: list[Reference] = field(default_factory=list)
    jobs: dict[UUID, str] = field(default_factory=dict)
    permissions: list[Permissions] = field(default_factory=list)
    pairs: dict[tuple[UUID, UUID], str] = field(default_factory=dict)
    lists: dict[UUID, str] = field(default_factory=dict)

    def add(self, routed: Routed, correlation: str, message: func.ServiceBusMessage) -> None:
        sent_on, deliveries = _sent_on(message), deliveries_of(message)
        self.people += [replace(one, first_seen=sent_on, deliveries=deliveries) for one in routed.people]
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
        # A change of members fires several events; the list itself is processed before its members.
        for one, correlation in self.lists.items():
            yield ListLook(list=one, correlation=correlation)
        yield from memberships(self.pairs)


def _sent_on(message: func.ServiceBusMessage) -> datetime | None:
    """Return when Dataverse sent the message; the worker returns UTC without a time zone."""
    sent = message.enqueued_time_utc
    return sent.replace(tzinfo=UTC) if sent is not None and sent.tzinfo is None else sent


def _texts(properties: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in properties.items()}

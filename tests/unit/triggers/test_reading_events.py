"""A batch of messages of Dataverse is read without any service; a failing batch waits, a bad message harms no other."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import azure.functions as func
import pytest

from shared.adapters.dataverse.events.routing import OwnIdentity
from shared.composition import app
from shared.dispatch.intake import Arrival, Intake
from shared.errors import TransientError
from shared.local.functions_host.decode import decode_batch
from shared.messages.lane_messages import ReferenceBatch, write_lane_message
from shared.ports.queue import QueueName, ReceivedMessage
from shared.triggers.queues import consuming, events
from shared.triggers.queues.consuming import consume, wait_after
from shared.triggers.queues.events import read_events
from shared.triggers.queues.lanes import read_lane

_SAMPLE = Path(__file__).parents[2] / "samples" / "remote_execution_context" / "contact-delete.json"
NOBODY_KNOWN = OwnIdentity("spotler-connector", None)
_CLAIM = "http://schemas.microsoft.com/xrm/2011/Claims/Organization"


def batch(*bodies: bytes, host: str = "", delivery: int = 1) -> list[func.ServiceBusMessage]:
    received = [
        ReceivedMessage(
            body=body,
            content_type="application/json",
            properties={_CLAIM: host} if host else {},
            message_id=f"m-{number}",
            correlation_id="",
            delivery_count=delivery,
            enqueued_at=datetime(2026, 3, 1, tzinfo=UTC),
            sequence_number=number,
            settlement="",
        )
        for number, body in enumerate(bodies)
    ]
    messages: list[func.ServiceBusMessage] = decode_batch(received, binary=True)
    return messages


def event(identifier: int, organisation: int) -> bytes:
    context = json.loads(_SAMPLE.read_bytes())
    context |= {"PrimaryEntityId": str(UUID(int=identifier)), "OrganizationId": str(UUID(int=organisation))}
    return json.dumps(context).encode()


def test_messages_are_grouped_by_origin() -> None:
    delivery = read_events(
        batch(event(1, 8), event(2, 9), event(3, 8), host="https://contoso.crm4.dynamics.com"), own=NOBODY_KNOWN
    )
    assert delivery.rejected == []
    kept = {
        one.organisation.int: {reference.key.id.int for reference in one.message.unfold()}
        for one in delivery.work.unchecked
        if isinstance(one.message, ReferenceBatch)
    }
    assert {organisation: people & {1, 2, 3} for organisation, people in kept.items()} == {8: {1, 3}, 9: {2}}
    assert {one.host for one in delivery.work.unchecked} == {"contoso.crm4.dynamics.com"}


def test_a_message_that_is_no_event_is_refused_and_the_others_are_read() -> None:
    delivery = read_events(batch(event(1, 8), b"Dear Anna", event(2, 8)), own=NOBODY_KNOWN)
    assert [one.reason for one in delivery.rejected] == ["not-json"]
    assert len(delivery.work.unchecked) == 1


def test_a_message_on_which_the_connector_fails_harms_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    read = events.read_event

    def broken(body: bytes, *rest: object) -> object:
        if body == b"Dear Anna":
            raise RuntimeError("a defect")
        return read(body, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(events, "read_event", broken)
    delivery = read_events(batch(event(1, 8), b"Dear Anna", event(2, 8)), own=NOBODY_KNOWN)
    assert [one.reason for one in delivery.rejected] == ["defect"]
    assert len(delivery.work.unchecked) == 1


def test_lanes_are_read_likewise() -> None:
    delivery = read_lane(batch(b'{"kind": "jobs", "jobs": []}', b"{}"), QueueName.LIVE)
    assert [one.reason for one in delivery.rejected] == ["not-a-lane-message"]
    assert len(delivery.work.jobs) == 1


@pytest.mark.parametrize("delivery", [1, 3])
def test_references_know_how_often_their_message_was_delivered(delivery: int) -> None:
    saved = read_events(batch(event(1, 8), delivery=delivery), own=NOBODY_KNOWN)
    (unchecked,) = saved.work.unchecked
    assert isinstance(unchecked.message, ReferenceBatch)
    assert {one.deliveries for one in unchecked.message.unfold()} == {delivery}

    again = read_lane(batch(write_lane_message(unchecked.message), delivery=delivery), QueueName.LIVE)
    assert {one.deliveries for one in again.work.people} == {delivery}
    assert b"deliveries" not in write_lane_message(unchecked.message)  # an earlier release would refuse it


def test_a_batch_that_fails_waits_longer_each_time() -> None:
    rests = [wait_after(delivery) for delivery in range(1, 51)]
    assert rests[:4] == [1, 2, 4, 8]
    assert max(rests) == 15
    assert sum(rests[:10]) > 90


async def test_a_batch_waits_before_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> Intake:
        raise TransientError("the queue is away")

    rested: list[float] = []

    async def rest(seconds: float) -> None:
        rested.append(seconds)

    monkeypatch.setattr(app, "intake", away)
    monkeypatch.setattr(consuming, "asyncio", SimpleNamespace(sleep=rest))
    with pytest.raises(TransientError):
        await consume(Arrival(QueueName.EVENTS), batch(event(1, 8), delivery=3), lane=QueueName.LIVE)
    assert rested == [4]

"""What cannot be handled is dead-lettered with its reason, harms no other message, and can be replayed later."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from shared.domain.records.records import PersonTable, RecordKey, Reference, Why
from shared.domain.recovery.retry import LAST_ATTEMPT
from shared.messages.lane_messages import Lanes
from shared.ports.queue import OutgoingMessage, QueueName, QueueReceiver
from tests.scenario.privacy import MARK
from tests.scenario.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

_REFUSED = Path(__file__).parents[2] / "samples" / "remote_execution_context" / "refused"


@pytest_asyncio.fixture(loop_scope="session")
async def troubled(world: World) -> AsyncIterator[World]:
    """The shared world, in which dead letters may be left behind."""
    yield world
    await world.queue.discard([letter.id for letter in await world.queue.dead_letters()])


async def letters(world: World) -> list[dict[str, Any]]:
    """List dead letters as an administrator does."""
    answer = await world.connector.call("GET", "/api/dead-letters")
    listed: list[dict[str, Any]] = answer.json()["deadLetters"]
    return listed


def foreign_event() -> bytes:
    """Make a sound event of another organisation, with personal data in it."""
    identifier = str(uuid4())
    target = {
        "__type": "Entity:http://schemas.microsoft.com/xrm/2011/Contracts",
        "Attributes": [{"key": "lastname", "value": f"Achter{MARK}"}],
        "Id": identifier,
        "LogicalName": "contact",
    }
    event = {
        "MessageName": "Update",
        "PrimaryEntityName": "contact",
        "PrimaryEntityId": identifier,
        "OrganizationId": str(uuid4()),
        "InputParameters": [{"key": "Target", "value": target}],
    }
    return json.dumps(event).encode()


async def test_messages_that_are_no_events_are_dead_lettered_between_good_messages(troubled: World) -> None:
    bad = {
        "xml-message-format": OutgoingMessage(
            (_REFUSED / "xml-message-format.xml").read_bytes(), content_type="application/xml"
        ),
        "binary-message-format": OutgoingMessage(
            (_REFUSED / "binary-message-format.bin").read_bytes(), content_type="application/msbin1"
        ),
        "other-json": OutgoingMessage(json.dumps({"lastname": f"Achter{MARK}"}).encode()),
        "not-json": OutgoingMessage(f"Dear {MARK},".encode()),
        "other-organisation": OutgoingMessage(foreign_event()),
    }
    await troubled.connector.stop()
    sharing_records = [await troubled.save()]
    for message in bad.values():
        await troubled.queue.send(QueueName.EVENTS, [message])
        sharing_records.append(await troubled.save())

    await troubled.connector.start()

    for person in sharing_records:
        await troubled.in_spotler(person)
    await troubled.settled()
    dead_lettered = await letters(troubled)
    assert sorted(letter["reason"] for letter in dead_lettered) == sorted(bad)
    assert {letter["queue"] for letter in dead_lettered} == {"dataverse-events"}
    assert all(letter["description"] for letter in dead_lettered)
    assert not any(letter["replayable"] for letter in dead_lettered)


async def test_a_foreign_message_is_dead_lettered_from_the_lanes(troubled: World) -> None:
    for lane in (QueueName.LIVE, QueueName.BULK):
        await troubled.queue.send(lane, [OutgoingMessage(json.dumps({"name": MARK}).encode())])
    person = await troubled.bring_in()
    await troubled.connector.call("POST", "/api/resync", {"table": "contact", "id": person.id})

    await troubled.in_spotler(person)
    await troubled.settled()

    assert {(letter["queue"], letter["reason"]) for letter in await letters(troubled)} == {
        ("sync-live", "not-a-lane-message"),
        ("sync-bulk", "not-a-lane-message"),
    }


async def test_a_record_that_was_given_up_is_dead_lettered_by_id_and_arrives_after_a_replay(troubled: World) -> None:
    person = await troubled.bring_in()
    reference = Reference(RecordKey(PersonTable.CONTACT, UUID(person.id)), Why.SAVED, attempt=LAST_ATTEMPT)
    await troubled.spotler.post("faults", {"kind": "server-error", "operation": "contact.bulk", "times": 100})

    await Lanes(troubled.queue).send_references(QueueName.LIVE, [reference])
    await troubled.settled()

    (letter,) = await letters(troubled)
    assert (letter["reason"], letter["replayable"]) == ("gave-up", True)
    assert person.id in letter["description"]

    await troubled.spotler.recover()
    answer = await troubled.connector.call("POST", "/api/dead-letters/replay", {"ids": [letter["id"]]})
    assert answer.json() == {"replayed": 1}
    await troubled.in_spotler(person)
    assert await letters(troubled) == []


async def test_an_event_that_its_queue_has_dead_lettered_names_its_record_and_arrives_after_a_replay(
    troubled: World,
) -> None:
    await troubled.connector.stop()
    person = await troubled.save()
    assert isinstance(troubled.queue, QueueReceiver)
    for _ in range(10):  # by a function that fails each time
        (event,) = await troubled.queue.receive(QueueName.EVENTS, limit=10, wait=timedelta(seconds=20))
        await troubled.queue.abandon(QueueName.EVENTS, [event])
    await troubled.connector.start()

    (dead_lettered,) = await troubled.queue.dead_letters()
    (letter,) = await letters(troubled)
    assert (letter["queue"], letter["reason"]) == ("dataverse-events", "MaxDeliveryCountExceeded")
    assert letter["replayable"]
    assert person.id.encode() in dead_lettered.body
    assert MARK.encode() not in dead_lettered.body

    answer = await troubled.connector.call("POST", "/api/dead-letters/replay", {"ids": [letter["id"]]})
    assert answer.json() == {"replayed": 1}
    await troubled.in_spotler(person)
    assert await letters(troubled) == []


async def test_replay_refuses_what_it_does_not_understand(world: World) -> None:
    assert (await world.connector.call("POST", "/api/dead-letters/replay", {"ids": 1})).status_code == 400


async def test_replay_of_nothing_replays_nothing(world: World) -> None:
    answer = await world.connector.call("POST", "/api/dead-letters/replay", {"ids": ["0"]})

    assert answer.json() == {"replayed": 0, "notReplayed": 1}

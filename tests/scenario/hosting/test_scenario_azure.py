"""The whole app as it runs in Azure: messages over AMQP, state in Azure Tables, no SQLite anywhere."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from shared.adapters.messaging.servicebus import ServiceBusQueue
from shared.adapters.storage.tables import TableStateStore
from shared.composition.connections import redact
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import SyncStatus
from shared.ports.queue import OutgoingMessage, QueueName, QueueReceiver
from tests.broker.broker import Broker
from tests.broker.faults import SERVER_BUSY, Act, Effect
from tests.contract.service_bus import collect_forgotten_sockets
from tests.contract.storage.table_proxy import Trouble, proxied
from tests.programs.short_clocks import Clocks
from tests.scenario.agreement import disagreements
from tests.scenario.connector_process import ConnectorProcess
from tests.scenario.privacy import MARK
from tests.scenario.recorder import recording
from tests.scenario.world import Backends, World, eventually, open_world

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    # The client leaves sockets to the garbage collector when a connection breaks.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

_ATTEMPTS_OF_A_CALL = 4
"""As many failures as one call has attempts: the message must be delivered again."""


@dataclass(frozen=True, slots=True)
class Azure:
    """A world in Azure, and the broker that carries its messages."""

    world: World
    broker: Broker


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def azure(tmp_path_factory: pytest.TempPathFactory, azurite: str) -> AsyncIterator[Azure]:
    broker = Broker(lock_duration=timedelta(seconds=10))
    folder = tmp_path_factory.mktemp("azure")
    async with broker.running():
        table = f"scenario{uuid4().hex[:12]}"
        settings = {
            "SERVICE_BUS": broker.connection_string,
            "STATE_STORAGE": azurite,
            "STATE_TABLE": table,
            "FINGERPRINT_KEY": "a secret of the scenarios",
            "CLAIM_SECONDS": "8",
        }
        backends = Backends(
            ServiceBusQueue.from_connection_string(broker.connection_string, redact=redact),
            TableStateStore.from_connection_string(azurite, table=table),
            settings,
            partial(waiting, broker),
        )
        async with open_world(folder, "--latency", "20", backends=backends) as world:
            await world.connector.start()
            yield Azure(world, broker)
            assert not [path for path in folder.rglob("*") if path.suffix in {".db", ".db-wal"}]
            assert not await leaks(world, broker)
    collect_forgotten_sockets()


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def nothing_is_wrong_in_the_end(azure: Azure) -> AsyncIterator[None]:
    yield
    azure.broker.faults.planned.clear()
    await azure.world.spotler.recover()
    await azure.world.settled()
    assert await disagreements(azure.world) == []
    assert await azure.world.claims() == []


async def waiting(broker: Broker) -> int:
    """Count the messages in the queues of the connector, locked and scheduled ones among them."""
    return sum(len(broker.queues[name].messages) for name in QueueName)


async def leaks(world: World, broker: Broker) -> list[str]:
    """Name what holds marked values in the state and among the dead letters."""
    mark = MARK.lower().encode()
    page = await world.store.scan("default-contact", limit=10_000)
    state = [str(document.key) for document in page.documents if mark in json.dumps(document.body).lower().encode()]
    letters = broker.queues["dead-letters"].messages.values()
    return [*state, *(f"dead-letters/{held.sequence}" for held in letters if mark in held.message.body.lower())]


async def test_a_save_travels_over_the_broker_to_spotler_and_back_to_the_record(azure: Azure) -> None:
    sent = azure.broker.faults.counted.get((Act.SEND, QueueName.EVENTS), 0)

    person = await azure.world.save()

    contact = await azure.world.in_spotler(person)
    status = await azure.world.status(person, SyncStatus.SUCCEEDED)
    assert contact["externalId"] == status.external_id
    assert azure.broker.faults.counted[Act.SEND, QueueName.EVENTS] > sent
    assert (await azure.world.store.scan("default-contact")).documents


async def test_a_job_is_done(azure: Azure) -> None:
    person = await azure.world.synchronised()
    assert (
        await azure.world.ended(await azure.world.ask(Operation.SYNC_CONTACT, person))
    ).status is JobStatus.COMPLETED


async def test_poison_is_dead_lettered_without_personal_data_and_the_other_messages_arrive(azure: Azure) -> None:
    await azure.world.queue.send(QueueName.EVENTS, [OutgoingMessage(f"Dear {MARK},".encode())])
    await azure.world.in_spotler(await azure.world.save())
    await azure.world.settled()

    answer = await azure.world.connector.call("GET", "/api/dead-letters")

    [letter] = answer.json()["deadLetters"]
    assert (letter["queue"], letter["reason"], letter["replayable"]) == ("dataverse-events", "not-json", False)
    await azure.world.queue.discard([letter["id"]])


async def test_health_counts_what_waits_in_the_namespace(azure: Azure) -> None:
    answer = await azure.world.connector.call("GET", "/api/health")
    assert answer.status_code == 200, answer.text


async def test_a_broken_connection_loses_no_save(azure: Azure) -> None:
    people = []
    for _ in range(4):
        people += await asyncio.gather(*(azure.world.save() for _ in range(5)))
        azure.broker.drop_connections()
    for person in people:
        await azure.world.in_spotler(person)


async def test_a_retry_is_scheduled_in_its_lane_however_busy_the_service_and_comes_by_itself(azure: Azure) -> None:
    connector = azure.world.connector
    connector.clocks = Clocks.REAL  # the queue is busy for longer than a short pause before a retry
    await connector.restart()
    person = await azure.world.synchronised()
    outage = {"kind": "server-error", "operation": "contact.bulk", "times": _ATTEMPTS_OF_A_CALL}
    await azure.world.spotler.post("faults", outage)
    azure.broker.plan(Act.SEND, Effect.REFUSED, SERVER_BUSY, entity=QueueName.LIVE)
    azure.broker.plan(Act.SETTLE, Effect.DROPPED_AFTER, times=2)
    await azure.world.change(person, address1_city=f"{MARK}wijk")

    async def scheduled() -> bool:
        return azure.broker.queues[QueueName.LIVE].scheduled > 0

    await eventually(scheduled, "a scheduled retry")
    await azure.world.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}wijk")
    connector.clocks = Clocks.SHORT
    await connector.restart()


async def test_messages_dead_lettered_by_the_service_are_collected_and_arrive_after_a_replay(
    azure: Azure,
) -> None:
    world = azure.world
    await world.settled()
    await world.connector.stop()
    person = await world.save()
    assert isinstance(world.queue, QueueReceiver)
    native = azure.broker.queues[QueueName.EVENTS].dead
    assert native is not None
    while not native.messages:  # by a function that fails each time
        events = await world.queue.receive(QueueName.EVENTS, limit=10, wait=timedelta(seconds=20))
        await world.queue.abandon(QueueName.EVENTS, events)
    assert MARK.lower().encode() in next(iter(native.messages.values())).message.body.lower()
    await world.connector.start(WATCH_SCHEDULE="* * * * * *")

    async def collected() -> bool:
        return not native.messages

    await eventually(collected, "the sub-queue to be emptied")
    (letter,) = (await world.connector.call("GET", "/api/dead-letters")).json()["deadLetters"]
    assert (letter["queue"], letter["reason"]) == ("dataverse-events", "MaxDeliveryCountExceeded")
    assert letter["replayable"]
    (kept,) = await world.queue.dead_letters()
    assert person.id.encode() in kept.body

    answer = await world.connector.call("POST", "/api/dead-letters/replay", {"ids": [letter["id"]]})
    assert answer.json() == {"replayed": 1}
    await world.in_spotler(person)


async def test_a_start_without_the_state_store_delays_and_loses_nothing(azure: Azure, azurite: str) -> None:
    world = azure.world
    saved, gone = await world.synchronised(), await world.synchronised()
    await world.settled()
    await world.connector.stop()
    async with proxied(azurite) as tables:
        tables.reads, tables.writes = [Trouble.BROKEN_BEFORE] * 10_000, [Trouble.BROKEN_BEFORE] * 10_000
        await world.connector.start(STATE_STORAGE=tables.connection_string)
        await world.change(saved, address1_city=f"{MARK}gouda")
        await world.delete(gone)
        new = await world.save()
        job = await world.ask(Operation.SYNC_CONTACT, saved)

        async def put_aside() -> bool:
            events = azure.broker.queues[QueueName.EVENTS]
            return not await world.dynamics.underway() and not events.messages

        await eventually(put_aside, "events to be put aside")
        assert await world.queue.dead_letters() == []
        assert tables.reads, "the state store is still away"

        tables.reads, tables.writes = [], []
        await world.settled()
        assert (await world.in_spotler(saved))["properties"]["city"] == f"{MARK}gouda"
        assert await world.spotler.contact(gone.email) is None
        assert await world.spotler.contact(new.email) is not None
        assert (await world.ended(job)).status is JobStatus.COMPLETED
        await world.connector.stop()
    await world.connector.start()


async def test_a_start_without_the_queue_delays_and_loses_nothing(azure: Azure) -> None:
    world = azure.world
    await world.connector.stop()
    person = await world.save()
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        nobody = free.getsockname()[1]
    namespace = azure.broker.connection_string.replace(f":{azure.broker.port}", f":{nobody}")

    await world.connector.start(SERVICE_BUS=namespace)
    await asyncio.sleep(3)
    assert await world.spotler.contact(person.email) is None

    async with relaying(nobody, azure.broker.port):
        await world.in_spotler(person)
        await world.settled()
        assert await world.queue.dead_letters() == []
        await world.connector.stop()
    await world.connector.start()


@asynccontextmanager
async def relaying(here: int, there: int) -> AsyncIterator[None]:
    """Lead connections to a port of this machine on to another one while the block runs."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while some := await reader.read(65536):
                writer.write(some)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward, back = await asyncio.open_connection("127.0.0.1", there)
        await asyncio.gather(pump(reader, back), pump(onward, writer))

    server = await asyncio.start_server(connected, "127.0.0.1", here)
    try:
        yield
    finally:
        server.close()


@pytest.mark.parametrize(("saves", "kills"), [(40, 2), pytest.param(300, 6, marks=pytest.mark.slow)])
async def test_two_instances_with_kills_lose_nothing_and_never_write_one_contact_at_once(
    azure: Azure, tmp_path: Path, saves: int, kills: int
) -> None:
    world, dice = azure.world, random.Random(5)
    await world.connector.stop()
    async with recording(world.connector.settings["SPOTLER_URL"]) as recorder:
        settings = {**world.connector.settings, "SPOTLER_URL": recorder.url}
        instances = [
            ConnectorProcess({**settings, "LOCAL_FOLDER": str(tmp_path / name)}, world.folder / f"{name}.log")
            for name in ("first", "second")
        ]
        await asyncio.gather(*(instance.start() for instance in instances))
        people = []
        for number in range(kills):
            people += await asyncio.gather(*(world.save() for _ in range(saves // kills)))
            await asyncio.gather(
                *(
                    world.change(person, address1_city=f"{MARK}dorp {number}")
                    for person in dice.sample(people, min(25, len(people) // 2))
                )
            )
            await asyncio.sleep(dice.uniform(0, 0.5))  # a random moment, not a guess of how long something takes
            victim = instances[number % 2]
            await victim.kill()
            await victim.start()
        await world.settled(timeout_s=150)
        await asyncio.gather(*(instance.stop() for instance in instances))

        assert recorder.overlaps == []
        assert len(recorder.writes) >= len(people)
    contacts = [one for one in await world.spotler.contacts() if one["properties"].get("email")]
    assert len({one["properties"]["email"] for one in contacts}) == len(contacts)
    assert {person.email for person in people} <= {one["properties"]["email"] for one in contacts}
    await world.connector.start()

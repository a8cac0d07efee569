"""Several workers on one broker and one Azurite: how much faster are two, four and eight than one?"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from shared.adapters.messaging.servicebus import ServiceBusQueue
from shared.composition.connections import redact
from shared.domain.records.records import PersonTable, RecordKey, Reference, Why
from shared.local.sandbox.addresses import Addresses
from shared.local.sandbox.process import sandbox
from shared.local.sandbox.users import DynamicsUser, SpotlerUser
from shared.messages.lane_messages import Lanes
from shared.ports.queue import QueueName
from tests.bench.figures.figure import Figure, Measured
from tests.broker.broker import Broker
from tests.installed import organisation
from tests.programs.azurite import running_azurite
from tests.programs.short_clocks import Clocks
from tests.scenario.connector_process import ConnectorProcess

_PEOPLE = 3_000
_WORKERS = (1, 2, 4, 8)
_LATENCIES = (0, 100)
"""Milliseconds added to every answer of Dataverse and Spotler. Without them, the cores are what is measured."""

_LONGEST = 900
"""Seconds: a measurement that takes longer has met something else than work."""

_POSTPONED = re.compile(rb"(\d+) of \d+ records cannot be done now")
"""What a worker logs of records whose state could not be read or written: a busy Azurite answers late."""

_HEAD = (
    "| workers | latency | contacts | seconds | contacts a second | times one worker | processor time a contact "
    "| cores of the workers | of everything | done again |\n|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class _Taken:
    """What some workers took: seconds, processor seconds of the workers, and of everything on the machine.

    `postponed` counts records whose first attempt failed.
    """

    workers: int
    latency: int
    contacts: int
    seconds: float
    of_workers: float
    of_machine: float
    postponed: int

    def row(self, alone: float) -> str:
        """The line of the table, beside the seconds of one worker."""
        return (
            f"| {self.workers} | {self.latency} ms | {self.contacts:,} | {self.seconds:.1f} "
            f"| {self.contacts / self.seconds:.0f} | {alone / self.seconds:.1f} "
            f"| {self.of_workers / self.contacts * 1000:.1f} ms | {self.of_workers / self.seconds:.2f} "
            f"| {self.of_machine / self.seconds:.2f} of {os.cpu_count()} | {self.postponed} |"
        )


async def workers() -> Measured:
    """New contacts in messages of a hundred, which wait in the bulk lane for one, two, four and eight workers."""
    rows: list[str] = []
    figures: list[Figure] = []
    print(_HEAD)
    for latency in _LATENCIES:
        alone = 0.0
        for count in _WORKERS:
            taken = await _taken(count, latency)
            alone = alone or taken.seconds
            rows.append(taken.row(alone))
            print(rows[-1], flush=True)
            if count > 1:
                figures.append(Figure(f"workers: times one worker, {count} at {latency} ms", alone / taken.seconds))
    return Measured(figures, "\n".join([_HEAD, *rows]))


async def _taken(count: int, latency: int) -> _Taken:
    async with _azure(count, latency) as (broker, addresses, instances):
        async with DynamicsUser(addresses) as dynamics:
            rows = (await dynamics.read("contacts?$select=contactid"))["value"]
        keys = [RecordKey(PersonTable.CONTACT, UUID(row["contactid"])) for row in rows]
        queue = ServiceBusQueue.from_connection_string(broker.connection_string, redact=redact)
        began, of_workers, of_machine = time.perf_counter(), _processor(instances), _busy()
        references = [Reference(key, Why.RESYNC, "bench") for key in keys]
        await Lanes(queue).send_references(QueueName.BULK, references)
        while left := sum(len(broker.queues[name].messages) for name in QueueName):
            assert all(one.is_running for one in instances), "a worker has ended: its log says why"
            waiting = sum(broker.queues[name].scheduled for name in QueueName)
            assert time.perf_counter() < began + _LONGEST, (
                f"{left} messages are left, {waiting} of them for later: the logs say why"
            )
            await asyncio.sleep(0.05)
        seconds = time.perf_counter() - began
        of_workers, of_machine = _processor(instances) - of_workers, _busy() - of_machine
        await queue.close()
        async with SpotlerUser(addresses) as spotler:
            there = len(await spotler.contacts())
        postponed = sum(int(one) for each in instances for one in _POSTPONED.findall(each.log.read_bytes()))
    assert there >= len(keys) * 0.7, f"{there} of {len(keys)} are in Spotler; some have no address, or refuse mail"
    return _Taken(count, latency, len(keys), seconds, of_workers, of_machine, postponed)


@asynccontextmanager
async def _azure(count: int, latency: int) -> AsyncIterator[tuple[Broker, Addresses, Sequence[ConnectorProcess]]]:
    """Start everything; every worker has built its use cases when the block begins."""
    folder = Path(os.environ["LOCAL_FOLDER"]) / f"{count}-workers-{latency}"
    broker = Broker(lock_duration=timedelta(minutes=5))
    async with AsyncExitStack() as stack:
        storage = stack.enter_context(running_azurite())
        await stack.enter_async_context(broker.running())
        options = ("--organisation", str(organisation()), "--people", str(_PEOPLE), "--latency", str(latency))
        addresses = await stack.enter_async_context(sandbox(*options))
        settings = {
            "SERVICE_BUS": broker.connection_string,
            "STATE_STORAGE": storage,
            "STATE_TABLE": "workers",
            "FINGERPRINT_KEY": "a secret of the benchmark",
            **addresses.as_environment(),
        }
        instances: list[ConnectorProcess] = []
        for number in range(count):
            own = folder / str(number)
            own.mkdir(parents=True)
            instance = ConnectorProcess({**settings, "LOCAL_FOLDER": str(own)}, own / "log", Clocks.SHORT)
            stack.push_async_callback(instance.stop)
            await instance.start()
            await instance.call("GET", "/api/health")
            instances.append(instance)
        yield broker, addresses, instances


def _processor(instances: Sequence[ConnectorProcess]) -> float:
    """Return the processor seconds that workers have taken so far."""
    stats = [Path(f"/proc/{one.process_id}/stat").read_text(encoding="ascii").rpartition(")")[2] for one in instances]
    return sum(sum(map(int, one.split()[11:13])) for one in stats) / os.sysconf("SC_CLK_TCK")


def _busy() -> float:
    """Return the processor seconds that the machine has spent for anything so far."""
    user, nice, system = map(int, Path("/proc/stat").read_text(encoding="ascii").split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")

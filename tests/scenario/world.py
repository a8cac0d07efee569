"""A world to act in: a Dataverse, a Spotler, the connector between them, people who use both, and a look behind it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, TypeVar

import httpx

from shared.adapters.dataverse.records.tables import INFO_STATUS, JOB_STATUS, JOBS, PEOPLE
from shared.adapters.messaging.sqlite import SqliteQueue
from shared.adapters.storage.sqlite import SqliteStateStore
from shared.composition.connections import SystemClock, redact
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable, SyncStatus
from shared.local.sandbox.addresses import CONNECTOR_CLIENT, Addresses
from shared.local.sandbox.process import sandbox
from shared.local.sandbox.users import DynamicsUser, SpotlerUser
from shared.ports.queue import Queue, QueueName
from shared.ports.state import Document, StateStore
from tests.installed import organisation
from tests.programs.processes import start
from tests.programs.short_clocks import Clocks
from tests.programs.times import LONGEST_WAIT
from tests.scenario.connector_process import SYSTEM, ConnectorProcess
from tests.scenario.privacy import MARK, leaks, marks_in
from tests.scenario.rows import filled_in

_LAST_MESSAGES = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.2

Seen = TypeVar("Seen")
Contact = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """A record that a user has saved."""

    table: PersonTable
    id: str
    email: str

    @property
    def path(self) -> str:
        """The record in the Web API."""
        return f"{PEOPLE[self.table].entity_set}({self.id})"


@dataclass(frozen=True, slots=True)
class Status:
    """What Spotler Status shows on a record."""

    status: SyncStatus
    code: str
    text: str
    external_id: str
    id: str


@dataclass(frozen=True, slots=True)
class Job:
    """A Spotler Job row."""

    status: JobStatus
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Backends:
    """Where messages and state are: this process's own access to them, and the settings that lead others there."""

    queue: Queue
    store: StateStore
    settings: Mapping[str, str] = field(default_factory=dict)
    waiting: Callable[[], Awaitable[int]] | None = None
    """Counts messages that wait or are underway, where that can be seen at less cost than through the queue."""


@dataclass
class World:
    """Acts of users, and what can be seen of their effect."""

    dynamics: DynamicsUser
    spotler: SpotlerUser
    connector: ConnectorProcess
    queue: Queue
    store: StateStore
    folder: Path
    addresses: Addresses
    waiting: Callable[[], Awaitable[int]]
    """Counts messages of the connector that wait or are underway."""

    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # ---------------------------------------------------------------------------------------------- acts in Dynamics

    def address(self) -> str:
        """Make up an address that nobody has yet."""
        return f"{MARK.lower()}{next(self._numbers)}@example.nl"

    async def save(self, table: PersonTable = PersonTable.CONTACT, **columns: Any) -> Person:
        """Save a new record: somebody with everything filled in, except for `columns`."""
        row = {"emailaddress1": self.address(), **filled_in(table), **columns}
        identifier = await self.dynamics.create(PEOPLE[table].entity_set, row)
        return Person(table, identifier, row["emailaddress1"] or "")

    async def bring_in(self, table: PersonTable = PersonTable.CONTACT, **columns: Any) -> Person:
        """Save a new record, filled in likewise, of which the connector hears nothing."""
        row = {"emailaddress1": self.address(), **filled_in(table), **columns}
        identifier = await self.dynamics.bring_in(PEOPLE[table].entity_set, row)
        return Person(table, identifier, row["emailaddress1"] or "")

    async def synchronised(self, table: PersonTable = PersonTable.CONTACT, **columns: Any) -> Person:
        """Save a new record and wait until Spotler has it and the record says so."""
        person = await self.save(table, **columns)
        await self.in_spotler(person)
        await self.status(person, SyncStatus.SUCCEEDED)
        return person

    async def change(self, person: Person, **columns: Any) -> None:
        """Save columns of a record."""
        await self.dynamics.change(PEOPLE[person.table].entity_set, person.id, columns)

    async def slip(self, person: Person, **columns: Any) -> None:
        """Save columns of a record, of which the connector hears nothing."""
        await self.dynamics.slip(PEOPLE[person.table].entity_set, person.id, columns)

    async def delete(self, person: Person) -> None:
        """Delete a record."""
        await self.dynamics.delete(PEOPLE[person.table].entity_set, person.id)

    async def deactivate(self, person: Person) -> None:
        """Deactivate a record."""
        await self.dynamics.deactivate(person.table, person.id)

    async def activate(self, person: Person) -> None:
        """Activate a record."""
        await self.dynamics.activate(person.table, person.id)

    async def permit(self, person: Person, name: str, *, subscribed: bool = True) -> str:
        """Add a permission to a record."""
        return await self.dynamics.add_permission(person.table, person.id, name, subscribed=subscribed)

    async def ask(self, operation: Operation | None, person: Person | None = None) -> str:
        """Save a Spotler Job."""
        if person is None:
            return await self.dynamics.add_job(operation)
        return await self.dynamics.add_job(operation, person.table, person.id)

    # ------------------------------------------------------------------------------------------------ what users see

    async def in_spotler(self, who: Person | str, seen: Callable[[Contact], bool] = bool) -> Contact:
        """Wait until Spotler has a contact with the address that looks as expected, and return it."""
        email = who if isinstance(who, str) else who.email

        async def look() -> Contact | None:
            contact = await self.spotler.contact(email)
            return contact if contact is not None and seen(contact) else None

        return await eventually(look, f"a contact in Spotler for {who}")

    async def forgotten(self, who: Person | str) -> None:
        """Wait until Spotler does not know the address any more."""
        email = who if isinstance(who, str) else who.email

        async def look() -> bool:
            return await self.spotler.contact(email) is None

        await eventually(look, f"Spotler to forget {who}")

    async def status(self, person: Person, status: SyncStatus, code: str = "") -> Status:
        """Wait until the record's Spotler Status is as expected, and return it."""

        async def look() -> Status | None:
            row = await self.status_now(person)
            return row if row is not None and row.status is status and code in {"", row.code} else None

        try:
            return await eventually(look, f"{status} ({code}) on {person}")
        except TimeoutError as waited:
            raise TimeoutError(f"{waited}; it says {await self.status_now(person)}") from None

    async def status_now(self, person: Person) -> Status | None:
        """Read the record's Spotler Status."""
        row = await self.dynamics.status(person.table, person.id)
        if row is None:
            return None
        return Status(
            status=INFO_STATUS[row["statuscode"]],
            code=row["dh_reasoncode"] or "",
            text=row["dh_reason"] or "",
            external_id=row["dh_externalid"] or "",
            id=row["dh_spotlerinfoid"],
        )

    async def ended(self, job: str) -> Job:
        """Wait until a job is Completed or Failed."""

        async def look() -> Job | None:
            row = await self.dynamics.read(f"{JOBS}({job})")
            status = JOB_STATUS[row["statuscode"]]
            return Job(status, row["dh_resultcode"], row["dh_resulttext"]) if status.is_final else None

        return await eventually(look, f"job {job} to end")

    async def erasures(self) -> int:
        """Count the calls that erase a contact for good."""
        return (await self.spotler.requests()).get("contact.anonymize", 0)

    # -------------------------------------------------------------------------------------------- behind the scenes

    async def settled(self, timeout_s: float = LONGEST_WAIT) -> None:
        """Wait until nothing is on its way: no message underway, none in a queue, none scheduled.

        AssertionError if the messages do not get fewer for `timeout_s`; it says what waits, and what health says.
        """
        least, since, calm = inf, time.monotonic(), 0

        async def look() -> bool:
            nonlocal least, since, calm
            waiting = await self.dynamics.underway() + await self.waiting()
            if waiting < least:
                least, since = waiting, time.monotonic()
            elif time.monotonic() - since > timeout_s:
                raise AssertionError(f"the messages did not get fewer for {timeout_s:.0f} s: {await self._unsettled()}")
            # A message may move from one queue to another one that has just been looked at.
            calm = 0 if waiting else calm + 1
            return calm > 1

        await eventually(look, "everything to settle", inf)

    async def _unsettled(self) -> str:
        depths = {queue.value: await self.queue.depth(queue) for queue in QueueName}
        health = "the connector does not answer"
        with contextlib.suppress(httpx.HTTPError):
            health = (await self.connector.call("GET", "/api/health")).text
        return f"underway {await self.dynamics.underway()}, {depths}, {health}"

    async def delivered(self) -> None:
        """Wait a moment for what Dataverse has sent to be taken in: its messages hold personal data until then."""

        async def look() -> bool:
            depth = await self.queue.depth(QueueName.EVENTS)
            return not (await self.dynamics.underway() or depth.active)

        with contextlib.suppress(TimeoutError):  # a connector that was killed takes in nothing
            await eventually(look, "messages to be delivered", _LAST_MESSAGES)

    async def claims(self) -> list[Document]:
        """Return what the connector has noted of contacts that somebody works on, or whose state is in doubt."""
        page = await self.store.scan("default-contact", limit=10_000)
        return [document for document in page.documents if {"claim", "doubt"} & document.body.keys()]


async def eventually(
    look: Callable[[], Awaitable[Seen | None]], what: str, timeout_s: float = LONGEST_WAIT, every: float | None = None
) -> Seen:
    """Look until there is something to see, and return it; TimeoutError says `what` never came.

    Without `every`, the pauses grow: most things happen soon, and each look takes processor time from them.
    """
    pause = _FIRST_PAUSE
    try:
        async with asyncio.timeout(timeout_s):
            while not (seen := await look()):
                await asyncio.sleep(every or pause)
                pause = min(pause * 1.3, _LONGEST_PAUSE)
            return seen
    except TimeoutError:
        raise TimeoutError(f"waited {timeout_s:.0f} s in vain for {what}") from None


@asynccontextmanager
async def open_world(
    folder: Path,
    *options: str,
    backends: Backends | None = None,
    clocks: Clocks = Clocks.SHORT,
    **settings: str,
) -> AsyncIterator[World]:
    """Open a world of which the connector is not started yet.

    When it ends, no file of it may hold personal data, nor what the connector has told an operator. The role of the
    connector in Dataverse must have been enough: a refused record would only rest.

    `options` are those of the sandbox, `settings` the connector's. Queue and state are embedded unless `backends`
    says where they are.
    """
    backends = backends or _embedded(folder)
    environment = {"LOCAL_FOLDER": str(folder), "LOG_LEVEL": "DEBUG", **backends.settings, **settings}
    queue, store = backends.queue, backends.store
    mapping = {name: path for name, path in settings.items() if name == "MAPPING_FILE"}  # whose columns fire
    surroundings = {**SYSTEM, "LOCAL_FOLDER": str(folder), **backends.settings, **mapping}
    async with AsyncExitStack() as stack:
        stack.push_async_callback(queue.close)  # after the last sender: closing leaves nothing of what was deleted
        addresses = await stack.enter_async_context(
            sandbox(*_beginning(options), *options, environment=surroundings, start=start)
        )
        dynamics = await stack.enter_async_context(DynamicsUser(addresses))
        spotler = await stack.enter_async_context(SpotlerUser(addresses))
        connector = ConnectorProcess({**environment, **addresses.as_environment()}, folder / "connector.log", clocks)
        waiting = backends.waiting or partial(_waiting_in, queue)
        world = World(dynamics, spotler, connector, queue, store, folder, addresses, waiting)
        try:
            yield world
        finally:
            if connector.is_running:
                await world.delivered()
            await connector.stop()
            await store.close()
        missing = await dynamics.privileges(CONNECTOR_CLIENT, "missing")
        assert missing == {}, "the role Spotler Service is too small"
    assert (found := leaks(folder)) == [], found
    told = [f"{one.call} {one.status}" for one in connector.answers if marks_in(one.content)]
    assert told == [], "values of people in answers to callers who may not see them"


def _beginning(options: Sequence[str]) -> tuple[str, ...]:
    """Return the options of an organisation without people, in which the connector is installed unless it is bare."""
    return ("--people", "0", *(() if "--bare" in options else ("--organisation", str(organisation()))))


async def _waiting_in(queue: Queue) -> int:
    depths = [await queue.depth(name) for name in QueueName]
    return sum(depth.active + depth.scheduled for depth in depths)


def _embedded(folder: Path) -> Backends:
    clock = SystemClock()
    return Backends(
        queue=SqliteQueue(folder / "queue.db", clock=clock, redact=redact),
        store=SqliteStateStore(folder / "state.db", clock=clock),
    )


def permissions(contact: Contact) -> set[str]:
    """Return the permissions that are on in Spotler."""
    return {option["description"] for option in contact["properties"]["permissions"] if option["enabled"]}

"""Messages are done, put off or dead-lettered: no batch fails as a whole for work that can be done later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import cast
from uuid import UUID, uuid4

import pytest

from shared.dispatch.intake import Arrival, Intake, Ready
from shared.dispatch.work import Work
from shared.domain.records.records import PersonTable, RecordKey, Reference, Why
from shared.domain.recovery.retry import LAST_ATTEMPT
from shared.errors import ConfigurationError, ConnectorError, TransientError
from shared.messages.lane_messages import (
    Jobs,
    Lanes,
    Permissions,
    ReferenceBatch,
    Unchecked,
    Walk,
    read_lane_message,
    references_messages,
)
from shared.messages.list_messages import ListLook
from shared.messages.redelivery import Redelivery
from shared.ports.organisations import Origin, RejectedMessage
from shared.ports.queue import QueueName
from tests.connector_twin import ConnectorTwin, person
from tests.programs.times import LONGEST_WAIT
from tests.twins import CrashError

OURS, THEIRS = UUID(int=1), UUID(int=2)
AWAY = TransientError("the state store is away")
EXPIRED = ConfigurationError("the secret has expired")


class TwinOrganisations:
    """Accepts our organisation; raises `error` while it is set."""

    def __init__(self) -> None:
        self.error: ConnectorError | None = None
        self.hangs = False
        self.asked = 0

    async def rejection(self, origin: Origin) -> RejectedMessage | None:
        self.asked += 1
        if self.hangs:
            await asyncio.sleep(60)
        if self.error is not None:
            raise self.error
        return None if origin.organisation == OURS else RejectedMessage("other-organisation", "not ours")


class TwinOwnUser:
    """Counts its calls; hangs like the organisations do."""

    def __init__(self, organisations: TwinOrganisations) -> None:
        self.organisations = organisations
        self.asked = 0

    async def learn(self) -> None:
        self.asked += 1
        if self.organisations.hangs:
            await asyncio.sleep(60)


class Stage:
    """A connector that may be down, and its intake."""

    def __init__(self) -> None:
        self.twin = ConnectorTwin()
        self.organisations = TwinOrganisations()
        self.own_user = TwinOwnUser(self.organisations)
        self.away: Exception | None = None
        self.hangs = False
        lanes = Lanes(self.twin.queue)
        redelivery = Redelivery(queue=self.twin.queue, lanes=lanes, clock=self.twin.clock, policy=self.twin.policy)
        connector = cast("Callable[[], Awaitable[Ready]]", self.connector)
        self.intake = Intake(
            queue=self.twin.queue,
            redelivery=redelivery,
            clock=self.twin.clock,
            connector=connector,
            wait=timedelta(milliseconds=50),
        )

    async def connector(self) -> SimpleNamespace:
        if self.hangs:
            await asyncio.sleep(60)
        if self.away is not None:
            raise self.away
        return SimpleNamespace(
            organisations=self.organisations, own_user=self.own_user, dispatcher=self.twin.start_worker()
        )

    async def takes(self, work: Work, *refused: RejectedMessage, queue: QueueName = QueueName.EVENTS) -> None:
        await self.intake.take(Arrival(queue, work, list(refused)), lane=QueueName.LIVE)

    async def works_on(self) -> None:
        """Deliver what falls due until nothing waits."""
        for _ in range(100):
            if not self.twin.queue.waiting:
                return
            self.twin.clock.advance(timedelta(seconds=30))
            due = self.twin.queue.due()
            work = Work()
            for one in due:
                work.add(read_lane_message(one.message.body))
                self.twin.queue.waiting.remove(one)
            await self.takes(work, queue=QueueName.LIVE)
        raise AssertionError("it never ends")


def saved(key: RecordKey, *, attempt: int = 1) -> list[Reference]:
    return [Reference(key, Why.SAVED, "c-1", attempt=attempt)]


def event(key: RecordKey, organisation: UUID = OURS) -> Work:
    (message,) = references_messages(saved(key))
    return Work(unchecked=[Unchecked(organisation=organisation, message=message)])


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize("error", [AWAY, EXPIRED, KeyError("a defect")], ids=["away", "misconfigured", "defect"])
async def test_without_a_connector_everything_is_postponed_and_done_later(stage: Stage, error: Exception) -> None:
    key = stage.twin.crm.create(**person(emailaddress1="ann@example.com"))
    stage.away = error
    await stage.takes(event(key))
    (waiting,) = stage.twin.queue.waiting
    assert (waiting.lane, waiting.message.not_before is not None) == (QueueName.LIVE, True)
    assert stage.twin.queue.dead == []

    stage.away = None
    await stage.works_on()
    assert stage.twin.contact_of("ann@example.com").values["email"] == "ann@example.com"


@pytest.mark.parametrize("part", ["connector", "organisations"])
async def test_a_hanging_service_is_given_up_before_the_locks_end(stage: Stage, part: str) -> None:
    key = stage.twin.crm.create(**person(emailaddress1="ann@example.com"))
    hanging = stage if part == "connector" else stage.organisations
    hanging.hangs = True
    async with asyncio.timeout(LONGEST_WAIT):
        await stage.takes(event(key))
    assert len(stage.twin.queue.waiting) == 1

    hanging.hangs = False
    await stage.works_on()
    assert stage.twin.contact_of("ann@example.com")


async def test_every_kind_of_work_is_postponed(stage: Stage) -> None:
    stage.away = EXPIRED
    key = RecordKey(PersonTable.CONTACT, uuid4())
    (references,) = references_messages(saved(key))
    messages = [
        Jobs(jobs=[uuid4()]),
        Permissions(permissions=[uuid4()]),
        Walk(table=PersonTable.CONTACT, why=Why.RESYNC),
        ListLook(list=uuid4()),
        Unchecked(organisation=OURS, message=references),
    ]
    work = Work(people=saved(key))
    for message in messages:
        work.add(message)

    await stage.takes(work)

    kept = [read_lane_message(one.message.body) for one in stage.twin.queue.waiting]
    (people,) = [one for one in kept if isinstance(one, ReferenceBatch)]
    now = stage.twin.clock.now()
    assert people.unfold() == [replace(one, waits_since=now) for one in saved(key)]
    assert {one.kind for one in kept} == {"references", *(one.kind for one in messages)}
    assert all(one.model_copy(update={"waits_since": now}) in kept for one in messages)


async def test_an_outage_ends_in_dead_letters_that_can_be_replayed(stage: Stage) -> None:
    key = stage.twin.crm.create(**person(emailaddress1="ann@example.com"))
    stage.away = AWAY
    await stage.takes(Work(people=saved(key, attempt=LAST_ATTEMPT)))
    (letter,) = stage.twin.queue.dead
    assert letter.reason == "gave-up"

    stage.away = None
    assert await stage.twin.queue.replay([letter.id]) == 1
    await stage.works_on()
    assert stage.twin.contact_of("ann@example.com")


async def test_a_message_that_cannot_be_checked_waits_and_is_checked_later(stage: Stage) -> None:
    ours = stage.twin.crm.create(**person(emailaddress1="ann@example.com"))
    theirs = stage.twin.crm.create(**person(emailaddress1="bob@example.com"))
    stage.organisations.error = AWAY
    work = event(ours)
    work.unchecked += event(theirs, THEIRS).unchecked
    await stage.takes(work)
    assert len(stage.twin.queue.waiting) == 2
    assert list(stage.twin.platform.contacts) == []

    stage.organisations.error = None
    await stage.works_on()
    assert [one.values["email"] for one in stage.twin.platform.contacts] == ["ann@example.com"]
    (letter,) = stage.twin.queue.dead
    assert (letter.reason, letter.body) == ("other-organisation", b"")


async def test_many_messages_of_one_organisation_cost_one_request(stage: Stage) -> None:
    keys = [stage.twin.crm.create(**person(emailaddress1=f"{number}@example.com")) for number in range(250)]
    messages = references_messages([reference for key in keys for reference in saved(key)])
    await stage.takes(Work(unchecked=[Unchecked(organisation=OURS, message=one) for one in messages]))
    assert stage.organisations.asked == 1
    assert len(stage.twin.platform.contacts) == 250


async def test_a_batch_that_fails_has_dead_lettered_nothing(stage: Stage) -> None:
    """The queue cannot be reached: all messages come again, those that are refused, too."""
    key = stage.twin.crm.create(**person(emailaddress1="ann@example.com"))
    stage.away = AWAY
    stage.twin.queue.broken = {"send": TransientError("down")}
    for _ in range(3):
        with pytest.raises(TransientError):
            await stage.takes(event(key), RejectedMessage("not-json", "no"))
    assert stage.twin.queue.dead == []

    stage.twin.queue.broken = {}
    await stage.takes(event(key), RejectedMessage("not-json", "no"))
    assert [letter.reason for letter in stage.twin.queue.dead] == ["not-json"]


async def test_a_worker_that_dies_has_dead_lettered_nothing(stage: Stage) -> None:
    key = stage.twin.crm.create(**person(emailaddress1="ann@example.com"))
    stage.twin.faults.plan(2, CrashError())
    with pytest.raises(CrashError):
        await stage.takes(event(key), RejectedMessage("not-json", "no"))
    assert stage.twin.queue.dead == []


async def test_a_defect_in_one_message_redelivers_no_other(stage: Stage) -> None:
    key = stage.twin.crm.create(**person(emailaddress1="ann@example.com"))
    stage.twin.crm.broken = dict.fromkeys(("read_jobs", "people_of_permissions"), RuntimeError("a defect"))
    work = Work(people=saved(key), jobs=[Jobs(jobs=[uuid4()])], permissions=[Permissions(permissions=[uuid4()])])
    await stage.takes(work)
    assert stage.twin.contact_of("ann@example.com")
    kept = [read_lane_message(one.message.body) for one in stage.twin.queue.waiting]
    assert {(one.kind, one.attempt) for one in kept if not isinstance(one, ReferenceBatch)} == {
        ("jobs", 2),
        ("permissions", 2),
    }

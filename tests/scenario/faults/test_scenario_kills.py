"""The connector's process dies at the worst moments; after its restart both sides agree as if nothing had been."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import SyncStatus
from tests.scenario.agreement import disagreements
from tests.scenario.privacy import MARK
from tests.scenario.refusal_acts import STAYS_OUT, opt_out
from tests.scenario.world import Person, World, open_world

pytestmark = pytest.mark.asyncio(loop_scope="session")

_AT_ONCE = 20
_PERMISSIONS = ("Newsletter", "Productinfo", "Servicenotifications", "Offers")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mortal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world whose services take their time, so that there is something to interrupt, and whose claims end soon."""
    times = {"CLAIM_SECONDS": "2", "LOCAL_LOCK_SECONDS": "3"}
    async with open_world(tmp_path_factory.mktemp("mortal"), "--latency", "30", **times) as opened:
        await opened.connector.start()
        yield opened


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def nothing_is_wrong_in_the_end(mortal: World) -> AsyncIterator[None]:
    yield
    await mortal.dynamics.cause("faults", {})  # a test that failed may have left some
    await mortal.settled()
    assert await disagreements(mortal) == []
    assert await mortal.claims() == []
    assert await mortal.queue.dead_letters() == []


async def hanging(
    world: World, operation: str, act: Callable[[], Awaitable[object]], effect: Awaitable[object]
) -> None:
    """Do `act`, kill the connector once it had its `effect` in Spotler but before the answer, and start it again."""
    await world.spotler.post("faults", {"kind": "time-out", "operation": operation, "moment": "after", "hold": 60})
    await act()
    await effect
    await world.connector.kill()
    await world.connector.start()


async def test_a_kill_between_a_write_and_its_note_leaves_no_doubt(mortal: World) -> None:
    person = await mortal.synchronised()
    before = await mortal.in_spotler(person)

    await hanging(
        mortal,
        "contact.bulk",
        lambda: mortal.change(person, address1_city=f"{MARK}dal"),
        mortal.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}dal"),
    )
    await mortal.change(person, address1_city=f"{MARK}dam")  # what the connector still takes for the agreed value
    await mortal.settled()

    after = await mortal.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}dam")
    assert after["encryptedId"] == before["encryptedId"]


async def test_a_kill_after_a_creation_makes_no_second_contact(mortal: World) -> None:
    email = mortal.address()

    await hanging(mortal, "contact.bulk", lambda: mortal.save(emailaddress1=email), mortal.in_spotler(email))
    before = await mortal.in_spotler(email)
    await mortal.settled()

    assert (await mortal.in_spotler(email))["encryptedId"] == before["encryptedId"]


async def test_an_opt_out_outlives_the_record_of_a_contact_whose_creation_was_killed(mortal: World) -> None:
    await mortal.spotler.post(
        "faults", {"kind": "time-out", "operation": "contact.bulk", "moment": "after", "hold": 60}
    )
    person = await mortal.save()
    await mortal.in_spotler(person)
    await mortal.connector.kill()
    await opt_out(mortal, person)
    await mortal.delete(person)
    await mortal.connector.start()
    await mortal.forgotten(person)

    again = await mortal.save(emailaddress1=person.email)

    await mortal.status(again, *STAYS_OUT)
    assert await mortal.spotler.contact(person.email) is None
    await mortal.delete(again)


async def test_a_kill_during_an_erasure_ends_with_the_erasure_and_the_job_completed(mortal: World) -> None:
    person = await mortal.synchronised()
    jobs: list[str] = []

    async def ask() -> None:
        jobs.append(await mortal.ask(Operation.ANONYMIZE_CONTACT, person))

    await hanging(mortal, "contact.anonymize", ask, mortal.forgotten(person))

    job = await mortal.ended(jobs[0])
    assert (job.status, job.code) == (JobStatus.COMPLETED, "404")
    await mortal.delete(person)


async def test_a_kill_before_the_report_is_made_up_for(mortal: World) -> None:
    person = await mortal.synchronised()
    await mortal.dynamics.cause("faults", {"rules": [{"kind": "timeout", "match": r"POST \$batch|PATCH dh_"}]})
    await mortal.change(person, address1_city=f"{MARK}dijk")
    await mortal.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}dijk")
    job = await mortal.ask(Operation.SYNC_CONTACT, person)
    await mortal.connector.kill()
    await mortal.dynamics.cause("faults", {})

    await mortal.connector.start()

    assert (await mortal.ended(job)).status is JobStatus.COMPLETED
    await mortal.status(person, SyncStatus.SUCCEEDED, "agreed")


# --------------------------------------------------------------------------------------------------------- many people


@dataclass
class Office:
    """Many users at work: they save, change, deactivate, delete, and ask, repeatably for a seed."""

    world: World
    dice: random.Random
    people: list[Person] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    async def open(self, count: int) -> None:
        """Save new records."""
        await at_once(self._save_new() for _ in range(count))

    async def work(self, count: int) -> None:
        """Do something with records that exist."""
        await at_once(self._act(person) for person in self.dice.sample(self.present, min(count, len(self.present))))

    @property
    def present(self) -> list[Person]:
        """Who has not been deleted."""
        return [person for person in self.people if person.id not in self.gone]

    async def _save_new(self) -> None:
        self.people.append(await self.world.save())

    async def _act(self, person: Person) -> None:
        match self.dice.randrange(10):
            case 0:
                self.gone.add(person.id)
                await self.world.delete(person)
            case 1:
                await self.world.deactivate(person)
            case 2:
                await self.world.activate(person)
            case 3:
                await self.world.ask(Operation.SYNC_CONTACT, person)
            case 4:
                await self.world.change(person, donotbulkemail=self.dice.random() < 0.5)
            case 5 | 6:
                name, subscribed = self.dice.choice(_PERMISSIONS), self.dice.random() < 0.8
                await self.world.permit(person, name, subscribed=subscribed)
            case _:
                town = self.dice.randrange(1000)
                await self.world.change(person, address1_city=f"{MARK}dorp {town}", jobtitle=None)


async def at_once(acts: Iterator[Awaitable[None]]) -> None:
    """Do many acts, some at a time."""

    async def user() -> None:
        for act in acts:
            await act

    await asyncio.gather(*(user() for _ in range(_AT_ONCE)))


@pytest.mark.parametrize(
    ("people", "kills", "seed"),
    [(200, 4, 1), pytest.param(1000, 12, 2, marks=pytest.mark.slow)],
)
async def test_a_burst_survives_kills_at_random_moments(mortal: World, people: int, kills: int, seed: int) -> None:
    dice = random.Random(seed)
    office = Office(mortal, random.Random(seed))
    bystanders = [await mortal.save() for _ in range(5)]
    await mortal.settled()
    untouched = {person.email: await mortal.in_spotler(person) for person in bystanders}

    for _ in range(kills):
        await office.open(people // kills)
        await office.work(people // kills)
        await asyncio.sleep(dice.uniform(0, 0.5))  # a random moment, not a guess of how long something takes
        await mortal.connector.kill()
        await mortal.connector.start()
    await office.work(people // 4)
    await mortal.settled()

    for email, contact in untouched.items():
        assert await mortal.spotler.contact(email) == contact
    assert len({one["externalId"] for one in await mortal.spotler.contacts()}) == len(await mortal.spotler.contacts())


async def test_two_connectors_at_once_do_not_get_in_each_others_way(mortal: World) -> None:
    office = Office(mortal, random.Random(3))
    second = type(mortal.connector)(mortal.connector.settings, mortal.folder / "second.log")
    await second.start()

    await office.open(60)
    for _ in range(3):
        await office.work(60)
    await mortal.settled()

    await second.stop()
    contacts = await mortal.spotler.contacts()
    assert len({one["properties"].get("email") for one in contacts}) == len(contacts)

"""Networks break and services are busy: in the end both sides agree, and nobody is erased who should not be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import SyncStatus
from tests.scenario.agreement import disagreements
from tests.scenario.privacy import MARK
from tests.scenario.world import Person, World, open_world, permissions

pytestmark = pytest.mark.asyncio(loop_scope="session")

_CONNECTOR_ONLY = r"^(GET contacts$|POST \$batch$|PATCH dh_)"
"""Requests to Dataverse that only the connector makes: the users' own must get through."""

_ATTEMPTS_OF_A_CALL = 4
"""As many failures as one call has attempts: the message must be delivered again."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def faulty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world of its own, because everybody in it must agree at the end of each scenario."""
    async with open_world(tmp_path_factory.mktemp("faulty"), CLAIM_SECONDS="10", LOCAL_LOCK_SECONDS="12") as opened:
        await opened.connector.start()
        yield opened


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def everybody_agrees_in_the_end(faulty: World) -> AsyncIterator[None]:
    yield
    await faulty.spotler.recover()
    await faulty.dynamics.cause("faults", {})
    await faulty.dynamics.cause("delivery", {})
    await faulty.settled()
    assert await disagreements(faulty) == []
    assert await faulty.claims() == []
    assert await faulty.queue.dead_letters() == []


async def population(world: World, count: int) -> list[Person]:
    """Save people at once and wait until all of them are in Spotler."""
    people = await asyncio.gather(*(world.save() for _ in range(count)))
    await world.settled()
    return list(people)


async def identities(world: World, people: list[Person]) -> dict[str, str]:
    """Return who is who in Spotler: an erased contact that is made again is another one."""
    known = {one["properties"].get("email"): one["encryptedId"] for one in await world.spotler.contacts()}
    return {person.id: known.get(person.email, "nobody") for person in people}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "throttled", "retryAfter": 1},
        {"kind": "server-error"},
        {"kind": "unavailable"},
        {"kind": "time-out", "hold": 0.3},
        {"kind": "time-out", "hold": 0.3, "moment": "after"},
        {"kind": "reset"},
        {"kind": "reset", "moment": "after"},
        {"kind": "truncated", "moment": "after"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
async def test_a_blip_of_spotler_loses_nothing_and_erases_nobody(faulty: World, fault: dict[str, Any]) -> None:
    people = await population(faulty, 5)
    before, erasures = await identities(faulty, people), await faulty.erasures()
    await faulty.spotler.post("faults", {**fault, "operation": "contact.bulk"})

    await asyncio.gather(*(faulty.change(person, address1_city=f"{MARK}oord") for person in people))
    await faulty.settled()

    assert await identities(faulty, people) == before
    assert await faulty.erasures() == erasures


async def test_an_outage_of_spotler_is_waited_out_and_shows_on_the_record(faulty: World) -> None:
    (person,) = await population(faulty, 1)
    fault = {"kind": "server-error", "operation": "contact.bulk", "times": _ATTEMPTS_OF_A_CALL}
    await faulty.spotler.post("faults", fault)

    await faulty.change(person, address1_city=f"{MARK}stad")

    await faulty.status(person, SyncStatus.PROCESSING, "unavailable")
    await faulty.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}stad")
    await faulty.status(person, SyncStatus.SUCCEEDED, "updated")


async def test_an_erasure_whose_answer_was_lost_is_an_erasure(faulty: World) -> None:
    (person,) = await population(faulty, 1)
    job = await faulty.ask(Operation.SYNC_CONTACT, person)
    await faulty.ended(job)
    await faulty.spotler.post("faults", {"kind": "reset", "operation": "contact.anonymize", "moment": "after"})

    ended = await faulty.ended(await faulty.ask(Operation.ANONYMIZE_CONTACT, person))

    assert (ended.status, ended.code) == (JobStatus.COMPLETED, "404")
    assert await faulty.spotler.contact(person.email) is None
    await faulty.change(person, address1_city=f"{MARK}terug")


async def test_a_deletion_during_an_outage_erases_that_person_and_nobody_else(faulty: World) -> None:
    people = await population(faulty, 4)
    before = await identities(faulty, people)
    await faulty.spotler.post("faults", {"kind": "unavailable", "operation": "contact.anonymize", "times": 2})

    await faulty.delete(people[0])
    await faulty.settled()

    assert await identities(faulty, people) == before | {people[0].id: "nobody"}


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "throttle_requests", "retry_after": 1, "times": 2},
        {"kind": "throttle_concurrency", "retry_after": 1, "times": 2},
        {"kind": "unavailable", "times": 2},
        {"kind": "reset", "times": 2},
        {"kind": "reset_after", "times": 2},
    ],
    ids=lambda rule: f"{rule['kind']}-{rule['times']}",
)
async def test_trouble_with_dataverse_loses_nothing_and_erases_nobody(faulty: World, rule: dict[str, Any]) -> None:
    people = await population(faulty, 5)
    before, erasures = await identities(faulty, people), await faulty.erasures()
    await faulty.dynamics.cause("faults", {"rules": [{"match": _CONNECTOR_ONLY, **rule}]})

    await asyncio.gather(*(faulty.change(person, address1_city=f"{MARK}vaart") for person in people))
    job = await faulty.ask(Operation.SYNC_CONTACT, people[0])
    ended = await faulty.ended(job)
    await faulty.settled()

    assert ended.status is JobStatus.COMPLETED
    assert await identities(faulty, people) == before
    assert await faulty.erasures() == erasures


async def test_everything_half_broken_is_put_right_in_the_end(faulty: World) -> None:
    people = await population(faulty, 20)
    before, erasures = await identities(faulty, people), await faulty.erasures()
    rules = [{"kind": kind, "rate": 0.15, "match": _CONNECTOR_ONLY} for kind in ("unavailable", "reset", "reset_after")]
    await faulty.dynamics.cause("faults", {"rules": rules})
    for kind in ("reset", "truncated", "server-error"):
        await faulty.spotler.post("faults", {"kind": kind, "operation": "contact.bulk", "moment": "after"})

    for city in ("hout", "zand", "klei"):
        await asyncio.gather(*(faulty.change(person, address1_city=f"{MARK}{city}") for person in people))
        await asyncio.gather(*(faulty.permit(person, "Newsletter", subscribed=city == "zand") for person in people))
    await faulty.settled()

    assert await identities(faulty, people) == before
    assert await faulty.erasures() == erasures


async def test_events_that_come_late_twice_and_in_any_order_end_with_the_last_state(faulty: World) -> None:
    people = await population(faulty, 10)
    before = await identities(faulty, people)
    await faulty.dynamics.cause("delivery", {"min_delay": 0.0, "max_delay": 1.0, "duplicate_rate": 0.7})

    for city in ("noord", "oost", "zuid", "west"):
        await asyncio.gather(*(faulty.change(person, address1_city=f"{MARK}{city}") for person in people))
    await faulty.permit(people[0], "Newsletter")
    await faulty.deactivate(people[1])
    await faulty.activate(people[1])
    await faulty.deactivate(people[2])
    await faulty.delete(people[3])
    await faulty.settled()

    contact = await faulty.in_spotler(people[0], lambda contact: contact["properties"]["city"] == f"{MARK}west")
    assert permissions(contact) == {"Newsletter"}
    after = await identities(faulty, people)
    assert (after[people[2].id], after[people[3].id]) == ("nobody", "nobody")
    unaffected = [person.id for person in people[4:]] + [people[0].id]
    assert {one: after[one] for one in unaffected} == {one: before[one] for one in unaffected}

"""The connector starts while something is away: what arrives meanwhile is kept, and done when that is over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from shared.ports.queue import OutgoingMessage, QueueName
from tests.examples import thinned
from tests.programs.times import LONGEST_WAIT
from tests.scenario.agreement import disagreements
from tests.scenario.privacy import MARK
from tests.scenario.world import Person, World, eventually, open_world

pytestmark = pytest.mark.asyncio(loop_scope="session")

_CONNECTOR_ONLY = r"^(GET WhoAmI|GET contacts$|POST \$batch$|PATCH dh_)"
"""Requests to Dataverse that only the connector makes: the users' own must get through."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cold(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world of its own, whose connector each scenario starts."""
    async with open_world(tmp_path_factory.mktemp("cold"), CLAIM_SECONDS="10", LOCAL_LOCK_SECONDS="12") as opened:
        yield opened


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def everybody_agrees_in_the_end(cold: World) -> AsyncIterator[None]:
    await cold.connector.start()
    yield
    assert await disagreements(cold) == []
    assert await cold.queue.dead_letters() == []
    await cold.connector.stop()


def let_time_pass(world: World) -> None:
    """Let everything that is scheduled fall due, as hours do."""
    with contextlib.closing(sqlite3.connect(world.folder / "queue.db", timeout=LONGEST_WAIT)) as file, file:
        file.execute("UPDATE messages SET visible_at = 0 WHERE lock IS NULL")


async def put_aside(world: World) -> None:
    """Wait until whatever was to be taken in has been taken in, and waits for later."""

    async def look() -> bool:
        depths = [await world.queue.depth(queue) for queue in QueueName]
        return not await world.dynamics.underway() and not any(depth.active for depth in depths)

    await eventually(look, "everything to be put aside")


async def settled_in_time(world: World) -> None:
    """Wait until nothing is left to do, however long everything waits in between."""

    async def look() -> bool:
        let_time_pass(world)
        await asyncio.sleep(0.5)
        depths = [await world.queue.depth(queue) for queue in QueueName]
        return not await world.dynamics.underway() and not any(depth.active + depth.scheduled for depth in depths)

    await eventually(look, "everything to be done")
    await world.settled()


async def acts(world: World) -> tuple[Person, Person, Callable[[], Awaitable[None]]]:
    """Have two people in Spotler; what is returned at last changes one, deletes the other, and saves a third."""
    saved, gone = await world.synchronised(), await world.synchronised()
    await world.settled()

    async def act() -> None:
        await world.change(saved, address1_city=f"{MARK}gouda")
        await world.delete(gone)

    return saved, gone, act


async def arrived(world: World, saved: Person, gone: Person, new: Person) -> None:
    """All three changes have arrived."""
    contact = await world.spotler.contact(saved.email)
    assert contact is not None
    assert contact["properties"]["city"] == f"{MARK}gouda"
    assert await world.spotler.contact(new.email) is not None
    assert await world.spotler.contact(gone.email) is None


async def dataverse_fails(world: World) -> None:
    await world.dynamics.cause("faults", {"rules": [{"match": _CONNECTOR_ONLY, "kind": "unavailable"}]})


async def dataverse_recovers(world: World) -> None:
    await world.dynamics.cause("faults", {})


async def test_an_expired_secret_of_dataverse_delays_and_loses_nothing(cold: World) -> None:
    saved, gone, act = await acts(cold)
    await cold.connector.restart(DATAVERSE_CLIENT_SECRET="expired")

    await act()
    new = await cold.save()
    await put_aside(cold)
    assert await cold.queue.dead_letters() == []

    await cold.connector.restart()
    await settled_in_time(cold)
    await arrived(cold, saved, gone, new)


async def test_a_start_while_dataverse_is_unavailable_delays_and_loses_nothing(cold: World) -> None:
    saved, gone, act = await acts(cold)
    await cold.connector.stop()
    await dataverse_fails(cold)
    await cold.connector.start()

    await act()
    new = await cold.save()
    await put_aside(cold)
    assert await cold.queue.dead_letters() == []

    await dataverse_recovers(cold)
    await settled_in_time(cold)
    await arrived(cold, saved, gone, new)


async def test_whose_message_it_is_is_found_out_when_dataverse_can_tell(cold: World) -> None:
    """Messages without the claim of their organisation's address; one of them is of another organisation."""
    organisation = (await cold.dynamics.read("WhoAmI"))["OrganizationId"]
    person = await cold.bring_in()
    await cold.connector.stop()
    await dataverse_fails(cold)
    await cold.connector.start()

    await cold.queue.send(
        QueueName.EVENTS, [event(organisation, person.id), event(str(uuid4()), person.id), event(organisation, "?")]
    )
    await put_aside(cold)
    assert await cold.spotler.contact(person.email) is None

    await dataverse_recovers(cold)
    await settled_in_time(cold)
    assert await cold.spotler.contact(person.email) is not None
    letters = await cold.queue.dead_letters()
    assert sorted(letter.reason for letter in letters) == ["other-json", "other-organisation"]
    await cold.queue.discard([letter.id for letter in letters])


@pytest.mark.parametrize("trouble", thinned([{}, {"SPOTLER_SECRET": "expired"}]), ids=["unavailable", "expired secret"])
async def test_a_start_without_spotler_delays_and_loses_nothing(cold: World, trouble: dict[str, str]) -> None:
    saved, gone, act = await acts(cold)
    await cold.connector.stop()
    if not trouble:
        await cold.spotler.post("faults", {"kind": "unavailable", "times": 1_000_000})
    await cold.connector.start(**trouble)

    await act()
    new = await cold.save()
    await put_aside(cold)
    assert await cold.queue.dead_letters() == []

    await cold.spotler.recover()
    await cold.connector.restart()
    await settled_in_time(cold)
    await arrived(cold, saved, gone, new)


def event(organisation: str, identifier: str) -> OutgoingMessage:
    """A save as Dataverse sends it, without the properties that say where it comes from."""
    target = {
        "__type": "Entity:http://schemas.microsoft.com/xrm/2011/Contracts",
        "LogicalName": "contact",
        "Id": identifier,
        "Attributes": [{"key": "lastname", "value": f"Achter{MARK}"}],
    }
    context: dict[str, Any] = {
        "MessageName": "Update",
        "PrimaryEntityName": "contact",
        "PrimaryEntityId": identifier,
        "OrganizationId": organisation if identifier != "?" else None,
        "InputParameters": [{"key": "Target", "value": target}],
    }
    return OutgoingMessage(json.dumps(context).encode())

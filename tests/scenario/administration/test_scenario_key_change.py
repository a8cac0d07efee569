"""The fingerprint key changes: who refused stays out, nothing is written again, and a wrong key stops the app."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.scenario.refusal_acts import resync, subscribed
from tests.scenario.world import World, open_world, permissions

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRITES = {"contact.bulk", "contact.insert", "contact.update"}
SECOND = "7Jd_kq0WmZ-x41LsYb8c"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own_world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world whose key is changed."""
    async with open_world(tmp_path_factory.mktemp("keys")) as opened:
        await opened.connector.start()
        yield opened


async def writes(world: World) -> int:
    """Count the calls that changed contacts in Spotler."""
    counted = await world.spotler.requests()
    return sum(number for call, number in counted.items() if call in WRITES)


def first_key(world: World) -> str:
    (path,) = world.folder.rglob("fingerprint.key")
    return path.read_text(encoding="ascii")


async def test_an_address_that_refused_stays_refused_and_nothing_is_written_again(own_world: World) -> None:
    world = own_world
    staying = await subscribed(world, "Newsletter")
    gone = await world.synchronised(donotbulkemail=True)
    await world.delete(gone)
    await world.forgotten(gone)
    await world.settled()
    written = await writes(world)
    assert written

    await world.connector.restart(FINGERPRINT_KEY=SECOND, FINGERPRINT_KEY_PREVIOUS=first_key(world))
    await resync(world, staying)

    assert await writes(world) == written
    again = await world.save(emailaddress1=gone.email)
    await world.permit(again, "Newsletter")
    await world.settled()
    assert permissions(await world.in_spotler(again)) == set()


async def test_another_key_alone_stops_the_connector_and_says_what_to_do(own_world: World) -> None:
    world = own_world
    await world.connector.stop()
    with pytest.raises(AssertionError, match="did not start"):
        await world.connector.start(FINGERPRINT_KEY="bXk3nQ-9fLw2_TzP0vRa")
    await world.connector.start(FINGERPRINT_KEY=SECOND)
    assert "FINGERPRINT_KEY is not the key that this state store knows" in world.connector.log.read_text()

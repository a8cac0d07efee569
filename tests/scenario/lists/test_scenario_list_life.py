"""ML-27, ML-35: the life of one marketing list, and where people see whether it is in Spotler."""

from __future__ import annotations

import pytest

from shared.adapters.dataverse.records.tables import INFO_STATUS
from shared.domain.records.jobs import Operation
from shared.domain.records.records import SyncStatus
from tests.scenario.job_acts import done, look
from tests.scenario.list_acts import OK, becomes, in_list, info, join, new_list, overview
from tests.scenario.world import World, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def leaves_spotler(world: World, marketing_list: str) -> None:
    async def is_gone() -> bool:
        return await in_list(world, marketing_list) is None

    await eventually(is_gone, "the list to leave Spotler")
    await world.settled()


async def test_ml_35_every_act_on_a_list_from_its_creation_to_its_end(world: World) -> None:
    """Add, change, add somebody to the static list, deactivate, activate again, delete."""
    first, second, third = await world.synchronised(), await world.bring_in(), await world.bring_in()
    marketing_list = await new_list(world, "Leven", first)
    await world.settled()
    assert await in_list(world, marketing_list) is None, "a new list waits for its first sync"
    assert (await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)).code == "OK"
    await becomes(world, marketing_list, first)

    await world.dynamics.change("lists", marketing_list, {"listname": "Ander leven", "donotsendonoptout": False})
    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)
    assert (await look(world, "list-names"))[f"list-{marketing_list}"] == "Ander leven"

    await join(world, "AddListMembersList", marketing_list, second)
    await becomes(world, marketing_list, first, second)

    await world.dynamics.change("lists", marketing_list, {"statecode": 1, "statuscode": 1})
    await leaves_spotler(world, marketing_list)

    await world.dynamics.change("lists", marketing_list, {"statecode": 0, "statuscode": 0})
    await join(world, "listmembers", marketing_list, third)
    await world.settled()
    assert await in_list(world, marketing_list) is None, "until it is synced again"
    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)
    await becomes(world, marketing_list, first, second, third)

    await world.dynamics.delete("lists", marketing_list)
    await leaves_spotler(world, marketing_list)
    for person in (first, second, third):
        assert await world.spotler.contact(person.email) is not None, "the people stay"


async def test_ml_27_the_connector_and_spotler_status_tell_whether_a_list_is_in_spotler(world: World) -> None:
    """Besides, the list is in Spotler's own overview; here that is what an API client finds there."""
    marketing_list = await new_list(world, "Waar is hij", await world.bring_in())
    assert (await overview(world, f"lists/{marketing_list}"))["inSpotler"] is False
    assert await info(world, marketing_list) == {}

    job = await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)
    assert (job.status, job.code) == OK
    await world.settled()  # the job ends before the run of the list
    answer = await overview(world, f"lists/{marketing_list}")
    expected = {"externalId": f"list-{marketing_list}", "kind": "audience", "name": "Waar is hij"}
    assert (answer["inSpotler"], answer["spotlerList"]) == (True, expected)
    row = await info(world, marketing_list)
    assert (INFO_STATUS[row["statuscode"]], row["dh_reasoncode"]) == (SyncStatus.SUCCEEDED, "synced")
    assert expected["externalId"] in await look(world, "audiences")

    await world.dynamics.change("lists", marketing_list, {"statecode": 1, "statuscode": 1})
    await leaves_spotler(world, marketing_list)
    assert (await overview(world, f"lists/{marketing_list}"))["inSpotler"] is False
    assert (await info(world, marketing_list))["dh_reasoncode"] == "list-removed"

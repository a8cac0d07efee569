"""ML, SEL, AUD, C-28: marketing lists from Dynamics to Spotler through the whole app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.adapters.dataverse.records.tables import INFO_STATUS
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable, SyncStatus
from tests.scenario.job_acts import ask, done, look
from tests.scenario.list_acts import (
    OK,
    becomes,
    in_list,
    info,
    join,
    leave,
    new_list,
    overview,
)
from tests.scenario.world import World, eventually, open_world

pytestmark = pytest.mark.asyncio(loop_scope="session")

_TOWN = """
<fetch version="1.0" mapping="logical"><entity name="contact">
  <attribute name="fullname" /><order attribute="fullname" />
  <filter><condition attribute="jobtitle" operator="eq" value="{0}" /></filter>
  <link-entity name="account" from="accountid" to="parentcustomerid" link-type="inner" alias="firm">
    <filter><condition attribute="name" operator="eq" value="{0} B.V." /></filter>
  </link-entity>
</entity></fetch>"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tidy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world in which who leaves a list leaves Spotler's list at once, and in which accounts stay out."""
    settings = {"LIST_REMOVALS_AT_ONCE": "true", "SYNC_TABLES": "contact,lead"}
    async with open_world(tmp_path_factory.mktemp("tidy"), **settings) as opened:
        await opened.connector.start()
        yield opened


@pytest.mark.parametrize("table", list(PersonTable))
async def test_ml_06_ml_19_a_static_list_of_each_table_is_there_and_says_succeeded(
    world: World, table: PersonTable
) -> None:
    known, new = await world.synchronised(table), await world.bring_in(table)
    marketing_list = await new_list(world, f"Statisch {table}", known, new, table=table)

    job = await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

    assert (job.status, job.code) == OK
    assert await in_list(world, marketing_list) == sorted([known.id, new.id])
    await world.settled()  # the events of the new list may begin another synchronisation
    row = await info(world, marketing_list)
    assert INFO_STATUS[row["statuscode"]] is SyncStatus.SUCCEEDED
    assert (row["dh_memberssent"], row["dh_membersskipped"], row["dh_membersfailed"]) == (2, 0, 0)
    assert row["dh_reason"] == job.text
    assert row["dh_externalid"] == f"list-{marketing_list}"


async def test_ml_04_ml_09_ml_36_sch_07_a_dynamic_list_over_joined_tables_is_a_snapshot_of_now(world: World) -> None:
    firm = await world.bring_in(PersonTable.ACCOUNT, name="Snapshot B.V.")
    work = {"jobtitle": "Snapshot", "parentcustomerid_account@odata.bind": f"/{firm.path}"}
    first, second = [await world.bring_in(**work) for _ in range(2)]
    await world.bring_in(jobtitle="Snapshot")
    marketing_list = await new_list(world, "Dynamisch", type=True, query=_TOWN.format("Snapshot"))

    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)
    assert await in_list(world, marketing_list) == sorted([first.id, second.id])

    third = await world.bring_in(**work)
    await world.change(first, jobtitle="Iets anders")
    await world.settled()
    assert await in_list(world, marketing_list) == sorted([first.id, second.id]), "nothing until it is synced again"
    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)
    assert await in_list(world, marketing_list) == sorted([second.id, third.id])


@pytest.mark.parametrize("way", ["AddListMembersList", "AddMemberList", "listmembers"])
async def test_ml_24_ml_25_a_member_added_in_any_way_to_a_synced_list_is_there_at_once(world: World, way: str) -> None:
    first, second = await world.synchronised(), await world.bring_in()
    marketing_list = await new_list(world, f"Erbij {way}", first)
    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

    await join(world, way, marketing_list, second)

    await becomes(world, marketing_list, first, second)


async def test_ml_26_a_member_added_to_a_list_that_is_not_in_spotler_changes_nothing_there(world: World) -> None:
    person = await world.bring_in()
    marketing_list = await new_list(world, "Nog niet")

    await join(world, "listmembers", marketing_list, person)
    await world.settled()

    assert await in_list(world, marketing_list) is None
    assert await world.spotler.contact(person.email) is None


async def test_c_28_a_former_member_stays_until_the_next_sync(world: World) -> None:
    first, second = await world.synchronised(), await world.synchronised()
    marketing_list = await new_list(world, "Eraf", first, second)
    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

    await leave(world, marketing_list, second)
    await world.settled()
    assert await in_list(world, marketing_list) == sorted([first.id, second.id])

    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)
    assert await in_list(world, marketing_list) == [first.id]


async def test_c_28_with_the_setting_who_leaves_is_gone_at_once(tidy: World) -> None:
    first, second = await tidy.synchronised(), await tidy.synchronised()
    marketing_list = await new_list(tidy, "Meteen", first, second)
    await done(tidy, Operation.SYNC_LIST, marketing_list=marketing_list)

    await leave(tidy, marketing_list, second)

    await becomes(tidy, marketing_list, first)


async def test_c_09_ml_13_a_list_of_accounts_that_are_not_synchronised_is_refused(tidy: World) -> None:
    firm = await tidy.bring_in(PersonTable.ACCOUNT)
    marketing_list = await new_list(tidy, "Bedrijven", firm, table=PersonTable.ACCOUNT)

    job = await done(tidy, Operation.SYNC_LIST, marketing_list=marketing_list)

    assert (job.status, job.code) == (JobStatus.FAILED, "table-off")
    assert "add account to SYNC_TABLES" in job.text
    assert (await info(tidy, marketing_list))["dh_reasoncode"] == "table-off"


@pytest.mark.parametrize("how", ["deactivate", "delete"])
async def test_ml_28_ml_30_a_list_that_ends_leaves_spotler_and_comes_back_by_a_sync_only(
    world: World, how: str
) -> None:
    person = await world.synchronised()
    marketing_list = await new_list(world, f"Einde {how}", person)
    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

    if how == "delete":
        await world.dynamics.delete("lists", marketing_list)
    else:
        await world.dynamics.change("lists", marketing_list, {"statecode": 1, "statuscode": 1})

    async def is_gone() -> bool:
        return await in_list(world, marketing_list) is None

    await eventually(is_gone, "the list to leave Spotler")
    await world.settled()
    assert await world.spotler.contact(person.email) is not None
    if how == "deactivate":
        assert (await info(world, marketing_list))["dh_reasoncode"] == "list-removed"
        await world.dynamics.change("lists", marketing_list, {"statecode": 0, "statuscode": 0})
        await world.settled()
        assert await in_list(world, marketing_list) is None
        await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)
        assert await in_list(world, marketing_list) == [person.id]


async def test_ml_20_a_new_name_comes_with_the_next_sync(world: World) -> None:
    marketing_list = await new_list(world, "Oude naam", await world.synchronised())
    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)
    await world.dynamics.change("lists", marketing_list, {"listname": "Nieuwe naam"})
    await world.settled()
    assert (await look(world, "list-names"))[f"list-{marketing_list}"] == "Oude naam"

    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

    assert (await look(world, "list-names"))[f"list-{marketing_list}"] == "Nieuwe naam"


async def test_ml_32_opt_04_members_who_want_no_bulk_mail_are_skipped_unless_the_hidden_field_is_off(
    world: World,
) -> None:
    person, refusing = await world.synchronised(), await world.synchronised(donotbulkemail=True)
    marketing_list = await new_list(world, "Zonder bulk", person, refusing)
    job = await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)
    assert await in_list(world, marketing_list) == [person.id]
    assert "1 skipped: 1 do-not-bulk-email." in job.text

    await world.dynamics.change("lists", marketing_list, {"donotsendonoptout": False})
    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

    assert await in_list(world, marketing_list) == sorted([person.id, refusing.id])


async def test_ml_16_ml_17_the_numbers_for_the_confirmation_come_over_http(world: World) -> None:
    known, new = await world.synchronised(), await world.bring_in()
    refusing, inactive = await world.bring_in(donotbulkemail=True), await world.bring_in()
    await world.deactivate(inactive)
    await world.settled()
    marketing_list = await new_list(world, "Hoeveel", known, new, refusing, inactive)

    answer = await overview(world, f"lists/{marketing_list}")

    assert (answer["members"], answer["wouldBeSent"], answer["newToSpotler"]) == (4, 2, 1)
    assert answer["wouldBeSkipped"] == {"do-not-bulk-email": 1, "inactive": 1}
    assert answer["question"].startswith('2 of 4 members of "Hoeveel" will be synchronised.')
    assert await world.spotler.contact(new.email) is None, "and nothing is written"

    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)
    await world.settled()  # the state of the list is written after the job's report, so that no report is lost
    left_out = await overview(world, f"lists/{marketing_list}/left-out")
    assert left_out["skipped"] == {
        "do-not-bulk-email": [f"contact:{refusing.id}"],
        "inactive": [f"contact:{inactive.id}"],
    }
    answer = await overview(world, f"lists/{marketing_list}?judge=0")
    assert (answer["inSpotler"], answer["history"][0]["sent"]) == (True, 2)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nonsense", 400),
        (f"{'1' * 32}?judge=many", 400),
        (f"{'1' * 32}?judge=-1", 400),
        ("1" * 32, 404),
        (f"{'1' * 32}/left-out", 404),
    ],
)
async def test_the_call_about_lists_says_what_is_wrong_with_it(world: World, path: str, status: int) -> None:
    answer = await world.connector.call("GET", f"/api/lists/{path}")
    assert (answer.status_code, "error" in answer.json()) == (status, True)


@pytest.mark.slow  # tests/property/histories/test_list_histories.py has every moment
async def test_a_kill_at_any_time_of_a_long_sync_ends_with_the_list_as_it_is(tmp_path: Path) -> None:
    settings = {"CLAIM_SECONDS": "2", "LOCAL_LOCK_SECONDS": "3"}
    async with open_world(tmp_path, "--latency", "40", **settings) as world:
        people = [await world.bring_in() for _ in range(120)]
        marketing_list = await new_list(world, "Lang", *people)
        job = await ask(world, Operation.SYNC_LIST, marketing_list=marketing_list)
        for moment in ("contact.bulk", "audience.create", "audience.add"):
            await world.connector.start()

            async def has_come(moment: str = moment) -> bool:
                return (await world.spotler.requests()).get(moment, 0) > 0

            await eventually(has_come, moment)
            await world.connector.kill()
        await world.connector.start()

        ended = await world.ended(job)

        assert (ended.status, ended.code) == OK
        assert ended.text.startswith("120 people are in the list")
        assert await in_list(world, marketing_list) == sorted(person.id for person in people)


async def test_ml_03_aud_02_an_account_without_the_edition_is_told_of_the_way_out_which_works(tmp_path: Path) -> None:
    async with open_world(tmp_path, "--professional") as world:
        await world.connector.start()
        person = await world.bring_in()
        marketing_list = await new_list(world, "Zonder licentie", person)

        job = await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

        assert (job.status, job.code) == (JobStatus.FAILED, "403")
        assert "Mail+ Automation or eCommerce" in job.text
        assert "temporary lists" in job.text
        added = await done(world, Operation.ADD_TO_AUDIENCE, person, dh_parametername="Kopers")
        assert (added.status, added.code) == (JobStatus.FAILED, "403")

        await world.connector.restart(SPOTLER_LIST_KIND="temporary")
        job = await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)
        assert (job.status, job.code) == OK
        assert await in_list(world, marketing_list, "temporary-lists") == [person.id]

"""BNC, C-14: mail that came back is told on the record, with a task for its owner, until the address changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shared.domain.records.records import PersonTable, SyncStatus
from tests.examples import thinned
from tests.scenario.privacy import MARK
from tests.scenario.two_way import nothing_more, open_both_ways, poll, stored
from tests.scenario.world import Person, World

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_both_ways(tmp_path_factory.mktemp("bounces"), rows=()) as opened:
        yield opened


async def bounce(world: World, person: Person, kind: str = "hard", times: int = 1) -> None:
    """Let mail to a contact come back."""
    for _ in range(times):
        await world.spotler.post(f"contact/{kind}-bounce?email={person.email}")


async def tasks(world: World, person: Person) -> list[dict[str, Any]]:
    columns = "subject,category,subcategory,statecode,_ownerid_value,_regardingobjectid_value"
    rows = (await world.dynamics.read(f"tasks?$select={columns}"))["value"]
    return [row for row in rows if row["_regardingobjectid_value"] == person.id]


@pytest.mark.parametrize("table", thinned(list(PersonTable)[::-1]))
async def test_bnc_05_bnc_08_bnc_09_bnc_12_one_hard_bounce_fails_the_record_and_gives_its_owner_a_task(
    both: World, table: PersonTable
) -> None:
    person = await both.synchronised(table)
    await bounce(both, person)

    await poll(both)

    status = await both.status(person, SyncStatus.FAILED, "hard-bounce")
    assert "does not exist or is wrong" in status.text
    (task,) = await tasks(both, person)
    owner = await stored(both, person, "_ownerid_value")
    assert (task["statecode"], task["_ownerid_value"]) == (0, owner)
    assert await stored(both, person, "donotbulkemail") is False  # BNC-06: no opt-out
    assert permissions_are_untouched(await both.in_spotler(person))
    await nothing_more(both)


def permissions_are_untouched(contact: dict[str, Any]) -> bool:
    return contact["inactivity"] == "HARD_BOUNCE"


async def test_bnc_10_tasks_about_bounces_are_found_by_their_category(both: World) -> None:
    person = await both.synchronised()
    await bounce(both, person)
    await poll(both)

    rows = await both.dynamics.read("tasks?$filter=category eq 'Spotler' and subcategory eq 'Bounce'&$select=subject")

    (task,) = await tasks(both, person)
    assert task["activityid"] in {row["activityid"] for row in rows["value"]}


async def test_bnc_01_bnc_04_with_fewer_than_four_soft_bounces_a_contact_is_active(both: World) -> None:
    person = await both.synchronised()
    await bounce(both, person, "soft", times=3)
    await poll(both)

    assert (await both.status_now(person)).status is SyncStatus.SUCCEEDED
    assert await tasks(both, person) == []
    await nothing_more(both)

    await bounce(both, person, "soft")
    await poll(both)

    await both.status(person, SyncStatus.FAILED, "soft-bounce")
    assert len(await tasks(both, person)) == 1
    await nothing_more(both)


async def test_bnc_11_c_14_another_address_makes_the_contact_active_and_completes_the_task(both: World) -> None:
    person = await both.synchronised()
    await bounce(both, person)
    await poll(both)
    before = await both.in_spotler(person)
    address = both.address()

    await both.change(person, emailaddress1=address)

    after = await both.in_spotler(address, lambda contact: contact["inactivity"] is None)
    assert after["encryptedId"] == before["encryptedId"]
    await both.status(person, SyncStatus.SUCCEEDED)
    await both.settled()
    assert [task["statecode"] for task in await tasks(both, person)] == [1]
    await nothing_more(both)


async def test_c_14_there_is_one_task_however_often_mail_comes_back_or_is_polled(both: World) -> None:
    person = await both.synchronised()
    await bounce(both, person, times=2)
    await poll(both)
    await bounce(both, person)
    await poll(both)

    assert len(await tasks(both, person)) == 1


async def test_while_an_address_does_not_work_other_changes_wait_and_then_go_along(both: World) -> None:
    person = await both.synchronised()
    await bounce(both, person)
    await poll(both)
    await both.change(person, jobtitle=f"{MARK}baas")
    await both.settled()
    assert (await both.status_now(person)).code == "hard-bounce"
    address = both.address()

    await both.change(person, emailaddress1=address)

    await both.in_spotler(address, lambda contact: contact["properties"]["jobTitle"] == f"{MARK}baas")
    await nothing_more(both)


async def test_an_opt_out_after_a_bounce_is_an_opt_out(both: World) -> None:
    person = await both.synchronised()
    await bounce(both, person)
    await poll(both)
    address = both.address()
    await both.change(person, emailaddress1=address)
    await both.status(person, SyncStatus.SUCCEEDED)

    await both.spotler.post(f"contact/opt-out?email={address}")
    await poll(both)

    await both.status(person, SyncStatus.OPT_OUT, "opted-out")
    assert await stored(both, person, "donotbulkemail") is True
    await nothing_more(both)


async def test_bnc_13_bnc_14_the_report_of_bounces_names_record_kind_and_task(both: World) -> None:
    person = await both.synchronised()
    await bounce(both, person)
    await poll(both)

    rows = (await both.connector.call("GET", "/api/bounces?limit=1000")).json()["bounces"]

    (task,) = await tasks(both, person)
    key = f"{person.table}:{person.id}"
    assert [(row["kind"], row["task"]) for row in rows if row["record"] == key] == [("hard", task["activityid"])]


async def test_c_14_without_the_setting_the_record_tells_and_nobody_gets_a_task(both: World) -> None:
    await both.connector.restart(CREATE_BOUNCE_TASK="false")
    person = await both.synchronised()
    await bounce(both, person)

    await poll(both)

    await both.status(person, SyncStatus.FAILED, "hard-bounce")
    assert await tasks(both, person) == []
    await nothing_more(both)

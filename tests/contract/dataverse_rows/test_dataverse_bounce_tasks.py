"""Tasks about bounces against the sandbox's Web API (BNC-09..BNC-11, C-14)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from shared.adapters.dataverse.rows.bounce_tasks import DataverseBounceTasks
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import ConnectorError
from shared.ports.dataverse import BounceTask, BounceTasks
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation
from tests.contract.dataverse_script import delete

COLUMNS = (
    *("activityid", "subject", "description", "category", "subcategory", "statecode", "statuscode"),
    *("_ownerid_value", "_regardingobjectid_value"),
)
PEOPLE = [
    ("contact", {"contactid": str(UUID(int=1)), "lastname": "Jansen"}),
    ("lead", {"leadid": str(UUID(int=2)), "subject": "A lead", "lastname": "Vries"}),
    ("account", {"accountid": str(UUID(int=3)), "name": "Bakkerij"}),
]


@pytest.fixture
async def organisation() -> AsyncIterator[DataverseOrganisation]:
    async with open_organisation(PEOPLE) as opened:
        yield opened


@pytest.fixture
def tasks(organisation: DataverseOrganisation) -> BounceTasks:
    return DataverseBounceTasks(organisation.client)


def task(table: PersonTable, number: int, identifier: int = 100) -> BounceTask:
    return BounceTask(UUID(int=identifier + number), RecordKey(table, UUID(int=number)), "Subject", "Description")


EVERY = [task(PersonTable.CONTACT, 1), task(PersonTable.LEAD, 2), task(PersonTable.ACCOUNT, 3)]


async def found(organisation: DataverseOrganisation) -> dict[int, dict[str, object]]:
    rows = await organisation.rows("tasks", *COLUMNS)
    return {UUID(row["activityid"]).int: row for row in rows}


async def test_every_kind_of_record_gets_a_task_in_two_requests(
    organisation: DataverseOrganisation, tasks: BounceTasks
) -> None:
    assert list(await tasks.create(EVERY)) == [one.id for one in EVERY]
    assert organisation.sent == ["POST $batch", "POST $batch"]
    rows = await found(organisation)
    assert [rows[one.id.int]["_regardingobjectid_value"] for one in EVERY] == [str(one.key.id) for one in EVERY]
    row = rows[101]
    assert (row["subject"], row["description"], row["statecode"]) == ("Subject", "Description", 0)
    assert (row["category"], row["subcategory"]) == ("Spotler", "Bounce")


async def test_bnc_09_the_task_is_the_owners(organisation: DataverseOrganisation, tasks: BounceTasks) -> None:
    owner = await organisation.client.create("systemusers", {"lastname": "Sales", "firstname": "Sam"})
    team = await organisation.client.create("teams", {"name": "Sales"})
    await organisation.client.update("contacts", UUID(int=1), {"ownerid@odata.bind": f"/systemusers({owner})"})
    await organisation.client.update("accounts", UUID(int=3), {"ownerid@odata.bind": f"/teams({team})"})
    await tasks.create(EVERY)
    rows = await found(organisation)
    assert (rows[101]["_ownerid_value"], rows[103]["_ownerid_value"]) == (str(owner), str(team))


async def test_a_repetition_makes_no_second_task_even_after_a_lost_answer(
    organisation: DataverseOrganisation, tasks: BounceTasks
) -> None:
    await organisation.strike("reset_after", match="POST .*batch")
    assert list(await tasks.create(EVERY[:1])) == [UUID(int=101)]
    assert organisation.sent == ["GET contacts", "POST $batch", "POST $batch"]
    assert list(await tasks.create(EVERY)) == [one.id for one in EVERY]
    assert len(await found(organisation)) == 3


async def test_a_task_that_a_person_closed_stays_closed(
    organisation: DataverseOrganisation, tasks: BounceTasks
) -> None:
    await tasks.create(EVERY)
    await organisation.client.update("tasks", UUID(int=101), {"statecode": 2, "statuscode": 6})
    await tasks.create(EVERY)
    await tasks.complete([one.id for one in EVERY])
    states = {number: (row["statecode"], row["statuscode"]) for number, row in (await found(organisation)).items()}
    assert states == {101: (2, 6), 102: (1, 5), 103: (1, 5)}


async def test_bnc_11_tasks_are_completed_in_two_requests_and_those_that_are_gone_are_fine(
    organisation: DataverseOrganisation, tasks: BounceTasks
) -> None:
    await tasks.create(EVERY)
    organisation.sent.clear()
    await tasks.complete([*(one.id for one in EVERY), UUID(int=9)])
    assert organisation.sent == ["GET tasks", "POST $batch"]
    await tasks.complete([one.id for one in EVERY])
    await tasks.complete([])
    assert organisation.sent == ["GET tasks", "POST $batch", "GET tasks"]


async def test_a_record_that_does_not_exist_gets_no_bounce_task(tasks: BounceTasks) -> None:
    assert list(await tasks.create([task(PersonTable.CONTACT, 1), task(PersonTable.LEAD, 9)])) == [UUID(int=101)]
    assert list(await tasks.create([task(PersonTable.LEAD, 9)])) == []
    assert list(await tasks.create([])) == []


async def test_an_owner_who_is_gone_leaves_the_task_with_the_connector(
    organisation: DataverseOrganisation, tasks: BounceTasks
) -> None:
    owner = await organisation.client.create("systemusers", {"lastname": "Sales", "firstname": "Sam"})
    await organisation.client.update("contacts", UUID(int=1), {"ownerid@odata.bind": f"/systemusers({owner})"})
    await organisation.client.execute(delete("systemusers", owner))
    assert list(await tasks.create(EVERY[:1])) == [UUID(int=101)]
    assert (await found(organisation))[101]["_ownerid_value"] not in {None, str(owner)}


async def test_an_outage_of_dataverse_is_raised(organisation: DataverseOrganisation, tasks: BounceTasks) -> None:
    rule = {"kind": "unavailable", "match": "POST .*batch"}
    async with httpx.AsyncClient() as http:
        (await http.post(f"{organisation.url}/sandbox/faults", json={"rules": [rule]})).raise_for_status()
    with pytest.raises(ConnectorError):
        await tasks.create(EVERY)

"""What people and tools really send: half an emoji, the first few of a list, several lists at once, empty settings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import SyncStatus
from shared.ports.queue import OutgoingMessage, QueueName
from tests.scenario.job_acts import done
from tests.scenario.list_acts import OK, becomes, in_list, member_row, new_list
from tests.scenario.privacy import MARK
from tests.scenario.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

HALF = f"{MARK} hoofd \ud83d"
YES = f"{MARK} hoofd ?"


async def letters(world: World) -> list[str]:
    """The reasons of what nobody tries again by itself."""
    answer = await world.connector.call("GET", "/api/dead-letters")
    return [letter["reason"] for letter in answer.json()["deadLetters"]]


async def test_a_text_that_was_cut_in_an_emoji_travels_with_a_mark_in_its_place(world: World) -> None:
    before = await letters(world)
    person = await world.synchronised(jobtitle=HALF)
    assert (await world.spotler.contact(person.email) or {})["properties"]["jobTitle"] == YES

    await world.change(person, address1_city=f"{MARK}oord", jobtitle=HALF + "\ude00")
    contact = await world.in_spotler(person, lambda one: one["properties"]["city"] == f"{MARK}oord")
    await world.settled()

    assert contact["properties"]["jobTitle"] == f"{MARK} hoofd \U0001f600"
    assert await letters(world) == before


@pytest.mark.parametrize(
    ("operation", "columns"),
    [
        (Operation.ADD_TAG, {"dh_parametername": f"{MARK} \ud83d"}),
        (Operation.SET_CONTACT_FIELD, {"dh_parametername": "hobby", "dh_parametervalue": f"{MARK} \ud83d"}),
        (Operation.ADD_TO_AUDIENCE, {"dh_parametername": f"{MARK} \ud83d"}),
    ],
)
async def test_half_an_emoji_in_a_job_breaks_nothing(
    world: World, operation: Operation, columns: dict[str, Any]
) -> None:
    person = await world.synchronised()
    job = await done(world, operation, person, **columns)

    assert job.code != "defect"
    assert job.status is JobStatus.COMPLETED or job.code == "[JOB_NOT_VALID]"


async def test_a_dynamic_list_with_top_has_the_people_whom_dynamics_shows(world: World) -> None:
    people = [await world.bring_in(lastname=f"{MARK}top", numberofchildren=number) for number in range(5)]
    query = (
        '<fetch top="2"><entity name="contact"><attribute name="fullname"/>'
        f'<filter><condition attribute="lastname" operator="eq" value="{MARK}top"/></filter>'
        '<order attribute="numberofchildren" descending="true"/></entity></fetch>'
    )
    marketing_list = await new_list(world, "De twee eersten", type=True, query=query)
    job = await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

    assert (job.status, job.code) == OK
    await becomes(world, marketing_list, *people[-2:])


async def test_ml_24_one_request_that_associates_somebody_with_several_lists_reaches_all_of_them(world: World) -> None:
    member, new_subscriber = await world.synchronised(), await world.synchronised()
    lists = [await new_list(world, name, member) for name in ("Een tegelijk", "Twee tegelijk")]
    for one in lists:
        assert (await done(world, Operation.SYNC_LIST, marketing_list=one)).code == "OK"
        await world.dynamics.bring_in("listmembers", member_row(one, new_subscriber))
    organisation = (await world.dynamics.read("WhoAmI"))["OrganizationId"]
    target, *related = (
        {"__type": "EntityReference:x", "Id": row, "LogicalName": table}
        for table, row in (("contact", new_subscriber.id), *(("list", one) for one in lists))
    )
    parameters = [{"key": "Target", "value": target}, {"key": "RelatedEntities", "value": related}]
    context = {"MessageName": "Associate", "PrimaryEntityName": "none", "PrimaryEntityId": None}
    body = json.dumps({**context, "OrganizationId": organisation, "InputParameters": parameters}).encode()
    await world.queue.send(QueueName.EVENTS, [OutgoingMessage(body=body, content_type="application/json")])

    for one in lists:
        await becomes(world, one, member, new_subscriber)


async def test_a_list_that_depends_on_who_runs_it_is_refused_and_stays_as_it_is(world: World) -> None:
    mine = '<condition attribute="ownerid" operator="eq-userid"/>'
    query = f'<fetch><entity name="contact"><filter>{mine}</filter></entity></fetch>'
    marketing_list = await new_list(world, "Mijn relaties", type=True, query=query)
    job = await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

    assert job.status is JobStatus.FAILED
    assert "eq-userid" in job.text
    assert not await in_list(world, marketing_list)


async def test_c_15_a_job_that_deactivates_a_contact_calls_nobody_opted_out(world: World) -> None:
    person = await world.synchronised()
    job = await done(world, Operation.DEACTIVATE_CONTACT, person)
    await world.connector.call("POST", "/api/poll", {})
    status = await world.status(person, SyncStatus.SUCCEEDED, "deactivated")
    row = await world.dynamics.read(f"{person.path}?$select=donotbulkemail")

    assert (job.status, job.code) == OK
    assert "Deactivate Contact job" in status.text
    assert row["donotbulkemail"] is False


async def test_empty_settings_and_secrets_with_a_line_end_are_what_they_look_like(world: World) -> None:
    settings = world.connector.settings
    await world.connector.restart(
        SYNC_TABLES="",
        ON_DELETE=" ",
        SPOTLER_CONCURRENCY="",
        SPOTLER_SECRET=f"{settings['SPOTLER_SECRET']}\n",
        SPOTLER_KEY=f" {settings['SPOTLER_KEY']} ",
        DATAVERSE_CLIENT_SECRET=f"{settings['DATAVERSE_CLIENT_SECRET']}\r\n",
    )
    try:
        health = await world.connector.call("GET", "/api/health")
        assert health.status_code == 200, health.text
        assert health.json()["synchronisation"]["tables"] == ["account", "contact", "lead"]
        await world.in_spotler(await world.save())
    finally:
        await world.settled()
        await world.connector.restart()


async def test_env_03_health_names_permissions_that_new_records_get_no_row_of(world: World) -> None:
    health = (await world.connector.call("GET", "/api/health")).json()
    assert health["permissionsVariable"] == {"leftOut": []}


@pytest.mark.parametrize(
    "email", [" nobody@example.com\n", "\u200bnobody@example.com", "nobody@example.com\ufeff"], ids=ascii
)
async def test_an_address_that_was_pasted_is_the_address(world: World, email: str) -> None:
    request = {"email": email, "reference": "ticket-1"}
    answer = await world.connector.call("POST", "/api/suppressions/lift", request, key=world.connector.master)

    assert (answer.status_code, answer.json()) == (200, {"lifted": [], "records": []})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/resync", {"table": "contact", "ids": []}),
        ("/api/resync", {"table": "contact", "id": None}),
        ("/api/resync", {"table": "contact", "ids": None}),
        ("/api/resync", {"table": "contact", "id": ""}),
        ("/api/dead-letters/replay", {"ids": []}),
        ("/api/dead-letters/replay", {"ids": None}),
        ("/api/suppressions/lift", {"email": "nobody@example.com", "reference": "ticket-1", "subjects": []}),
    ],
    ids=str,
)
async def test_a_list_that_a_caller_found_empty_never_means_all(world: World, path: str, body: dict[str, Any]) -> None:
    answer = await world.connector.call("POST", path, body, key=world.connector.master)

    assert answer.status_code == 400
    assert "Send {" in answer.json()["error"]

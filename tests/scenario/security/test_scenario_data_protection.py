"""Requests of people about the connector's own memory, as an administrator handles them (GDPR 15, 17)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any
from uuid import UUID

import aiosqlite
import httpx
import pytest

from tests.programs.processes import Ended, run
from tests.scenario.connector_process import SYSTEM
from tests.scenario.privacy import MARK, marks_in
from tests.scenario.world import Person, World

NOBODY = f"contact:{UUID(int=1)}"

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def ask(world: World, path: str, person: Person, **more: Any) -> httpx.Response:
    body = {"record": f"{person.table}:{person.id}", **more}
    return await world.connector.call("POST", f"/api/people/{path}", body, key=world.connector.master)


async def names(world: World, person: Person) -> bool:
    """Whether any document of the state store has the record's id."""
    (path,) = world.folder.rglob("state.db")
    async with aiosqlite.connect(path) as file:
        rows = await file.execute_fetchall("select partition, row, body from documents")
    return any(person.id in str(row) for row in rows)


async def shell(world: World, *words: str) -> Ended:
    return await run(words, {**SYSTEM, **world.connector.settings})


async def test_an_access_request_is_answered_with_everything_and_no_value(world: World) -> None:
    person = await world.synchronised()

    answer = await ask(world, "export", person)

    assert answer.status_code == HTTPStatus.OK
    assert "attachment" in answer.headers["content-disposition"]
    told = answer.json()
    assert told["record"] == f"contact:{person.id}"
    assert told["binding"]["contact"] == person.id
    assert told["consent"]
    assert marks_in(answer.content) == []


async def test_a_deleted_person_can_be_forgotten_and_is_then_nowhere_in_the_file(world: World) -> None:
    person = await world.synchronised(donotbulkemail=True)
    await world.delete(person)
    await world.forgotten(person)
    await world.settled()

    answer = await ask(world, "forget", person, email=person.email)

    assert answer.status_code == HTTPStatus.OK, answer.text
    assert answer.json()["changesOfConsent"]
    assert not answer.json()["inDataverse"]
    assert not await names(world, person)
    told = (await ask(world, "export", person, email=person.email)).json()
    assert told["consentAfterErasure"]["changes"]
    assert {one["subject"] for one in told["refusals"] if not one["lifted"]} == {"bulk-email"}


async def test_a_synchronised_person_is_forgotten_on_purpose_only(world: World) -> None:
    person = await world.synchronised()
    await world.settled()

    refused = await ask(world, "forget", person)
    assert refused.status_code == HTTPStatus.CONFLICT
    assert "still synchronised" in refused.json()["error"]

    done = await ask(world, "forget", person, althoughSynchronised=True)
    assert done.status_code == HTTPStatus.OK
    assert done.json()["inDataverse"]
    await world.change(person, firstname=f"{MARK} anew")
    await world.in_spotler(person, lambda contact: f"{MARK} anew" in str(contact))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"record": MARK},
        {"record": f"contact:{UUID(int=1)}", "email": MARK},
        {"record": f"contact:{UUID(int=1)}", "x": 1},
    ],
)
@pytest.mark.parametrize("path", ["export", "forget"])
async def test_a_request_that_is_not_understood_is_told_what_to_send(world: World, path: str, body: Any) -> None:
    answer = await world.connector.call("POST", f"/api/people/{path}", body, key=world.connector.master)
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert "contact:" in answer.json()["error"]
    assert marks_in(answer.content) == []


async def test_a_terminal_does_the_same(world: World) -> None:
    person = await world.synchronised()
    await world.settled()
    record = f"contact:{person.id}"

    exported = await shell(world, "export", record)
    assert exported.code == 0
    assert json.loads(exported.output)["binding"]["contact"] == person.id
    assert marks_in(exported.output.encode()) == []

    refused = await shell(world, "forget", record)
    assert refused.code == 1
    assert "still synchronised" in refused.complaint

    forgotten = await shell(world, "forget", record, "--although-synchronised")
    assert forgotten.code == 0, forgotten.complaint
    assert json.loads(forgotten.output)["inDataverse"]
    assert "still in Dataverse" in forgotten.complaint

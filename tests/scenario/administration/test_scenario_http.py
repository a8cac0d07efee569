"""The HTTP interface: health, explain, resync. Every call needs a function key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio

from shared.domain.records.records import PersonTable, SyncStatus
from tests.scenario.privacy import MARK
from tests.scenario.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

every_call = pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/health"),
        ("GET", f"/api/explain/contact/{UUID(int=42)}"),
        ("POST", "/api/resync"),
        ("GET", "/api/dead-letters"),
        ("POST", "/api/dead-letters/replay"),
    ],
)


@every_call
@pytest.mark.parametrize("key", ["", "guessed"])
async def test_without_the_right_key_nobody_gets_in(world: World, method: str, path: str, key: str) -> None:
    assert (await world.connector.call(method, path, key=key)).status_code == 401


# -------------------------------------------------------------------------------------------------------------- health


async def test_health_is_200_when_every_service_answers(world: World) -> None:
    answer = await world.connector.call("GET", "/api/health")

    assert answer.status_code == 200
    report = answer.json()
    assert report["healthy"] is True
    assert {name: service["ok"] for name, service in report["services"].items()} == {
        "dataverse": True,
        "spotler": True,
        "state": True,
        "queue": True,
    }
    assert report["mapping"]["unusedRows"] == []
    assert report["synchronisation"] == {"on": True, "tables": ["account", "contact", "lead"]}
    assert set(report["queues"]) == {"dataverse-events", "sync-live", "sync-bulk"}


@pytest_asyncio.fixture(loop_scope="session")
async def dataverse_is_down(world: World) -> AsyncIterator[None]:
    await world.dynamics.cause("faults", {"rules": [{"kind": "reset", "match": "WhoAmI"}]})
    yield
    await world.dynamics.cause("faults", {})


@pytest.mark.usefixtures("dataverse_is_down")
async def test_health_is_503_with_the_cause_when_dataverse_is_down(world: World) -> None:
    answer = await world.connector.call("GET", "/api/health")

    assert answer.status_code == 503
    services = answer.json()["services"]
    assert services["dataverse"]["ok"] is False
    assert services["dataverse"]["cause"] == "No answer: GET WhoAmI (dataverse)"
    assert services["spotler"]["ok"] is True


async def test_health_with_wrong_credentials_says_what_an_administrator_must_do(world: World) -> None:
    await world.connector.restart(SPOTLER_SECRET="wrong")

    answer = await world.connector.call("GET", "/api/health")

    await world.connector.restart()
    spotler = answer.json()["services"]["spotler"]
    assert (answer.status_code, spotler["recovery"]) == (503, "configure")
    assert "check key, secret and licence" in spotler["cause"]


# ------------------------------------------------------------------------------------------------------------- explain


async def test_explain_tells_of_a_person_in_spotler_that_nothing_is_to_be_done(world: World) -> None:
    person = await world.synchronised()

    answer = await world.connector.call("GET", f"/api/explain/contact/{person.id}")

    assert answer.status_code == 200
    explained = answer.json()
    assert explained["inSpotler"] is True
    assert explained["spotlerContact"] == person.id
    assert all(condition["met"] for condition in explained["conditions"])
    assert (explained["plan"]["action"], explained["plan"]["result"]) == ("none", "unchanged")
    assert explained["lastOutcome"]["result"] == "written"


async def test_explain_tells_why_a_person_is_not_in_spotler(world: World) -> None:
    person = await world.save(donotemail=True)
    await world.status(person, SyncStatus.SUCCEEDED, "do-not-email")

    explained = (await world.connector.call("GET", f"/api/explain/contact/{person.id}")).json()

    assert explained["inSpotler"] is False
    unmet = [(one["condition"], one["why"]) for one in explained["conditions"] if not one["met"]]
    assert unmet == [("Do Not Email is not set", "Do Not Email is set.")]
    assert explained["plan"]["reason"] == "do-not-email"


async def test_explain_shows_what_would_be_written_and_writes_nothing(world: World) -> None:
    person = await world.bring_in()
    await world.settled()
    requests, state = await world.spotler.requests(), await world.store.scan("default-binding")
    before = await world.dynamics.read(person.path)

    path = f"/api/explain/contact/{person.id}/values"
    plan = (await world.connector.call("GET", path, key=world.connector.master)).json()["plan"]

    assert (plan["action"], plan["reason"]) == ("write", "created")
    assert plan["properties"]["lastName"] == f"Achter{MARK}"
    writing = {"contact.bulk", "contact.anonymize", "contact.inactivate", "contact.insert", "contact.update"}
    after = await world.spotler.requests()
    assert {name: after.get(name) for name in writing} == {name: requests.get(name) for name in writing}
    assert await world.store.scan("default-binding") == state
    assert await world.dynamics.read(person.path) == before


async def test_explain_of_an_id_that_nobody_has_says_so(world: World) -> None:
    explained = (await world.connector.call("GET", f"/api/explain/lead/{UUID(int=42)}")).json()

    assert explained["inSpotler"] is False
    assert explained["plan"]["text"] == "Not sent to Spotler. The record was deleted."


@pytest.mark.parametrize("path", [f"opportunity/{UUID(int=42)}", "contact/42"])
async def test_explain_of_something_else_is_400(world: World, path: str) -> None:
    answer = await world.connector.call("GET", f"/api/explain/{path}")

    assert answer.status_code == 400
    assert "/api/explain/" in answer.json()["error"]


# -------------------------------------------------------------------------------------------------------------- resync


async def test_resync_of_one_record_makes_up_for_a_lost_event(world: World) -> None:
    person = await world.bring_in()

    answer = await world.connector.call("POST", "/api/resync", {"table": "contact", "id": person.id})

    assert answer.status_code == 202
    assert (answer.json()["records"], answer.json()["lane"]) == (1, "sync-live")
    await world.in_spotler(person)


async def test_resync_of_several_records_takes_the_lane_that_is_asked_for(world: World) -> None:
    people = [await world.bring_in(PersonTable.LEAD) for _ in range(3)]
    wish = {"table": "lead", "ids": [person.id for person in people], "lane": "bulk"}

    answer = await world.connector.call("POST", "/api/resync", wish)

    assert answer.status_code == 202
    assert (answer.json()["records"], answer.json()["lane"]) == (3, "sync-bulk")
    for person in people:
        await world.in_spotler(person)


async def test_resync_of_a_table_finds_everybody_and_writes_nobody_twice(world: World) -> None:
    people = [await world.bring_in(PersonTable.ACCOUNT) for _ in range(3)]
    known = await world.synchronised(PersonTable.ACCOUNT)
    before = await world.in_spotler(known)

    answer = await world.connector.call("POST", "/api/resync", {"table": "account"})

    assert answer.status_code == 202
    assert (answer.json()["records"], answer.json()["lane"]) == ("all", "sync-bulk")
    for person in people:
        await world.in_spotler(person)
    await world.settled()
    assert await world.in_spotler(known) == before


@pytest.mark.parametrize(
    "wish",
    [
        {"table": "opportunity"},
        {"table": "contact", "id": "42"},
        {"table": "contact", "id": str(UUID(int=42)), "ids": [str(UUID(int=42))]},
        {"table": "contact", "lane": "fast"},
        {"table": "contact", "everybody": True},
        {},
        [],
    ],
)
async def test_resync_refuses_what_it_does_not_understand(world: World, wish: object) -> None:
    answer = await world.connector.call("POST", "/api/resync", wish)

    assert answer.status_code == 400
    assert answer.json()["details"]


@pytest.mark.parametrize("body", [b"", b"not json", b'{"table": "contact'])
async def test_resync_refuses_a_body_that_is_not_json(world: World, body: bytes) -> None:
    assert (await world.connector.call("POST", "/api/resync", body)).status_code == 400

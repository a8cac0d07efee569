"""NEW-01..NEW-09, S2D-09: who signs up in Spotler comes to Dataverse, as the settings say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from shared.domain.records.records import PersonTable, SyncStatus
from tests.examples import thinned
from tests.scenario.world import Person, World, eventually, permissions

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(autouse=True, scope="module", loop_scope="session")
async def defaults_for_the_others(world: World) -> AsyncIterator[None]:
    """Each of these scenarios runs the connector with settings of its own; afterwards it has the default ones."""
    yield
    await world.settled()
    await world.connector.restart()


async def sign_up(world: World, email: str) -> None:
    """Complete a sign-up form of Spotler that subscribes to the first permission."""
    options = [{"bit": 1, "enabled": True}]
    await world.spotler.post("form", {"properties": {"email": email, "permissions": options}})


async def poll(world: World) -> dict[str, Any]:
    answer = await world.connector.call("POST", "/api/poll", {})
    assert answer.status_code == 200, answer.text
    contacts: dict[str, Any] = answer.json()["contacts"]
    return contacts


async def rows(world: World, entity_set: str, email: str) -> list[dict[str, Any]]:
    found = await world.dynamics.read(f"{entity_set}?$filter=emailaddress1 eq '{email}'&$select=lastname,emailaddress1")
    people: list[dict[str, Any]] = found["value"]
    return people


async def external_id(world: World, email: str) -> str:
    contact = await world.spotler.contact(email)
    assert contact is not None
    return str(contact.get("externalId") or "")


async def test_new_07_nobody_is_taken_in_until_it_is_enabled(world: World) -> None:
    email = world.address()
    await sign_up(world, email)
    assert (await poll(world))["newcomer"] >= 1
    await world.settled()
    assert await rows(world, "contacts", email) == await rows(world, "leads", email) == []


async def test_new_04_a_subscriber_becomes_a_contact_that_the_spotler_contact_belongs_to(world: World) -> None:
    await world.connector.restart(NEW_SUBSCRIBER_TARGET="contact")
    email = world.address()
    await sign_up(world, email)
    await poll(world)
    (contact,) = await rows(world, "contacts", email)
    await world.status(Person(PersonTable.CONTACT, contact["contactid"], email), SyncStatus.SUCCEEDED)

    assert contact["lastname"] == email.partition("@")[0]  # CS-24
    assert await external_id(world, email) == contact["contactid"]
    subscribed = await world.spotler.contact(email)
    assert subscribed is not None
    assert len(permissions(subscribed)) == 1  # NEW-09: as the person chose them

    await poll(world)  # it is known now
    assert len(await rows(world, "contacts", email)) == 1


async def test_new_03_a_subscriber_becomes_a_lead_even_if_the_address_is_in_use(world: World) -> None:
    await world.connector.restart(NEW_SUBSCRIBER_TARGET="lead")
    email = world.address()
    await world.bring_in(PersonTable.LEAD, emailaddress1=email)
    await sign_up(world, email)
    await poll(world)
    await world.settled()
    assert len(await rows(world, "leads", email)) == 2
    assert await external_id(world, email) in {row["leadid"] for row in await rows(world, "leads", email)}


async def test_new_04_of_two_contacts_with_the_address_a_person_chooses_one(world: World) -> None:
    await world.connector.restart(NEW_SUBSCRIBER_TARGET="contact")
    email = world.address()
    first, second = [await world.bring_in(emailaddress1=email) for _ in range(2)]
    await sign_up(world, email)
    await poll(world)
    await world.settled()
    assert await external_id(world, email) == ""

    reviews = (await world.connector.call("GET", "/api/reviews")).json()["reviews"]
    (review,) = [one for one in reviews if {"table": "contact", "id": second.id} in one["candidates"]]
    assert review["reason"] == "ambiguous"
    assert {one["id"] for one in review["candidates"]} == {first.id, second.id}

    path = f"/api/reviews/{review['id']}"
    stranger, master = await world.bring_in(), world.connector.master
    by_operator = await world.connector.call("POST", path, {"table": "contact", "id": second.id})
    assert by_operator.status_code == 401
    wrong = await world.connector.call("POST", path, {"table": "contact", "id": stranger.id}, key=master)
    assert wrong.status_code == 409
    chosen = await world.connector.call("POST", path, {"table": "contact", "id": second.id}, key=master)
    assert chosen.status_code == 200
    assert chosen.json()["decision"] == {"table": "contact", "id": second.id}

    async def bound() -> bool:
        return await external_id(world, email) == second.id

    await eventually(bound, "the Spotler contact to belong to the chosen record")
    left = (await world.connector.call("GET", "/api/reviews")).json()["reviews"]
    assert review["id"] not in {one["id"] for one in left}


async def review_of(world: World, person: Person) -> dict[str, Any]:
    reviews = (await world.connector.call("GET", "/api/reviews")).json()["reviews"]
    (review,) = [one for one in reviews if {"table": "contact", "id": person.id} in one["candidates"]]
    return dict(review)


@pytest.mark.parametrize("flag", thinned(["donotemail", "donotbulkemail"]))
async def test_a_sign_up_against_a_refusal_waits_for_a_person_who_lets_it_be_the_newer_act(
    world: World, flag: str
) -> None:
    await world.connector.restart(NEW_SUBSCRIBER_TARGET="contact")
    person = await world.bring_in(**{flag: True})
    await sign_up(world, person.email)
    await poll(world)
    await world.settled()
    review = await review_of(world, person)
    assert review["reason"] == "refuses-mail"
    contact = await world.spotler.contact(person.email)
    assert contact is not None
    assert (contact.get("externalId") or "", permissions(contact)) == ("", {"Newsletter"})

    path, body = f"/api/reviews/{review['id']}", {"table": "contact", "id": person.id}
    by_operator = await world.connector.call("POST", path, body)
    assert by_operator.status_code == 401
    chosen = await world.connector.call("POST", path, body, key=world.connector.master)
    assert chosen.status_code == 200, chosen.text

    async def bound() -> bool:
        return await external_id(world, person.email) == person.id

    await eventually(bound, "the Spotler contact to belong to the record")
    await world.settled()
    record = await world.dynamics.read(f"{person.path}?$select={flag}")
    assert record[flag] is False
    contact = await world.spotler.contact(person.email)
    assert contact is not None
    assert permissions(contact) == {"Newsletter"}
    changes = (await world.connector.call("GET", f"/api/consent.csv?record=contact:{person.id}")).text
    assert f"{'do-not-email' if flag == 'donotemail' else 'bulk-email'}" in changes
    assert "form" in changes


@pytest.mark.parametrize("flag", thinned(["donotemail", "donotbulkemail"]))
async def test_a_sign_up_against_a_refusal_that_stands_gets_no_mail(world: World, flag: str) -> None:
    await world.connector.restart(NEW_SUBSCRIBER_TARGET="contact")
    person = await world.bring_in(**{flag: True})
    await sign_up(world, person.email)
    await poll(world)
    await world.settled()
    review = await review_of(world, person)

    dismissed = await world.connector.call(
        "POST", f"/api/reviews/{review['id']}", {"dismiss": True}, key=world.connector.master
    )
    assert dismissed.status_code == 200, dismissed.text
    await world.settled()

    contact = await world.spotler.contact(person.email)
    if flag == "donotemail":
        assert contact is None
    else:
        assert contact is not None
        assert (contact["externalId"], permissions(contact)) == (person.id, set())


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/reviews?limit=0", None, 400),
        ("POST", "/api/reviews/not-an-id", {"dismiss": True}, 400),
        ("POST", f"/api/reviews/{UUID(int=1)}", {}, 400),
        ("POST", f"/api/reviews/{UUID(int=1)}", {"dismiss": False}, 400),
        ("POST", f"/api/reviews/{UUID(int=1)}", {"table": "contact"}, 400),
        ("POST", f"/api/reviews/{UUID(int=1)}", {"dismiss": True, "liftRefusal": True}, 400),
        ("POST", f"/api/reviews/{UUID(int=1)}", {"table": "contact", "id": str(UUID(int=2)), "dismiss": True}, 400),
        ("POST", f"/api/reviews/{UUID(int=1)}", {"dismiss": True}, 404),
        ("POST", f"/api/reviews/{UUID(int=1)}", {"table": "contact", "id": str(UUID(int=2))}, 404),
    ],
)
async def test_a_decision_that_makes_no_sense_says_what_would(
    world: World, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    answer = await world.connector.call(method, path, body, key=world.connector.master)
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)
    assert (await world.connector.call(method, path, body, key="guessed")).status_code == 401

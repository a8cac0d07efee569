"""One person: why she is (not) in Spotler, and what somebody can do about it."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from shared.domain.records.records import SyncStatus
from tests.console.visitors.usable import picture
from tests.console.visitors.visitor import Visitor
from tests.scenario.privacy import MARK
from tests.scenario.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_address_that_is_not_valid_is_why_somebody_is_missing(administrator: Visitor, world: World) -> None:
    person = await world.save(emailaddress1=f"{MARK.lower()}@example,nl")
    await world.status(person, SyncStatus.FAILED, "invalid-email")

    await administrator.open(f"/person/contact/{person.id}")
    text = await administrator.text()

    assert "Not in Spotler" in text
    assert "The e-mail address is not valid. invalid-email" in text
    assert "Correct the e-mail address in Dynamics and save." in text
    assert "The owner of the record" in text
    assert "Stops the record" in text


@pytest.mark.visits("person/*/*/explained")
@pytest.mark.presses("person/*/*/sync")
async def test_a_cure_that_was_taken_is_seen_after_sync_now(administrator: Visitor, world: World) -> None:
    person = await world.save(emailaddress1=None)
    await world.status(person, SyncStatus.FAILED, "no-email")
    await world.slip(person, emailaddress1=world.address())

    await administrator.open(f"/person/contact/{person.id}")
    assert "Not in Spotler yet: it would be sent" in await administrator.text()
    await administrator.press("Sync now")
    assert "Sent. The record is compared" in await administrator.text()
    await world.status(person, SyncStatus.SUCCEEDED)
    await administrator.follow("Explain again")

    assert "In Spotler" in await administrator.page.locator("#h-assessment").inner_text()


async def test_both_sides_and_consent_stand_side_by_side(administrator: Visitor, world: World) -> None:
    person = await world.synchronised()
    await world.permit(person, "Newsletter")
    await world.in_spotler(person, lambda contact: contact["properties"]["permissions"][0]["enabled"])
    await world.settled()

    await administrator.open(f"/person/contact/{person.id}")
    text = await administrator.text()

    assert "Can be mailed" in text
    assert "more fields are equal" in text
    assert "Somebody changed it in Dynamics dataverse-row" in text
    await picture(administrator, "person")


async def test_a_name_finds_whoever_has_it(administrator: Visitor, world: World) -> None:
    name = f"Z{uuid4().hex[:10]}"
    person = await world.save(lastname=name)

    await administrator.open("")
    await administrator.page.get_by_label("Find a person").fill(name)
    await administrator.page.keyboard.press("Enter")
    await administrator.page.wait_for_url(f"**/person/contact/{person.id}")


async def test_nobody_is_found_in_words(reader: Visitor) -> None:
    await reader.open("")
    await reader.page.get_by_label("Find a person").fill(str(uuid4()))
    await reader.page.keyboard.press("Enter")
    await reader.page.get_by_text("Nobody was found").wait_for()

    assert "Names are searched for administrators" in await reader.text()


@pytest.mark.visits("people", "bounces.csv")
async def test_people_are_listed_by_where_they_stand(reader: Visitor, world: World) -> None:
    person = await world.save(emailaddress1="not an address")
    await world.status(person, SyncStatus.FAILED)

    await reader.open("/people?reason=invalid-email")

    assert person.id[:8] in await reader.text()
    assert [row["record"] for row in await reader.rows("CSV of bounces")] == []


@pytest.mark.visits("person/*/*/receipt", "person/*/*/left", "person/*/*/receipt.json")
@pytest.mark.presses("receipt/check")
async def test_a_receipt_tells_what_is_left_and_a_forged_one_is_found_out(administrator: Visitor, world: World) -> None:
    person = await world.synchronised()
    await administrator.open(f"/person/contact/{person.id}/receipt")
    assert "Not erased" in await administrator.text()

    await world.delete(person)
    await world.forgotten(person)
    await world.settled()
    await administrator.open(f"/person/contact/{person.id}/receipt")
    assert "Erased on both sides" in await administrator.text()
    restore = administrator.page.get_by_role("link", name="Open in Dynamics")
    assert f"id={person.id}" in (await restore.get_attribute("href") or "")

    receipt = json.loads(await administrator.download("Signed JSON"))
    assert not receipt["spotler"]["found"]
    assert await _checked(administrator, receipt) == "ok"
    assert await _checked(administrator, {**receipt, "deadLetters": 7}) == "bad"


async def _checked(administrator: Visitor, receipt: dict[str, object]) -> str:
    await administrator.open("/audit")
    file = {"name": "receipt.json", "mimeType": "application/json", "buffer": json.dumps(receipt).encode()}
    await administrator.page.get_by_label("The JSON file").set_input_files(file)
    await administrator.press("Check the receipt")
    classes = await administrator.page.locator(".notice").first.get_attribute("class")
    return (classes or "").removeprefix("notice ")

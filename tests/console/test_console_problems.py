"""What was given up, and what is held: somebody decides by clicking."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

import pytest

from shared.domain.records.jobs import Operation
from shared.domain.records.records import PersonTable, RecordKey, Reference, SyncStatus, Why
from shared.messages.lane_messages import references_body
from shared.ports.queue import QueueName
from tests.console.browser import Visitor
from tests.console.test_console_pages import assert_usable
from tests.scenario.world import Person, World, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def given_up(world: World, person: Person, reason: str = "gave-up") -> None:
    """Dead-letter a message that names a record, as the connector does after repeated failures."""
    reference = Reference(RecordKey(PersonTable(person.table), UUID(person.id)), Why.SAVED, f"correlation-{person.id}")
    await world.queue.dead_letter(
        QueueName.LIVE, references_body([reference]), reason=reason, description="for a test", correlation_id=""
    )


async def test_a_group_is_tried_again_in_three_clicks_from_the_overview(administrator: Visitor, world: World) -> None:
    people = [await world.bring_in() for _ in range(3)]
    for person in people:
        await given_up(world, person)

    await administrator.open("")
    await administrator.follow("See problems")
    assert "Try it again when both sides answer." in await administrator.text()
    await administrator.follow("Try all 3 again")
    await administrator.press("Try all 3 again")

    assert "Put back: 3 of 3" in await administrator.text()
    for person in people:
        await world.status(person, SyncStatus.SUCCEEDED)


async def test_one_message_of_a_group_is_tried_again(administrator: Visitor, world: World) -> None:
    people = [await world.bring_in() for _ in range(2)]
    for person in people:
        await given_up(world, person, "never-settled")

    await administrator.open("/problems")
    await administrator.follow("Show")
    await administrator.page.get_by_label("Choose this message").first.check()
    await administrator.press("Try the chosen ones again")

    assert "Put back: 1 of 1" in await administrator.text()
    await world.queue.discard([one.id for one in await world.queue.dead_letters()])


async def test_messages_are_discarded_only_with_their_number(administrator: Visitor, world: World) -> None:
    await given_up(world, await world.bring_in(), "defect")
    await administrator.open("/problems/sync-live:defect/discard")

    button = administrator.page.get_by_role("button", name="Discard 1")
    assert await button.get_attribute("aria-disabled") == "true"
    await administrator.page.get_by_label("Type how many").fill("7")
    assert await button.get_attribute("aria-disabled") == "true"
    await administrator.page.get_by_label("Type how many").fill("1")
    await administrator.press("Discard 1")

    assert "Discarded: 1" in await administrator.text()
    assert await world.queue.dead_letters() == []


async def test_a_reader_finds_a_sentence_instead_of_a_button(reader: Visitor, world: World) -> None:
    await given_up(world, await world.bring_in(), "defect")

    await reader.open("/problems")

    assert "Trying again is for operators" in await reader.text()
    assert await reader.page.get_by_role("link", name="Try").count() == 0
    await world.queue.discard([one.id for one in await world.queue.dead_letters()])


async def test_held_erasures_are_released_with_their_number(
    administrator: Visitor, reader: Visitor, world: World
) -> None:
    people = [await world.synchronised() for _ in range(5)]
    for person in people:
        await world.delete(person)
    await world.settled()
    held = [person for person in people if await world.spotler.contact(person.email)]
    assert held, "the limit of this world is two in an hour"

    await reader.open("/decisions")
    assert "Only an administrator can release this" in await reader.text()
    await administrator.open("")
    await administrator.follow("Decide")
    assert f"{len(held)} erasures are held" in await administrator.text()
    await administrator.page.get_by_label("To go on, type how many").fill(str(len(held)))
    await administrator.press(f"Erase {len(held)} people")
    assert f"Released: {len(held)}" in await administrator.text()

    async def gone() -> bool:
        return not [person for person in held if await world.spotler.contact(person.email)]

    await eventually(gone, "everybody to be erased")


async def test_a_duplicate_is_made_primary_by_a_button(administrator: Visitor, world: World) -> None:
    first = await world.synchronised()
    second = await world.save(emailaddress1=first.email)
    await world.status(second, SyncStatus.SUCCEEDED)

    await administrator.open("/decisions")
    row = administrator.page.locator("li", has=administrator.page.locator(f"a[href$='{second.id}']"))
    assert "primary" in await row.inner_text()
    await assert_usable(administrator)
    await row.get_by_role("button", name="Its values count").click()
    await administrator.settled()

    assert "The contact gets the values of this record" in await administrator.text()
    await administrator.open("/decisions")
    assert await row.get_by_role("button", name="Its values count").count() == 1
    assert await row.locator("p", has_text="primary").locator("a").get_attribute("href") != (
        f"/console/person/contact/{first.id}"
    )


async def test_a_failed_job_is_repeated_by_a_button(administrator: Visitor, world: World) -> None:
    job = await world.ask(Operation.ADD_TAG, await world.synchronised())
    assert (await world.ended(job)).code == "[JOB_NOT_VALID]"

    await administrator.open("/jobs?status=Failed")
    await administrator.press("Repeat")

    assert "Queued again" in await administrator.text()
    assert (await world.ended(job)).code == "[JOB_NOT_VALID]"
    assert (await world.connector.call("POST", f"/api/jobs/{job}/repeat", {})).status_code == HTTPStatus.ACCEPTED

"""What was given up: somebody tries it again, or discards it, by clicking."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.domain.records.records import PersonTable, RecordKey, Reference, SyncStatus, Why
from shared.messages.lane_messages import references_body
from shared.ports.queue import QueueName
from tests.console.visitors.visitor import Visitor
from tests.scenario.world import Person, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def given_up(world: World, person: Person, reason: str = "gave-up") -> None:
    """Dead-letter a message that names a record, as the connector does after repeated failures."""
    reference = Reference(RecordKey(PersonTable(person.table), UUID(person.id)), Why.SAVED, f"correlation-{person.id}")
    await world.queue.dead_letter(
        QueueName.LIVE, references_body([reference]), reason=reason, description="for a test", correlation_id=""
    )


@pytest.mark.visits("", "parts/connections", "problems", "problems/*/again", "parts/put-back")
@pytest.mark.presses("problems/*/again")
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
    await administrator.page.get_by_text("3 arrived, 0 came back, 0 on the way.").wait_for()
    for person in people:
        await world.status(person, SyncStatus.SUCCEEDED)


@pytest.mark.visits("problems/again")
@pytest.mark.presses("problems/again")
async def test_all_groups_are_tried_again_at_once(administrator: Visitor, world: World) -> None:
    people = [await world.bring_in() for _ in range(2)]
    for person, reason in zip(people, ("gave-up", "never-settled"), strict=True):
        await given_up(world, person, reason)

    await administrator.open("/problems")
    await administrator.follow("Try every group again")
    assert "Try 2 messages again?" in await administrator.heading()
    await administrator.press("Try all 2 again")

    assert "Put back: 2 of 2" in await administrator.text()
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


@pytest.mark.presses("problems/search")
async def test_messages_are_chosen_by_who_acts_and_by_an_id(administrator: Visitor, world: World) -> None:
    people = [await world.bring_in() for _ in range(3)]
    for person, reason in zip(people, ("gave-up", "gave-up", "defect"), strict=True):
        await given_up(world, person, reason)

    await administrator.open("/problems")
    await administrator.page.get_by_label("Who acts").select_option("An operator")
    await administrator.press("Filter")
    assert "2 messages were given up" in await administrator.heading()
    assert {row["reason"] for row in await administrator.rows("CSV")} == {"gave-up"}

    await administrator.page.get_by_label("Record or correlation id").fill(people[1].id)
    await administrator.press("Find")
    assert "1 message was given up" in await administrator.heading()
    await administrator.follow("Try 1 again")
    assert "Try 1 message again?" in await administrator.heading()
    await administrator.press("Try 1 again")
    await world.status(people[1], SyncStatus.SUCCEEDED)

    await administrator.follow("Show all")
    assert "2 messages were given up" in await administrator.heading()
    await world.queue.discard([one.id for one in await world.queue.dead_letters()])


@pytest.mark.visits("problems.csv", "problems/*/discard")
@pytest.mark.presses("problems/*/discard")
async def test_messages_are_discarded_only_with_their_number(administrator: Visitor, world: World) -> None:
    person = await world.bring_in()
    await given_up(world, person, "defect")
    await administrator.open("/problems")
    assert f"contact:{person.id}" in [row["records"] for row in await administrator.rows("CSV")]
    await administrator.follow("Discard …")

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

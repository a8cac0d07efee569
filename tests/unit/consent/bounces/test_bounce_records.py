"""What the connector keeps and reports of bounces, and at what cost (BNC-13)."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

import pytest

from shared.consent.bounce_service import bounce_rows
from shared.domain.records.records import PersonTable, RecordKey
from tests.twins import bodies
from tests.unit.consent.bounces.bouncing import ANN, BOB, LEAD, World, bounce, external_id


async def test_contacts_that_cannot_be_ours_and_unknown_kinds_are_passed_over(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert await world.service.note([bounce(""), bounce("Zoë"), bounce(kind="MEDIUM")]) == []
    assert caplog.messages == ["1 bounces of a kind that the connector does not know"]
    assert await world.service.note([]) == []
    assert await world.service.of(["", "Zoë"]) == {}


UNUSED = external_id(77)


@pytest.mark.parametrize(("days", "kept"), [(20, {external_id(1), UNUSED}), (130, {external_id(1)})])
async def test_notes_of_contacts_without_records_are_deleted_after_a_while(
    world: World, days: int, kept: set[str]
) -> None:
    await world.service.note([bounce(), bounce(UNUSED)])
    world.clock.advance(timedelta(days=days))

    await world.service.maintain()

    assert set(await world.service.of([external_id(1), UNUSED])) == kept


async def test_a_hundred_bounces_cost_two_requests_to_dataverse_and_a_few_to_the_store(world: World) -> None:
    for number in range(100):
        await world.use(external_id(number), RecordKey(PersonTable.CONTACT, UUID(int=number + 1)))
    world.store.calls.clear()
    await world.service.note([bounce(external_id(number)) for number in range(100)])
    assert world.tasks.created == [100]
    assert sum(world.store.calls.values()) <= 5
    world.store.calls.clear()
    assert len(await world.service.of([external_id(number) for number in range(100)])) == 100
    assert world.store.calls == {"read": 1}


async def test_bnc_13_the_report_lists_records_with_a_problem(world: World) -> None:
    await world.use(external_id(2), BOB, LEAD)
    await world.service.note(
        [bounce(external_id(1)), bounce(external_id(3)), *(bounce(external_id(2), "SOFT", day) for day in range(4))]
    )
    await world.service.note([bounce(external_id(4), "SOFT")])
    rows = bounce_rows(await world.service.report())
    assert [(row["record"], row["externalId"], row["kind"]) for row in rows] == [
        (str(ANN), external_id(1), "hard"),
        (str(BOB), external_id(2), "soft"),
        (str(LEAD), external_id(2), "soft"),
        ("", external_id(3), "hard"),
    ]
    assert rows[0]["since"] == "2026-02-01T00:00:00+00:00"
    assert rows[1]["softBounces"] == "4"
    assert rows[0]["task"] == str(world.tasks.task_of(ANN).id)
    assert rows[3]["task"] == ""


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
async def test_the_report_comes_in_portions(world: World, limit: int) -> None:
    await world.service.note([bounce(external_id(number)) for number in range(5)])
    found: list[str] = []
    after_this = ""
    while True:
        part = await world.service.report(after=after_this, limit=limit)
        found += [row["externalId"] for row in bounce_rows(part)]
        if not (after_this := part.following):
            break
    assert found == [external_id(number) for number in range(5)]


async def test_nothing_personal_is_kept(world: World) -> None:
    await world.service.note([bounce()])
    assert "ann@" not in bodies(world.store.documents)

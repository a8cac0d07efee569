"""Where people stand is counted slice by slice, listed by reason, and never guessed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.administration.people.standing import Standing, Standings
from shared.domain.merging.merge import MergeDecision
from shared.domain.planning.binding import MassChange
from shared.domain.records.records import RecordKey
from shared.engine.bindings.binding_documents import write_binding
from shared.ports.state import DocumentKey, Put
from tests.connector_twin import ConnectorTwin, person


@pytest.fixture
async def twin() -> ConnectorTwin:
    """Three people in Spotler, one who refuses mail, one with an address that is not valid."""
    twin = ConnectorTwin()
    for number in range(3):
        await twin.sync(twin.crm.create(**person(emailaddress1=f"ann{number}@example.com")))
    await twin.sync(twin.crm.create(**person(emailaddress1="bob@example.com", donotemail=True)))
    await twin.sync(twin.crm.create(**person(emailaddress1="not an address")))
    return twin


def standings(twin: ConnectorTwin) -> Standings:
    return Standings(store=twin.store, clock=twin.clock, environment="test")


async def change(twin: ConnectorTwin, key: RecordKey, **members: object) -> None:
    place = DocumentKey("test-binding", str(key))
    await twin.store.write([Put(place, {**twin.store.documents[place].body, **members})])


async def test_nobody_is_counted_before_the_first_count(twin: ConnectorTwin) -> None:
    assert await standings(twin).counted() is None


@pytest.mark.parametrize("size", [1, 2, 5_000])
async def test_everybody_is_counted_whatever_the_size_of_a_slice(
    twin: ConnectorTwin, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.administration.people.standing._SLICE", size)
    monkeypatch.setattr("shared.administration.people.standing._PAGE", size)
    for _ in range(6):
        await standings(twin).count()

    counted = await standings(twin).counted()
    assert counted is not None
    assert counted.total == 5
    assert counted.of(Standing.IN_SPOTLER) == 3
    assert counted.of(Standing.LEFT_OUT) == 1
    assert counted.of(Standing.FAILED) == 1
    assert counted.tables == {"contact": 5}


async def test_whoever_is_held_is_to_be_decided(twin: ConnectorTwin) -> None:
    held = next(iter(twin.crm.people))
    await change(twin, held, held={str(MassChange.ERASURE): twin.clock.now().isoformat()})

    rows, following = await standings(twin).page(Standing.TO_DECIDE, "")
    assert [row.key for row in rows] == [held]
    assert following == ""


async def test_people_are_listed_by_reason_page_by_page(twin: ConnectorTwin) -> None:
    first, after = await standings(twin).page(None, "created", limit=2)
    second, end = await standings(twin).page(None, "created", after=after, limit=2)

    assert len({row.key for row in (*first, *second)}) == 3
    assert end == ""


async def test_fields_that_a_person_decides_about_are_found(twin: ConnectorTwin) -> None:
    asked = next(iter(twin.crm.people))
    decisions = {"city": MergeDecision.ASKED, "firstName": MergeDecision.FROZEN, "email": MergeDecision.AGREED}
    binding = (await twin.ledger.entries([asked]))[asked].binding
    await change(twin, asked, **write_binding(replace(binding, merge_decisions=decisions)))

    assert await standings(twin).fields(MergeDecision.ASKED) == ([(asked, ["city"])], "")
    assert await standings(twin).fields(MergeDecision.FROZEN) == ([(asked, ["firstName"])], "")


async def test_whoever_has_a_field_that_asks_is_to_be_decided_and_counted(twin: ConnectorTwin) -> None:
    asked, frozen, _ = list(twin.crm.people)[:3]
    for key, decision in ((asked, MergeDecision.ASKED), (frozen, MergeDecision.FROZEN)):
        binding = (await twin.ledger.entries([key]))[key].binding
        await change(twin, key, **write_binding(replace(binding, merge_decisions={"city": decision})))
    await standings(twin).count()

    counted = await standings(twin).counted()
    assert counted is not None
    assert (counted.asked, counted.of(Standing.TO_DECIDE), counted.of(Standing.IN_SPOTLER)) == (1, 1, 2)
    rows, _ = await standings(twin).page(Standing.TO_DECIDE, "")
    assert [row.key for row in rows] == [asked]

"""A person decides: whose value of a disputed field counts, and which of several duplicates is primary."""

from __future__ import annotations

import pytest

from shared.administration.people.choices import Choices, Side
from shared.administration.people.standing import Standings
from shared.domain.records.records import RecordKey
from shared.errors import ConflictError
from tests.connector_twin import ConnectorTwin, person
from tests.unit.inbound.two_way.exchanging import met, two_way, value

ADDRESS = "ann@example.com"


def choices_of(twin: ConnectorTwin) -> Choices:
    return Choices(crm=twin.crm, platform=twin.platform, ledger=twin.ledger, lanes=twin.lanes, rules=twin.rules)


async def disputed() -> tuple[ConnectorTwin, RecordKey]:
    """Both sides changed the city, and the row says that somebody is asked."""
    twin, ann = await met(two_way(city={"conflict": "ask"}))
    twin.crm.edit(ann, address1_city="Leiden")
    twin.platform.edit(twin.contact_of(ADDRESS), city="Gouda")
    await twin.poll()
    assert (value(twin, ann, "address1_city"), twin.contact_of(ADDRESS).values["city"]) == ("Leiden", "Gouda")
    return twin, ann


@pytest.mark.parametrize(("side", "city"), [(Side.DATAVERSE, "Leiden"), (Side.PLATFORM, "Gouda")])
async def test_both_sides_get_the_value_of_the_chosen_side(side: Side, city: str) -> None:
    twin, ann = await disputed()

    await choices_of(twin).take_side(ann, "city", side)
    await twin.quiet()

    assert (value(twin, ann, "address1_city"), twin.contact_of(ADDRESS).values["city"]) == (city, city)
    assert not (await twin.ledger.entries([ann]))[ann].binding.merge_decisions
    with pytest.raises(ConflictError, match="waits for no decision"):
        await choices_of(twin).take_side(ann, "city", side)


async def test_a_change_after_the_decision_is_asked_about_again() -> None:
    twin, ann = await disputed()
    await choices_of(twin).take_side(ann, "city", Side.PLATFORM)
    twin.crm.edit(ann, address1_city="Delfgauw")

    await twin.quiet()

    assert (value(twin, ann, "address1_city"), twin.contact_of(ADDRESS).values["city"]) == ("Delfgauw", "Gouda")
    assert "city" in (await twin.ledger.entries([ann]))[ann].binding.merge_decisions


async def test_a_field_that_is_not_disputed_is_refused() -> None:
    twin, ann = await disputed()

    with pytest.raises(ConflictError):
        await choices_of(twin).take_side(ann, "firstName", Side.PLATFORM)


async def duplicates() -> tuple[ConnectorTwin, RecordKey, RecordKey]:
    twin = ConnectorTwin(two_way())
    ann = twin.crm.create(**person(address1_city="Delft"))
    other = twin.crm.create(**person(address1_city="Leiden"))
    await twin.sync(ann, other)
    await twin.poll()
    return twin, ann, other


async def test_duplicates_are_listed_and_the_chosen_one_gives_the_contact_its_values() -> None:
    twin, ann, other = await duplicates()
    (group,), following = await Standings(store=twin.store, clock=twin.clock, environment="test").duplicates()
    assert following == ""
    assert set(group.users) == {ann, other}
    first = group.primary_user
    assert first is not None
    second = other if first == ann else ann

    await choices_of(twin).make_primary(second)
    await twin.quiet()

    assert twin.contact_of(ADDRESS).values["city"] == value(twin, second, "address1_city")
    twin.platform.edit(twin.contact_of(ADDRESS), city="Gouda")
    await twin.poll()
    assert value(twin, second, "address1_city") == "Gouda"
    assert value(twin, first, "address1_city") != "Gouda"


async def test_a_record_without_duplicates_cannot_become_primary() -> None:
    twin, ann = await met()

    with pytest.raises(ConflictError):
        await choices_of(twin).make_primary(ann)

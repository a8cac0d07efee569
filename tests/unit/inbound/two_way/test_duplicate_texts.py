"""What is told of records with one e-mail address: the text of a duplicate, and the explanation."""

from __future__ import annotations

from tests.connector_twin import person
from tests.unit.inbound.two_way.sharing import TEXT, couple, text_of


async def test_the_other_records_are_reported_as_duplicates() -> None:
    twin, ann, ben = await couple()

    assert "Shares" not in text_of(twin, ann)
    assert text_of(twin, ben).endswith(TEXT.format(ann))


async def test_the_text_of_a_duplicate_is_written_once() -> None:
    twin, _, ben = await couple()
    twin.crm.calls.clear()

    await twin.sync(ben)
    await twin.sync(ben)

    assert twin.crm.calls["report"] == 0


async def test_the_text_goes_when_the_others_have_gone() -> None:
    twin, ann, ben = await couple()
    twin.crm.delete(ann)

    await twin.sync(ann)
    await twin.sync(ben)

    assert "Shares" not in text_of(twin, ben)


async def test_explain_names_the_duplicates_and_the_primary_one() -> None:
    twin, ann, ben = await couple()
    group = {"records": sorted([str(ann), str(ben)]), "primary": str(ann)}

    assert [(await twin.explain.record(key))["duplicates"] for key in (ann, ben)] == [group, group]
    alone = twin.crm.create(**person(emailaddress1="alone@example.com"))
    await twin.sync(alone)
    assert (await twin.explain.record(alone))["duplicates"] is None

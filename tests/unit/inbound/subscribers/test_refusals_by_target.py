"""A sign-up meets a refusal on a record that other columns find, or that is to become a lead (NEW-03, NEW-05)."""

from __future__ import annotations

import pytest

from shared.domain.features.subscriber_import import ImportTarget
from shared.domain.records.records import PersonTable
from shared.inbound.reviews import ReviewReason
from tests.connector_twin import NEWSLETTER, person
from tests.unit.inbound.subscribers.refusing import ANN, FLAGS, LEAD, World


@pytest.mark.parametrize("flag", FLAGS)
async def test_new_05_a_record_that_other_columns_find_is_asked_about_as_well(flag: str) -> None:
    world = World(match=("firstname",))
    ann = world.twin.crm.create(**person(**{flag: True}))
    await world.sign_up(firstName="Ann")
    review = await world.review()
    assert (review.reason, review.candidates) == (ReviewReason.REFUSES_MAIL, (ann,))


async def test_new_05_a_new_address_is_not_written_to_a_record_that_refuses_mail() -> None:
    world = World(match=("firstname",), email="<->")
    ann = world.twin.crm.create(**person(donotemail=True))
    await world.sign_up("ann@work.example", firstName="Ann")
    assert await world.are_asked() == [ReviewReason.REFUSES_MAIL]
    assert world.twin.crm.people[ann].values["emailaddress1"] == ANN


async def test_new_05_another_address_that_is_not_written_back_is_a_question_that_mentions_the_refusal() -> None:
    world = World(match=("firstname",))
    world.twin.crm.create(**person(donotemail=True))
    await world.sign_up("ann@work.example", firstName="Ann")
    review = await world.review()
    assert (review.reason, review.text) == (ReviewReason.OTHER_ADDRESS, "Do Not Email is set.")


@pytest.mark.parametrize("target", [ImportTarget.LEAD, ImportTarget.CONTACT])
async def test_new_03_a_record_that_an_earlier_sign_up_made_and_that_refuses_mail_by_now_is_asked_about(
    target: ImportTarget,
) -> None:
    world = World(target)
    await world.sign_up()
    (made,) = world.twin.crm.people
    contact = world.twin.contact_of(ANN)
    world.twin.crm.edit(made, donotemail=True, emailaddress1="elsewhere@example.com")
    contact.external_id = "their number"  # another program has numbered it
    await world.sign_up()
    assert await world.are_asked() == [ReviewReason.REFUSES_MAIL]


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("table", [PersonTable.CONTACT, LEAD])
async def test_new_03_no_new_lead_overrules_or_obeys_a_record_with_the_address_that_refuses_mail(
    table: PersonTable, flag: str
) -> None:
    world = World(ImportTarget.LEAD)
    ann = world.twin.crm.create(table, **person(**{flag: True}))
    await world.sign_up()
    assert (await world.review()).candidates == (ann,)
    assert list(world.twin.crm.people) == [ann]

    await world.reviews.bind((await world.review()).id, ann)
    await world.twin.quiet()

    assert not world.flag(ann, flag)
    assert world.twin.contact_of(ANN).options[NEWSLETTER] is True


async def test_new_03_a_new_lead_is_made_although_others_have_the_address_and_refuse_nothing() -> None:
    world = World(ImportTarget.LEAD)
    ann = world.twin.crm.create(**person())
    await world.sign_up()
    assert await world.are_asked() == []
    assert [key.table for key in world.twin.crm.people if key != ann] == [LEAD]


async def test_of_several_refusals_that_stand_all_count() -> None:
    world = World(ImportTarget.LEAD)
    for flag in ("donotbulkemail", "donotemail"):
        world.twin.crm.create(**person(**{flag: True}))
    await world.sign_up()
    await world.reviews.dismiss((await world.review()).id)
    await world.twin.quiet()
    assert [one.options[NEWSLETTER] for one in world.twin.platform.having(ANN)] == [False]  # one record may keep it

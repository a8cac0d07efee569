"""A person signs up by form whose record has Do Not Email or Do Not Bulk Email: somebody decides which one counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.consent.changes import ConsentSource, ConsentState
from shared.domain.features.subscriber_import import ImportTarget
from shared.errors import DataError
from shared.inbound.reviews import Lifting, ReviewReason
from tests.connector_twin import NEWSLETTER, person
from tests.unit.inbound.subscribers.refusing import ANN, FLAGS, World, refusing


@pytest.mark.parametrize("flag", FLAGS)
async def test_a_sign_up_against_a_refusal_is_a_question_and_the_spotler_contact_stays_as_it_is(flag: str) -> None:
    world, ann = await refusing(flag)
    review = await world.review()
    assert (review.reason, review.candidates) == (ReviewReason.REFUSES_MAIL, (ann,))
    assert review.text == {"donotemail": "Do Not Email is set.", "donotbulkemail": "Do Not Bulk Email is set."}[flag]
    contact = world.twin.contact_of(ANN)
    assert (contact.external_id, contact.options) == ("", {NEWSLETTER: True})
    assert world.flag(ann, flag)
    assert world.twin.platform.writes == []


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("target", [ImportTarget.CONTACT, ImportTarget.LEAD])
async def test_a_refusal_that_is_known_already_does_not_settle_the_question_by_itself(
    target: ImportTarget, flag: str
) -> None:
    world = World(target)
    ann = world.twin.crm.create(**person(**{flag: True}))
    await world.twin.sync(ann)
    world.twin.platform.contacts.clear()  # somebody has deleted the contact in Spotler
    world.twin.clock.advance(timedelta(hours=1))

    await world.sign_up()

    assert (await world.review()).candidates == (ann,)
    contact = world.twin.contact_of(ANN)
    assert (contact.external_id, contact.options) == ("", {NEWSLETTER: True})
    await world.reviews.bind((await world.review()).id, ann)
    await world.twin.quiet()
    await world.twin.poll()
    assert world.twin.contact_of(ANN).options[NEWSLETTER] is True
    assert {row.name: row.subscribed for row in world.twin.crm.people[ann].permissions}["Newsletter"] is True


async def test_the_review_mentions_both_refusals() -> None:
    world, _ = await refusing("donotemail", donotbulkemail=True)
    assert (await world.review()).text == "Do Not Email is set. Do Not Bulk Email is set."


@pytest.mark.parametrize("flag", FLAGS)
async def test_the_sign_up_can_be_the_newer_act_the_record_is_bound_and_its_refusal_lifted(flag: str) -> None:
    world, ann = await refusing(flag)

    await world.reviews.bind((await world.review()).id, ann)
    await world.twin.quiet()

    assert not world.flag(ann, flag)
    contact = world.twin.contact_of(ANN)
    assert (contact.external_id, contact.options[NEWSLETTER]) == (str(ann.id), True)
    assert {row.name: row.subscribed for row in world.twin.crm.people[ann].permissions}["Newsletter"] is True
    assert await world.are_asked() == []


@pytest.mark.parametrize(
    ("flag", "subject", "old", "new"),
    [
        ("donotemail", "do-not-email", ConsentState.YES, ConsentState.NO),
        ("donotbulkemail", "bulk-email", ConsentState.NO, ConsentState.YES),
    ],
)
async def test_lifted_refusals_are_recorded_as_consent_by_form(
    flag: str, subject: str, old: ConsentState, new: ConsentState
) -> None:
    world, ann = await refusing(flag)
    await world.reviews.bind((await world.review()).id, ann)
    await world.twin.quiet()
    (change,) = [one for one in await world.twin.consent.of_record(ann) if one.subject == subject]
    assert (change.old, change.new, change.source) == (old, new, ConsentSource.FORM)


async def test_the_refusal_of_bulk_mail_can_stand_then_all_permissions_of_the_contact_are_off() -> None:
    world, ann = await refusing("donotbulkemail")

    dismissed = await world.reviews.dismiss((await world.review()).id)
    await world.twin.quiet()

    assert dismissed.dismissed
    contact = world.twin.contact_of(ANN)
    assert (contact.external_id, contact.options[NEWSLETTER]) == (str(ann.id), False)
    assert world.flag(ann, "donotbulkemail")
    assert await world.are_asked() == []


async def test_do_not_email_can_stand_then_the_contact_is_anonymised_as_for_every_such_record() -> None:
    world, ann = await refusing("donotemail")

    await world.reviews.dismiss((await world.review()).id)
    await world.twin.quiet()

    assert world.twin.platform.having(ANN) == []
    assert world.twin.platform.erased == [ANN]
    assert world.flag(ann, "donotemail")
    assert world.twin.status_of(ann)[1] == "do-not-email"


async def test_of_several_records_one_that_refuses_mail_is_chosen_only_by_saying_that_this_is_lifted() -> None:
    world = World()
    first, second = [world.twin.crm.create(**person(donotemail=refuses)) for refuses in (True, False)]
    await world.sign_up()
    review = await world.review()
    assert review.reason is ReviewReason.AMBIGUOUS
    with pytest.raises(DataError, match=r"Do Not Email is set.*liftRefusal"):
        await world.reviews.bind(review.id, first)
    assert world.flag(first, "donotemail")
    await world.reviews.bind(review.id, first, Lifting.ALL)
    assert not world.flag(first, "donotemail")
    assert not world.flag(second, "donotemail")


async def test_a_refusal_that_the_review_does_not_mention_is_not_lifted_by_its_decision() -> None:
    world, ann = await refusing("donotbulkemail")
    world.twin.crm.edit(ann, donotemail=True)
    with pytest.raises(DataError, match=r"Do Not Email is set\. Do Not Bulk Email is set\."):
        await world.reviews.bind((await world.review()).id, ann)
    assert world.flag(ann, "donotemail")


async def test_a_refusal_that_was_lifted_by_hand_needs_no_lifting() -> None:
    world, ann = await refusing("donotemail")
    world.twin.crm.edit(ann, donotemail=False)
    await world.reviews.bind((await world.review()).id, ann)
    await world.twin.quiet()
    assert world.twin.contact_of(ANN).external_id == str(ann.id)


async def test_a_refusal_that_was_lifted_by_hand_is_not_upheld_by_a_dismissal() -> None:
    world, ann = await refusing("donotemail")
    world.twin.crm.edit(ann, donotemail=False)
    await world.reviews.dismiss((await world.review()).id)
    await world.twin.quiet()
    assert world.twin.contact_of(ANN).options == {NEWSLETTER: True}


async def test_the_permissions_of_the_form_survive_a_save_of_the_record_before_the_decision() -> None:
    world, ann = await refusing("donotbulkemail")
    await world.twin.sync(ann)
    assert world.twin.contact_of(ANN).options[NEWSLETTER] is False

    await world.reviews.bind((await world.review()).id, ann)
    await world.twin.quiet()
    await world.twin.poll()

    assert world.twin.contact_of(ANN).options[NEWSLETTER] is True
    assert {row.name: row.subscribed for row in world.twin.crm.people[ann].permissions}["Newsletter"] is True


# ------------------------------------------------------------------------------------------------------- coming back


async def test_opt_09_p_02_a_sign_up_by_form_lifts_an_opt_out_in_spotler_without_a_review() -> None:
    world = World()
    ann = world.twin.crm.create(**person(permissions={"Newsletter": True}))
    await world.twin.sync(ann)
    world.twin.platform.opt_out(world.twin.contact_of(ANN))
    await world.twin.poll()
    assert world.flag(ann, "donotbulkemail")

    await world.sign_up()

    assert await world.are_asked() == []
    assert not world.flag(ann, "donotbulkemail")


async def test_opt_07_do_not_bulk_email_that_followed_an_opt_out_is_no_refusal_even_for_an_unnumbered_contact() -> None:
    world = World()
    ann = world.twin.crm.create(**person(permissions={"Newsletter": True}))
    await world.twin.sync(ann)
    contact = world.twin.contact_of(ANN)
    world.twin.platform.opt_out(contact)
    await world.twin.poll()
    contact.external_id = ""  # Spotler created it again

    await world.sign_up()

    assert await world.are_asked() == []


async def test_do_not_bulk_email_that_a_colleague_had_set_before_the_opt_out_is_asked_about() -> None:
    world = World()
    ann = world.twin.crm.create(**person(donotbulkemail=True))
    await world.twin.sync(ann)
    contact = world.twin.contact_of(ANN)
    world.twin.platform.opt_out(contact)
    await world.twin.poll()
    contact.external_id = ""

    await world.sign_up()

    assert await world.are_asked() == [ReviewReason.REFUSES_MAIL]

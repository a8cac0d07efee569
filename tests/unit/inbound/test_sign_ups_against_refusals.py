"""A person signs up by form whose record has Do Not Email or Do Not Bulk Email: somebody decides which one counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.consent.audit_ledger import ConsentLedger
from shared.domain.consent.changes import ConsentSource, ConsentState
from shared.domain.features.subscriber_import import ImportTarget
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.records.records import PersonTable, RecordKey
from shared.engine.refusals.mail_refusals import MailRefusals
from shared.errors import ConflictError, DataError, TransientError
from shared.inbound.reviews import Lifting, Review, ReviewReason, Reviews
from shared.inbound.subscriber_import import ImportPolicy, SubscriberImport
from tests.connector_twin import NEWSLETTER, RULES, ConnectorTwin, person
from tests.import_twins import TwinNewRecords

LEAD = PersonTable.LEAD
ANN = "ann@example.com"
FLAGS = ["donotemail", "donotbulkemail"]


class World:
    """A connector that imports new subscribers, in memory."""

    def __init__(
        self, target: ImportTarget = ImportTarget.CONTACT, match: tuple[str, ...] = (), email: str = "->"
    ) -> None:
        rows: list[dict[str, Any]] = [
            {"spotler": "email", "contact": "emailaddress1", "lead": "emailaddress1", "direction": email},
            {"spotler": "firstName", "contact": "firstname", "lead": "firstname", "direction": "<->"},
            {
                "spotler": "permissions",
                "contact": "@map(permissions)",
                "lead": "@map(permissions)",
                "direction": "<->",
            },
        ]
        self.rules = replace(RULES, mapping=read_mapping({"version": 1, "rows": rows}))
        self.twin = twin = ConnectorTwin(self.rules)
        self.consent = ConsentLedger(twin.store, twin.clock, "test")
        refusals = MailRefusals(
            writebacks=twin.writebacks,
            platform=twin.platform,
            ledger=twin.ledger,
            consents=self.consent,
            rules=self.rules,
            clock=twin.clock,
        )
        self.reviews = Reviews(
            store=twin.store,
            crm=twin.crm,
            lanes=twin.lanes,
            refusals=refusals,
            rules=self.rules,
            clock=twin.clock,
            environment="test",
        )
        twin.new_subscribers = SubscriberImport(  # type: ignore[assignment]
            records=TwinNewRecords(twin.crm),
            writebacks=twin.writebacks,
            crm=twin.crm,
            platform=twin.platform,
            reviews=self.reviews,
            refusals=refusals,
            rules=self.rules,
            import_policy=ImportPolicy(target, match),
        )
        twin.worker = twin.start_worker()

    async def sign_up(self, email: str = ANN, **values: Any) -> None:
        self.twin.platform.sign_up(email, options={NEWSLETTER: True}, **values)
        await self.twin.poll()

    async def review(self) -> Review:
        (review,) = (await self.reviews.page()).reviews
        return review

    async def are_asked(self) -> list[ReviewReason]:
        return [one.reason for one in (await self.reviews.page()).reviews]

    def flag(self, key: RecordKey, name: str) -> bool:
        return bool(self.twin.crm.people[key].values.get(name))


async def refusing(flag: str, **values: Any) -> tuple[World, RecordKey]:
    """A record that refuses mail, without a contact; then the person signs up by form."""
    world = World()
    ann = world.twin.crm.create(**person(**{flag: True}, **values))
    await world.sign_up()
    return world, ann


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


# ------------------------------------------------------------------------------------------------------ other targets


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


# ------------------------------------------------------------------------------------------------------------- faults


async def test_a_record_that_was_changed_meanwhile_is_not_lifted() -> None:
    world, ann = await refusing("donotemail")
    review = await world.review()
    read = world.twin.crm.read_people

    async def then_somebody_saves(*args: Any) -> Any:
        found = await read(*args)
        world.twin.crm.edit(ann, firstname="Anna")
        return found

    world.twin.crm.read_people = then_somebody_saves  # type: ignore[method-assign]
    with pytest.raises(ConflictError):
        await world.reviews.bind(review.id, ann)
    world.twin.crm.read_people = read  # type: ignore[method-assign]
    assert world.flag(ann, "donotemail")
    await world.reviews.bind(review.id, ann)
    assert not world.flag(ann, "donotemail")


async def test_a_decision_that_failed_after_lifting_may_be_repeated_and_is_recorded_once() -> None:
    world, ann = await refusing("donotemail")
    review = await world.review()
    world.twin.queue.broken["send"] = TransientError("down")
    with pytest.raises(TransientError):
        await world.reviews.bind(review.id, ann)
    world.twin.queue.broken.clear()
    for _ in range(2):
        await world.reviews.bind(review.id, ann)
    await world.twin.quiet()
    lifted = [one for one in await world.twin.consent.of_record(ann) if one.subject == "do-not-email"]
    assert len(lifted) == 1


async def test_consent_is_kept_although_the_ledger_was_out_of_reach_when_the_refusal_was_lifted() -> None:
    world, ann = await refusing("donotemail")
    review = await world.review()
    record, times = world.consent.record, []

    async def once_down(changes: Any) -> None:
        times.append(changes)
        if len(times) == 1:
            raise TransientError("down")
        await record(changes)

    world.consent.record = once_down  # type: ignore[method-assign]
    with pytest.raises(TransientError):
        await world.reviews.bind(review.id, ann)
    assert await world.are_asked() == [ReviewReason.REFUSES_MAIL]
    assert not world.flag(ann, "donotemail")

    await world.reviews.bind(review.id, ann)

    lifted = [one for one in await world.twin.consent.of_record(ann) if one.subject == "do-not-email"]
    assert len(lifted) == 1


@pytest.mark.parametrize("flag", FLAGS)
async def test_a_dismissal_that_fails_may_be_repeated(flag: str) -> None:
    world, _ = await refusing(flag)
    review = await world.review()
    world.twin.platform.broken["upsert"] = TransientError("down")
    with pytest.raises(TransientError):
        await world.reviews.dismiss(review.id)
    assert await world.are_asked() == [ReviewReason.REFUSES_MAIL]
    world.twin.platform.broken.clear()
    await world.reviews.dismiss(review.id)
    await world.twin.quiet()
    assert [one.options.get(NEWSLETTER) for one in world.twin.platform.having(ANN)] in ([], [False])
    assert world.twin.claims() == []


async def test_a_dismissal_waits_for_the_worker_that_holds_the_contact() -> None:
    world, ann = await refusing("donotemail")
    await world.twin.ledger.claim([str(ann.id)])
    with pytest.raises(ConflictError, match="try again"):
        await world.reviews.dismiss((await world.review()).id)

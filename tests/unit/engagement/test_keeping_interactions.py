"""What recipients do becomes rows of their records: once, whole, and for records alone."""

from uuid import UUID

import pytest

from shared.domain.consent.changes import ConsentSource
from shared.domain.engagement.events import BounceType, Confidence
from shared.domain.engagement.interactions import InteractionKind
from shared.domain.engagement.mailings import MailingKind
from shared.domain.records.records import PersonTable
from shared.engagement.choices import ResponseKind
from shared.errors import TransientError
from tests.twins.engagement import DAY, HOUR, MINUTE
from tests.unit.engagement.engagement_world import kinds, open_world


async def test_who_received_opened_and_clicked_is_visible_per_person() -> None:
    world = await open_world()
    ann, ben, cas = world.people
    sent = world.spotler.send(world.people)
    world.pass_by()
    world.spotler.open(sent, ann)
    world.spotler.click(sent, ann, "2")
    world.spotler.bounce(sent, ben, BounceType.HARD)
    await world.poll()
    assert kinds(world.of(ann)) == {InteractionKind.SENT, InteractionKind.OPENED, InteractionKind.CLICKED}  # INT-09
    assert world.of(ann)["clicked|2"].link is not None
    assert world.of(ben)["bounced|"].bounce is BounceType.HARD
    assert kinds(world.of(cas)) == {InteractionKind.SENT}
    assert world.actual_rows() == world.expected_rows()


@pytest.mark.parametrize("table", PersonTable)
async def test_contacts_leads_and_accounts_have_interactions(table: PersonTable) -> None:
    world = await open_world(0)
    who = await world.person(table)
    world.spotler.send([who])
    await world.poll()
    assert {row.record.table for row in world.rows.interactions.values()} == {table}  # C-16, INT-06


async def test_reading_the_same_events_again_writes_nothing() -> None:
    world = await open_world()
    sent = world.spotler.send(world.people)
    for who in world.people:
        world.spotler.open(sent, who)
    await world.poll()
    world.rows.calls.clear()
    await world.poll(MINUTE)  # the overlap of the windows
    assert not world.rows.calls


async def test_a_late_event_is_found_by_the_time_at_which_it_was_noted() -> None:
    world = await open_world()
    ann = next(iter(world.people))
    sent = world.spotler.send(world.people)
    await world.poll()
    await world.poll(2 * DAY)
    world.spotler.open(sent, ann, world.now - DAY)
    await world.poll()
    assert world.of(ann)["opened|"].first == world.now - DAY - HOUR
    assert world.actual_rows() == world.expected_rows()


async def test_contacts_without_a_record_have_no_card_and_are_counted() -> None:
    world = await open_world(1)
    world.spotler.send([*world.people, "form-7", "", str(UUID(int=5))])
    result = await world.poll()
    assert result.kept.strangers == 3
    assert len(world.rows.interactions) == 1


async def test_two_records_of_one_contact_get_one_row() -> None:
    world = await open_world(0)
    first = world.twin.crm.create(emailaddress1="same@example.com", firstname="Ann")
    second = world.twin.crm.create(emailaddress1="same@example.com", firstname="Bea")
    await world.twin.sync(first)
    await world.twin.sync(second)
    world.spotler.send([str(first.id)])
    await world.poll()
    assert [row.record for row in world.rows.interactions.values()] == [first]


async def test_the_events_of_an_erased_contact_no_longer_have_an_identity_and_its_rows_stay_right() -> None:
    world = await open_world()
    ann = next(iter(world.people))
    sent = world.spotler.send(world.people)
    world.spotler.open(sent, ann)
    await world.poll()
    before = world.actual_rows()
    world.spotler.erase(ann)  # P-03
    await world.twin.engagement.begin_initial(None)
    await world.twin.quiet()
    assert world.actual_rows() == before


async def test_the_setting_decides_whether_receiving_is_an_interaction() -> None:
    world = await open_world(store_sent=False)
    ann = next(iter(world.people))
    sent = world.spotler.send(world.people)
    world.spotler.open(sent, ann)
    await world.poll()
    assert kinds(world.of(ann)) == {InteractionKind.OPENED}
    assert world.spotler.calls["noted SENT"] == 0, "nothing is read that nobody needs"


async def test_scanners_are_marked_and_earn_nothing() -> None:
    world = await open_world(1)
    (ann,) = world.people
    sent = world.spotler.send([ann])
    world.pass_by()
    world.spotler.click(sent, ann, "1")
    world.spotler.click(sent, ann, "2")
    await world.poll()
    assert world.of(ann)["clicked|1"].suspect is not None
    assert world.score(ann).engagement == 0


async def test_a_decision_about_a_machine_changes_with_later_events() -> None:
    world = await open_world(1, suspect_seconds=600.0, create_campaign_responses=(ResponseKind.CLICKS,))
    (ann,) = world.people
    sent = world.spotler.send([ann])
    world.pass_by()
    world.spotler.click(sent, ann, "1")
    await world.poll(5 * MINUTE)
    assert (world.of(ann)["clicked|1"].suspect, world.score(ann).engagement) == (None, 5)
    world.spotler.click(sent, ann, "2")
    assert len(world.rows.responses) == 1
    await world.poll()
    assert world.of(ann)["clicked|1"].suspect is not None
    assert world.score(ann).engagement == 0
    assert not world.rows.responses, "a machine responds to nothing"


async def test_a_click_whose_link_becomes_known_is_no_click_without_a_link_any_more() -> None:
    world = await open_world(1)
    (ann,) = world.people
    sent = world.spotler.send([ann])
    world.pass_by()
    world.spotler.click(sent, ann, "2")
    world.spotler.tells_clicks_of_people = False
    await world.poll()
    assert "clicked|" in world.of(ann)
    await world.twin.engagement.begin_initial(None)
    await world.twin.quiet()
    assert [part for part in world.of(ann) if part.startswith("clicked")] == ["clicked|2"]


# ------------------------------------------------------------------------------------------------ activities, responses


async def test_by_setting_each_recipient_gets_an_activity_with_its_marks() -> None:
    world = await open_world(create_activities=True)
    ann, ben, _ = world.people
    sent = world.spotler.send(world.people)
    world.pass_by()
    world.spotler.open(sent, ann)
    world.spotler.click(sent, ann, "2")
    world.spotler.bounce(sent, ben)
    await world.poll()
    marks = {
        str(one.record.id): (one.is_opened, one.is_clicked, one.bounce, one.links, one.opens)
        for one in world.rows.activities.values()
    }
    assert len(marks) == 3  # BULK-02, BULK-05
    assert marks[ann] == (True, True, None, ("Offer",), 1)  # ACT-06, ACT-07
    assert marks[ben] == (False, False, BounceType.SOFT, (), 0)


async def test_without_the_setting_there_are_no_activities() -> None:
    world = await open_world()
    world.spotler.send(world.people)
    await world.poll()
    assert not world.rows.activities  # BULK-05


async def test_a_mailing_that_is_too_large_for_activities_says_so_on_its_campaign() -> None:
    world = await open_world(create_activities=True, max_email_activities_per_mailing=2)
    world.spotler.send(world.people)
    await world.poll()
    assert not world.rows.activities
    (campaign,) = world.rows.campaigns.values()
    assert "3 recipients are more than 2" in campaign.remark
    assert len(world.rows.interactions) == 3


async def test_an_sms_is_an_activity_of_its_kind() -> None:
    world = await open_world(create_activities=True)
    world.spotler.send(world.people, kind=MailingKind.SMS)
    await world.poll()
    assert {one.mailing.kind for one in world.rows.activities.values()} == {MailingKind.SMS}  # ACT-03


@pytest.mark.parametrize(
    ("chosen", "made"),
    [
        ((), set()),
        (
            (ResponseKind.CLICKS, ResponseKind.BOUNCES, ResponseKind.UNSUBSCRIBES),
            {InteractionKind.CLICKED, InteractionKind.BOUNCED, InteractionKind.UNSUBSCRIBED},
        ),
        ((ResponseKind.OPENS,), {InteractionKind.OPENED}),
    ],
)
async def test_the_setting_chooses_the_kinds_of_campaign_responses(
    chosen: tuple[ResponseKind, ...], made: set[InteractionKind]
) -> None:
    world = await open_world(create_campaign_responses=chosen)
    ann, ben, cas = world.people
    sent = world.spotler.send(world.people)
    world.pass_by()
    world.spotler.open(sent, ann)
    world.spotler.click(sent, ann, "2")
    world.spotler.click(sent, ann, "3", world.now + MINUTE)
    world.spotler.bounce(sent, ben)
    await world.poll()
    await world.withdraw(cas)
    await world.poll()
    assert {one.interaction.kind for one in world.rows.responses.values()} == made  # BULK-04, BULK-07
    assert len(world.rows.responses) == len(made), "one for a person, a mailing and a kind"


# ------------------------------------------------------------------------------------------------------- unsubscribes


async def test_an_unsubscribe_is_attributed_to_the_mailing_whose_link_was_clicked() -> None:
    world = await open_world()
    ann, ben, _ = world.people
    march, april = world.spotler.send(world.people), world.spotler.send(world.people)
    world.pass_by()
    world.spotler.click(march, ann, "5")
    await world.poll()
    for who in (ann, ben):
        await world.withdraw(who)
    await world.poll()
    assert world.of(ann, march)["unsubscribed|"].confidence is Confidence.CLICKED  # BULK-18
    assert world.of(ben, april)["unsubscribed|"].confidence is Confidence.ASSUMED
    assert "unsubscribed|" not in world.of(ann, april)


async def test_a_withdrawal_in_dynamics_is_no_unsubscribe() -> None:
    world = await open_world()
    ann = next(iter(world.people))
    world.spotler.send(world.people)
    await world.poll()
    await world.withdraw(ann, source=ConsentSource.DATAVERSE_ROW)
    await world.poll()
    assert InteractionKind.UNSUBSCRIBED not in kinds(world.of(ann))


async def test_an_unsubscribe_is_looked_at_once() -> None:
    world = await open_world()
    ann = next(iter(world.people))
    world.spotler.send(world.people)
    await world.poll()
    await world.withdraw(ann)
    for _ in range(3):
        await world.poll()
    assert world.of(ann)["unsubscribed|"].count == 1


async def test_a_refusal_of_all_mail_costs_points_and_ends_the_recent_score() -> None:
    world = await open_world()
    ann = next(iter(world.people))
    sent = world.spotler.send(world.people)
    world.pass_by()
    for number, link in enumerate(("1", "2", "3")):
        world.spotler.click(sent, ann, link, world.now + number * MINUTE)
    world.spotler.open(sent, ann)
    await world.poll()
    assert world.score(ann).engagement == 26
    assert world.score(ann).recent == 26
    await world.withdraw(ann, source=ConsentSource.PLATFORM_OPT_OUT, everything=True)
    await world.poll()
    assert world.score(ann).engagement == 0, "26 - 10 - 50, shown as 0"
    assert world.score(ann).recent == 0


# ----------------------------------------------------------------------------------------------------------- refusals


async def test_a_refused_row_is_noted_and_written_at_night_once_that_works() -> None:
    world = await open_world()
    ann, ben, _ = world.people
    refused = {world.people[ann]}
    world.rows.refuses = lambda _id, record: record in refused
    world.spotler.send(world.people)
    result = await world.poll()
    assert result.kept.refused == 1
    assert (await world.twin.engagement.state())["refusedRows"] == 1
    assert world.of(ben)
    await world.night()
    assert (await world.twin.engagement.state())["refusedRows"] == 1
    refused.clear()
    await world.night(DAY)
    assert (await world.twin.engagement.state())["refusedRows"] == 0
    assert world.actual_rows() == world.expected_rows()


async def test_a_row_that_is_refused_for_a_month_is_given_up() -> None:
    world = await open_world(1)
    world.rows.refuses = lambda _id, _record: True
    world.spotler.send(world.people)
    await world.poll()
    await world.night(31 * DAY)
    assert (await world.twin.engagement.state())["refusedRows"] == 0


async def test_a_failure_of_dataverse_repeats_the_window() -> None:
    world = await open_world()
    sent = world.spotler.send(world.people)
    world.spotler.open(sent, next(iter(world.people)))
    world.pass_by()
    world.rows.faults.plan(40, TransientError("down"))
    try:
        await world.twin.engagement.poll()
    except TransientError:
        world.pass_by(7 * MINUTE)
    world.rows.faults.planned.clear()
    await world.poll()
    assert world.actual_rows() == world.expected_rows()


async def test_the_state_holds_ids_and_times_and_no_values_of_people() -> None:
    world = await open_world()
    sent = world.spotler.send(world.people)
    world.spotler.click(sent, next(iter(world.people)))
    await world.poll()
    stored = [doc for key, doc in world.twin.store.documents.items() if "engage" in key.partition]
    assert stored
    assert not [doc for doc in stored if "example.com" in str(doc.body) or "Ann" in str(doc.body)]

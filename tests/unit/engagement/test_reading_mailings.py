"""Mailings become campaigns with current numbers, and what the feed lacks is read from lists."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from shared.domain.engagement.events import BounceType, EventKind
from shared.domain.engagement.interactions import InteractionKind, campaign_id
from shared.domain.engagement.mailings import MailingKind, MailingOrigin
from shared.domain.records.marketing_contact import Bounce
from shared.engagement.mailings.account_probe import OpensList, opens_list
from shared.errors import ConflictError, TransientError
from tests.twins.engagement import DAY, HOUR, MINUTE
from tests.unit.engagement.engagement_world import kinds, open_world


async def test_a_mailing_becomes_a_campaign_once_its_distribution_has_begun() -> None:
    world = await open_world()
    waiting = world.spotler.send([], name="Waits")
    sent = world.spotler.send(world.people, name="March news")
    await world.poll()
    (campaign,) = world.rows.campaigns.values()  # BULK-03
    assert campaign.id == campaign_id("test", sent)
    assert (campaign.mailing.name, campaign.mailing.handle) == ("March news", sent)
    assert campaign.figures is not None
    assert (campaign.figures.sent, campaign.figures.delivery_rate) == (3, Decimal("100.00"))
    assert waiting not in {one.mailing.handle for one in world.rows.campaigns.values()}


async def test_numbers_follow_what_recipients_do() -> None:
    world = await open_world()
    ann, ben, _ = world.people
    sent = world.spotler.send(world.people)
    await world.poll()
    world.spotler.open(sent, ann)
    world.spotler.click(sent, ben, "3")
    await world.poll()
    (campaign,) = world.rows.campaigns.values()
    assert campaign.figures is not None
    shown = campaign.figures
    assert (shown.opened, shown.rendered, shown.clicked, shown.conversions) == (2, 1, 1, 1)  # BULK-14..17
    assert (shown.open_rate, shown.click_to_open_rate) == (Decimal("66.67"), Decimal("50.00"))


async def test_statistics_are_read_less_often_as_a_mailing_ages_and_then_frozen() -> None:
    world = await open_world(1)
    world.spotler.send(world.people)
    for _ in range(24):
        await world.poll(HOUR)
    assert 22 <= world.spotler.calls["counts"] <= 24
    world.spotler.calls.clear()
    for _ in range(24):
        await world.poll(HOUR)
    assert world.spotler.calls["counts"] == 8, "every third hour"  # P-18
    for _ in range(42):
        await world.poll(DAY)
    (campaign,) = world.rows.campaigns.values()
    assert campaign.is_frozen
    world.spotler.calls.clear()
    await world.poll(HOUR)
    assert world.spotler.calls["counts"] == 0


async def test_an_unchanged_hour_costs_one_list_and_one_page_of_each_feed() -> None:
    world = await open_world()
    world.spotler.send(world.people)
    await world.poll()
    for _ in range(3):
        await world.poll(DAY)
    world.spotler.calls.clear()
    world.rows.calls.clear()
    await world.poll(MINUTE)
    assert dict(world.spotler.calls) == {
        "between": 1,
        **{f"noted {kind}": 1 for kind in ("SENT", "OPENED", "CLICKED", "BOUNCED")},
    }
    assert not world.rows.calls


async def test_without_campaigns_in_the_organisation_interactions_are_kept_all_the_same() -> None:
    world = await open_world()
    world.rows.has_campaigns = False
    world.spotler.send(world.people)
    await world.poll()
    assert not world.rows.campaigns
    assert {row.campaign for row in world.rows.interactions.values()} == {None}


async def test_the_setting_of_campaigns_switches_them_off() -> None:
    world = await open_world(create_campaigns=False)
    world.spotler.send(world.people)
    await world.poll()
    assert not world.rows.campaigns  # BULK-06
    assert len(world.rows.interactions) == 3


async def test_few_clicks_are_asked_for_by_person_and_many_by_one_list() -> None:
    world = await open_world(4)
    sent = world.spotler.send(world.people)
    first = next(iter(world.people))
    world.spotler.click(sent, first, "2")
    await world.poll()  # the statistics know of one clicker: that is one page
    assert (world.spotler.calls["clicks_of"], world.spotler.calls["listed CLICKED"]) == (1, 0)
    for who in world.people:
        world.spotler.click(sent, who, "1")
    await world.poll()
    assert (world.spotler.calls["clicks_of"], world.spotler.calls["listed CLICKED"]) == (1, 2)
    assert world.actual_rows() == world.expected_rows()
    assert world.of(first)["clicked|2"].count == 1


async def test_a_mailing_that_the_feed_does_not_have_is_read_by_its_lists() -> None:
    world = await open_world()
    sent = world.spotler.send(world.people, in_feed=False)
    for who in world.people:
        world.spotler.open(sent, who)
    world.spotler.click(sent, who, "2")
    await world.poll(HOUR)
    assert not world.rows.interactions
    for _ in range(8):
        await world.poll(HOUR)
    assert world.actual_rows() == world.expected_rows(), "who received it, opened it, and clicked which link"
    assert world.spotler.calls["listed SENT"] == 1, "recipients do not change"
    await world.night(3 * DAY)
    state = await world.twin.engagement.state()
    assert (state["account"]["mailingsInFeed"], state["account"]["mailingsReadByLists"]) == (0, 1)


async def test_where_the_feed_lacks_some_events_of_a_mailing_its_lists_are_read_at_night() -> None:
    world = await open_world(8)
    stranger = str(UUID(int=5))
    sent = world.spotler.send([*world.people, stranger])
    world.spotler.feed_lacks = lambda one: one.event.kind is EventKind.OPENED and one.who != next(iter(world.people))
    for who in (*world.people, stranger):
        world.spotler.open(sent, who)
    await world.poll()
    assert sum(row.interaction.kind is InteractionKind.OPENED for row in world.rows.interactions.values()) == 1
    await world.night()
    assert world.actual_rows() == world.expected_rows()
    for _ in range(3):
        await world.poll(DAY)
        await world.night()
    assert world.spotler.calls["listed OPENED"] == 3, "three pages, once: one contact without a record is no reason"
    assert (await world.twin.engagement.state())["account"]["mailingsShortInFeed"] == 1


async def test_messages_of_campaigns_appear_beside_bulk_mailings_without_a_campaign_row() -> None:
    world = await open_world()
    ann = next(iter(world.people))
    message = world.spotler.send([ann], origin=MailingOrigin.CAMPAIGN, in_feed=False)
    world.spotler.open(message, ann)
    await world.night()
    assert kinds(world.of(ann)) == {InteractionKind.SENT, InteractionKind.OPENED}  # INT-08, C-27
    assert not world.rows.campaigns
    world.spotler.click(message, ann, "2")
    await world.night(DAY)
    assert InteractionKind.CLICKED in kinds(world.of(ann))


async def test_act_08_a_bounce_of_an_automation_is_an_interaction_whoever_tells_it() -> None:
    world = await open_world(2)
    ann, ben = world.people
    automation = world.spotler.send([ann], origin=MailingOrigin.AUTOMATION, name="Welcome")
    world.spotler.bounce(automation, ann)
    world.pass_by(MINUTE)
    contact = world.twin.platform.find(ben)
    assert contact is not None
    seen = contact.seen(world.twin.platform.catalogue)
    world.twin.platform.bounced = [Bounce("HARDBOUNCE", world.now, told, seen) for told in ("a9", automation)]
    for _ in range(2):
        await world.poll(MINUTE)
    assert {row.part: row.count for row in world.of(ann).values()} == {"automation-mail|": 1, "bounced|": 1}
    assert {row.mailing.title for row in world.rows.interactions.values()} == {"Welcome", "automation"}
    assert [(row.part, row.bounce) for row in world.of(ben).values()] == [("bounced|", BounceType.HARD)]
    assert not world.rows.campaigns


async def test_an_sms_mailing_has_a_campaign_without_opens_and_interactions_of_its_own() -> None:
    world = await open_world()
    world.spotler.send(world.people, kind=MailingKind.SMS)
    await world.poll()
    (campaign,) = world.rows.campaigns.values()
    assert campaign.figures is not None
    assert (campaign.figures.sent, campaign.figures.opened) == (3, None)
    assert {row.interaction.kind for row in world.rows.interactions.values()} == {InteractionKind.SMS_SENT}  # C-17


async def test_the_account_shows_which_opens_its_lists_hold() -> None:
    for clicks_are_opens, expected in ((False, OpensList.RENDERED), (True, OpensList.ALL)):
        world = await open_world()
        world.spotler.clicks_are_opens = clicks_are_opens
        ann, ben, _ = world.people
        sent = world.spotler.send(world.people)
        world.spotler.open(sent, ann)
        world.spotler.click(sent, ben)
        await world.poll()
        await world.poll(3 * DAY)
        await world.night()
        account = (await world.twin.engagement.state())["account"]
        assert (account["opensList"], account["shownBy"]) == (expected, sent)


@pytest.mark.parametrize(
    ("distinct", "opened", "rendered", "result"),
    [
        (4, 6, 4, OpensList.RENDERED),
        (6, 6, 4, OpensList.ALL),
        (5, 6, 4, OpensList.UNKNOWN),
        (4, 4, 4, OpensList.UNKNOWN),
        (0, None, None, OpensList.UNKNOWN),
    ],
)
def test_only_counts_that_differ_show_something(
    distinct: int, opened: int | None, rendered: int | None, result: OpensList
) -> None:
    assert opens_list(distinct, opened, rendered) is result


async def test_the_initial_run_reads_all_mailings_with_their_lists_and_shows_its_progress() -> None:
    world = await open_world()
    ann = next(iter(world.people))
    mailings = []
    for _ in range(4):
        mailings.append(sent := world.spotler.send(world.people))
        world.spotler.open(sent, ann)
        world.pass_by(50 * DAY)
    await world.twin.engagement.begin_initial(None)  # INI-05, BULK-28
    begun = (await world.twin.engagement.state())["initial"]
    assert (begun["finished"], begun["percentListed"]) == (None, 0)
    await world.twin.quiet()
    ended = (await world.twin.engagement.state())["initial"]
    assert ended["finished"] is not None
    assert (ended["mailings"], ended["mailingsWaiting"], ended["percentListed"]) == (4, 0, 100)
    assert {one.mailing.handle for one in world.rows.campaigns.values()} == set(mailings)
    assert len([row for row in world.rows.interactions.values() if row.record == world.people[ann]]) == 8


async def test_the_initial_run_can_be_repeated_without_a_second_row_or_point() -> None:
    world = await open_world()
    ann = next(iter(world.people))
    sent = world.spotler.send(world.people)
    world.spotler.open(sent, ann)
    world.spotler.click(sent, ann, "2")
    await world.poll()
    before, score = world.actual_rows(), world.score(ann)
    for _ in range(2):
        await world.twin.engagement.begin_initial(None)
        await world.twin.quiet()
    assert world.actual_rows() == before
    assert world.score(ann) == score


async def test_only_one_worker_reads_at_a_time_and_a_dead_one_is_replaced() -> None:
    world = await open_world()
    world.spotler.broken["noted OPENED"] = TransientError("down")
    with pytest.raises(TransientError):
        await world.poll()
    world.spotler.broken.clear()
    position = await world.twin.engagement.cursor.read()
    assert position is not None
    await world.twin.engagement.cursor.write(replace(position, held_until=world.now + 5 * MINUTE))
    with pytest.raises(ConflictError):
        await world.twin.engagement.poll()
    await world.poll(6 * MINUTE)


async def test_a_long_window_is_continued_behind_its_last_page() -> None:
    world = await open_world(1)
    (ann,) = world.people
    sent = world.spotler.send([ann])
    for number in range(2500):
        world.spotler.open(sent, ann, world.now + number * MINUTE / 60)
    world.spotler.page = 100

    async def slow(_call: str) -> None:
        world.pass_by(MINUTE / 8)

    world.spotler._begin = slow  # type: ignore[method-assign]
    result = await world.poll(HOUR)
    assert not result.is_behind or not world.twin.queue.waiting
    assert world.of(ann)["opened|"].count == 400, "the earliest are kept"
    position = await world.twin.engagement.cursor.read()
    assert position is not None
    assert position.edge is None


async def test_health_tells_when_reading_never_gets_to_its_end() -> None:
    world = await open_world()
    await world.poll()
    assert (await world.twin.engagement.state())["ok"]
    world.spotler.broken["noted OPENED"] = TransientError("down")
    for _ in range(5):
        with pytest.raises(TransientError):
            await world.poll()
    state = await world.twin.engagement.state()
    assert not state["ok"]
    assert "POST /api/engagement" in state["cause"]


async def test_switched_off_nothing_is_asked_and_nothing_is_written() -> None:
    world = await open_world(engagement=False)
    world.spotler.send(world.people)
    await world.poll()
    await world.night()
    assert not world.spotler.calls
    assert (await world.twin.engagement.state()) == {"on": False}

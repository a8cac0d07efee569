from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.engagement.events import APPROXIMATE, MOST, BounceType, Confidence, Event, EventKind, event, joined
from shared.domain.engagement.interactions import Interaction, InteractionKind, interaction_id, read_events
from shared.domain.engagement.machines import SuspectReason
from shared.domain.engagement.mailings import MailingKind
from tests.unit.domain.engagement.happenings import (
    LINKS,
    RULES,
    after,
    bounced,
    clicked,
    opened,
    sent,
    unsubscribed,
)

EVENTS = st.lists(
    st.one_of(
        st.builds(opened, st.integers(0, 9)),
        st.builds(clicked, st.sampled_from(["", *sorted(LINKS)]), st.integers(0, 9)),
        st.builds(bounced, st.sampled_from(BounceType), st.integers(0, 9)),
        st.builds(unsubscribed, st.integers(0, 9), st.sampled_from(Confidence)),
        st.builds(sent, st.integers(0, 1)),
    ),
    max_size=20,
)


def rows(*events: Event) -> dict[str, Interaction]:
    return {row.part: row for row in read_events(events, LINKS, RULES).rows}


def test_every_kind_of_event_becomes_a_row() -> None:
    found = rows(sent(), opened(2), clicked("1", 3), bounced(BounceType.SOFT), unsubscribed(5))
    assert set(found) == {"sent|", "opened|", "clicked|1", "bounced|", "unsubscribed|"}  # INT-01


def test_repetitions_raise_the_count_of_one_row_and_keep_its_first_and_last_time() -> None:
    row = rows(opened(9), opened(2), opened(4))["opened|"]
    assert (row.count, row.first, row.last) == (3, after(2), after(9))


def test_a_click_row_stands_for_one_link_and_knows_it() -> None:
    found = rows(clicked("1", 3), clicked("2", 4), clicked("1", 5))
    assert found["clicked|1"].count == 2
    assert found["clicked|2"].link == LINKS["2"]  # INT-03


def test_a_click_on_a_conversion_link_is_a_conversion_as_well() -> None:
    found = rows(clicked("3", 3))
    assert found["conversion|3"].first == after(3)
    assert (found["clicked|3"].points, found["conversion|3"].points) == (5, 10)


def test_a_hard_bounce_after_a_soft_one_makes_the_row_hard() -> None:
    row = rows(bounced(BounceType.SOFT, 1), bounced(BounceType.HARD, 60))["bounced|"]
    assert (row.bounce, row.count) == (BounceType.HARD, 2)


def test_an_unsubscribe_tells_how_sure_its_mailing_is() -> None:
    assert rows(unsubscribed(5))["unsubscribed|"].confidence is Confidence.ASSUMED
    both = rows(unsubscribed(5), unsubscribed(6, Confidence.CLICKED))
    assert both["unsubscribed|"].confidence is Confidence.CLICKED


def test_an_sms_is_a_kind_of_its_own() -> None:
    reading = read_events([sent()], {}, RULES, kind=MailingKind.SMS)
    assert [row.kind for row in reading.rows] == [InteractionKind.SMS_SENT]  # C-17


def test_clicks_of_a_machine_are_stored_and_marked_and_earn_nothing() -> None:
    reading = read_events([clicked("1", 3), clicked("2", 3, seconds=1)], LINKS, RULES)
    assert {row.suspect for row in reading.rows} == {SuspectReason.AT_ONCE}
    assert reading.contributions == []
    assert (reading.is_opened, reading.is_clicked) == (False, False)


def test_a_row_with_one_click_of_a_person_is_not_suspect() -> None:
    found = rows(clicked("1", 3), clicked("2", 3, seconds=1), clicked("1", 30))
    assert found["clicked|1"].suspect is None
    assert found["clicked|2"].suspect is SuspectReason.AT_ONCE


def test_a_click_shows_that_the_mail_was_opened() -> None:
    assert read_events([clicked("1", 3)], LINKS, RULES).is_opened  # BULK-14
    assert read_events([opened(3)], LINKS, RULES).is_opened
    assert not read_events([sent()], LINKS, RULES).is_opened


def test_three_different_links_earn_points_and_further_ones_none() -> None:
    found = rows(clicked("1", 3), clicked("2", 5), clicked("4", 7), clicked("3", 9))
    assert [found[f"clicked|{link}"].points for link in "1243"] == [5, 5, 5, 0]
    assert found["conversion|3"].points == 10


def test_links_that_serve_the_mail_itself_earn_nothing() -> None:
    assert rows(clicked("5", 3))["clicked|5"].points == 0


def test_a_late_earlier_click_takes_the_points_of_a_later_one() -> None:
    clicks = [clicked("1", 13), clicked("2", 15), clicked("3", 17)]
    late = read_events([*clicks, clicked("4", 3)], LINKS, RULES)
    assert {row.part: row.points for row in late.rows} == {
        "clicked|4": 5,
        "clicked|1": 5,
        "clicked|2": 5,
        "clicked|3": 0,
        "conversion|3": 10,
    }


def test_ids_repeat_within_an_environment_and_differ_between_environments() -> None:
    mine = interaction_id("prod", "x8Kq2", "a", "clicked|1")
    assert isinstance(mine, UUID)
    assert mine == interaction_id("prod", "x8Kq2", "a", "clicked|1")
    others = {interaction_id("test", "x8Kq2", "a", "clicked|1"), interaction_id("prod", "x8Kq2", "b", "clicked|1")}
    assert mine not in others


@given(EVENTS, st.randoms(), st.integers(0, 20))
def test_the_result_depends_on_the_set_of_events_alone(events: list[Event], chance, cut: int) -> None:  # noqa: ANN001
    shuffled = chance.sample(events, len(events))
    in_two_steps = joined(joined(shuffled[cut:], shuffled[:3]), shuffled[:cut])
    assert in_two_steps == joined(events)
    assert read_events(in_two_steps, LINKS, RULES) == read_events(joined(events), LINKS, RULES)


@given(EVENTS)
def test_points_of_rows_are_the_contributions(events: list[Event]) -> None:
    reading = read_events(joined(events), LINKS, RULES)
    assert sum(row.points for row in reading.rows) == sum(one.points for one in reading.contributions)


def test_a_click_of_the_feed_gives_way_to_the_click_of_the_list_that_knows_its_link() -> None:
    assert joined([clicked("", 3)], [clicked("2", 3)]) == {clicked("2", 3)}


def test_an_approximate_time_of_sending_gives_way_to_the_exact_one() -> None:
    approximate = event(EventKind.SENT, after(0), APPROXIMATE)
    assert joined([approximate], [sent(3)]) == {sent(3)}
    assert joined([approximate]) == {approximate}


def test_a_scanner_without_end_does_not_fill_the_memory() -> None:
    kept = joined(event(EventKind.CLICKED, after(seconds=number), "1") for number in range(MOST + 50))
    assert len(kept) == MOST
    assert min(kept) == clicked("1", 0)

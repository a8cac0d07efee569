from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.engagement.events import APPROXIMATE, Event, EventKind, event, joined
from shared.domain.engagement.machines import SuspectReason, clicks_of_colleagues, deciding_clicks, suspects
from tests.unit.domain.engagement.happenings import LINKS, after, clicked, opened, sent


def reasons(*events: Event) -> set[SuspectReason]:
    return set(suspects(events, LINKS).values())


def test_a_person_who_reads_and_clicks_is_no_machine() -> None:
    assert suspects([sent(), opened(3), clicked("1", 4), clicked("2", 5), clicked("1", 6)], LINKS) == {}


def test_different_links_within_two_seconds_are_clicked_by_a_machine() -> None:
    both = [clicked("1", 4), clicked("2", 4, seconds=2)]
    assert suspects([*both, clicked("4", 9)], LINKS) == dict.fromkeys(both, SuspectReason.AT_ONCE)
    assert not reasons(clicked("1", 4), clicked("2", 4, seconds=2.1))


def test_the_same_link_twice_at_once_is_an_impatient_person() -> None:
    assert not reasons(clicked("1", 4), clicked("1", 4, seconds=1))


def test_nearly_all_links_within_a_minute_are_clicked_by_a_machine() -> None:
    tour = [clicked(link, 4, seconds=12 * number) for number, link in enumerate(("1", "2", "3", "4", "5"))]
    assert set(suspects(tour, LINKS).values()) == {SuspectReason.ALL_LINKS}
    slow = [clicked(link, 4 * number) for number, link in enumerate(("1", "2", "3", "4", "5"))]
    assert not suspects(slow, LINKS)


def test_a_click_on_an_invisible_link_is_a_machine() -> None:
    assert reasons(clicked("6", 30)) == {SuspectReason.HONEYPOT}


def test_a_click_within_seconds_after_the_sending_to_this_person_is_a_machine() -> None:
    assert reasons(sent(1), clicked("1", 1, seconds=10)) == {SuspectReason.AFTER_SENDING}
    assert not reasons(sent(1), clicked("1", 1, seconds=11))
    scheduled = event(EventKind.SENT, after(0), APPROXIMATE)
    assert not reasons(scheduled, clicked("1", 0, seconds=1)), "the schedule of a mailing proves nothing"


def test_three_people_of_one_company_who_click_within_five_seconds_are_one_scanner() -> None:
    clicks = [(after(4), "a"), (after(4, seconds=2), "b"), (after(4, seconds=5), "c"), (after(9), "a")]
    found = clicks_of_colleagues(clicks)
    assert found == {"a": {after(4)}, "b": {after(4, seconds=2)}, "c": {after(4, seconds=5)}}
    click = clicked("1", 4)
    assert suspects([click], LINKS, colleagues=found["a"]) == {click: SuspectReason.COLLEAGUES}


def test_two_colleagues_may_click_at_the_same_time() -> None:
    assert clicks_of_colleagues([(after(4), "a"), (after(4), "b"), (after(4), "a")]) == {}


def test_a_decision_changes_when_a_later_event_arrives() -> None:
    first = clicked("1", 4)
    assert not suspects([first], LINKS)
    assert first in suspects(joined([first], [clicked("2", 4, seconds=1)]), LINKS)


@given(st.lists(st.tuples(st.sampled_from(sorted(LINKS)), st.integers(0, 200)), max_size=12), st.randoms())
def test_no_order_of_arrival_changes_who_is_suspected(clicks: list[tuple[str, int]], chance) -> None:  # noqa: ANN001
    events = [clicked(link, 0, seconds=second) for link, second in clicks]
    shuffled = chance.sample(events, len(events)) + events[:1]
    assert suspects(shuffled, LINKS) == suspects(events, LINKS)


_CLICKS = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 80)), max_size=20)


@given(_CLICKS, _CLICKS)
def test_of_dense_clicks_a_few_decide_about_later_ones(
    early: list[tuple[str, int]], late: list[tuple[str, int]]
) -> None:
    known, new = ({(after(seconds=tenth / 10), person) for person, tenth in some} for some in (early, late))
    kept = deciding_clicks(known)
    assert kept <= known
    assert deciding_clicks(kept | new) == deciding_clicks(known | new)
    whole = _pairs(clicks_of_colleagues(known | new))
    assert _pairs(clicks_of_colleagues(known)) | _pairs(clicks_of_colleagues(kept | new)) == whole


def test_of_a_scan_of_a_whole_company_hardly_anything_is_kept() -> None:
    scan = {(after(seconds=number / 500), f"p{number}") for number in range(1000)}
    assert len(deciding_clicks(scan)) == 2 * 6


def _pairs(found: Mapping[str, frozenset[datetime]]) -> set[tuple[str, datetime]]:
    return {(person, at) for person, times in found.items() for at in times}


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 30)), max_size=14))
def test_the_rule_of_colleagues_is_the_plain_one(clicks: list[tuple[str, int]]) -> None:
    moments = {(after(seconds=second), person) for person, second in clicks}
    plain: dict[str, set] = {}
    for begin, _ in moments:
        inside = [(at, who) for at, who in moments if begin <= at <= begin + timedelta(seconds=5)]
        if len({who for _, who in inside}) >= 3:
            for at, who in inside:
                plain.setdefault(who, set()).add(at)
    assert clicks_of_colleagues(moments) == plain


@pytest.mark.parametrize("spread", [1, 30, 59])
def test_every_click_in_any_window_is_found(spread: int) -> None:
    tour = [clicked(link, 0, seconds=spread * number / 4) for number, link in enumerate(("1", "2", "3", "4", "5"))]
    assert set(suspects(tour, LINKS)) == set(tour)

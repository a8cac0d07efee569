"""A tally counts people of a mailing by hour and link, and follows what becomes known later."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.engagement.events import BounceType, Event, EventKind
from shared.domain.engagement.interactions import Reading, read_events
from shared.domain.engagement.tallies import LinkTally, PeopleTally, added, change, hours, links, people, tally_of
from tests.unit.domain.engagement.happenings import LINKS, RULES, after, bounced, clicked, opened


def reading(*events: Event) -> Reading:
    return read_events(events, LINKS, RULES)


def tally(*readings: Reading) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in readings:
        total = added(total, tally_of(one))
    return total


def test_people_are_counted_once_however_often_they_open_and_click() -> None:
    ann = reading(opened(5), opened(9), clicked("1", 10), clicked("1", 70), clicked("2", 80))
    ben, cas = reading(clicked("1", 90)), reading(bounced(BounceType.HARD))
    found = tally(ann, ben, cas)
    assert people(found) == PeopleTally(opened=2, rendered=1, clicked=2, bounced=1, machines=0)
    assert links(found) == [LinkTally("1", 2, 3, 0), LinkTally("2", 1, 1, 0)]
    assert [(one.at, one.opened, one.clicked) for one in hours(found)] == [(after(0), 1, 1), (after(60), 1, 1)]


def test_machines_stand_apart_and_are_in_no_hour() -> None:
    found = tally(reading(clicked("1", 10), clicked("2", 10)))
    assert people(found) == PeopleTally(opened=1, rendered=0, clicked=1, bounced=0, machines=1)
    assert links(found) == [LinkTally("1", 0, 0, 1), LinkTally("2", 0, 0, 1)]
    assert hours(found) == []


def test_an_earlier_open_that_arrives_late_moves_the_person_to_its_hour() -> None:
    before, after_it = reading(opened(70)), reading(opened(5), opened(70))
    found = added(tally_of(before), change(before, after_it))
    assert [(one.at, one.opened) for one in hours(found)] == [(after(0), 1)]


_EVENTS = st.one_of(
    st.builds(opened, st.integers(0, 300)),
    st.builds(clicked, st.sampled_from([*LINKS, ""]), st.integers(0, 300)),
)


@given(st.lists(_EVENTS, max_size=8), st.integers(0, 8))
def test_changes_lead_to_the_tally_of_all_that_is_known(events: list[Event], cut: int) -> None:
    before, whole = reading(*events[:cut]), reading(*events)
    assert added(tally_of(before), change(before, whole)) == dict(Counter(tally_of(whole)))
    assert EventKind.SENT not in tally_of(whole)

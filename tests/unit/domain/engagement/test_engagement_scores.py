from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.engagement.events import Event
from shared.domain.engagement.interactions import Reading, read_events
from shared.domain.engagement.people import PersonMemory, score_of
from shared.domain.engagement.scores import Contribution, Score, ScoreState, factor, shown, summed
from shared.domain.engagement.weights import Preset, read_weights, weights_of
from tests.unit.domain.engagement.happenings import LINKS, RULES, START, WEIGHTS, clicked, opened, unsubscribed

DAY = timedelta(days=1)
HALF_LIFE = 30 * DAY
VECTOR = [Contribution(START + day * DAY, points) for day, points in ((0, 1), (0, 5), (10, 5), (40, 20), (40, -10))]

CONTRIBUTIONS = st.lists(
    st.builds(lambda day, points: Contribution(START + day * DAY, points), st.integers(0, 300), st.integers(-50, 50)),
    max_size=12,
)


def read(_mailing: str, events: frozenset[Event]) -> Reading:
    return read_events(events, LINKS, RULES)


def memory(**mailings: list[Event]) -> PersonMemory:
    found = PersonMemory("one")
    for mailing, events in mailings.items():
        found = found.with_events(mailing, events)
    return found


def test_the_vector_of_the_formula_gives_the_same_score_in_all_orders() -> None:
    for order in permutations(VECTOR):
        state = summed(order, HALF_LIFE)
        assert state.total == 21
        assert state.recent_at(START + 70 * DAY, HALF_LIFE) == pytest.approx(7.440551, abs=1e-6)


@pytest.mark.parametrize(("days", "left"), [(7, 0.851), (15, 0.707), (30, 0.5), (60, 0.25), (90, 0.125), (180, 0.016)])
def test_points_halve_with_every_half_life(days: int, left: float) -> None:
    assert factor(days * DAY, HALF_LIFE) == pytest.approx(left, abs=5e-4)


@given(CONTRIBUTIONS, CONTRIBUTIONS)
def test_the_order_of_arrival_does_not_matter(first: list[Contribution], second: list[Contribution]) -> None:
    moment = START + 301 * DAY
    one_way, other_way = summed([*first, *second], HALF_LIFE), summed([*second, *reversed(first)], HALF_LIFE)
    joined = summed(first, HALF_LIFE).joined(summed(second, HALF_LIFE), HALF_LIFE)
    expected = sum(one.points * factor(moment - one.at, HALF_LIFE) for one in [*first, *second])
    for state in (one_way, other_way, joined):
        assert state.total == one_way.total
        assert state.recent_at(moment, HALF_LIFE) == pytest.approx(expected, abs=1e-6)


def test_scores_are_cut_at_zero_only_where_they_are_shown() -> None:
    state = summed([Contribution(START, -10), Contribution(START, 4)], HALF_LIFE)
    assert shown(state, START, WEIGHTS) == Score(0, 0)
    assert shown(state.plus(Contribution(START, 20), HALF_LIFE), START, WEIGHTS) == Score(14, 14)


def test_the_total_never_decays_and_the_recent_score_does() -> None:
    state = summed([Contribution(START, 16)], HALF_LIFE)
    assert shown(state, START + 90 * DAY, WEIGHTS) == Score(16, 2)  # ENG-01, ENG-02


def test_a_person_earns_the_same_once_per_mailing() -> None:
    twice = memory(march=[opened(1), opened(9), clicked("1", 2), clicked("1", 3)], april=[opened(50)])
    assert score_of(twice, read, WEIGHTS).total == 1 + 5 + 1


def test_unsubscribing_from_one_permission_costs_points() -> None:
    assert score_of(memory(march=[clicked("1", 2), unsubscribed(5)]), read, WEIGHTS).total == -5


def test_an_opt_out_costs_points_once_and_ends_what_was_recent() -> None:
    before = memory(march=[clicked("1", 2), clicked("2", 4)])
    after_it = before.with_opt_out(START + DAY).with_opt_out(START + DAY)
    state = score_of(after_it, read, WEIGHTS)
    assert state.total == 10 - 50
    assert shown(state, START + DAY, WEIGHTS).recent == 0
    late = after_it.with_events("march", [opened(1)])
    assert shown(score_of(late, read, WEIGHTS), START + DAY, WEIGHTS).recent == 0, "it happened before the opt-out"
    again = after_it.with_events("june", [clicked("1", 60 * 24 * 30)])
    assert score_of(again, read, WEIGHTS).recent_at(START + 30 * DAY, HALF_LIFE) == pytest.approx(5, abs=0.02)


@given(st.sets(st.sampled_from(["march", "april"])), st.sampled_from([None, 0, 1, 40, 400]))
def test_forgetting_events_keeps_the_score(gone: set[str], opted_out: int | None) -> None:
    person = memory(march=[opened(1), clicked("2", 3)], april=[clicked("1", 60 * 24 * 30)])
    if opted_out is not None:
        person = person.with_opt_out(START + opted_out * DAY)
    shorter = person.without(gone, read, WEIGHTS)
    assert not gone & shorter.mailings.keys()
    moment = START + 401 * DAY
    ahead, behind = score_of(person, read, WEIGHTS), score_of(shorter, read, WEIGHTS)
    assert ahead.total == behind.total
    assert ahead.recent_at(moment, HALF_LIFE) == pytest.approx(behind.recent_at(moment, HALF_LIFE), abs=1e-9)


def test_a_merge_adds_both_scores_and_counts_one_mailing_once() -> None:
    one, other = memory(march=[opened(1)]), memory(march=[opened(1)], april=[clicked("1", 9)])
    both = one.joined(other.with_opt_out(START), WEIGHTS)
    assert both.opted_out == START
    assert score_of(both, read, WEIGHTS).total == 1 + 5 - 50


def test_weights_have_a_version_and_presets_with_their_own_half_life() -> None:
    assert {preset: weights_of(preset).half_life.days for preset in Preset} == {
        Preset.B2B: 30,
        Preset.B2C: 14,
        Preset.LONG_CYCLE: 90,
    }
    assert weights_of(Preset.B2C).mark == "1-b2c"


def test_a_file_of_weights_is_refused_with_the_name_of_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="halfLifeDays"):
        read_weights("version: 1\npresets: {b2b: {opened: 1}}")
    entry = "{halfLifeDays: 30, opened: 1, clicked: 5, links: 3, conversion: 10, unsubscribed: -10, optOut: -50}"
    with pytest.raises(ValueError, match="b2c"):
        read_weights(f"version: 1\npresets: {{b2b: {entry}}}")


def test_nothing_remembered_is_no_score() -> None:
    assert PersonMemory("one").is_empty
    assert score_of(PersonMemory("one"), read, WEIGHTS) == ScoreState()

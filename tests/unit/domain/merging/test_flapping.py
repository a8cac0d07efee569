"""A field that goes to and fro is noticed, left alone, and let go again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.merging.flapping import REST, TURNS, WITHIN, Move, settle
from shared.domain.merging.merge import MergeDecision

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OUT, BACK = MergeDecision.TO_PLATFORM, MergeDecision.TO_DATAVERSE


def turned(
    times: int, batch_sizer: timedelta = timedelta(minutes=1)
) -> tuple[list[MergeDecision], Move | None, datetime]:
    """Send a field to and fro."""
    last, now, decisions = None, NOON, []
    for number in range(times):
        now += batch_sizer
        decision, last = settle((OUT, BACK)[number % 2], last, now)
        decisions.append(decision)
    return decisions, last, now


def test_six_turns_within_an_hour_are_let_through_and_the_seventh_is_not() -> None:
    decisions, last, _ = turned(TURNS + 2)
    assert decisions == [OUT, BACK] * (TURNS // 2) + [MergeDecision.FROZEN] * 2
    assert last is not None
    assert last.turns == TURNS


def test_slow_changes_of_direction_never_freeze_a_field() -> None:
    decisions, last, _ = turned(3 * TURNS, WITHIN)
    assert MergeDecision.FROZEN not in decisions
    assert last is not None
    assert last.turns == 1


def test_edits_on_one_side_are_no_turns() -> None:
    last, now = None, NOON
    for _ in range(3 * TURNS):
        now += timedelta(seconds=10)
        decision, last = settle(OUT, last, now)
        assert decision is OUT
    assert last == Move(to_dataverse=False, turns=1, at=now)


@pytest.mark.parametrize("decision", [MergeDecision.HELD, MergeDecision.ASKED, OUT, BACK, MergeDecision.DATAVERSE_WON])
def test_a_frozen_field_stays_so_until_a_day_has_passed(decision: MergeDecision) -> None:
    _, last, now = turned(TURNS)
    assert settle(decision, last, now + REST - timedelta(seconds=1)) == (MergeDecision.FROZEN, last)
    later, _ = settle(decision, last, now + REST)
    assert later is decision


def test_a_frozen_field_is_free_when_the_sides_agree() -> None:
    _, last, now = turned(TURNS)
    assert settle(MergeDecision.AGREED, last, now) == (MergeDecision.AGREED, None)


def test_move_is_kept_for_an_hour_without_changes() -> None:
    last = Move(to_dataverse=True, turns=3, at=NOON)
    assert settle(MergeDecision.AGREED, last, NOON + WITHIN - timedelta(seconds=1)) == (MergeDecision.AGREED, last)
    assert settle(MergeDecision.AGREED, last, NOON + WITHIN) == (MergeDecision.AGREED, None)


@pytest.mark.parametrize("to_dataverse", [True, False])
def test_a_move_is_read_as_it_was_written(*, to_dataverse: bool) -> None:
    move = Move(to_dataverse=to_dataverse, turns=4, at=NOON)
    assert Move.parse(str(move)) == move


@pytest.mark.parametrize("text", ["", "<- 4", "-> four 2026-03-01", "<- 1 yesterday"])
def test_malformed_move_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Move.parse(text)

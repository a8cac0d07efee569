"""When an address is a problem, and when it is none any more (BNC-04, BNC-05, BNC-11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.consent.bounces import BounceKind, BounceNote, noted, reopened, solved
from shared.domain.records.marketing_contact import Bounce
from shared.domain.records.outcomes import TEXTS, Outcome, Reason, Result
from shared.domain.records.records import SyncStatus
from tests.unit.consent.bounces.bouncing import ANN, INACTIVE, PRINTS, START, bounce, external_id


def after(*bounces: Bounce) -> BounceNote:
    note = BounceNote(external_id(1))
    for one in bounces:
        kind = BounceKind.read(one.kind)
        assert kind is not None
        address = PRINTS.address(str(one.contact.properties.get("email", "")))
        note = noted(note, one, kind, address=address, now=START)
    return note


def test_bnc_05_one_hard_bounce_is_enough() -> None:
    assert after(bounce()).reason is Reason.HARD_BOUNCE


def soft(count: int, channels: Mapping[str, bool]) -> list[Bounce]:
    return [bounce(kind="SOFTBOUNCE", day=day, channels=channels) for day in range(count)]


@pytest.mark.parametrize(("count", "reason"), [(1, None), (3, None), (4, Reason.SOFT_BOUNCE), (9, Reason.SOFT_BOUNCE)])
def test_bnc_04_soft_bounces_are_a_problem_the_fourth_time(count: int, reason: Reason | None) -> None:
    note = after(*soft(count, channels={}))
    assert (note.reason, note.soft_bounces) == (reason, count)


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_bnc_04_while_the_contact_can_be_reached_they_were_not_four_in_a_row(count: int) -> None:
    assert after(*soft(count, channels={"EMAIL": True})).reason is None


def test_bnc_04_a_contact_closed_by_a_soft_bounce_had_three_unread_ones_before() -> None:
    assert after(*soft(1, channels=INACTIVE)).reason is Reason.SOFT_BOUNCE


@pytest.mark.parametrize(("count", "reason"), [(1, None), (4, Reason.SOFT_BOUNCE)])
def test_a_contact_that_is_closed_long_after_a_soft_bounce_may_have_opted_out(
    count: int, reason: Reason | None
) -> None:
    note = BounceNote(external_id(1))
    for one in soft(count, channels=INACTIVE):
        note = noted(note, one, BounceKind.SOFT, address="a", now=START + timedelta(days=30))
    assert note.reason is reason


def test_a_hard_bounce_outweighs_soft_ones_whichever_comes_first() -> None:
    soft, hard = bounce(kind="SOFTBOUNCE", day=1), bounce(day=2)
    for note in (after(soft, hard), after(hard, soft)):
        assert (note.kind, note.reason) == (BounceKind.HARD, Reason.HARD_BOUNCE)
        assert (note.since, note.last) == (soft.date, hard.date)


def test_the_same_bounce_read_twice_counts_once() -> None:
    one = bounce(kind="SOFTBOUNCE")
    assert after(one, one, one) == after(one)
    assert after(one, replace(one, mailing="m-2")).soft_bounces == 2


@pytest.mark.parametrize(("text", "kind"), [("HARD", "hard"), ("SOFTBOUNCE", "soft"), ("hardbounce ", "hard")])
def test_either_spelling_of_a_kind_is_read(text: str, kind: str) -> None:
    assert BounceKind.read(text) == kind
    assert BounceKind.read("MEDIUM") is None


def test_bnc_11_bounces_before_the_address_was_changed_do_not_count() -> None:
    note = solved(after(bounce(day=3)), START + timedelta(days=5))
    assert (note.reason, note.is_open) == (None, False)
    late = noted(note, bounce(day=4, mailing="late"), BounceKind.HARD, address="new", now=START)
    assert late == note
    again = noted(note, bounce(day=6), BounceKind.HARD, address="new", now=START)
    assert (again.reason, again.since) == (Reason.HARD_BOUNCE, START + timedelta(days=6))


def test_the_bounce_that_closed_a_contact_counts_whatever_bounces_follow() -> None:
    assert after(*soft(3, channels={})).closed is None
    assert after(*soft(6, channels={})).closed == START + timedelta(days=3)
    assert after(bounce(day=1), bounce(day=5, mailing="late")).closed == START + timedelta(days=1)


def test_a_contact_that_is_mailed_again_is_no_problem_until_the_next_bounce() -> None:
    note = after(bounce())
    assert reopened(note, START + timedelta(seconds=60)) == note, "seen before Spotler had closed it"
    again = reopened(note, START + timedelta(days=1))
    assert (again.reason, again.is_open) == (None, True)
    assert noted(
        again, bounce(day=2, mailing="m-2"), BounceKind.HARD, address="", now=START
    ).closed == START + timedelta(days=2)


def test_soft_bounces_of_an_address_do_not_count_for_the_next_one() -> None:
    old = soft(3, channels={})
    new = [bounce(kind="SOFTBOUNCE", day=day, email="new@example.com", channels={}) for day in (4, 5)]
    note = after(*old, *new)
    assert (note.soft_bounces, note.reason) == (2, None)


def test_the_reasons_are_failures_with_words_for_people() -> None:
    for reason in (Reason.HARD_BOUNCE, Reason.SOFT_BOUNCE):
        outcome = Outcome(ANN, Result.FAILED, reason)
        assert outcome.status is SyncStatus.FAILED
        assert outcome.text == TEXTS[reason]

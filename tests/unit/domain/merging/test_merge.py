"""The merge of one value and of one permission, by both sides and their last agreement."""

from __future__ import annotations

import pytest

from shared.domain.mapping.model import BlankPolicy, ConflictPolicy, Direction
from shared.domain.merging.merge import (
    Base,
    FieldVersions,
    MergeDecision,
    Newer,
    base_of,
    merge_value,
)
from shared.domain.merging.permission_merge import Row, merge_consent

HERE, THERE, AGREED = "Delft", "Gouda", "Leiden"
TO_PLATFORM, BOTH, FROM_PLATFORM = Direction.TO_PLATFORM, Direction.BOTH, Direction.TO_DATAVERSE


def said(value: object) -> str:
    return f"print of {value}"


@pytest.mark.parametrize(
    ("known", "dataverse", "platform", "base"),
    [
        (None, HERE, THERE, Base.ABSENT),
        (said(HERE), HERE, THERE, Base.DATAVERSE),
        (said(THERE), HERE, THERE, Base.PLATFORM),
        (said(AGREED), HERE, THERE, Base.NEITHER),
        (said(AGREED), None, THERE, Base.NEITHER),
        (said(THERE), None, THERE, Base.PLATFORM),
    ],
)
def test_base_shows_which_side_changed(known: str | None, dataverse: str | None, platform: str, base: Base) -> None:
    assert base_of(known, dataverse, platform, said) is base


@pytest.mark.parametrize(
    ("base", "to_platform", "both", "to_dataverse"),
    [
        (Base.DATAVERSE, MergeDecision.HELD, MergeDecision.TO_DATAVERSE, MergeDecision.TO_DATAVERSE),
        (Base.PLATFORM, MergeDecision.TO_PLATFORM, MergeDecision.TO_PLATFORM, MergeDecision.HELD),
        (Base.NEITHER, MergeDecision.TO_PLATFORM, MergeDecision.DATAVERSE_WON, MergeDecision.TO_DATAVERSE),
        (Base.ABSENT, MergeDecision.TO_PLATFORM, MergeDecision.DATAVERSE_WON, MergeDecision.TO_DATAVERSE),
    ],
)
def test_s2d_02_the_side_that_moved_wins_where_the_direction_lets_it(
    base: Base, to_platform: MergeDecision, both: MergeDecision, to_dataverse: MergeDecision
) -> None:
    versions = FieldVersions(HERE, THERE, base)
    decisions = {one: merge_value(versions, direction=one) for one in Direction}
    assert decisions == {TO_PLATFORM: to_platform, BOTH: both, FROM_PLATFORM: to_dataverse}


@pytest.mark.parametrize(
    ("dataverse", "platform", "to_platform", "both", "to_dataverse"),
    [
        ("", THERE, MergeDecision.HELD, MergeDecision.TO_DATAVERSE, MergeDecision.TO_DATAVERSE),
        (HERE, "", MergeDecision.TO_PLATFORM, MergeDecision.TO_PLATFORM, MergeDecision.HELD),
        (HERE, HERE, MergeDecision.AGREED, MergeDecision.AGREED, MergeDecision.AGREED),
    ],
)
def test_purge_02_a_first_merge_fills_and_empties_nothing(
    dataverse: str, platform: str, to_platform: MergeDecision, both: MergeDecision, to_dataverse: MergeDecision
) -> None:
    versions = FieldVersions(dataverse, platform, Base.ABSENT)
    decisions = {one: merge_value(versions, direction=one) for one in Direction}
    assert decisions == {TO_PLATFORM: to_platform, BOTH: both, FROM_PLATFORM: to_dataverse}


@pytest.mark.parametrize(
    ("dataverse", "platform", "decision"),
    [("", THERE, MergeDecision.TO_DATAVERSE), (HERE, "", MergeDecision.TO_PLATFORM)],
)
def test_a_first_merge_in_doubt_empties_nothing_either(dataverse: str, platform: str, decision: MergeDecision) -> None:
    assert merge_value(FieldVersions(dataverse, platform, Base.ABSENT, is_doubtful=True), direction=BOTH) is decision


@pytest.mark.parametrize("base", [Base.NEITHER, Base.ABSENT])
@pytest.mark.parametrize(
    ("policy", "newer", "decision"),
    [
        (ConflictPolicy.CRM, Newer.PLATFORM, MergeDecision.DATAVERSE_WON),
        (ConflictPolicy.PLATFORM, Newer.DATAVERSE, MergeDecision.PLATFORM_WON),
        (ConflictPolicy.NEWEST, Newer.DATAVERSE, MergeDecision.DATAVERSE_WON),
        (ConflictPolicy.NEWEST, Newer.PLATFORM, MergeDecision.PLATFORM_WON),
        (ConflictPolicy.ASK, Newer.PLATFORM, MergeDecision.ASKED),
    ],
)
def test_where_both_moved_the_policy_of_the_row_decides(
    base: Base, policy: ConflictPolicy, newer: Newer, decision: MergeDecision
) -> None:
    assert merge_value(FieldVersions(HERE, THERE, base), direction=BOTH, policy=policy, newer=newer) is decision


@pytest.mark.parametrize("policy", ConflictPolicy)
@pytest.mark.parametrize("base", [Base.DATAVERSE, Base.PLATFORM])
def test_the_policy_is_not_asked_where_one_side_moved(base: Base, policy: ConflictPolicy) -> None:
    decision = merge_value(FieldVersions(HERE, THERE, base), direction=BOTH, policy=policy)
    assert decision is {Base.DATAVERSE: MergeDecision.TO_DATAVERSE, Base.PLATFORM: MergeDecision.TO_PLATFORM}[base]


@pytest.mark.parametrize(
    ("dataverse", "platform", "base", "direction", "clears"),
    [
        ("", THERE, Base.PLATFORM, TO_PLATFORM, MergeDecision.TO_PLATFORM),
        ("", THERE, Base.PLATFORM, BOTH, MergeDecision.TO_PLATFORM),
        (HERE, "", Base.DATAVERSE, BOTH, MergeDecision.TO_DATAVERSE),
        (HERE, "", Base.DATAVERSE, FROM_PLATFORM, MergeDecision.TO_DATAVERSE),
    ],
)
def test_an_empty_value_travels_unless_the_row_keeps_blanks(
    dataverse: str, platform: str, base: Base, direction: Direction, clears: MergeDecision
) -> None:
    versions = FieldVersions(dataverse, platform, base)
    assert merge_value(versions, direction=direction) is clears
    assert merge_value(versions, direction=direction, blank=BlankPolicy.KEEP) is MergeDecision.HELD


@pytest.mark.parametrize(
    ("base", "direction", "decision"),
    [
        (Base.DATAVERSE, TO_PLATFORM, MergeDecision.TO_PLATFORM),
        (Base.PLATFORM, FROM_PLATFORM, MergeDecision.TO_DATAVERSE),
        (Base.DATAVERSE, BOTH, MergeDecision.DATAVERSE_WON),
        (Base.PLATFORM, BOTH, MergeDecision.TO_PLATFORM),  # Spotler has the agreed value
    ],
)
def test_base_in_doubt_does_not_show_which_side_changed(
    base: Base, direction: Direction, decision: MergeDecision
) -> None:
    assert merge_value(FieldVersions(HERE, THERE, base, is_doubtful=True), direction=direction) is decision


@pytest.mark.parametrize(
    ("base", "newer", "decision"),
    [
        (Base.DATAVERSE, Newer.PLATFORM, MergeDecision.TO_DATAVERSE),
        (Base.DATAVERSE, Newer.DATAVERSE, MergeDecision.ASKED),
        (Base.PLATFORM, Newer.DATAVERSE, MergeDecision.TO_PLATFORM),
        (
            Base.PLATFORM,
            Newer.PLATFORM,
            MergeDecision.TO_PLATFORM,
        ),  # Spotler has the agreed value: no worker wrote it
        (Base.NEITHER, Newer.PLATFORM, MergeDecision.ASKED),
    ],
)
def test_after_a_worker_died_a_change_in_spotler_must_have_been_saved_last(
    base: Base, newer: Newer, decision: MergeDecision
) -> None:
    versions = FieldVersions(HERE, THERE, base, is_doubtful=True)
    assert merge_value(versions, direction=BOTH, policy=ConflictPolicy.ASK, newer=newer) is decision


@pytest.mark.parametrize(("here", "there"), [("", THERE), (HERE, "")])
def test_first_merge_empties_nothing_even_if_a_worker_died(here: str, there: str) -> None:
    decision = merge_value(FieldVersions(here, there, Base.ABSENT, is_doubtful=True), direction=BOTH)
    assert decision is (MergeDecision.TO_DATAVERSE if there else MergeDecision.TO_PLATFORM)


@pytest.mark.parametrize(
    ("base", "both", "to_dataverse"),
    [
        (Base.NEITHER, MergeDecision.TO_DATAVERSE, MergeDecision.TO_DATAVERSE),
        (Base.PLATFORM, MergeDecision.HELD, MergeDecision.HELD),
        (Base.ABSENT, MergeDecision.HELD, MergeDecision.TO_DATAVERSE),
    ],
)
def test_a_value_that_spotler_could_not_have_is_replaced_only_by_a_change_there(
    base: Base, both: MergeDecision, to_dataverse: MergeDecision
) -> None:
    versions = FieldVersions(None, THERE, base)
    decisions = {one: merge_value(versions, direction=one) for one in Direction}
    assert decisions == {TO_PLATFORM: MergeDecision.HELD, BOTH: both, FROM_PLATFORM: to_dataverse}


# -------------------------------------------------------------------------------------------------------------- consent


@pytest.mark.parametrize(
    ("dataverse", "platform", "base", "decision"),
    [
        (True, True, Base.ABSENT, MergeDecision.AGREED),
        (True, False, Base.DATAVERSE, MergeDecision.TO_DATAVERSE),  # both had a yes; withdrawn in Spotler
        (True, False, Base.PLATFORM, MergeDecision.TO_PLATFORM),  # both had a no; given in Dataverse
        (True, False, Base.ABSENT, MergeDecision.TO_PLATFORM),  # PERM-17: a row that a user made
        (False, True, Base.DATAVERSE, MergeDecision.TO_DATAVERSE),  # both had a no; given in Spotler
        (False, True, Base.PLATFORM, MergeDecision.TO_PLATFORM),  # both had a yes; withdrawn in Dataverse
        (False, True, Base.ABSENT, MergeDecision.TO_PLATFORM),  # which one is newer is unknown: no wins
    ],
)
def test_perm_06_consent_falls_by_itself_and_rises_by_a_newer_yes(
    *, dataverse: bool, platform: bool, base: Base, decision: MergeDecision
) -> None:
    assert merge_consent(FieldVersions(dataverse, platform, base), direction=BOTH) is decision


def test_a_yes_in_spotler_counts_only_if_the_base_can_be_trusted() -> None:
    versions = FieldVersions(dataverse=False, platform=True, base=Base.DATAVERSE, is_doubtful=True)
    assert merge_consent(versions, direction=BOTH) is MergeDecision.TO_PLATFORM


def test_a_no_may_be_the_answer_to_a_yes_that_a_dead_worker_sent() -> None:
    versions = FieldVersions(dataverse=True, platform=False, base=Base.PLATFORM, is_doubtful=True)
    assert merge_consent(versions, direction=BOTH) is MergeDecision.TO_PLATFORM
    assert merge_consent(versions, direction=BOTH, was_perhaps_sent=True) is MergeDecision.TO_DATAVERSE


@pytest.mark.parametrize(
    ("row", "platform", "direction", "decision"),
    [
        (Row.DELETED, True, BOTH, MergeDecision.TO_PLATFORM),
        (Row.DELETED, False, BOTH, MergeDecision.AGREED),
        (Row.DELETED, True, FROM_PLATFORM, MergeDecision.AGREED),
        (Row.NEVER, True, BOTH, MergeDecision.TO_DATAVERSE),
        (Row.NEVER, False, FROM_PLATFORM, MergeDecision.TO_DATAVERSE),
        (Row.NEVER, True, TO_PLATFORM, MergeDecision.HELD),
    ],
)
def test_perm_15_a_missing_row_is_made_and_a_deleted_one_withdraws(
    row: Row, *, platform: bool, direction: Direction, decision: MergeDecision
) -> None:
    assert merge_consent(FieldVersions(None, platform, Base.ABSENT), direction=direction, row=row) is decision


@pytest.mark.parametrize(("direction", "held"), [(TO_PLATFORM, Base.DATAVERSE), (FROM_PLATFORM, Base.PLATFORM)])
def test_consent_travels_only_where_the_direction_lets_it(direction: Direction, held: Base) -> None:
    assert (
        merge_consent(FieldVersions(dataverse=True, platform=False, base=held), direction=direction)
        is MergeDecision.HELD
    )

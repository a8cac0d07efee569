"""The pure part of marketing lists: members left out, differences, reports (ML-32, ML-33, C-36, C-43)."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.features.lists import (
    Content,
    LeftOut,
    ListRules,
    MemberCounts,
    bucket_of,
    difference,
    digest_of,
    identity_of,
    joined,
    left_out_because,
)
from shared.domain.records.outcomes import Reason

ONE = UUID(int=1)
contacts = st.frozensets(st.text("abcdef", min_size=1, max_size=2), max_size=20)


@pytest.mark.parametrize(
    ("unmet", "refuses", "is_known", "rules", "expected"),
    [
        ([], False, True, ListRules(), None),
        ([], False, False, ListRules(), None),
        ([], True, True, ListRules(), LeftOut.NO_BULK),
        ([], True, True, ListRules(exclude_opted_out=False), None),
        ([Reason.INACTIVE], False, True, ListRules(), Reason.INACTIVE),
        ([Reason.INACTIVE], False, True, ListRules(ignore_inactive=False), None),
        ([Reason.INACTIVE], False, False, ListRules(ignore_inactive=False), Reason.INACTIVE),
        ([Reason.LEAD_QUALIFIED], False, True, ListRules(ignore_inactive=False), None),
        ([Reason.INACTIVE, Reason.DO_NOT_EMAIL], False, True, ListRules(ignore_inactive=False), Reason.DO_NOT_EMAIL),
        ([Reason.INACTIVE], True, True, ListRules(ignore_inactive=False), LeftOut.NO_BULK),
        ([Reason.OPTED_OUT], False, True, ListRules(exclude_opted_out=False), Reason.OPTED_OUT),
    ],
)
def test_ml_32_ml_33_members_that_are_left_out_of_a_list(
    unmet: list[Reason], *, refuses: bool, is_known: bool, rules: ListRules, expected: Reason | LeftOut | None
) -> None:
    assert left_out_because(unmet, rules, refuses_bulk=refuses, is_known=is_known) == expected


@given(there=contacts, wanted=contacts)
def test_the_differences_make_the_list_equal_to_the_snapshot(there: frozenset[str], wanted: frozenset[str]) -> None:
    changes = difference(wanted, Content(there, there))
    assert (there | set(changes.add)) - set(changes.remove) == wanted
    assert not set(changes.add) & there, "nobody is sent in vain"
    assert set(changes.remove) <= there


@given(before=contacts, sent=contacts, wanted=contacts, data=st.data())
def test_wherever_a_synchronisation_broke_off_the_next_one_makes_the_list_equal(
    before: frozenset[str], sent: frozenset[str], wanted: frozenset[str], data: st.DataObject
) -> None:
    added = data.draw(st.frozensets(st.sampled_from(sorted(sent - before)))) if sent - before else frozenset[str]()
    removed = data.draw(st.frozensets(st.sampled_from(sorted(before - sent)))) if before - sent else frozenset[str]()
    there = (before | added) - removed

    changes = difference(wanted, joined([Content(before, before), Content(sent, sent)]))

    assert (there | set(changes.add)) - set(changes.remove) == wanted


@given(members=st.lists(st.uuids(), unique=True, max_size=30), data=st.data())
def test_the_digest_of_a_list_depends_on_its_members_alone(members: list[UUID], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(members))
    cut = data.draw(st.integers(0, len(members)))
    assert digest_of(shuffled[cut:], digest_of(shuffled[:cut])) == digest_of(members)
    if members:
        assert digest_of(members[1:]) != digest_of(members)


@given(contact=st.text(max_size=40), buckets=st.integers(1, 100))
def test_a_contact_is_always_in_the_same_bucket(contact: str, buckets: int) -> None:
    assert 0 <= bucket_of(contact, buckets) < buckets
    assert bucket_of(contact, buckets) == bucket_of(contact, buckets)


def test_c_43_a_list_is_known_by_its_id_and_has_another_name_ready() -> None:
    identity = identity_of(ONE, "  Fans ")
    assert (identity.id, identity.name, identity.other_name) == (f"list-{ONE}", "Fans", "Fans (Dynamics)")
    assert identity_of(ONE, "").name == str(ONE)
    longest = identity_of(ONE, "x" * 300)
    assert (len(longest.name), len(longest.other_name)) == (255, 255)


def test_a_result_has_the_most_frequent_reasons_first() -> None:
    tally = MemberCounts(1, 1, 0, {"b": 1, "a": 1, "c": 3}, {"gave-up": 2})
    assert tally.told("Fans", "noon") == (
        '1 person is in the list "Fans" in Spotler (1 added, 0 removed), as it was at noon. '
        "5 skipped: 3 c, 1 a, 1 b. 2 failed: 2 gave-up."
    )

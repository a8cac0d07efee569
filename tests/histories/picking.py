"""What rules draw: addresses, tables, fields, and one of the things that are there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

from hypothesis import strategies as st

from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import ThrottledError, TransientError
from tests.histories.world import COLUMNS, NAMES
from tests.twins import CrashError

ADDRESSES = ("ann@example.com", "Ben@example.com", "cas@example.com")

Item = TypeVar("Item")
addresses = st.sampled_from(ADDRESSES)
tables = st.sampled_from([PersonTable.CONTACT, PersonTable.CONTACT, PersonTable.LEAD])
permissions = st.sampled_from(sorted(NAMES))
columns = st.sampled_from(sorted(COLUMNS))
blanks = st.sampled_from([False, False, False, True])
picks = st.integers(min_value=0, max_value=10_000)
failures = st.sampled_from(
    [
        TransientError("twin is down"),
        ThrottledError("twin is busy", retry_after=timedelta(seconds=20)),
        CrashError(),
        CrashError(),
    ]
)


def pick_from(items: Sequence[Item], pick: int) -> Item:
    return items[pick % len(items)]


def pick_two(items: Sequence[RecordKey], pick: int, other: int) -> tuple[RecordKey, RecordKey]:
    first = pick_from(items, pick)
    return first, pick_from([item for item in items if item != first], other)

"""When timers are due."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.local.functions_host.errors import HostError
from shared.local.functions_host.schedule import parse_schedule

NOON = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)  # a Friday


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("0 */5 * * * *", datetime(2026, 5, 1, 12, 5, tzinfo=UTC)),
        ("30 0 * * * *", datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)),
        ("*/10 * * * * *", datetime(2026, 5, 1, 12, 0, 10, tzinfo=UTC)),
        ("0 30 2 * * *", datetime(2026, 5, 2, 2, 30, tzinfo=UTC)),
        ("0 0 9 * * 1-5", datetime(2026, 5, 4, 9, 0, tzinfo=UTC)),
        ("0 0 9 * * Mon-Fri", datetime(2026, 5, 4, 9, 0, tzinfo=UTC)),
        ("0 0 12 1 * *", datetime(2026, 6, 1, 12, 0, tzinfo=UTC)),
        ("0 0 12 1 * 1", datetime(2026, 6, 1, 12, 0, tzinfo=UTC)),
        ("0 0 12 2 * 1", datetime(2026, 11, 2, 12, 0, tzinfo=UTC)),
        ("*/15 * * * *", datetime(2026, 5, 1, 12, 15, tzinfo=UTC)),
        ("00:02:30", datetime(2026, 5, 1, 12, 2, 30, tzinfo=UTC)),
        ("1.00:00:00", datetime(2026, 5, 2, 12, 0, tzinfo=UTC)),
    ],
)
def test_the_next_occurrence_is_later_than_now(text: str, due: datetime) -> None:
    assert parse_schedule(text).next_after(NOON) == due


@pytest.mark.parametrize("text", ["", "hourly", "* * *", "99 * * * * *", "1:2:3", "0 0 0 1 1 1 2030"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(HostError, match="no timer schedule"):
        parse_schedule(text)

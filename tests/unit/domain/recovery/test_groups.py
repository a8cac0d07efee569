"""Dead letters by cause: the largest group first, with the hours in which its messages were given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.domain.recovery.groups import groups_of
from shared.ports.queue import DeadLetter, QueueName

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def letter(reason: str, hours: float, queue: QueueName = QueueName.LIVE) -> DeadLetter:
    return DeadLetter(f"{reason}-{hours}", queue, reason, "", b"{}", "", NOW - timedelta(hours=hours))


def test_one_cause_is_one_group_and_the_largest_comes_first() -> None:
    groups = groups_of(
        [letter("defect", 1), letter("gave-up", 2), letter("gave-up", 5), letter("gave-up", 3, QueueName.BULK)]
    )

    assert [group.name for group in groups] == ["sync-live:gave-up", "sync-bulk:gave-up", "sync-live:defect"]
    assert groups[0].first == NOW - timedelta(hours=5)
    assert groups[0].last == NOW - timedelta(hours=2)


def test_a_group_shows_its_last_day_by_hour() -> None:
    (group,) = groups_of([letter("defect", hours) for hours in (0.5, 0.7, 23.5, 40)])
    by_hour = group.by_hour(NOW)

    assert len(by_hour) == 24
    assert (by_hour[-1], by_hour[0], sum(by_hour)) == (2, 1, 3)

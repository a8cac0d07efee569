"""When a record is looked at again, and which errors count as an attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from shared.core.retry import Failure, GiveUp, RetryAt, RetryPolicy
from shared.errors import (
    ConfigurationError,
    ConflictError,
    ConnectorError,
    ThrottledError,
    TransientError,
    UnknownOutcomeError,
)
from shared.sync.work import failure_of

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
POLICY = RetryPolicy()
UNCOUNTED = [Failure.BUSY, Failure.THROTTLED, Failure.MISCONFIGURED]


def waiting_times() -> list[timedelta]:
    """Fail for ever, and note the pauses until patience ends."""
    times: list[timedelta] = []
    attempt = 1
    while isinstance(following := POLICY.after(Failure.TRANSIENT, attempt=attempt, now=NOW), RetryAt):
        times.append(following.when - NOW)
        attempt = following.attempt
    assert following == GiveUp()
    return times


def test_the_first_retry_follows_in_seconds_and_the_last_within_the_working_day() -> None:
    times = waiting_times()
    assert times[0] <= timedelta(seconds=5)
    assert all(shorter <= longer for shorter, longer in pairwise(times))
    assert times[-1] <= timedelta(minutes=15), "so long records wait on when an outage is over"
    assert timedelta(hours=3) < sum(times, timedelta()) < timedelta(hours=8)


def test_a_message_that_has_tried_too_often_is_given_up() -> None:
    assert POLICY.after(Failure.TRANSIENT, attempt=1000, now=NOW) == GiveUp()


@pytest.mark.parametrize("failure", UNCOUNTED)
@pytest.mark.parametrize("attempt", [1, 7, 1000])
def test_waiting_for_others_is_no_attempt(failure: Failure, attempt: int) -> None:
    following = POLICY.after(failure, attempt=attempt, now=NOW)
    assert isinstance(following, RetryAt)
    assert following.attempt == attempt
    assert following.when > NOW


def test_a_pause_that_was_asked_for_is_kept() -> None:
    asked = timedelta(seconds=37)
    assert POLICY.after(Failure.THROTTLED, attempt=3, now=NOW, asked=asked) == RetryAt(NOW + asked, 3)


@pytest.mark.parametrize(
    ("error", "failure", "asked"),
    [
        (ThrottledError("slow down", retry_after=timedelta(seconds=9)), Failure.THROTTLED, timedelta(seconds=9)),
        (ConfigurationError("no access"), Failure.MISCONFIGURED, None),
        (ConflictError("somebody was faster"), Failure.BUSY, None),
        (TransientError("time-out"), Failure.TRANSIENT, None),
        (UnknownOutcomeError("no answer"), Failure.TRANSIENT, None),
    ],
)
def test_the_class_of_an_error_says_how_to_wait(
    error: ConnectorError, failure: Failure, asked: timedelta | None
) -> None:
    assert failure_of(error) == (failure, asked)

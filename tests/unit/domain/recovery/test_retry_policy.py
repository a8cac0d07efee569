"""When a record is looked at again, and which errors count as an attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from shared.domain.recovery.retry import Failure, GiveUp, RetryAt, RetryPolicy, failure_of
from shared.errors import (
    ConfigurationError,
    ConflictError,
    ConnectorError,
    ThrottledError,
    TransientError,
    UnknownOutcomeError,
)

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
POLICY = RetryPolicy(chance=lambda: 0.0)
UNCOUNTED = [Failure.BUSY, Failure.THROTTLED, Failure.MISCONFIGURED]


def waiting_times() -> list[timedelta]:
    """Fail for ever, and note the pauses until the last attempt."""
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
def test_waiting_for_others_is_no_attempt_at_first(failure: Failure, attempt: int) -> None:
    following = POLICY.after(failure, attempt=attempt, now=NOW)
    assert isinstance(following, RetryAt)
    assert following.attempt == attempt
    assert following.when > NOW
    assert following.waits_since == NOW, "from now on it ages"


@pytest.mark.parametrize("failure", UNCOUNTED)
def test_waiting_for_others_ends_some_day(failure: Failure) -> None:
    now, attempt, since = NOW, 1, None
    for _ in range(100_000):
        match POLICY.after(failure, attempt=attempt, now=now, since=since):
            case RetryAt(when, attempt, since):
                now = when
            case _:
                break
    assert timedelta(hours=3) < now - NOW < timedelta(days=4), "an administrator has a weekend, a record not a year"


def test_put_back_work_never_counts_as_an_attempt() -> None:
    long_ago = NOW - timedelta(days=400)
    following = POLICY.after(Failure.PUT_BACK, attempt=3, now=NOW, since=long_ago)
    assert following == RetryAt(NOW + POLICY.busy, 3, long_ago)


def test_a_pause_that_was_asked_for_is_kept() -> None:
    asked = timedelta(seconds=37)
    assert POLICY.after(Failure.THROTTLED, attempt=3, now=NOW, asked=asked) == RetryAt(NOW + asked, 3, NOW)
    weeks_ago = NOW - timedelta(days=14)
    counted = POLICY.after(Failure.THROTTLED, attempt=1, now=NOW, asked=asked, since=weeks_ago)
    assert counted == RetryAt(NOW + asked, 2, weeks_ago)


@pytest.mark.parametrize("failure", [Failure.THROTTLED, Failure.MISCONFIGURED])
def test_work_held_by_one_pause_returns_spread_over_time(failure: Failure) -> None:
    asked = timedelta(minutes=2)
    moments = [RetryPolicy().after(failure, attempt=1, now=NOW, asked=asked) for _ in range(200)]
    returns = [one.when - NOW for one in moments if isinstance(one, RetryAt)]
    assert min(returns) >= asked
    assert max(returns) <= asked + timedelta(minutes=1)
    assert len({round(one.total_seconds()) for one in returns}) > 30


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
def test_the_class_of_an_error_decides_how_to_wait(
    error: ConnectorError, failure: Failure, asked: timedelta | None
) -> None:
    assert failure_of(error) == (failure, asked)

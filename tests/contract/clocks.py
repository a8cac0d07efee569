"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class ManualClock:
    """`Clock` for tests; begins at a fixed moment."""

    def __init__(self, start: datetime = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


class TickingClock(ManualClock):
    """Goes on by a moment whenever somebody looks: no two things happen at once."""

    def now(self) -> datetime:
        self.advance(timedelta(milliseconds=1))
        return super().now()

"""Reads a feed of Mail+: slices of time, pages within a slice, every item once.

Spotler documents paging by field names only, so the loop assumes little: it continues with the `after` of an answer,
and distinguishes the end of a list from a page that repeats. The link in `next` is never followed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from shared.adapters.spotler.rest.models import ListAnswer
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.errors import DataError, Service, TransientError

Item = TypeVar("Item")

PAGE_SIZE = 100
LONGEST_WINDOW = timedelta(hours=24)
"""The longest span that the service allows is not published; this one has been seen in use."""

WIDEST_WINDOW = timedelta(days=1024)
"""After slices with few items longer ones are tried, so that years without changes cost a few calls."""

_FEW, _MANY = PAGE_SIZE // 2, PAGE_SIZE * 5

OVERLAP = timedelta(minutes=5)
"""The overlap of two windows, for items with a late date."""

Fetch = Callable[[Mapping[str, str]], Awaitable[ListAnswer[Item]]]
"""Reads one page with these query parameters."""


class Windows:
    """Slices of a span of time: longer ones after few items, shorter ones after many."""

    def __init__(self, start: datetime, end: datetime) -> None:
        """ValueError if a bound has no time zone or the span runs backwards."""
        if start.tzinfo is None or end.tzinfo is None:
            raise ValueError("A feed is read between two times with a time zone")
        if start > end:
            raise ValueError("A feed is read forwards")
        self.begin, self._end = start, end
        self._length, self._widest = LONGEST_WINDOW, WIDEST_WINDOW

    @property
    def edge(self) -> datetime:
        """The end of this slice."""
        return min(self.begin + self._length, self._end) if self._length < self._end - self.begin else self._end

    @property
    def is_last(self) -> bool:
        """Whether this is the last slice."""
        return self.edge >= self._end

    def move(self, count: int) -> None:
        """Go on to the next slice; `count` is the number of items in this one."""
        self.begin = self.edge - OVERLAP
        if count <= _FEW:
            self._length = min(self._length * 2, self._widest)
        elif count > _MANY:
            self._length = max(self._length / 2, LONGEST_WINDOW)

    def shorten(self) -> bool:
        """Shorten this slice to the length that is known to be allowed; False if it is not longer."""
        if self.edge - self.begin <= LONGEST_WINDOW:
            return False
        self._length = self._widest = LONGEST_WINDOW
        return True


async def feed(
    fetch: Fetch[Item],
    start: datetime,
    end: datetime,
    *,
    identity: Callable[[Item], Hashable],
) -> AsyncIterator[tuple[Item, ...]]:
    """Yield the pages between two times, without repeated items and without empty pages.

    If the service refuses a long slice, short ones are read.
    """
    previous: set[Hashable] = set()
    windows = Windows(start, end)
    while True:
        current: set[Hashable] = set()
        count = 0
        try:
            async for page in pages(fetch, {"fromDate": _down(windows.begin), "toDate": _up(windows.edge)}):
                count += len(page)
                marked = {identity(item): item for item in reversed(page)}
                fresh = {mark: item for mark, item in marked.items() if mark not in previous | current}
                current.update(marked)
                if fresh:
                    yield tuple(reversed(fresh.values()))
        except DataError:
            if count or not windows.shorten():
                raise
            continue
        if windows.is_last:
            return
        previous = current
        windows.move(count)


async def pages(fetch: Fetch[Item], parameters: Mapping[str, str]) -> AsyncIterator[tuple[Item, ...]]:
    """Yield the pages of one list until its end.

    TransientError if a full page leads back to an earlier one: the following items would be missing unnoticed.
    """
    async for page, _ in pages_from(fetch, parameters):
        yield page


async def pages_from(
    fetch: Fetch[Item], parameters: Mapping[str, str], *, after: str = ""
) -> AsyncIterator[tuple[tuple[Item, ...], str]]:
    """Yield the pages of one list behind `after`, each with where the next one begins ("" at the end)."""
    position: int | str | None = after or None
    sent: set[str] = set()
    while True:
        cursor = {} if position is None else {"after": str(position)}
        answer = await fetch({**parameters, "pageSize": str(PAGE_SIZE), **cursor})
        if answer.bare and len(answer.items) == PAGE_SIZE:
            # A bare array has no link to a next page. Without a page size, the API with this prefix returns all items.
            answer = await fetch(parameters)
        if not answer.items:
            return
        following = _following(answer, sent)
        yield tuple(answer.items), following
        if not following:
            return
        position = following
        sent.add(following)


def _following(answer: ListAnswer[Item], sent: set[str]) -> str:
    """Return where the next page begins; "" at the end of the list."""
    paging = answer.paging
    if paging is None or paging.after is None:
        return ""
    is_short = len(answer.items) < PAGE_SIZE
    if str(paging.after) in sent:
        if is_short:
            return ""
        raise TransientError(SpotlerCause.SAME_PAGE(), service=Service.SPOTLER)
    return "" if not paging.next and is_short else str(paging.after)


def _down(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def _up(moment: datetime) -> str:
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return (whole if whole == moment else whole + timedelta(seconds=1)).isoformat()

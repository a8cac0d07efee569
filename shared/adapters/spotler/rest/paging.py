"""Walking a feed of Mail+: slices of time, pages within a slice, every item once.

The service's paging is documented by field names only, so the loop assumes as little as possible: it goes on with the
`after` it was given. An answer that ends a list is told from one that leads nowhere. The link in `next` is never
followed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from shared.adapters.spotler.rest.models import ListAnswer
from shared.errors import DataError, Service, TransientError

Item = TypeVar("Item")

PAGE_SIZE = 100
LONGEST_WINDOW = timedelta(hours=24)
"""The longest span that the service allows is not published: one so long was seen in use."""

WIDEST_WINDOW = timedelta(days=1024)
"""After slices with few items longer ones are tried, so that years in which nothing happened cost a few calls."""

_FEW, _MANY = PAGE_SIZE // 2, PAGE_SIZE * 5

OVERLAP = timedelta(minutes=5)
"""Between two windows, for what is dated late."""

Fetch = Callable[[Mapping[str, str]], Awaitable[ListAnswer[Item]]]
"""Asks for one page with these query parameters."""


class Windows:
    """Slices a span of time: longer ones where little happened, shorter ones where much did."""

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
        """Whether nothing follows this slice."""
        return self.edge >= self._end

    def move(self, count: int) -> None:
        """Go on to the next slice; this one had so many items."""
        self.begin = self.edge - OVERLAP
        if count <= _FEW:
            self._length = min(self._length * 2, self._widest)
        elif count > _MANY:
            self._length = max(self._length / 2, LONGEST_WINDOW)

    def shorten(self) -> bool:
        """Try this slice again with the length that is known to be allowed; False if it has that already."""
        if self.edge - self.begin <= LONGEST_WINDOW:
            return False
        self._length = self._widest = LONGEST_WINDOW
        return True


async def feed(
    fetch: Fetch[Item], start: datetime, end: datetime, *, identity: Callable[[Item], Hashable]
) -> AsyncIterator[tuple[Item, ...]]:
    """Yield the pages between two times, without the items that the previous window gave already, and none empty.

    A service that refuses a long slice is asked for short ones.
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
    """Yield the pages of one list until it says that it is over.

    TransientError for an answer that leads back to a page which was there before, although this one was full: what
    follows would be missing, and nobody would know.
    """
    after: int | str | None = None
    sent: set[int | str] = set()
    while True:
        place = {} if after is None else {"after": str(after)}
        answer = await fetch({**parameters, "pageSize": str(PAGE_SIZE), **place})
        if answer.bare and len(answer.items) == PAGE_SIZE:
            # A bare array cannot say that it goes on. The prefix that answers so needs no page size: it then gives all.
            answer = await fetch(parameters)
        if not answer.items:
            return
        yield tuple(answer.items)
        paging = answer.paging
        if paging is None or paging.after is None:
            return
        is_short = len(answer.items) < PAGE_SIZE
        if paging.after in sent:
            if is_short:
                return
            raise TransientError("a list of Spotler leads back to a page that was read", service=Service.SPOTLER)
        if not paging.next and is_short:
            return
        after = paging.after
        sent.add(after)


def _down(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def _up(moment: datetime) -> str:
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return (whole if whole == moment else whole + timedelta(seconds=1)).isoformat()

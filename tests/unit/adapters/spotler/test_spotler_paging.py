"""A feed is walked in windows and pages: nothing is missed, nothing comes twice, and no answer can trap the loop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.spotler.rest.models import ContactAnswer, ListAnswer, Paging
from shared.adapters.spotler.rest.paging import OVERLAP, PAGE_SIZE, WIDEST_WINDOW, Windows, feed, pages
from shared.errors import DataError, TransientError

START = datetime(2026, 1, 1, tzinfo=UTC)


def contacts(*numbers: int) -> list[ContactAnswer]:
    return [ContactAnswer(external_id=str(number)) for number in numbers]


class Script:
    """Gives prepared answers in order and remembers the questions."""

    def __init__(self, *answers: ListAnswer[ContactAnswer]) -> None:
        self.answers = list(answers)
        self.questions: list[Mapping[str, str]] = []

    async def fetch(self, parameters: Mapping[str, str]) -> ListAnswer[ContactAnswer]:
        self.questions.append(parameters)
        return self.answers[len(self.questions) - 1]

    async def walk(self) -> list[str]:
        return [item.external_id async for page in pages(self.fetch, {}) for item in page]

    @property
    def afters(self) -> list[str | None]:
        return [question.get("after") for question in self.questions]


def page(*numbers: int, next: str | None = None, after: int | str | None = None) -> ListAnswer[ContactAnswer]:  # noqa: A002  # the wire's word
    return ListAnswer(paging=Paging(next=next, after=after), items=contacts(*numbers))


async def test_pages_follow_the_cursor_until_a_short_page_without_a_next_link() -> None:
    script = Script(page(1, 2, next="/x", after=2), page(3, 4, next="/x", after="cursor"), page(5, after=99))
    assert await script.walk() == ["1", "2", "3", "4", "5"]
    assert script.afters == [None, "2", "cursor"]
    assert {question["pageSize"] for question in script.questions} == {str(PAGE_SIZE)}


async def test_a_full_page_without_a_next_link_is_not_trusted_to_be_the_last() -> None:
    script = Script(page(*range(PAGE_SIZE), after=PAGE_SIZE), page())
    assert len(await script.walk()) == PAGE_SIZE
    assert script.afters == [None, str(PAGE_SIZE)]


async def test_a_bare_array_is_the_only_page() -> None:
    script = Script(ListAnswer(bare=True, items=contacts(*range(500))))
    assert len(await script.walk()) == 500
    assert script.afters == [None]


async def test_a_bare_array_that_may_have_been_cut_off_is_asked_for_without_a_page_size() -> None:
    script = Script(
        ListAnswer(bare=True, items=contacts(*range(PAGE_SIZE))), ListAnswer(bare=True, items=contacts(*range(250)))
    )
    assert await script.walk() == [str(number) for number in range(250)]
    assert "pageSize" not in script.questions[1]


def full(first: int) -> list[int]:
    return list(range(first, first + PAGE_SIZE))


async def test_a_cursor_that_stands_still_ends_the_walk_behind_a_short_page() -> None:
    script = Script(page(1, next="/x", after=7), page(2, next="/x", after=7))
    assert await script.walk() == ["1", "2"]


async def test_a_cursor_that_stands_still_behind_a_full_page_is_no_end() -> None:
    """The cursor would move past contacts that nobody has seen."""
    script = Script(page(*full(0), next="/x", after=7), page(*full(100), next="/x", after=7))
    with pytest.raises(TransientError, match="leads back"):
        await script.walk()


async def test_a_cursor_that_runs_in_a_circle_is_no_end() -> None:
    script = Script(*(page(*full(number), next="/x", after=number % 2) for number in range(10)))
    with pytest.raises(TransientError, match="leads back"):
        await script.walk()


async def test_a_link_to_another_host_is_not_followed() -> None:
    script = Script(page(1, next="https://evil.example/?after=666", after=1), page(2))
    assert await script.walk() == ["1", "2"]
    assert script.afters == [None, "1"]


@given(st.integers(min_value=0, max_value=4000 * 24 * 3600), st.lists(st.integers(min_value=0, max_value=2000)))
def test_windows_cover_the_span_and_overlap(seconds: int, counts: list[int]) -> None:
    end = START + timedelta(seconds=seconds)
    windows, slices = Windows(START, end), []
    following = iter(counts)
    while True:
        slices.append((windows.begin, windows.edge))
        if windows.is_last:
            break
        windows.move(next(following, 0))
    assert slices[0][0] == START
    assert slices[-1][1] == end
    assert all(edge - begin <= WIDEST_WINDOW for begin, edge in slices)
    assert all(later[0] == earlier[1] - OVERLAP for earlier, later in pairwise(slices))
    assert all(later[1] > earlier[1] for earlier, later in pairwise(slices))


async def test_years_in_which_nothing_happened_cost_a_few_calls() -> None:
    asked = 0

    async def fetch(_: Mapping[str, str]) -> ListAnswer[ContactAnswer]:
        nonlocal asked
        asked += 1
        return ListAnswer(items=[])

    async for _ in feed(fetch, START - timedelta(days=365 * 50), START, identity=ContactAnswer.identity):
        pytest.fail("there is nothing")

    assert asked < 40


async def test_a_service_that_refuses_a_long_slice_is_asked_for_short_ones() -> None:
    lengths: list[timedelta] = []

    async def fetch(parameters: Mapping[str, str]) -> ListAnswer[ContactAnswer]:
        begin, end = (datetime.fromisoformat(parameters[name]) for name in ("fromDate", "toDate"))
        if end - begin > timedelta(hours=25):
            raise DataError("the span is too long")
        lengths.append(end - begin)
        return ListAnswer(items=contacts(len(lengths)))

    span = timedelta(days=20)
    found = [one async for page in feed(fetch, START, START + span, identity=ContactAnswer.identity) for one in page]

    assert len(found) == len(lengths)
    assert sum(lengths, timedelta()) >= span
    assert len(lengths) < 25


@pytest.mark.parametrize(
    ("start", "end"),
    [(START, START - timedelta(seconds=1)), (START.replace(tzinfo=None), START), (START, START.replace(tzinfo=None))],
)
def test_a_span_that_makes_no_sense_is_refused(start: datetime, end: datetime) -> None:
    with pytest.raises(ValueError, match="feed"):
        Windows(start, end)


async def test_a_contact_in_two_windows_comes_once_and_a_newer_state_comes_again() -> None:
    old, new = (ContactAnswer.model_validate({"externalId": "1", "lastChanged": moment}) for moment in (1, 2))
    script = Script(
        ListAnswer(items=[*contacts(7, 8), old]),
        ListAnswer(items=[*contacts(8), new]),
    )
    walked = feed(script.fetch, START, START + timedelta(hours=30), identity=ContactAnswer.identity)
    assert [[item.external_id for item in page] async for page in walked] == [["7", "8", "1"], ["1"]]


async def test_times_are_sent_in_whole_seconds_with_an_offset_and_cover_the_span() -> None:
    script = Script(ListAnswer(items=[]))
    begin = START + timedelta(seconds=1, microseconds=900_000)
    async for _ in feed(script.fetch, begin, begin + timedelta(hours=1), identity=ContactAnswer.identity):
        pytest.fail("an empty page is not worth yielding")
    [question] = script.questions
    assert question["fromDate"] == "2026-01-01T00:00:01+00:00"
    assert question["toDate"] == "2026-01-01T01:00:02+00:00"

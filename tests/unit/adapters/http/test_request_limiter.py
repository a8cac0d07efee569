"""The limit of concurrent requests while it changes, and while callers give up."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from shared.adapters.dataverse.web_api.throttling import ServiceProtection
from shared.adapters.http.limiter import RequestLimiter
from shared.errors import Service
from shared.ports.background import in_background
from tests.contract.dataverse_script import Clock


def limiter(concurrency: int) -> RequestLimiter:
    return RequestLimiter(Service.SPOTLER, concurrency=concurrency, longest_pause=timedelta())


class Requests:
    """Requests that last until they are ended."""

    def __init__(self, limit: RequestLimiter) -> None:
        self.limit = limit
        self.under_way: list[int] = []
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.ends: dict[int, asyncio.Event] = {}

    async def start(self, *numbers: int) -> None:
        for number in numbers:
            self.ends[number] = asyncio.Event()
            self.tasks[number] = asyncio.create_task(self._request(number))
        await self.settle()

    async def start_bulk(self, *numbers: int) -> None:
        with in_background():
            await self.start(*numbers)

    async def end(self, number: int) -> None:
        self.ends[number].set()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def _request(self, number: int) -> None:
        async with self.limit.slot():
            self.under_way.append(number)
            try:
                await self.ends[number].wait()
            finally:
                self.under_way.remove(number)


async def test_requests_get_slots_in_their_order() -> None:
    requests = Requests(limiter(2))
    await requests.start(1, 2, 3, 4)
    assert requests.under_way == [1, 2]
    assert requests.limit.free == 0
    await requests.end(1)
    assert requests.under_way == [2, 3]
    await requests.end(2)
    await requests.end(3)
    assert requests.under_way == [4]
    assert requests.limit.free == 0.5
    await requests.end(4)
    assert requests.limit.free == 1.0


async def test_a_smaller_limit_holds_once_the_requests_above_it_have_ended_and_a_larger_one_at_once() -> None:
    requests = Requests(limiter(3))
    await requests.start(1, 2, 3, 4, 5)
    requests.limit.resize(1)
    await requests.end(1)
    await requests.end(2)
    assert requests.under_way == [3]
    requests.limit.resize(3)
    await requests.settle()
    assert requests.under_way == [3, 4, 5]


@pytest.mark.parametrize("slot_is_given", [False, True])
async def test_a_cancelled_caller_keeps_no_slot(*, slot_is_given: bool) -> None:
    requests = Requests(limiter(1))
    await requests.start(1, 2, 3)
    if slot_is_given:
        requests.ends[1].set()
        await asyncio.sleep(0)  # request 1 has left its slot to request 2, which has not run yet
    requests.tasks[2].cancel()
    await requests.settle()
    await requests.end(1)
    assert requests.under_way == [3]
    await requests.end(3)
    assert requests.limit.free == 1.0


async def test_saves_go_before_bulk_work_that_waits() -> None:
    requests = Requests(limiter(2))
    await requests.start_bulk(1, 2, 3)
    await requests.start(10, 11)
    await requests.end(1)
    assert requests.under_way == [2, 10]
    await requests.end(2)
    assert requests.under_way == [10, 11]
    await requests.end(10)
    assert requests.under_way == [11, 3]


async def test_bulk_work_has_all_requests_until_somebody_saves_and_then_leaves_one() -> None:
    now = 0.0
    requests = Requests(RequestLimiter(Service.SPOTLER, concurrency=3, longest_pause=timedelta(), now=lambda: now))
    await requests.start_bulk(1, 2, 3)
    assert requests.under_way == [1, 2, 3]
    await requests.start(10)
    await requests.start_bulk(4, 5)
    for ended in (1, 2, 10):
        await requests.end(ended)
    assert requests.under_way == [3, 4], "one is left to the next save"
    await requests.start(11)
    assert requests.under_way == [3, 4, 11]
    now = 6.0
    await requests.end(11)
    assert requests.under_way == [3, 4, 5], "nobody has saved for some seconds"


async def test_bulk_work_begins_although_saves_never_end() -> None:
    requests = Requests(limiter(1))
    await requests.start(*range(100, 130))
    await requests.start_bulk(1)
    for ended in range(100, 121):
        await requests.end(ended)
    assert requests.under_way == [1]


async def test_bulk_work_alone_has_the_only_request() -> None:
    requests = Requests(limiter(1))
    await requests.start(10)
    await requests.end(10)
    await requests.start_bulk(1)
    assert requests.under_way == [1]


@pytest.mark.parametrize(("left", "begins"), [(5400, [0, 0, 0]), (1500, [0, 0.25, 0.5]), (1200, [0, 3, 6])])
async def test_bulk_work_slows_down_before_it_uses_up_the_reserve_of_saves(left: int, begins: list[float]) -> None:
    clock = Clock()
    protection = ServiceProtection(now=clock.now, sleep=clock.sleep)
    protection.note({"x-ms-ratelimit-burst-remaining-xrm-requests": str(left)})
    found = []
    with in_background():
        for _ in begins:
            async with protection.slot():
                found.append(clock.now())
    assert found == pytest.approx(begins)


async def test_saves_do_not_wait_for_the_interval_of_bulk_work() -> None:
    clock = Clock()
    protection = ServiceProtection(now=clock.now, sleep=clock.sleep)
    protection.note({"x-ms-ratelimit-time-remaining-xrm-requests": "12"})
    with in_background():
        async with protection.slot():
            pass
    async with protection.slot(), protection.slot():
        assert clock.slept == []

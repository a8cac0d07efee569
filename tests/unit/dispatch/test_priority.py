"""Live work goes first: a page of a table holds up no save, and is not held up for ever by saves."""

from __future__ import annotations

import asyncio
import time

import pytest

from shared.dispatch.work import Work
from shared.domain.records.records import RecordKey, Reference, Why
from shared.engine.guards import priority as priority_module
from shared.engine.guards.priority import Priority, breathe, part_size
from shared.ports import background
from shared.ports.queue import QueueName
from tests.connector_twin import ConnectorTwin, person
from tests.programs.times import LONGEST_WAIT

MANY = 200


def people(twin: ConnectorTwin, count: int) -> list[RecordKey]:
    return [twin.crm.create(**person(emailaddress1=f"p{number}@example.com")) for number in range(count)]


def work(keys: list[RecordKey]) -> Work:
    return Work(people=[Reference(key, Why.SAVED) for key in keys])


async def _turns_of_others(slice_of_time: float, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often others get a turn while a batch of records is processed."""
    monkeypatch.setattr(background, "_SLICE", slice_of_time)
    twin = ConnectorTwin()
    keys = people(twin, MANY)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    waiting = asyncio.create_task(others())
    await twin.worker.dispatch(work(keys), lane=QueueName.BULK)
    waiting.cancel()
    return turns


async def test_others_get_a_turn_between_two_records_once_the_slice_of_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await _turns_of_others(0.0, monkeypatch) > MANY


async def test_a_turn_is_not_given_before_the_slice_of_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await _turns_of_others(3600.0, monkeypatch) < MANY


async def test_a_save_that_comes_while_a_page_is_being_worked_on_is_done_first() -> None:
    twin = ConnectorTwin()
    *page, ann = people(twin, MANY + 1)
    ended: list[str] = []

    async def do(name: str, keys: list[RecordKey], lane: QueueName) -> None:
        await twin.worker.dispatch(work(keys), lane=lane)
        ended.append(name)

    bulk = asyncio.create_task(do("page", page, QueueName.BULK))
    for _ in range(20):
        await asyncio.sleep(0)
    live = asyncio.create_task(do("save", [ann], QueueName.LIVE))
    await asyncio.gather(bulk, live)

    assert ended == ["save", "page"]
    assert len(twin.platform.contacts) == MANY + 1


async def test_bulk_work_waits_for_live_work_and_not_for_other_bulk_work() -> None:
    priority = Priority()
    with priority.bulk():
        assert min([await _fifty_breaths() for _ in range(5)]) < 0.2, "nobody is in the way"
        with priority.live():
            begin = time.perf_counter()
            await breathe()
            assert time.perf_counter() - begin >= 0.009, "it has waited"


async def _fifty_breaths() -> float:
    begin = time.perf_counter()
    for _ in range(50):
        await breathe()
    return time.perf_counter() - begin


async def test_bulk_work_gets_on_beside_an_endless_stream_of_live_work() -> None:
    priority = Priority()
    with priority.live(), priority.bulk():
        begin = time.perf_counter()
        for _ in range(20):
            await breathe()
        assert time.perf_counter() - begin < LONGEST_WAIT


async def test_follow_ups_of_a_bulk_walk_stay_on_the_bulk_lane() -> None:
    twin = ConnectorTwin()
    ann, lead = people(twin, 1)[0], twin.crm.create(**person(emailaddress1="p0@example.com"))
    await twin.sync(ann, lead)
    twin.crm.edit(ann, donotbulkemail=True)

    await twin.worker.dispatch(work([ann]), lane=QueueName.BULK)

    assert {one.lane for one in twin.queue.waiting} == {QueueName.BULK}


async def test_bulk_work_claims_few_records_at_once_while_people_save(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Priority()
    with line.bulk():
        assert part_size(1_000) == 1_000
        with line.live():
            assert part_size(1_000) == 300
            assert part_size(100) == 100
        assert part_size(1_000) == 300, "the next save is expected"
        monkeypatch.setattr(priority_module, "_LATELY", 0)
        assert part_size(1_000) == 1_000
    with line.live():
        assert part_size(1_000) == 1_000, "people do not wait for themselves"

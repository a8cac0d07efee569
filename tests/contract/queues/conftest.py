"""Each test of the queue runs over every backend."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.adapters.messaging.sqlite import SqliteQueue
from tests.contract.clocks import ManualClock
from tests.contract.queues.backends import AnyQueue, Backend, OpenQueue
from tests.contract.service_bus import DELIVERIES, LOCK, Stage, Stages, redacted


@pytest.fixture(params=list(Backend))
def backend(request: pytest.FixtureRequest) -> Backend:
    return Backend(request.param)


@pytest_asyncio.fixture(loop_scope="session")
async def stage(backend: Backend, stages: Stages) -> Stage | None:
    """A broker of this test alone, if it needs one."""
    return await stages.next() if backend is Backend.SERVICE_BUS else None


@pytest.fixture
def clock(stage: Stage | None) -> ManualClock:
    return stage.clock if stage is not None else ManualClock()


@pytest_asyncio.fixture(loop_scope="session")
async def open_queue(stage: Stage | None, tmp_path: Path, clock: ManualClock) -> AsyncIterator[OpenQueue]:
    """Opens the same queues as often as wanted, as several processes would."""
    opened: list[SqliteQueue] = []

    def open_one() -> AnyQueue:
        if stage is not None:
            return stage.open()
        path = tmp_path / "queue.db"
        queue = SqliteQueue(path, clock=clock, redact=redacted, lock_duration=LOCK, max_delivery_count=DELIVERIES)
        opened.append(queue)
        return queue

    yield open_one
    for queue in opened:
        await queue.close()


@pytest.fixture
def queue(open_queue: OpenQueue) -> AnyQueue:
    return open_queue()

"""What suites of contract tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import stamina

from shared.adapters.messaging.servicebus import ServiceBusQueue
from shared.ports.queue import QueueName
from tests.broker.broker import Broker
from tests.broker.queues import Queue
from tests.contract.service_bus import Stage, Stages, running_stages


@pytest.fixture
def repetitions_do_not_wait() -> Iterator[None]:
    """A client that repeats does so at once, and not more than four times."""
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stages() -> AsyncIterator[Stages]:
    async with running_stages() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def stage(stages: Stages) -> Stage:
    """A broker of this test alone."""
    return await stages.next()


@pytest.fixture
def broker(stage: Stage) -> Broker:
    return stage.broker


@pytest.fixture
def queue(stage: Stage) -> ServiceBusQueue:
    return stage.open()


@pytest.fixture
def live(broker: Broker) -> Queue:
    """What the broker has in the lane `sync-live`."""
    return broker.queues[QueueName.LIVE]

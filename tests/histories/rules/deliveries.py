"""How messages arrive: late, twice, in any order, to several workers at once; calls fail and workers die."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from shared.dispatch.dispatch import Dispatcher
from shared.errors import ConnectorError
from tests.histories.acting import act
from tests.histories.picking import failures, pick_from, picks
from tests.histories.quiet import QuietAtLast
from tests.twins import CrashError, Waiting


class Deliveries(QuietAtLast):
    """Queues, timers and faults."""

    @act(lambda self: self.twin.queue.due(), size=st.integers(min_value=1, max_value=5), reverse=st.booleans())
    def deliver(self, size: int, *, reverse: bool) -> None:
        due = self.twin.queue.due()
        self.receive((due[::-1] if reverse else due)[:size])

    @act(
        lambda self: len(self.twin.queue.due()) > 1,
        size=st.integers(min_value=2, max_value=6),
        in_one_process=st.booleans(),
    )
    def deliver_twice_at_once(self, size: int, *, in_one_process: bool) -> None:
        due = self.twin.queue.due()[:size]
        self.receive(due[::2], due[1::2], in_one_process=in_one_process)

    @rule(size=st.integers(min_value=0, max_value=4))
    def poll(self, size: int) -> None:
        """The timer fires while messages are handled."""
        self.twin.clock.advance(timedelta(minutes=15))
        self.receive(*([due] if (due := self.twin.queue.due()[:size]) else []), polls=True)

    @rule()
    def night(self) -> None:
        """An hour passes, and everything is to be compared."""
        self.twin.clock.advance(timedelta(hours=1))
        self.do(self.survive(self.twin.reconciliation.begin()))

    def receive(self, *batches: Sequence[Waiting], in_one_process: bool = False, polls: bool = False) -> None:
        async def all_at_once() -> None:
            self.twin.faults.interleaves = len(batches) + polls > 1
            late = [self.late_worker()] if len(batches) > 1 and not in_one_process else []
            first = self.twin.start_worker()
            workers = [first if in_one_process else self.twin.start_worker() for _ in batches[len(late) :]] + late
            poller = [self.survive(self.twin.poller.poll())] if polls else []
            deliveries = [self.survive(self.deliver_to(*one)) for one in zip(workers, batches, strict=True)]
            await asyncio.gather(*deliveries, *poller)

        self.do(all_at_once())
        self.consents.hear()

    def late_worker(self) -> Dispatcher:
        """Start a process that may have read the mapping before it was changed."""
        live = self.twin.rules
        if self.outdated is not None and self.twin.clock.now() < self.outdated[1]:
            self.world.remap(self.outdated[0])
        worker = self.twin.start_worker()
        self.world.remap(live)
        return worker

    async def deliver_to(self, worker: Dispatcher, batch: Sequence[Waiting]) -> None:
        await self.twin.receive(batch, worker)

    async def survive(self, work: Coroutine[Any, Any, object]) -> None:
        """A message whose worker fails stays in the queue."""
        with contextlib.suppress(CrashError, ConnectorError):
            await work

    @act(lambda self: self.twin.queue.waiting, pick=picks)
    def duplicate(self, pick: int) -> None:
        self.put(pick_from(self.twin.queue.waiting, pick).message)

    @rule(seconds=st.sampled_from([1, 5, 60, 300]))
    def wait(self, seconds: int) -> None:
        self.twin.clock.advance(timedelta(seconds=seconds))

    @rule(moment=st.integers(min_value=0, max_value=30), failure=failures)
    def plan_failure(self, moment: int, failure: BaseException) -> None:
        self.twin.faults.plan(moment, failure)
        self.has_failed = True

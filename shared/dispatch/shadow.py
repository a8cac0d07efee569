"""The shadow of the dispatcher: plans what messages ask for, notes it, and writes nothing on either side.

A record is planned as a preview plans it, and its plan is noted by id and code. The message is done with: going live
compares every record. Everything else (jobs, lists, runs, comparisons) waits, and comes again each hour without an
attempt.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.administration.preview import Preview
from shared.dispatch.forecasts import Forecasts
from shared.dispatch.resync import PAGE
from shared.dispatch.runs import PREFIX
from shared.dispatch.walks import Walks
from shared.dispatch.work import Work
from shared.domain.records.records import RecordKey, Why
from shared.domain.wording.causes.work_causes import WorkCause
from shared.engine.guards.attempt import attempt
from shared.errors import ConnectorError
from shared.messages.lane_messages import ForecastStep, Lanes, Walk
from shared.messages.redelivery import Redelivery
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm
from shared.ports.documents import documents, pages
from shared.ports.queue import QueueName
from shared.ports.state import Delete, DocumentKey, Put, StateStore

log = logging.getLogger(__name__)

_WAIT = timedelta(hours=1)
_BATCH = 500
GONE = "gone"
"""The plan of a record that does not exist: its contact would be erased as the settings say."""


@dataclass(frozen=True, slots=True)
class ShadowPlan:
    """What would have been done with a record: an action and a reason of the preview, or `gone`."""

    record: RecordKey
    action: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """Takes the place of the dispatcher in shadow mode."""

    preview: Preview
    forecasts: Forecasts
    crm: Crm
    walks: Walks
    lanes: Lanes
    redelivery: Redelivery
    store: StateStore
    clock: Clock
    environment: str

    async def dispatch(self, work: Work, *, lane: QueueName, began: datetime | None = None) -> None:
        """Plan people; let everything else wait. Raises only if the queue cannot be reached."""
        del began
        keys = list(dict.fromkeys(reference.key for reference in work.people))
        planned = await attempt(lambda: self._plan_all(work, keys), WorkCause.SHADOW_PLANS(count=len(keys)))
        if isinstance(planned, ConnectorError):
            await self.redelivery.postpone_references(lane, work.people, planned)
        when = self.clock.now() + _WAIT
        for message in work.others:
            if isinstance(message, Walk) and message.why is Why.RESYNC and not message.correlation.startswith(PREFIX):
                await self._plan_page(message, lane)
            elif isinstance(message, ForecastStep):
                await self._go_on(message, lane)
            else:
                await self.lanes.send_later(lane, message, when)

    async def counts(self) -> Mapping[tuple[str, str], int]:
        """Return how many records have which plan, by action and reason."""
        found: Counter[tuple[str, str]] = Counter()
        async for document in documents(self.store, self._partition):
            found[document.body["action"], document.body["reason"]] += 1
        return found

    async def latest(self, limit: int = 50) -> Sequence[ShadowPlan]:
        """Return some plans, by record."""
        page = await self.store.scan(self._partition, limit=limit)
        return [
            ShadowPlan(RecordKey.parse(one.key.row), one.body["action"], one.body["reason"]) for one in page.documents
        ]

    async def forget(self) -> None:
        """Delete all notes: they are about a time that is over."""
        async for page in pages(self.store, self._partition, limit=_BATCH):
            await self.store.write([Delete(one.key) for one in page])

    async def _plan_all(self, work: Work, keys: list[RecordKey]) -> None:
        for message in work.permissions:
            keys += await self.crm.people_of_permissions(message.permissions)
        for start in range(0, len(keys), _BATCH):
            await self._note(keys[start : start + _BATCH])

    async def _plan_page(self, step: Walk, lane: QueueName) -> None:
        done = await attempt(lambda: self._walk(step, lane), WorkCause.SHADOW_PAGE())
        if isinstance(done, ConnectorError):
            await self.redelivery.postpone(lane, step, done)

    async def _go_on(self, step: ForecastStep, lane: QueueName) -> None:
        done = await attempt(lambda: self.forecasts.step(step, lane=lane), WorkCause.FORECAST_PAGE())
        if isinstance(done, ConnectorError):
            await self.redelivery.postpone(lane, step, done)

    async def _walk(self, step: Walk, lane: QueueName) -> None:
        page = await self.crm.people_page(step.table, after=step.after, limit=PAGE)
        await self._note(list(page.keys))
        if page.after is not None:
            await self.lanes.send(lane, step.model_copy(update={"after": page.after, "attempt": 1}))
        else:
            await self.walks.end(step.table, step.correlation)

    async def _note(self, keys: Sequence[RecordKey]) -> None:
        planned = await self.preview.planned(keys) if keys else {}
        at = self.clock.now().isoformat(timespec="seconds")
        notes = [
            Put(DocumentKey(self._partition, str(key)), {"action": action, "reason": reason, "at": at})
            for key in dict.fromkeys(keys)
            for action, reason in [planned.get(key, (GONE, GONE))]
        ]
        if notes:
            await self.store.write(notes)

    @property
    def _partition(self) -> str:
        return f"{self.environment}-shadow"

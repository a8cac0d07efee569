"""Makes both sides agree: folds references into work items, and passes these until each is done or must wait.

A batch of references costs one Dataverse read, one Spotler call per 100 contacts and a few conditional writes to the
state store; where Spotler knows something better, one Dataverse write more. References that cannot be done now come
back with the time of the next attempt; nothing is raised for one record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import RecordKey, Reference
from shared.domain.recovery.retry import RetryPolicy
from shared.engine.batch_pass import BatchPass
from shared.engine.bindings.claim_deadline import BatchSizer, TimeBudget, current_budget
from shared.engine.bindings.ledger import Ledger
from shared.engine.guards.priority import part_size
from shared.engine.work_items import NO_CONTACTS, FetchedContact, ItemResult, RetryDecisions, WorkItem, work_items_of
from shared.ports.clock import Clock

_MOST_PASSES = 8
"""A work item starts again when it moves to another contact; more moves within one batch mean that somebody edits."""


@dataclass(frozen=True, slots=True)
class Processed:
    """How all work items ended, and other records that must be processed because of it."""

    finished: Sequence[ItemResult]
    follow_ups: Sequence[Reference]


class SyncEngine:
    """Makes Spotler agree with Dataverse for the records of its references."""

    def __init__(self, batch_pass: BatchPass, *, ledger: Ledger, clock: Clock, policy: RetryPolicy) -> None:
        self._pass = batch_pass
        self._ledger = ledger
        self._clock = clock
        self._retry_decisions = RetryDecisions(clock, policy)
        self._batch_sizer = BatchSizer(ledger.claim_time)

    @property
    def is_quick(self) -> bool:
        """Whether no part has run out of time of late; otherwise parts side by side would take it from each other."""
        return self._batch_sizer.is_largest

    async def process(
        self, references: Sequence[Reference], fetched_contacts: Mapping[RecordKey, FetchedContact] = NO_CONTACTS
    ) -> Processed:
        """Process all references; every one of them is in the answer.

        `fetched_contacts` are contacts that were just read. The work is done in parts that fit into their claims. Items
        for which no time is left are put back unread; that counts as no attempt.
        """
        budget = current_budget() or TimeBudget(self._clock, self._ledger.expiry())
        items = work_items_of(references, fetched_contacts)
        finished: list[ItemResult] = []
        follow_ups: list[Reference] = []
        while items:
            if not budget.begin_part():
                finished += [self._retry_decisions.put_back(item) for item in items]
                break
            size = part_size(self._batch_sizer.records)
            part, items = items[:size], items[size:]
            done = await self._part(part, budget)
            finished += done.finished
            follow_ups += done.follow_ups
        return Processed(finished, follow_ups)

    async def _part(self, waiting: Sequence[WorkItem], budget: TimeBudget) -> Processed:
        began, records, ran_out = self._clock.now(), len(waiting), False
        finished: list[ItemResult] = []
        follow_ups: list[Reference] = []
        is_stuck = False
        for number in range(_MOST_PASSES):
            if not waiting:
                break
            if number and records > 1 and not budget.has_time:  # one alone goes through: it cannot be made smaller
                ran_out = True
                break
            items, later = _ready(waiting)
            if is_stuck:  # two work items want each the contact of the other one
                items, later = items[:1], [*items[1:], *later]
            undone = {one.item.key for one in finished if one.outcome.result is Result.WAITING}
            finished += [self._retry_decisions.waiting(one, Reason.STILL_USED) for one in items if one.awaits & undone]
            result = await self._pass.run([item for item in items if not item.awaits & undone])
            finished += result.results
            follow_ups += result.follow_ups
            ran_out = ran_out or result.ran_out
            waiting = [*result.retries, *later]
            retried = {item.key for item in result.retries}
            is_stuck = retried == {item.key for item in items} and not result.has_progressed
        put_off = (
            self._retry_decisions.put_back if ran_out else partial(self._retry_decisions.waiting, reason=Reason.BUSY)
        )
        finished += [put_off(item) for item in waiting]
        self._batch_sizer.learn(records=records, took=self._clock.now() - began, ran_out=ran_out)
        return Processed(finished, follow_ups)


def _ready(waiting: Sequence[WorkItem]) -> tuple[list[WorkItem], list[WorkItem]]:
    """Choose what goes now: one work item per record, and those that await other records only after these."""
    pending = {item.key for item in waiting}
    now: dict[RecordKey, WorkItem] = {}
    later: list[WorkItem] = []
    for item in waiting:
        if item.awaits & pending or item.key in now:
            later.append(item)
        else:
            now[item.key] = item
    return (list(now.values()), later) if now else (later[:1], later[1:])  # they await each other

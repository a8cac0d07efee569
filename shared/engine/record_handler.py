"""The use case behind every lane: process records, report, and schedule again what could not be done."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.records.outcomes import TEXTS, Outcome, Reason, Result
from shared.domain.records.records import RecordKey, Reference
from shared.domain.recovery.retry import Done, GiveUp, RetryAt, RetryPolicy, failure_of
from shared.domain.wording.errors import cause_of
from shared.domain.wording.letters import LetterText
from shared.engine.bindings.claim_deadline import current_budget
from shared.engine.guards.priority import breathe
from shared.engine.report import Reporter
from shared.engine.sync_engine import Processed, SyncEngine
from shared.engine.work_items import NO_CONTACTS, FetchedContact, ItemResult, WorkItem
from shared.errors import ConnectorError, whereabouts
from shared.messages.lane_messages import Lanes, references_body
from shared.messages.tally import note_failure, note_success
from shared.ports.clock import Clock
from shared.ports.dataverse import TimelinePost
from shared.ports.queue import Queue, QueueName
from shared.telemetry.outcomes import record_ended

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHandler:
    """Handles references of a lane: each ends done, scheduled again, or as a dead letter with its reason."""

    engine: SyncEngine
    reporter: Reporter
    queue: Queue
    lanes: Lanes
    clock: Clock
    policy: RetryPolicy

    async def handle(
        self,
        references: Sequence[Reference],
        *,
        lane: QueueName,
        fetched_contacts: Mapping[RecordKey, FetchedContact] = NO_CONTACTS,
        posts: Sequence[TimelinePost] = (),
    ) -> Sequence[ItemResult]:
        """Process the references; later attempts stay in the same lane.

        `fetched_contacts` are contacts that were just read; `posts` are written with the results.
        """
        if not references:
            return ()
        now = self.clock.now()
        stamped = [one if one.first_seen else replace(one, first_seen=now) for one in references]
        processed = await self._process(stamped, fetched_contacts)
        unreported = await self.reporter.report(processed.finished, posts)
        later: list[tuple[Reference, datetime]] = []
        for one in processed.finished:
            error = unreported.get(one.item.key)
            following = one.next
            if error is not None and isinstance(following, Done):  # the work is done; the next attempt reports it
                log.warning("report of %s failed: %s", one.item.key, error)
                failure, asked = failure_of(error)
                following = self.policy.after(
                    failure, attempt=one.item.attempt, now=now, since=one.item.waits_since, asked=asked
                )
            match following:
                case RetryAt(when, attempt, since):
                    later += [
                        (replace(reference, attempt=attempt, waits_since=since), when)
                        for reference in one.item.references
                    ]
                case GiveUp():
                    await self._dead_letter(one, lane, error)
                case Done():
                    pass
            await breathe()
            _log(one)
            _tally(one, error)
            record_ended(one.outcome, one.item.references, lane, self.clock.now())
        _log_causes(processed.finished)
        await self.lanes.reschedule(lane, later)
        await self.lanes.send_references(lane, processed.follow_ups)
        return processed.finished

    async def _process(
        self, references: Sequence[Reference], fetched_contacts: Mapping[RecordKey, FetchedContact]
    ) -> Processed:
        """Process a batch. If a defect of ours breaks it, find the record by halving; the others are processed."""
        try:
            return await self.engine.process(references, fetched_contacts)
        except ConnectorError:
            raise  # the state store or the queue is out of reach: the whole batch comes again
        except Exception as error:  # noqa: BLE001  # a defect of ours: the other records go on
            if len({reference.key for reference in references}) == 1:
                log.error(  # noqa: TRY400  # not exception(), whose text may quote a person
                    "%s broke the connector: %s", references[0].key, whereabouts(error)
                )
                outcome = Outcome(references[0].key, Result.FAILED, Reason.DEFECT)
                item = WorkItem(references[0].key, references[0].intent, tuple(references))
                return Processed([ItemResult(item, outcome, GiveUp())], [])
            if (budget := current_budget()) is not None:
                budget.start_over()
            middle = len(references) // 2
            first = await self._process(references[:middle], fetched_contacts)
            second = await self._process(references[middle:], fetched_contacts)
            return Processed([*first.finished, *second.finished], [*first.follow_ups, *second.follow_ups])

    async def _dead_letter(self, one: ItemResult, lane: QueueName, unreported: ConnectorError | None) -> None:
        fresh = [replace(reference, attempt=1, first_seen=None, waits_since=None) for reference in one.item.references]
        reason, why = one.outcome.reason, TEXTS[one.outcome.reason]
        if unreported is not None and isinstance(one.next, Done):
            reason, why = Reason.GAVE_UP, LetterText.UNREPORTED(text=why, cause=cause_of(unreported))
        await self.queue.dead_letter(
            lane,
            references_body(fresh),
            reason=reason,
            description=LetterText.ABOUT(what=str(one.item.key), text=why),
            correlation_id=one.item.correlation,
        )


def _tally(one: ItemResult, unreported: ConnectorError | None) -> None:
    if (error := one.error or unreported) is not None:
        note_failure(str(one.item.key), error)
    elif one.outcome.result is not Result.WAITING:
        note_success()


def _log_causes(finished: Sequence[ItemResult]) -> None:
    """Log why records cannot be done now: one line for each cause, however many records it has."""
    causes = Counter(str(one.error) for one in finished if one.error is not None)
    for cause, count in causes.items():
        log.warning("%d of %d records cannot be done now: %s", count, len(finished), cause)


def _log(one: ItemResult) -> None:
    outcome = one.outcome
    # Wrong data of a record is reported to its owner; the administrator needs the records that are not tried again.
    level = logging.WARNING if isinstance(one.next, GiveUp) else logging.INFO
    log.log(
        level,
        "%s %s (%s)",
        outcome.key,
        outcome.result,
        outcome.reason,
        extra={"correlation": one.item.correlation, "attempt": one.item.attempt},
    )

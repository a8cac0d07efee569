"""Engagement as a whole: what timers, messages and administrators call.

A step works within the time of a function call, under one lease. What it leaves is continued by a message of the bulk
lane. Everything may be repeated: rows have ids that follow from what they stand for, and hold whole values.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.engagement.choices import PassDepth
from shared.engagement.initial_run import InitialProgress, InitialRun
from shared.engagement.keeping.event_keeping import Kept
from shared.engagement.keeping.refused_rows import RefusedRows
from shared.engagement.mailings.account_probe import AccountProbe
from shared.engagement.mailings.count_check import CountCheck
from shared.engagement.mailings.known_mailings import KnownMailings
from shared.engagement.mailings.mailing_book import MailingBook
from shared.engagement.mailings.mailing_pass import MailingPass, PassCounts
from shared.engagement.mailings.stored_tallies import StoredTallies
from shared.engagement.policy import EngagementPolicy
from shared.engagement.reading.feed_cursor import FeedCursor, FeedLease
from shared.engagement.reading.feed_reading import FeedReading
from shared.engagement.reading.list_reading import ListReading
from shared.engagement.reading.unsubscribe_reading import UnsubscribeReading
from shared.engagement.reading.work_time import POLL, STEP, WorkTime
from shared.engagement.upkeep import Upkeep
from shared.engagement.website_visits import WebsiteVisits
from shared.engagement.weights.change import WeightsChange
from shared.engagement.weights.live_weights import LiveWeights
from shared.errors import ConflictError, ConnectorError
from shared.messages.lane_messages import Engage, EngagementTask, Lanes
from shared.messages.redelivery import Redelivery
from shared.ports.clock import Clock
from shared.ports.mailings import Mailings
from shared.ports.queue import QueueName

log = logging.getLogger(__name__)

_LEASE = timedelta(minutes=6)
"""Longer than a function may run: only a worker that died leaves its lease."""

_FIRST = timedelta(hours=23)
"""How far back the very first step reads the feed: one window. The initial synchronisation reads more."""

STUCK_AFTER = timedelta(hours=3)
"""Health turns red when steps fail to move the cursor for so long."""


@dataclass(frozen=True, slots=True)
class EngagementResult:
    """What a step did; `is_behind`: a message continues it."""

    passed: PassCounts
    kept: Kept
    is_behind: bool

    def as_json(self) -> dict[str, Any]:
        """Return counts, for an answer."""
        kept, passed = self.kept, self.passed
        return {
            "mailings": {
                "listed": passed.listed,
                "new": passed.new,
                "refreshed": passed.refreshed,
                "frozen": passed.frozen,
                "campaigns": passed.campaigns,
            },
            "events": kept.events,
            "people": kept.people,
            "rows": kept.rows,
            "scores": kept.scores,
            "refused": kept.refused + passed.refused,
            "withoutRecord": kept.strangers,
            "tooOld": kept.old,
            "isBehind": self.is_behind,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    """The use cases of mailings of one environment."""

    platform: Mailings
    known: KnownMailings
    cursor: FeedCursor
    mailing_pass: MailingPass
    feed: FeedReading
    lists: ListReading
    unsubscribes: UnsubscribeReading
    initial: InitialRun
    upkeep: Upkeep
    weights: LiveWeights
    weights_change: WeightsChange
    visits: WebsiteVisits
    probe: AccountProbe
    count_check: CountCheck
    refused: RefusedRows
    tallies: StoredTallies
    policy: EngagementPolicy
    lanes: Lanes
    redelivery: Redelivery
    clock: Clock

    # ------------------------------------------------------------------------------------------------------ what runs

    async def poll(self, depth: PassDepth = PassDepth.DUE) -> EngagementResult:
        """Look at mailings, and read what their recipients did since the last time (SCH-05, ACT-05).

        Raises ConnectorErrors; the next poll continues. ConflictError while another worker reads.
        """
        await self.weights.refresh()
        return await self._read(depth)

    async def night(self) -> None:
        """Ask for what only lists tell, probe the account, check counts, and begin the upkeep (SCH-06)."""
        if not self.policy.is_on:
            return
        await self.weights.refresh()
        book = self._book()
        await self.mailing_pass.of_campaigns(book)
        await self.count_check.check(book)
        await self.probe.check()
        await self.upkeep.begin()
        await self._continue(EngagementTask.READ, EngagementTask.UPKEEP)

    async def begin_initial(self, since: datetime | None) -> InitialProgress:
        """Begin the initial synchronisation of mailings (INI-05, BULK-28); steps do the work."""
        progress = await self.initial.begin(since)
        await self._continue(EngagementTask.READ)
        return progress

    async def resume_initial(self) -> None:
        """Go on with a paused initial synchronisation; ConflictError if it was not paused."""
        await self.initial.resume()
        await self._continue(EngagementTask.READ)

    async def step(self, message: Engage, *, lane: QueueName) -> None:
        """Continue work that a step left. A failed step is tried again later."""
        if not self.policy.is_on:
            return
        try:
            await self.weights.refresh()
            match message.task:
                case EngagementTask.READ:
                    await self._read(None)
                case EngagementTask.UPKEEP:
                    if await self.upkeep.step(self._book(), Kept(), WorkTime.begin(self.clock, STEP)):
                        await self._continue(EngagementTask.UPKEEP)
        except ConflictError as busy:
            log.info("no step of engagement now: %s", busy)
        except ConnectorError as error:
            await self.redelivery.postpone(lane, message, error)

    async def _read(self, depth: PassDepth | None) -> EngagementResult:
        """Do one step; `depth` None leaves out the list of mailings, which the first step has read."""
        result = EngagementResult(PassCounts(), Kept(), is_behind=False)
        if not self.policy.is_on:
            return result
        time = WorkTime.begin(self.clock, STEP if depth is None else POLL)
        lease = await FeedLease.take(self.cursor, self.clock, _LEASE, first=self.clock.now() - _FIRST)
        try:
            result = await self._steps(lease, time, depth)
        finally:
            await _released(lease)
        if result.is_behind:
            await self._continue(EngagementTask.READ)
        _log(result)
        return result

    async def _steps(self, lease: FeedLease, time: WorkTime, depth: PassDepth | None) -> EngagementResult:
        book, kept = self._book(), Kept()
        passed = await self.mailing_pass.recent(book, depth) if depth is not None else PassCounts()
        is_behind = (
            await self.feed.read(lease, book, kept, time)
            or await self.unsubscribes.read(lease, book, kept, time)
            or await self.initial.step(book, time)
            or await self.lists.read(lease, book, kept, time)
        )
        if not is_behind:
            await self.initial.finish()
            lease.position = replace(lease.position, tried=None)
        return EngagementResult(passed, kept, is_behind)

    async def _continue(self, *tasks: EngagementTask) -> None:
        await self.lanes.send(QueueName.BULK, *(Engage(task=task) for task in tasks))

    def _book(self) -> MailingBook:
        return MailingBook(self.known, self.platform, self.policy)

    # ---------------------------------------------------------------------------------------------------------- state

    async def state(self) -> dict[str, Any]:
        """Return as JSON until when events are kept, what the account has shown, and what waits."""
        if not self.policy.is_on:
            return {"on": False}
        position, findings = await self.cursor.read(), await self.probe.findings()
        due = [one async for one in self.known.all() if one.due]
        cause = self._problem(position.tried if position else None)
        return {
            "on": True,
            "until": position.until.isoformat(timespec="seconds") if position else None,
            "listsDue": len(due),
            "refusedRows": await self.refused.count(),
            "account": dict(findings.as_json()),
            "initial": await self.initial.as_json(),
            "weights": self.policy.rules.weights.mark,
            "ok": not cause,
            **({"cause": cause} if cause else {}),
        }

    def _problem(self, tried: datetime | None) -> str:
        if tried is None or self.clock.now() - tried <= STUCK_AFTER:
            return ""
        since = tried.isoformat(timespec="seconds")
        return f"Interactions have not been read to the end since {since}; POST /api/engagement reports why."


async def _released(lease: FeedLease) -> None:
    """Return the lease; if that fails, the lease expires."""
    try:
        await lease.release()
    except ConnectorError as error:
        log.warning("the lease of the interactions will expire: %s", error)


def _log(result: EngagementResult) -> None:
    kept = result.kept
    log.info(
        "engagement: %d mailings refreshed, %d events of %d people, %d rows and %d scores written, %d refused",
        result.passed.refreshed,
        kept.events,
        kept.people,
        kept.rows,
        kept.scores,
        kept.refused,
    )

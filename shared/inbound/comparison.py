"""Compares contacts with their records in bulk: since a moment on request; every night since yesterday, and a slice.

Each step is a message of the bulk lane and handles one window. A document of the state store keeps the progress, so
that a restart continues. The cursor of the poll stays where it is. A step reads all contacts of a window before it
handles any, because writing to a contact moves it out of the window.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from shared.consent.bounce_service import BounceService
from shared.domain.merging.comparison_window import ComparisonRun, Span, is_enough, reached
from shared.domain.merging.divergence import Divergence
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import MarketingContact
from shared.domain.records.records import Reference, Why
from shared.domain.values.moments import EARLIEST
from shared.domain.wording.causes.state_causes import StateCause
from shared.domain.wording.refused_acts import RunRefusal
from shared.engine.record_handler import RecordHandler
from shared.errors import ConflictError, ConnectorError, Service
from shared.inbound.contact_changes import ContactChanges, known_and_new, newest
from shared.inbound.page_counts import ChangeKind, ImportMode, PageCounts
from shared.inbound.poll import OVERLAP, note_bounces
from shared.inbound.poll_cursor import NEW_SUBSCRIBERS, PollCursor
from shared.inbound.read_ahead import Page
from shared.messages.lane_messages import Compare, Lanes
from shared.messages.redelivery import Redelivery
from shared.ports.clock import Clock
from shared.ports.documents import Codec, read_one
from shared.ports.marketing_platform import ContactFeeds
from shared.ports.queue import QueueName
from shared.ports.state import DocumentKey, Put, Replace, StateStore
from shared.telemetry.signals import DIVERGENCES, record

log = logging.getLogger(__name__)

SPAN = timedelta(hours=26)
"""How far back the comparison of a night reads: a day, and two hours for a change of the clocks."""

_TIME = timedelta(seconds=90)
"""A step begins no page after this time: messages are locked for five minutes."""

_ATTEMPTS = 5
_RUN = Codec(ComparisonRun)
_BEGUN = "comparison of Spotler since %s has begun (%s)"
_ENDED = "comparison of Spotler (%s) ended: %d contacts; %s"


class _ReplacedError(ConflictError):
    """Another worker does this step, or another run has replaced this one. No contact is the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Begins comparisons and continues them.

    `days`: the nights within which the whole account is compared (`RECONCILE_DAYS`).
    """

    feeds: ContactFeeds
    changes: ContactChanges
    people: RecordHandler
    bounces: BounceService
    lanes: Lanes
    redelivery: Redelivery
    store: StateStore
    clock: Clock
    rules: Rules
    environment: str
    days: int

    @property
    def _waiting(self) -> PollCursor:
        return PollCursor(self.store, self.environment, NEW_SUBSCRIBERS)

    # -------------------------------------------------------------------------------------------------------- begin

    async def since(self, moment: datetime) -> ComparisonRun:
        """Compare again what changed since a moment (INI-04). Raises ConnectorErrors.

        The new run replaces a run that is under way, and includes what that run had not compared.
        """
        known, now = await self._read(Span.SINCE), self.clock.now()
        start = moment if known is None or known.finished else min(moment, known.until)
        return await self._begin(ComparisonRun(uuid4().hex, Span.SINCE, now, since=start, until=start, end=now))

    async def pause(self) -> None:
        """Pause the comparison since a moment. The window in hand is repeated later. ConflictError if none runs."""
        await self._change(lambda run: replace(run, paused=self.clock.now()), is_paused=False)

    async def resume(self) -> None:
        """Go on where the comparison was paused; ConflictError if it was not."""
        run = await self._change(lambda run: replace(run, paused=None), is_paused=True)
        message = Compare(span=run.span, run=run.id, correlation=f"compare-{run.id}")
        await self.lanes.send(QueueName.BULK, message)

    async def stop(self) -> None:
        """End the comparison since a moment for good; what is done stays. ConflictError if none runs."""
        await self._change(lambda run: replace(run, paused=None, stopped=True, finished=self.clock.now()))

    async def _change(
        self, change: Callable[[ComparisonRun], ComparisonRun], *, is_paused: bool | None = None
    ) -> ComparisonRun:
        for _ in range(_ATTEMPTS):
            document = await read_one(self.store, self._key(Span.SINCE))
            run = _RUN.read(document.body) if document else None
            if document is None or run is None or run.finished is not None:
                raise ConflictError(RunRefusal.NO_COMPARISON(), service=Service.STATE)
            if is_paused is not None and (run.paused is not None) is not is_paused:
                raise ConflictError(
                    RunRefusal.PAUSED() if run.paused else RunRefusal.NOT_PAUSED(), service=Service.STATE
                )
            changed = change(run)
            (etag,) = await self.store.write([Replace(document.key, _RUN.body(changed), document.etag)])
            if etag is not None:
                return changed
        raise ConflictError(RunRefusal.COMPARISON_CHANGED(), service=Service.STATE)

    async def night(self, *, records: int, pause: timedelta | None = None) -> None:
        """Compare what changed since yesterday, and the next slice of the account, after a pause. ConnectorErrors.

        `records` is the number of records of the night before.
        """
        now = self.clock.now()
        start = now - SPAN
        await self._begin(ComparisonRun(uuid4().hex, Span.RECENT, now, since=start, until=start, end=now), pause)
        known = await self._read(Span.ACCOUNT)
        if known is None or known.finished is not None:
            size = known.contacts if known is not None else 0
            known = ComparisonRun("", Span.ACCOUNT, now, since=EARLIEST, until=EARLIEST, end=now, size=size)
        await self._begin(known.next_night(uuid4().hex, days=self.days, records=records), pause)

    async def _begin(self, run: ComparisonRun, pause: timedelta | None = None) -> ComparisonRun:
        await self.store.write([Put(self._key(run.span), _RUN.body(run))])
        log.info(_BEGUN, run.until.isoformat(timespec="seconds"), run.span)
        message = Compare(span=run.span, run=run.id, correlation=f"compare-{run.id}")
        if pause is None:
            await self.lanes.send(QueueName.BULK, message)
        else:
            await self.lanes.send_later(QueueName.BULK, message, self.clock.now() + pause)
        return run

    # --------------------------------------------------------------------------------------------------------- steps

    async def step(self, message: Compare, *, lane: QueueName) -> None:
        """Handle one window, then send the message of the next one. A crash in between repeats a window."""
        try:
            work = await _ActiveRun.open(self.store, self._key(message.span), message.run)
            if work is None:
                return
            run = await self._window(work, lane)
        except _ReplacedError:
            log.info("another worker continues the comparison (%s)", message.span)
            return
        except ConnectorError as error:
            await self.redelivery.postpone(lane, message, error)
            return
        if not run.rests:
            await self.lanes.send(lane, message.model_copy(update={"attempt": 1}))
        elif run.finished is not None:
            _log_end(run)

    async def _window(self, work: _ActiveRun, lane: QueueName) -> ComparisonRun:
        run, handled, began = work.run, PageCounts(), self.clock.now()
        if run.rests:
            return run
        if not self.rules.environment_is_on:
            return await work.save(replace(run, finished=self.clock.now()))
        start = run.until - OVERLAP if run.until == run.since and run.span is not Span.ACCOUNT else run.until
        pages, edge = await self._pages(run, start)
        changed = [contact.last_changed for _, contacts in pages for contact in contacts]
        if edge is None:
            return await work.save(run.narrowed(changed))
        if run.span is not Span.ACCOUNT:  # of a closed contact the engine reads the bounces itself
            bounced = await note_bounces(self.feeds, self.bounces, start, edge + OVERLAP)
            references = [Reference(key, Why.PLATFORM, f"compare-{run.id}") for key in sorted(bounced)]
        else:
            references = []
        done: list[datetime | None] = []
        for at, contacts in pages:
            if self.clock.now() - began > _TIME:
                edge = reached(done, run.until)
                break
            await self._page(work, at, contacts, lane, handled)
            done += [contact.last_changed for contact in contacts]
        if handled.import_error is not None:
            await self._defer_import(run.until, handled.import_error)
        if edge is None:  # the contacts that were handled are echoes when they are read again
            return await work.save(run.narrowed(changed))
        handled.count(await self.people.handle(references, lane=lane))
        found = _found(handled)
        for kind, count in found.items():
            record(DIVERGENCES, count, kind=kind)
        return await work.save(run.moved(edge, contacts=len(done), found=found, now=self.clock.now()))

    async def _defer_import(self, since: datetime, error: Exception) -> None:
        """Leave new subscribers to the poll, which imports them once that works again; other contacts do not wait."""
        log.warning("new subscribers wait: %s", error if isinstance(error, ConnectorError) else type(error).__name__)
        position = await self._waiting.read()
        if position is None or position.until > since:
            await self._waiting.start_over(since)

    async def _pages(self, run: ComparisonRun, start: datetime) -> tuple[list[Page], datetime | None]:
        """Read a window or its beginning. Returns the pages, and up to when they are complete (None: unknown)."""
        pages: list[Page] = []
        changed: list[datetime | None] = []
        at = began = self.clock.now()
        async for contacts in self.feeds.updated_contacts(start, run.edge):
            pages.append((at, newest(contacts)))
            changed += [contact.last_changed for contact in contacts]
            at = self.clock.now()
            if is_enough(changed, len(contacts), run.most) or (run.most and at - began > _TIME):
                return pages, reached(changed, run.until)
        return pages, run.edge

    async def _page(
        self, work: _ActiveRun, at: datetime, contacts: Sequence[MarketingContact], lane: QueueName, handled: PageCounts
    ) -> None:
        known, new = known_and_new(contacts)
        doubtful = frozenset(work.run.doubtful)
        await self.changes.known(
            known, at, handled, lane=lane, before=work.doubt, doubts=doubtful.__contains__, compares=True
        )
        is_account = work.run.span is Span.ACCOUNT
        import_mode = ImportMode.COUNT if is_account else ImportMode.IMPORT
        await self.changes.new_subscribers(new, handled, lane=lane, import_mode=import_mode)

    # --------------------------------------------------------------------------------------------------------- state

    async def state(self) -> dict[str, Any]:
        """Return as JSON the progress of each comparison and its divergences by kind; empty before the first one."""
        return {str(span): self._run_json(run) for span, run in (await self.runs()).items()}

    async def runs(self) -> dict[Span, ComparisonRun]:
        """Return the position of the last comparison of each scope; empty before the first one."""
        found = await self.store.read([self._key(span) for span in Span])
        runs = [_RUN.read(document.body) for document in found.values()]
        return {run.span: run for run in sorted(runs, key=lambda run: run.span)}

    def _run_json(self, run: ComparisonRun) -> dict[str, Any]:
        moments = {"begun": run.begun, "since": run.since, "until": run.until, "to": run.end, "finished": run.finished}
        times = {name: at.isoformat(timespec="seconds") if at else None for name, at in moments.items()}
        nights = {"night": run.night, "ofNights": self.days} if run.span is Span.ACCOUNT else {}
        state = {"paused": run.paused is not None, "stopped": run.stopped}
        return {**times, **nights, **state, "contacts": run.contacts, "found": dict(sorted(run.found.items()))}

    async def _read(self, span: Span) -> ComparisonRun | None:
        document = await read_one(self.store, self._key(span))
        return _RUN.read(document.body) if document else None

    def _key(self, span: Span) -> DocumentKey:
        return DocumentKey(f"{self.environment}-compare", span)


class _ActiveRun:
    """A run that one worker continues; every change checks the version."""

    def __init__(self, store: StateStore, key: DocumentKey, run: ComparisonRun, etag: str) -> None:
        self._store = store
        self._key = key
        self._etag = etag
        self.run = run

    @classmethod
    async def open(cls, store: StateStore, key: DocumentKey, run_id: str) -> _ActiveRun | None:
        """Read a run; None if another run has replaced it."""
        document = await read_one(store, key)
        if document is None or document.body["id"] != run_id:
            return None
        return cls(store, key, _RUN.read(document.body), document.etag)

    async def doubt(self, external_ids: Collection[str]) -> None:
        """Record that the worker is about to handle these contacts."""
        await self.save(replace(self.run, doubtful=tuple(sorted({*external_ids}))))

    async def save(self, run: ComparisonRun) -> ComparisonRun:
        (etag,) = await self._store.write([Replace(self._key, _RUN.body(run), self._etag)])
        if etag is None:
            raise _ReplacedError(StateCause.COMPARISON_TAKEN(), service=Service.STATE)
        self.run, self._etag = run, etag
        return run


def _found(handled: PageCounts) -> Mapping[str, int]:
    kinds = {
        **{str(kind): count for kind, count in handled.divergences.items()},
        str(Divergence.UNKNOWN): handled.seen[ChangeKind.UNKNOWN],
        str(Divergence.UNLINKED): handled.seen[ChangeKind.NEW_SUBSCRIBER],
    }
    return {kind: count for kind, count in kinds.items() if count}


def _log_end(run: ComparisonRun) -> None:
    found = ", ".join(f"{count} {kind}" for kind, count in sorted(run.found.items())) or "nothing differs"
    log.info(_ENDED, run.span, run.contacts, found)

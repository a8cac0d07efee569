"""Polls Spotler for changed contacts (S2D-01..S2D-09, C-05, C-11, C-12), a hundred contacts per call.

The cursor moves once all contacts of a window are handled: each is done, scheduled again, or dead-lettered with its
reason. A crash repeats a window. That changes nothing twice, because values that both sides agree on are an echo. New
subscribers whose import failed have a cursor of their own, so that other contacts do not wait for them.
"""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.consent.bounce_service import BounceService
from shared.domain.planning.plan_input import CLOCKS_DIFFER
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import Bounce
from shared.domain.records.records import RecordKey, Reference, Why
from shared.domain.wording.causes.state_causes import StateCause
from shared.domain.wording.errors import ErrorText
from shared.engine.bindings.ledger import CLAIM_TIME
from shared.engine.guards.isolation import isolated
from shared.engine.record_handler import RecordHandler
from shared.engine.refusals.returns import record_id_of
from shared.errors import ConflictError, ConnectorError, Service, whereabouts
from shared.inbound.contact_changes import ContactChanges, known_and_new, newest
from shared.inbound.page_counts import ChangeKind, ImportMode, PageCounts
from shared.inbound.poll_cursor import CONTACTS, NEW_SUBSCRIBERS, CursorPosition, PollCursor
from shared.inbound.read_ahead import Page, pages_ahead
from shared.ports.clock import Clock
from shared.ports.marketing_platform import ContactFeeds
from shared.ports.queue import QueueName
from shared.ports.state import StateStore

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=5)
"""Each window begins this much earlier, for changes that are dated late or by another clock."""

_FIRST_SPAN = timedelta(minutes=15)
_TIME = timedelta(minutes=3)
"""No window and no page begins after this time: a function has five minutes."""

_REWIND = timedelta(hours=26)
"""How far a cursor ahead of the clock is put back if nothing tells its last position."""

STUCK_AFTER = timedelta(hours=1)
"""Health turns red when polls fail to move the cursor for so long."""

SILENT_AFTER = timedelta(hours=26)
"""Health turns red when no poll began for so long, whatever the schedule is."""


@dataclass(slots=True)
class PollResult:
    """The result of a poll: counts, and the records whose mail bounced.

    `is_behind`: there is more to read right now. `waits`: new subscribers wait for their import.
    """

    until: datetime
    handled: PageCounts = field(default_factory=PageCounts)
    bounced: set[RecordKey] = field(default_factory=set)
    is_behind: bool = False
    waits: bool = False

    @property
    def seen(self) -> Counter[ChangeKind]:
        """Contacts by kind of change."""
        return self.handled.seen


class _LeaseLostError(ConflictError):
    """Another poll has taken the lease. No contact is the cause."""


class _Lease:
    """The cursor while one poll has the lease."""

    def __init__(self, cursor: PollCursor, position: CursorPosition, clock: Clock, lasts: timedelta) -> None:
        self._cursor = cursor
        self._clock = clock
        self._lasts = lasts
        self.position = position

    async def hold(self, doubtful: Collection[str] = ()) -> None:
        """Extend the lease before handling these contacts."""
        self._take(await self._cursor.hold(self.position, self._clock.now() + self._lasts, doubtful))

    async def renew(self) -> None:
        """Extend the lease if half of it is over."""
        held = self.position.held_until
        if held is None or self._clock.now() > held - self._lasts / 2:
            await self.hold()

    async def move(self, until: datetime, *, changes: int) -> None:
        self._take(await self._cursor.move(self.position, until, changes=changes))

    async def narrow(self) -> None:
        self._take(await self._cursor.narrow(self.position))

    async def release(self) -> None:
        """Return the lease; if that fails, the lease expires."""
        try:
            await self._cursor.release(self.position)
        except ConnectorError as error:
            log.warning("the lease of the poll will expire: %s", error)

    def _take(self, position: CursorPosition | None) -> None:
        if position is None:
            raise _LeaseLostError(StateCause.POLL_TAKEN(), service=Service.STATE)
        self.position = position


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """The poll of one environment.

    `lease` is how long a poll that died keeps others away: as long as its claims.
    """

    feeds: ContactFeeds
    changes: ContactChanges
    people: RecordHandler
    bounces: BounceService
    store: StateStore
    clock: Clock
    rules: Rules
    environment: str
    lease: timedelta = CLAIM_TIME

    @property
    def _cursor(self) -> PollCursor:
        return PollCursor(self.store, self.environment, CONTACTS)

    @property
    def _waiting(self) -> PollCursor:
        return PollCursor(self.store, self.environment, NEW_SUBSCRIBERS)

    async def poll(self) -> PollResult:
        """Handle all changes since the cursor. Raises ConnectorErrors; then the next poll continues.

        ConflictError while another poll is under way, or if it has taken the lease.
        """
        begun = self.clock.now()
        if not self.rules.environment_is_on:  # the cursor stays
            return PollResult(await self.cursor() or begun)
        lease = await self._begin(begun)
        result = PollResult(lease.position.until)
        try:
            result.waits = await self._waiting.read() is not None
            await self._catch_up(lease, result, begun)
            if result.waits and not result.is_behind and result.handled.import_error is None:
                result.waits = await self._import_waiting(lease, result, begun)
        except _LeaseLostError:  # another poll holds the lease
            raise
        except Exception:
            await lease.release()
            raise
        await lease.release()
        _log_result(result)
        if result.handled.import_error is not None:
            raise result.handled.import_error
        return result

    async def cursor(self) -> datetime | None:
        """Return the time up to which everything has been handled; None before the first poll."""
        return await self._cursor.until()

    async def import_waits_since(self) -> datetime | None:
        """Return since when new subscribers wait for their import; None if none wait."""
        return await self._waiting.until()

    async def state(self) -> dict[str, Any]:
        """Return as JSON the position of the cursor, and why it does not move."""
        position, waiting = await self._cursor.read(), await self._waiting.read()
        cause = self._problem(position)
        return {
            "until": _text(position.until if position else None),
            "newSubscribersWaitSince": _text(waiting.until if waiting else None),
            "ok": not cause,
            **({"cause": cause} if cause else {}),
        }

    def _problem(self, position: CursorPosition | None) -> str:
        now = self.clock.now()
        if position is None or not self.rules.environment_is_on:
            return ""
        if position.until > now + CLOCKS_DIFFER:
            return "The cursor of the poll is ahead of the clock; the next poll puts it back."
        if position.tried is not None and now - position.tried > STUCK_AFTER:
            since = position.tried.isoformat(timespec="seconds")
            return f"No poll has moved the cursor since {since}; POST /api/poll reports why."
        if now - position.until > SILENT_AFTER:
            return "No poll has ended for more than a day: look at the timer poll_spotler and POLL_SCHEDULE."
        return ""

    async def _begin(self, begun: datetime) -> _Lease:
        position = await self._cursor.read() or await self._cursor.begin(begun - _FIRST_SPAN)
        if position is None or position.is_held(begun):
            raise ConflictError(ErrorText.OTHER_POLL(), service=Service.STATE)
        if position.until > begun + CLOCKS_DIFFER:
            position = await self._rewound(position, begun)
        taken = None if position is None else await self._cursor.take(position, begun, begun + self.lease)
        if taken is None:
            raise ConflictError(ErrorText.OTHER_POLL(), service=Service.STATE)
        return _Lease(self._cursor, taken, self.clock, self.lease)

    async def _rewound(self, position: CursorPosition, begun: datetime) -> CursorPosition | None:
        """Put a cursor that is ahead of the clock back to the time up to which bounces are known."""
        known = await self.bounces.are_known_until()
        before = begun - _REWIND if known is None else min(known, begun)
        log.warning("the cursor of the poll was ahead of the clock; the poll continues from %s", _text(before))
        return await self._cursor.rewind(position, before)

    async def _catch_up(self, lease: _Lease, result: PollResult, begun: datetime) -> None:
        origin, deadline = result.until, begun + _TIME
        while True:
            edge = min(result.until + lease.position.window, begun)
            before = result.seen.total()
            if not await self._window(min(result.until, edge) - OVERLAP, edge, result, lease, deadline):
                if result.until == origin:  # it had all the time that a poll has
                    await lease.narrow()
                result.is_behind = True
                return
            result.until = max(result.until, edge)
            await lease.move(result.until, changes=result.seen.total() - before)
            if edge >= begun:
                return
            if self.clock.now() >= deadline:
                result.is_behind = True
                return

    async def _window(
        self, start: datetime, end: datetime, result: PollResult, lease: _Lease, deadline: datetime
    ) -> bool:
        """Handle the changes between two moments; False if the time did not suffice."""
        bounced = await self._note_bounces(start, end, result)
        async for at, contacts in self._pages(start, end, deadline, lease):
            if self.clock.now() >= deadline:
                return False
            latest = newest(contacts)
            if any(contact.is_unreachable for contact in latest):
                # Mail may have bounced since the bounces were read: without them it would look like an opt-out.
                bounced |= await self._note_bounces(start, end, result)
            known, new = known_and_new(latest)
            bounced -= await self.changes.known(
                known, at, result.handled, lane=QueueName.LIVE, before=lease.hold, doubts=lease.position.doubts
            )
            lease.position = lease.position.without(contact.external_id for contact in known)
            import_mode = ImportMode.DEFER if result.waits else ImportMode.IMPORT
            await self.changes.new_subscribers(new, result.handled, lane=QueueName.LIVE, import_mode=import_mode)
            if result.handled.import_error is not None and not result.waits:
                await self._waiting.begin(start)
                result.waits = True
        correlation = f"bounce-{end.isoformat(timespec='seconds')}"
        references = [Reference(key, Why.PLATFORM, correlation) for key in sorted(bounced)]
        result.handled.count(await self.people.handle(references, lane=QueueName.LIVE))
        return True

    def _pages(self, start: datetime, end: datetime, deadline: datetime, lease: _Lease) -> AsyncIterator[Page]:
        return pages_ahead(self.feeds, start, end, clock=self.clock, deadline=deadline, on_page=lease.renew)

    async def _import_waiting(self, lease: _Lease, result: PollResult, begun: datetime) -> bool:
        """Import the new subscribers that an earlier poll could not import; whether some still wait."""
        position = await self._waiting.read()
        while position is not None:
            edge, count = min(position.until + position.window, begun), 0
            async for _, contacts in self._pages(min(position.until, edge), edge, begun + _TIME, lease):
                if self.clock.now() >= begun + _TIME:
                    return True
                _, new = known_and_new(newest(contacts))
                count += len(contacts)
                await self.changes.new_subscribers(
                    new, result.handled, lane=QueueName.LIVE, import_mode=ImportMode.IMPORT
                )
                if result.handled.import_error is not None:
                    return True
            if edge >= begun:
                await self._waiting.remove()
                return False
            position = await self._waiting.move(position, edge, changes=count)
        return True

    async def _note_bounces(self, start: datetime, end: datetime, result: PollResult) -> set[RecordKey]:
        """Record bounces, up to a little in the future: Spotler's clock may be ahead."""
        concerned = await note_bounces(self.feeds, self.bounces, start, end + OVERLAP)
        result.bounced |= concerned
        await self.bounces.known_until(end)
        return concerned


async def note_bounces(feeds: ContactFeeds, bounces: BounceService, start: datetime, end: datetime) -> set[RecordKey]:
    """Record the bounces between two moments, and return their records. A bounce that breaks the connector is logged.

    Raises ConnectorErrors.
    """
    concerned: set[RecordKey] = set()

    async def note(some: Sequence[Bounce]) -> None:
        concerned.update(await bounces.note(some))

    async def log_defect(bounce: Bounce, error: Exception) -> None:
        name = bounce.contact.encrypted_id or record_id_of(bounce.contact) or "without an id"
        log.error("a bounce of Spotler contact %s broke the connector: %s", name, whereabouts(error))

    async for page in feeds.bounces(start, end):
        await isolated(page, note, log_defect)
    return concerned


def _log_result(result: PollResult) -> None:
    seen = ", ".join(f"{count} {what}" for what, count in sorted(result.seen.items())) or "nothing new"
    log.info("poll until %s: %s, %d records with bounces", _text(result.until), seen, len(result.bounced))
    if result.waits:
        log.warning("new subscribers cannot be imported; they wait")


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None

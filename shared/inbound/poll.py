"""Finds what people changed in Spotler (S2D-01..S2D-09, C-05, C-11, C-12), a hundred contacts to a call.

The bookmark moves when all of a window has been handled: each contact is done, scheduled again, or buried with its
reason. A crash repeats a window, which changes nothing twice: what both sides agree on by then is an echo. New
subscribers that cannot be taken in wait at a bookmark of their own; nobody else waits for them.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.consent.bounce_service import BounceService
from shared.domain.planning.context import CLOCKS_DIFFER, Rules
from shared.domain.records.marketing_contact import Bounce
from shared.domain.records.records import RecordKey, Reference, Why
from shared.engine.bindings.ledger import CLAIM_TIME
from shared.engine.guards.isolation import isolated
from shared.engine.record_handler import RecordHandler
from shared.engine.refusals.returns import record_id_of
from shared.errors import ConflictError, ConnectorError, Service, whereabouts
from shared.inbound.contact_changes import ContactChanges, known_and_new, newest
from shared.inbound.page_counts import Handled, Newcoming, Seen
from shared.inbound.poll_cursor import CONTACTS, NEWCOMERS, CursorPosition, PollCursor
from shared.inbound.read_ahead import Page, pages_ahead
from shared.ports.clock import Clock
from shared.ports.marketing_platform import ContactFeeds
from shared.ports.queue import QueueName
from shared.ports.state import StateStore

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=5)
"""What is dated late, or by another clock, is seen again."""

_FIRST_LOOK_BACK = timedelta(minutes=15)
_TIME = timedelta(minutes=3)
"""After this no window and no page is begun any more: a function has five minutes."""

_LOOK_BACK = timedelta(hours=26)
"""Where a bookmark is put that was ahead of the clock, if nothing tells where it was before."""

STUCK_AFTER = timedelta(hours=1)
"""For so long polls may fail to move the bookmark until health is red."""

SILENT_AFTER = timedelta(hours=26)
"""For so long no poll may have begun until health is red, whatever the schedule says."""

_LOST = "another poll has moved the bookmark meanwhile; the next one goes on there"


@dataclass(slots=True)
class Polled:
    """What a poll came to: what was handled, records whose mail came back.

    `is_behind` says that there is more to fetch right now, `waits` that new subscribers wait to be taken in.
    """

    until: datetime
    handled: Handled = field(default_factory=Handled)
    bounced: set[RecordKey] = field(default_factory=set)
    is_behind: bool = False
    waits: bool = False

    @property
    def seen(self) -> Counter[Seen]:
        """Contacts, by what was seen in them."""
        return self.handled.seen


class _LeaseLostError(Exception):
    """Another poll has taken over."""


class _Lease:
    """The bookmark while one poll has it."""

    def __init__(self, cursor: PollCursor, place: CursorPosition, clock: Clock, lasts: timedelta) -> None:
        self._cursor = cursor
        self._clock = clock
        self._lasts = lasts
        self.place = place

    async def hold(self, doubtful: Collection[str] = ()) -> None:
        """Go on, about to handle these contacts."""
        self._take(await self._cursor.hold(self.place, self._clock.now() + self._lasts, doubtful))

    async def renew(self) -> None:
        """Go on if the lease is half over."""
        held = self.place.held_until
        if held is None or self._clock.now() > held - self._lasts / 2:
            await self.hold()

    async def move(self, until: datetime, *, changes: int) -> None:
        self._take(await self._cursor.move(self.place, until, changes=changes))

    async def narrow(self) -> None:
        self._take(await self._cursor.narrow(self.place))

    async def release(self) -> None:
        """Give it back; if that fails, it ends by itself."""
        try:
            await self._cursor.release(self.place)
        except ConnectorError as error:
            log.warning("the lease of the poll ends by itself: %s", error)

    def _take(self, place: CursorPosition | None) -> None:
        if place is None:
            raise _LeaseLostError
        self.place = place


class Poll:
    """One environment's poll."""

    def __init__(
        self,
        *,
        feeds: ContactFeeds,
        changes: ContactChanges,
        people: RecordHandler,
        bounces: BounceService,
        store: StateStore,
        clock: Clock,
        rules: Rules,
        environment: str,
        lease: timedelta = CLAIM_TIME,
    ) -> None:
        """`lease` is how long a poll that died keeps others away: as long as its claims."""
        self._feeds = feeds
        self._changes = changes
        self._people = people
        self._bounces = bounces
        self._clock = clock
        self._rules = rules
        self._lasts = lease
        self._cursor = PollCursor(store, environment, CONTACTS)
        self._waiting = PollCursor(store, environment, NEWCOMERS)

    async def poll(self) -> Polled:
        """Handle everything that changed since the bookmark. Raises ConnectorErrors; the next poll goes on.

        ConflictError while another poll is under way, or if it took over.
        """
        begun = self._clock.now()
        if not self._rules.environment_is_on:  # the bookmark waits
            return Polled(await self.cursor() or begun)
        lease = await self._begin(begun)
        polled = Polled(lease.place.until)
        try:
            polled.waits = await self._waiting.read() is not None
            await self._catch_up(lease, polled, begun)
            if polled.waits and not polled.is_behind and polled.handled.import_error is None:
                polled.waits = await self._import_waiting(lease, polled, begun)
        except _LeaseLostError:
            raise ConflictError(_LOST, service=Service.STATE) from None
        except Exception:
            await lease.release()
            raise
        await lease.release()
        _tell(polled)
        if polled.handled.import_error is not None:
            raise polled.handled.import_error
        return polled

    async def cursor(self) -> datetime | None:
        """Return until when everything has been handled; None before the first poll."""
        return await self._cursor.until()

    async def import_waits_since(self) -> datetime | None:
        """Return from when on new subscribers wait to be taken in; None if nobody waits."""
        return await self._waiting.until()

    async def state(self) -> dict[str, Any]:
        """Say as JSON until when changes in Spotler have been brought home, and whether the bookmark moves."""
        place, waiting = await self._cursor.read(), await self._waiting.read()
        cause = self._complaint(place)
        return {
            "until": _text(place.until if place else None),
            "newSubscribersWaitSince": _text(waiting.until if waiting else None),
            "ok": not cause,
            **({"cause": cause} if cause else {}),
        }

    def _complaint(self, place: CursorPosition | None) -> str:
        now = self._clock.now()
        if place is None or not self._rules.environment_is_on:
            return ""
        if place.until > now + CLOCKS_DIFFER:
            return "The bookmark of the poll is ahead of the clock; the next poll puts it back."
        if place.tried is not None and now - place.tried > STUCK_AFTER:
            since = place.tried.isoformat(timespec="seconds")
            return f"No poll has moved the bookmark since {since}; POST /api/poll says why."
        if now - place.until > SILENT_AFTER:
            return "No poll has ended for more than a day: look at the timer poll_spotler and POLL_SCHEDULE."
        return ""

    async def _begin(self, begun: datetime) -> _Lease:
        place = await self._cursor.read() or await self._cursor.begin(begun - _FIRST_LOOK_BACK)
        if place is None or place.is_held(begun):
            raise ConflictError("another poll is under way", service=Service.STATE)
        if place.until > begun + CLOCKS_DIFFER:
            place = await self._healed(place, begun)
        taken = None if place is None else await self._cursor.take(place, begun, begun + self._lasts)
        if taken is None:
            raise ConflictError("another poll is under way", service=Service.STATE)
        return _Lease(self._cursor, taken, self._clock, self._lasts)

    async def _healed(self, place: CursorPosition, begun: datetime) -> CursorPosition | None:
        """Put a bookmark that is ahead of the clock back to where bounces are known until."""
        known = await self._bounces.are_known_until()
        before = begun - _LOOK_BACK if known is None else min(known, begun)
        log.warning("the bookmark of the poll was ahead of the clock; the poll goes on from %s", _text(before))
        return await self._cursor.heal(place, before)

    async def _catch_up(self, lease: _Lease, polled: Polled, begun: datetime) -> None:
        origin, deadline = polled.until, begun + _TIME
        while True:
            edge = min(polled.until + lease.place.window, begun)
            before = polled.seen.total()
            if not await self._window(min(polled.until, edge) - OVERLAP, edge, polled, lease, deadline):
                if polled.until == origin:  # it had all the time there is
                    await lease.narrow()
                polled.is_behind = True
                return
            polled.until = max(polled.until, edge)
            await lease.move(polled.until, changes=polled.seen.total() - before)
            if edge >= begun:
                return
            if self._clock.now() >= deadline:
                polled.is_behind = True
                return

    async def _window(self, start: datetime, end: datetime, polled: Polled, lease: _Lease, deadline: datetime) -> bool:
        """Handle what changed between two moments; False if there was not enough time for all of it."""
        bounced = await self._note_bounces(start, end, polled)
        async for at, contacts in self._pages(start, end, deadline, lease):
            if self._clock.now() >= deadline:
                return False
            latest = newest(contacts)
            if any(contact.is_unreachable for contact in latest):
                # A mail may have come back since bounces were asked for: without that, it would look like an opt-out.
                bounced |= await self._note_bounces(start, end, polled)
            known, new = known_and_new(latest)
            bounced -= await self._changes.known(
                known, at, polled.handled, lane=QueueName.LIVE, before=lease.hold, doubts=lease.place.doubts
            )
            lease.place = lease.place.without(contact.external_id for contact in known)
            newcoming = Newcoming.LATER if polled.waits else Newcoming.WELCOME
            await self._changes.new_subscribers(new, polled.handled, lane=QueueName.LIVE, newcoming=newcoming)
            if polled.handled.import_error is not None and not polled.waits:
                await self._waiting.begin(start)
                polled.waits = True
        correlation = f"bounce-{end.isoformat(timespec='seconds')}"
        references = [Reference(key, Why.SPOTLER, correlation) for key in sorted(bounced)]
        polled.handled.count(await self._people.handle(references, lane=QueueName.LIVE))
        return True

    def _pages(self, start: datetime, end: datetime, deadline: datetime, lease: _Lease) -> AsyncIterator[Page]:
        return pages_ahead(self._feeds, start, end, clock=self._clock, deadline=deadline, on_page=lease.renew)

    async def _import_waiting(self, lease: _Lease, polled: Polled, begun: datetime) -> bool:
        """Take in the new subscribers that an earlier poll could not take in; whether some wait still."""
        place = await self._waiting.read()
        while place is not None:
            edge, count = min(place.until + place.window, begun), 0
            async for _, contacts in self._pages(min(place.until, edge), edge, begun + _TIME, lease):
                if self._clock.now() >= begun + _TIME:
                    return True
                _, new = known_and_new(newest(contacts))
                count += len(contacts)
                await self._changes.new_subscribers(
                    new, polled.handled, lane=QueueName.LIVE, newcoming=Newcoming.WELCOME
                )
                if polled.handled.import_error is not None:
                    return True
            if edge >= begun:
                await self._waiting.remove()
                return False
            place = await self._waiting.move(place, edge, changes=count)
        return True

    async def _note_bounces(self, start: datetime, end: datetime, polled: Polled) -> set[RecordKey]:
        """Note what came back, a little into the future: Spotler's clock may be ahead."""
        concerned = await note_bounces(self._feeds, self._bounces, start, end + OVERLAP)
        polled.bounced |= concerned
        await self._bounces.known_until(end)
        return concerned


async def note_bounces(feeds: ContactFeeds, book: BounceService, start: datetime, end: datetime) -> set[RecordKey]:
    """Note the bounces between two moments, and return the records concerned; one that breaks the connector is logged.

    Raises ConnectorErrors.
    """
    concerned: set[RecordKey] = set()

    async def note(some: Sequence[Bounce]) -> None:
        concerned.update(await book.note(some))

    async def set_aside(bounce: Bounce, error: Exception) -> None:
        name = bounce.contact.encrypted_id or record_id_of(bounce.contact) or "without an id"
        log.error("a bounce of Spotler contact %s broke the connector: %s", name, whereabouts(error))

    async for bounces in feeds.bounces(start, end):
        await isolated(bounces, note, set_aside)
    return concerned


def _tell(polled: Polled) -> None:
    told = ", ".join(f"{count} {what}" for what, count in sorted(polled.seen.items())) or "nothing new"
    log.info("poll until %s: %s, %d records with bounces", _text(polled.until), told, len(polled.bounced))
    if polled.waits:
        log.warning("new subscribers cannot be taken in; they wait")


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None

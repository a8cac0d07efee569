"""Finds what people changed in Spotler (S2D-01..S2D-09, C-05, C-11, C-12), a hundred contacts to a call.

The bookmark moves when all of a window has been handled: each contact is done, scheduled again, or buried with its
reason. A crash repeats a window, which changes nothing twice: what both sides agree on by then is an echo. While new
subscribers cannot be taken in the bookmark stays, but everybody else is looked at in every poll.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from shared.core.addresses import address_key
from shared.core.echo import is_echo
from shared.core.mapping.model import EMAIL
from shared.core.marketing import Bounce, PropertyCatalogue, SpotlerContact
from shared.core.plan import Binding, Neighbours, Rules
from shared.core.records import PersonTable, RecordKey, Reference, Why
from shared.core.sharing import rules_of
from shared.errors import whereabouts
from shared.ports import Clock, ContactFeeds, Crm, MarketingPlatform, QueueName, StateStore
from shared.sync.bookmark import Bookmark, Place
from shared.sync.ledger import Ledger
from shared.sync.people import SyncPeople
from shared.sync.returns import Returns, correlation_of, record_id_of
from shared.sync.suppressions import SuppressionList
from shared.sync.work import Sighting

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=5)
"""What is dated late, or by another clock, is seen again."""

_FIRST_LOOK_BACK = timedelta(minutes=15)
_TIME = timedelta(minutes=3)
"""After this no window and no page is begun any more: a function has five minutes."""


class Seen(StrEnum):
    """What a poll found in a contact."""

    ECHO = "echo"
    CHANGED = "changed"
    NEWCOMER = "newcomer"
    UNKNOWN = "unknown"
    """Its external id is that of a record which is not (any more) in an enabled table."""


@dataclass(slots=True)
class Polled:
    """What a poll came to: contacts by what was seen, records whose mail came back.

    `is_behind` says that there is more to fetch right now, `unwelcome` why new subscribers could not be taken in.
    `is_repetition`: a poll died in this window. What it kept it may not have reported, so nothing counts as an echo.
    """

    until: datetime
    seen: Counter[Seen] = field(default_factory=Counter)
    bounced: set[RecordKey] = field(default_factory=set)
    is_behind: bool = False
    unwelcome: Exception | None = None
    is_repetition: bool = False


class Welcomed(Protocol):
    """Where a new subscriber went."""

    @property
    def key(self) -> RecordKey | None:
        """The record to synchronise with the contact; None if there is none."""
        ...

    @property
    def candidates(self) -> Sequence[RecordKey]:
        """The records among which a person must choose first."""
        ...


class Newcomers(Protocol):
    """Takes in new subscribers (NEW)."""

    async def welcome(self, contacts: Sequence[SpotlerContact], *, correlation: str) -> Sequence[Welcomed]:
        """Create or find their records, as the settings say."""
        ...


class Bounces(Protocol):
    """Takes note of mail that came back (BNC)."""

    async def note(self, bounces: Sequence[Bounce]) -> Sequence[RecordKey]:
        """Remember them; returns the records concerned."""
        ...

    async def known_until(self, moment: datetime) -> None:
        """Note that every bounce up to a moment has been noted."""
        ...


class Poll:
    """One environment's poll."""

    def __init__(
        self,
        *,
        feeds: ContactFeeds,
        platform: MarketingPlatform,
        crm: Crm,
        people: SyncPeople,
        newcomers: Newcomers,
        bounces: Bounces,
        ledger: Ledger,
        suppressions: SuppressionList,
        store: StateStore,
        clock: Clock,
        rules: Rules,
        environment: str,
    ) -> None:
        self._feeds = feeds
        self._platform = platform
        self._crm = crm
        self._people = people
        self._newcomers = newcomers
        self._bounces = bounces
        self._ledger = ledger
        self._returns = Returns(suppressions, crm, rules)
        self._clock = clock
        self._rules = rules
        self._bookmark = Bookmark(store, environment, "contacts")
        self._repetition = Bookmark(store, environment, "repeat")

    async def poll(self) -> Polled:
        """Handle everything that changed since the bookmark. Raises ConnectorErrors; the next poll goes on."""
        begun = self._clock.now()
        place = await self._bookmark.read() or await self._bookmark.start_over(begun - _FIRST_LOOK_BACK)
        polled = await self._catch_up(self._bookmark, place, begun)
        again = None if polled.is_behind else await self._repetition.read()
        if again is not None:
            repeated = await self._catch_up(self._repetition, again, begun)
            if repeated.until >= begun:
                await self._repetition.remove()
        return polled

    async def repeat(self, moment: datetime) -> None:
        """Let the next polls look again at what changed since a moment, beside what is new."""
        await self._repetition.start_over(moment)

    async def _catch_up(self, bookmark: Bookmark, place: Place, begun: datetime) -> Polled:
        polled = Polled(place.until)
        origin, deadline = polled.until, begun + _TIME
        while self._rules.environment_is_on:  # while it is off, the bookmark waits
            edge = min(polled.until + place.window, begun)
            polled.is_repetition = place.is_open
            opened = await bookmark.open(place)
            if opened is None:
                log.info("somebody else has moved the bookmark of the poll meanwhile; the next one goes on there")
                break
            place = opened
            if not await self._window(polled.until - OVERLAP, edge, polled, deadline):
                if polled.until == origin:  # it had all the time there is
                    await bookmark.narrow(place)
                polled.is_behind = True
                break
            polled.until = edge
            if polled.unwelcome is None:
                moved = await bookmark.move(place, edge)
                if moved is None:
                    log.info("somebody else has moved the bookmark of the poll meanwhile; the next one goes on there")
                    break
                place = moved
            if edge >= begun:
                break
            if self._clock.now() >= deadline:
                polled.is_behind = True
                break
        _tell(polled)
        if polled.unwelcome is not None:
            log.warning("new subscribers since %s cannot be taken in", place.until.isoformat(timespec="seconds"))
            raise polled.unwelcome
        return polled

    async def bookmark(self) -> datetime | None:
        """Return until when everything has been handled; None before the first poll."""
        place = await self._bookmark.read()
        return None if place is None else place.until

    async def state(self) -> dict[str, str | None]:
        """Say as JSON until when changes in Spotler have been brought home."""
        until = await self.bookmark()
        return {"until": until.isoformat(timespec="seconds") if until else None}

    async def rewind(self, moment: datetime) -> None:
        """Start over from a moment: what changed since then is compared again (INI-04)."""
        await self._bookmark.start_over(moment)

    async def _window(self, start: datetime, end: datetime, polled: Polled, deadline: datetime) -> bool:
        """Handle what changed between two moments; False if there was not enough time for all of it."""
        bounced = await self._note_bounces(start, end, polled)
        at = self._clock.now()
        async for contacts in self._feeds.updated_contacts(start, end):
            if at >= deadline:
                return False
            newest = _newest(contacts)
            if any(contact.is_unreachable for contact in newest):
                # A mail may have come back since bounces were asked for: without that, it would look like an opt-out.
                bounced |= await self._note_bounces(start, end, polled)
            bounced -= await self._page(newest, at, polled)
            at = self._clock.now()
        correlation = f"bounce-{end.isoformat(timespec='seconds')}"
        await self._people.handle(
            [Reference(key, Why.SPOTLER, correlation) for key in sorted(bounced)], lane=QueueName.LIVE
        )
        return True

    async def _note_bounces(self, start: datetime, end: datetime, polled: Polled) -> set[RecordKey]:
        """Note what came back, a little into the future: Spotler's clock may be ahead."""
        concerned: set[RecordKey] = set()
        async for bounces in self._feeds.bounces(start, end + OVERLAP):
            concerned.update(await self._bounces.note(bounces))
        polled.bounced |= concerned
        await self._bounces.known_until(end)
        return concerned

    async def _page(self, contacts: Sequence[SpotlerContact], at: datetime, polled: Polled) -> set[RecordKey]:
        """Handle one page; returns the records that were looked at. `at` is before the page was asked for."""
        newcomers = [contact for contact in contacts if record_id_of(contact) is None]
        known = {contact.external_id: contact for contact in contacts if record_id_of(contact) is not None}
        references, sightings = await self._changed(known, at, polled)
        await self._people.handle(references, lane=QueueName.LIVE, sightings=sightings)
        returned = await self._returns.of(newcomers)
        asked: frozenset[RecordKey] = frozenset()
        if newcomers:
            polled.seen[Seen.NEWCOMER] += len(newcomers)
            try:
                asked = await self._welcome(newcomers)
            except Exception as error:  # noqa: BLE001  # raised at the end of the poll: others must not wait for them
                polled.unwelcome = polled.unwelcome or error
        # A record about which somebody is asked must not settle that by itself: its refusal would reach the contact.
        await self._people.handle([one for one in returned if one.key not in asked], lane=QueueName.LIVE)
        return {reference.key for reference in references}

    async def _welcome(self, newcomers: Sequence[SpotlerContact]) -> frozenset[RecordKey]:
        """Take in new subscribers; returns the records about which a person must decide first."""
        correlation = correlation_of(newcomers[-1])
        welcomed = await self._newcomers.welcome(newcomers, correlation=correlation)
        keys = dict.fromkeys(one.key for one in welcomed if one.key is not None)
        await self._people.handle([Reference(key, Why.SPOTLER, correlation) for key in keys], lane=QueueName.LIVE)
        return frozenset(key for one in welcomed for key in one.candidates) - keys.keys()

    async def _changed(
        self, contacts: Mapping[str, SpotlerContact], at: datetime, polled: Polled
    ) -> tuple[list[Reference], dict[RecordKey, Sighting]]:
        catalogue = await self._platform.properties()
        known = await self._ledger.contacts(contacts)
        entries = await self._ledger.entries({key for one in known.values() for key in one.users})
        references: list[Reference] = []
        sightings: dict[RecordKey, Sighting] = {}
        strangers: dict[UUID, SpotlerContact] = {}
        for external_id, contact in contacts.items():
            bound = [key for key in known[external_id].users if entries[key].binding.uses(external_id)]
            if not bound:
                strangers[UUID(external_id)] = contact
                continue
            moved = [
                key
                for key in bound
                if polled.is_repetition
                or self._has_news(contact, key, entries[key].binding, known[external_id].neighbours_of(key), catalogue)
            ]
            polled.seen[Seen.CHANGED if moved else Seen.ECHO] += 1
            references += [Reference(key, Why.SPOTLER, correlation_of(contact)) for key in moved]
            sightings |= {key: Sighting(contact, at) for key in moved}
        return [*references, *await self._strangers(strangers, polled)], sightings

    async def _strangers(self, contacts: Mapping[UUID, SpotlerContact], polled: Polled) -> list[Reference]:
        """Find records of contacts that the ledger does not know: the state was lost, or they are somebody else's."""
        tables = [table for table in PersonTable if table in self._rules.enabled_tables]
        keys = [RecordKey(table, identifier) for identifier in contacts for table in tables]
        found = await self._crm.read_people(keys) if keys else {}
        counts = {Seen.CHANGED: len(found), Seen.UNKNOWN: len(contacts) - len(found)}
        polled.seen.update({what: count for what, count in counts.items() if count})
        return [Reference(key, Why.SPOTLER, correlation_of(contacts[key.id])) for key in found]

    def _has_news(
        self,
        contact: SpotlerContact,
        key: RecordKey,
        binding: Binding,
        neighbours: Neighbours,
        catalogue: PropertyCatalogue,
    ) -> bool:
        """Whether a record must be looked at. Where a defect of ours breaks this, the engine looks, and buries it."""
        try:
            rules = rules_of(key.table, neighbours, self._rules)
            return not is_echo(contact, key, binding, rules, catalogue)
        except Exception as error:  # noqa: BLE001  # one contact must not hold up the poll for ever
            log.error("%s broke the comparison: %s", key, whereabouts(error))  # noqa: TRY400  # its text may quote
            return True


def _tell(polled: Polled) -> None:
    told = ", ".join(f"{count} {what}" for what, count in sorted(polled.seen.items())) or "nothing new"
    until, bounced = polled.until.isoformat(timespec="seconds"), len(polled.bounced)
    log.info("poll until %s: %s, %d records with bounces", until, told, bounced)


def _newest(contacts: Sequence[SpotlerContact]) -> list[SpotlerContact]:
    """Of several states of a contact, the last one."""
    newest: dict[str, SpotlerContact] = {}
    for contact in contacts:
        name = contact.encrypted_id or contact.external_id or address_key(str(contact.properties.get(EMAIL, "")))
        known = newest.get(name)
        if known is None or not (
            known.last_changed and contact.last_changed and known.last_changed > contact.last_changed
        ):
            newest[name] = contact
    return list(newest.values())

"""Reads the account-wide feed by the time of change: it tells who did something, and the lists tell which link.

Of few clicks in a mailing each person's clicks are asked for; of many, the list of the mailing is read once.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from shared.domain.engagement.events import EventKind
from shared.domain.engagement.mailings import MailingOrigin
from shared.engagement.keeping.event_keeping import EventKeeper, Kept
from shared.engagement.mailings.mailing_book import MailingBook
from shared.engagement.policy import EngagementPolicy
from shared.engagement.reading.bounce_reading import BounceReading
from shared.engagement.reading.feed_cursor import FeedLease
from shared.engagement.reading.work_time import WorkTime, chunks
from shared.ports.clock import Clock
from shared.ports.mailings import Happening, Mailings

_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReading:
    """Reads windows of the feed."""

    platform: Mailings
    keeper: EventKeeper
    bounces: BounceReading
    policy: EngagementPolicy
    clock: Clock

    @property
    def _kinds(self) -> tuple[EventKind, ...]:
        sent = (EventKind.SENT,) if self.policy.reads_sent else ()
        return (*sent, EventKind.OPENED, EventKind.BOUNCED, EventKind.CLICKED)

    async def read(self, lease: FeedLease, book: MailingBook, kept: Kept, time: WorkTime) -> bool:
        """Read windows until now, or until the time is over. Returns whether there is more to read now."""
        now = self.clock.now()
        while lease.position.edge is not None or lease.position.until < now:
            if not await self._window(lease, book, kept, time):
                return True
            if time.is_over:
                return lease.position.until < now
        return False

    async def _window(self, lease: FeedLease, book: MailingBook, kept: Kept, time: WorkTime) -> bool:
        """Read one window, or the rest of it; whether it is done."""
        position = lease.position.window(self.clock.now())
        kinds = self._kinds
        start = kinds.index(position.kind) if position.kind in kinds else 0
        for kind in kinds[start:]:
            position = replace(position, kind=kind, after=position.after if kind is position.kind else "")
            edge = position.edge or self.clock.now()
            pages = self.platform.noted(kind, position.begin, edge, after=position.after)
            async for happenings, after in chunks(pages):
                await self._keep(kind, happenings, book, kept)
                if after:
                    position = replace(lease.position, edge=edge, kind=kind, after=after)
                    await lease.save(position)
                    if time.is_over:
                        return False
            position = replace(lease.position, edge=edge, kind=kind, after="")
        await self.bounces.read(position.begin, position.edge or self.clock.now(), book, kept)
        await lease.save(
            replace(lease.position, until=position.edge or lease.position.until, edge=None, kind=None, after="")
        )
        return True

    async def _keep(self, kind: EventKind, happenings: Sequence[Happening], book: MailingBook, kept: Kept) -> None:
        await book.load(happenings)
        mentioned = {one.mailing for one in happenings}
        known = [mailing for handle in mentioned if (mailing := book.get(handle)) is not None]
        await book.save(*(replace(mailing, in_feed=True) for mailing in known if not mailing.in_feed))
        if kind is EventKind.CLICKED:
            happenings = await self._with_links(happenings, book)
        await self.keeper.keep(happenings, book, kept)

    async def _with_links(self, clicks: Sequence[Happening], book: MailingBook) -> list[Happening]:
        """Find the links of clicks: at once for few people, later from the whole list for many."""
        people: defaultdict[str, dict[str, list[Happening]]] = defaultdict(dict)
        for click in clicks:
            people[click.mailing].setdefault(click.external_id, []).append(click)
        found: list[Happening] = []
        for handle, of_people in people.items():
            mailing = book.get(handle)
            if mailing is None or EventKind.CLICKED in mailing.due:
                continue
            if mailing.origin is MailingOrigin.AUTOMATION:
                found += [one for of_person in of_people.values() for one in of_person]  # no list knows the links
                continue
            if mailing.origin is MailingOrigin.CAMPAIGN or len(of_people) > ceil(mailing.clicks / _PAGE):
                await book.save(mailing.with_due(EventKind.CLICKED))
                continue
            for external_id, of_feed in of_people.items():
                listed = await self.platform.clicks_of(handle, external_id) if external_id else []
                found += listed or of_feed
        return found

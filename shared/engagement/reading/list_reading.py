"""Reads whole lists of single mailings: links of many clicks, mailings that the feed does not have, initial runs."""

from dataclasses import dataclass, replace

from shared.engagement.keeping.event_keeping import EventKeeper, Kept
from shared.engagement.mailings.known_mailings import KnownMailing, KnownMailings
from shared.engagement.mailings.mailing_book import MailingBook
from shared.engagement.reading.feed_cursor import FeedLease
from shared.engagement.reading.work_time import WorkTime, chunks
from shared.ports.clock import Clock
from shared.ports.mailings import Mailings


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReading:
    """Reads the lists that are due."""

    platform: Mailings
    keeper: EventKeeper
    known: KnownMailings
    clock: Clock

    async def read(self, lease: FeedLease, book: MailingBook, kept: Kept, time: WorkTime) -> bool:
        """Read lists until none is due, or until the time is over. Returns whether lists are still due."""
        handles = [mailing.handle async for mailing in self.known.all() if mailing.due]
        await book.recall(handles)
        for handle in handles:
            while (mailing := book.get(handle)) is not None and mailing.due:
                if time.is_over:
                    return True
                await self._list(mailing, book, kept, time)
                await lease.save(lease.position)
        return False

    async def _list(self, mailing: KnownMailing, book: MailingBook, kept: Kept, time: WorkTime) -> None:
        """Read the first list that is due, or a part of it."""
        kind = mailing.due[0]
        async for happenings, after in chunks(self.platform.listed(mailing.mailing, kind, after=mailing.after)):
            await self.keeper.keep(happenings, book, kept)
            if after:
                await book.save(replace(book.get(mailing.handle) or mailing, after=after))
                if time.is_over:
                    return
        current = book.get(mailing.handle) or mailing
        rest = current.due[1:]
        done = replace(current, due=rest, after="", listed_on=current.listed_on if rest else self.clock.now())
        await book.save(done)

"""Finds unsubscribes in the consent ledger, and attributes them to mailings (BULK-18).

The platform tells how many people unsubscribed by a mailing, and not who. The poll of contacts writes each withdrawal
into the consent ledger; from there it gets its mailing.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from shared.consent.audit_ledger import cursor
from shared.domain.consent.changes import OPT_OUT, ConsentChange, ConsentSource, ConsentState
from shared.domain.engagement.events import Event, EventKind, event
from shared.domain.engagement.unsubscribes import attribution
from shared.engagement.keeping.event_keeping import EventKeeper, Kept
from shared.engagement.keeping.memories import Memories
from shared.engagement.mailings.mailing_book import MailingBook
from shared.engagement.reading.feed_cursor import FeedLease
from shared.engagement.reading.work_time import WorkTime
from shared.ports.mailings import Happening

_BY_MAIL = frozenset({ConsentSource.PLATFORM_PROFILE, ConsentSource.PLATFORM_OPT_OUT})
"""Sources of a change that a link in a mail can have."""


class ConsentChanges(Protocol):
    """The consent ledger, as far as it is read here."""

    def export(self, *, after: str = "") -> AsyncIterator[Sequence[ConsentChange]]:
        """Stream pages of changes by time, behind the cursor `after`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsubscribeReading:
    """Reads the consent ledger from where it was read last."""

    consents: ConsentChanges
    memories: Memories
    keeper: EventKeeper

    async def read(self, lease: FeedLease, book: MailingBook, kept: Kept, time: WorkTime) -> bool:
        """Attribute the withdrawals since the last time. Returns whether there are more to look at."""
        async for page in self.consents.export(after=lease.position.consent):
            await self._page(page, book, kept)
            await lease.save(replace(lease.position, consent=cursor(page[-1])))
            if time.is_over:
                return True
        return False

    async def _page(self, page: Sequence[ConsentChange], book: MailingBook, kept: Kept) -> None:
        opt_outs: defaultdict[str, list[Event]] = defaultdict(list)
        withdrawn: list[tuple[str, Event]] = []
        for change in page:
            if change.source not in _BY_MAIL:
                continue
            end = event(EventKind.UNSUBSCRIBED, change.at)
            if change.subject == OPT_OUT and change.new is ConsentState.YES:
                opt_outs[change.external_id].append(end)
                withdrawn.append((change.external_id, end))
            elif change.subject != OPT_OUT and change.old is ConsentState.YES and change.new is ConsentState.NO:
                withdrawn.append((change.external_id, end))
        await self._attribute(withdrawn, book, kept)
        await self.keeper.note_opt_outs(opt_outs, book, kept)

    async def _attribute(self, withdrawn: Sequence[tuple[str, Event]], book: MailingBook, kept: Kept) -> None:
        known = await self.memories.read(external_id for external_id, _ in withdrawn)
        await book.recall({name for stored in known.values() for name in stored.memory.mailings})
        found: dict[tuple[str, datetime], Happening] = {}
        for external_id, end in withdrawn:
            mailings = known[external_id].memory.mailings
            if any(_is_end(one, end.at) for events in mailings.values() for one in events):
                continue  # attributed before; what became known since does not change that
            links = {name: mailing.links for name in mailings if (mailing := book.get(name)) is not None}
            if (to := attribution(end.at, mailings, links)) is not None:
                # Permissions that fall at the same moment are one unsubscribe.
                happening = Happening(to.mailing, external_id, event(EventKind.UNSUBSCRIBED, end.at, to.confidence))
                found.setdefault((external_id, end.at), happening)
        await self.keeper.keep(list(found.values()), book, kept)


def _is_end(one: Event, at: datetime) -> bool:
    return one.kind is EventKind.UNSUBSCRIBED and one.at == at

"""Reads bounces of messages that the feed of interactions does not have: those of automations (ACT-08).

The list of bounces names the mailing of each, whatever sent it. The feed and the lists of bulk
mailings and campaigns tell their own bounces: these are passed over here, so that none counts twice.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.consent.bounces import BounceKind
from shared.domain.engagement.events import BounceType, EventKind, event
from shared.domain.engagement.mailings import MailingOrigin
from shared.domain.records.marketing_contact import Bounce
from shared.engagement.keeping.event_keeping import EventKeeper, Kept
from shared.engagement.mailings.mailing_book import MailingBook
from shared.ports.mailings import Happening
from shared.ports.marketing_platform import ContactFeeds

_TYPES = {BounceKind.HARD: BounceType.HARD, BounceKind.SOFT: BounceType.SOFT}


@dataclass(frozen=True, slots=True, kw_only=True)
class BounceReading:
    """Reads the list of bounces of one account."""

    feeds: ContactFeeds
    keeper: EventKeeper

    async def read(self, start: datetime, end: datetime, book: MailingBook, kept: Kept) -> None:
        """Keep the bounces between two moments whose messages nothing else tells of. Raises ConnectorErrors."""
        async for page in self.feeds.bounces(start, end):
            found = [one for bounce in page if (one := _happening(bounce)) is not None]
            await book.load(found)
            await self.keeper.keep([one for one in found if _is_told_here_alone(one.mailing, book)], book, kept)


def _is_told_here_alone(handle: str, book: MailingBook) -> bool:
    mailing = book.get(handle)
    return mailing is not None and mailing.origin is MailingOrigin.AUTOMATION and not mailing.in_feed


def _happening(bounce: Bounce) -> Happening | None:
    kind = BounceKind.read(bounce.kind)
    if kind is None or bounce.date is None or not bounce.mailing:
        return None
    what = event(EventKind.BOUNCED, bounce.date, _TYPES[kind])
    return Happening(bounce.mailing, bounce.contact.external_id or "", what, bounce.contact.encrypted_id or "")

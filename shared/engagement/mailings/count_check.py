"""Holds what is known of people against the statistics of each mailing, at night: the feed may lack some of it.

Whether the feed has every event of every mailing is not published. Where the statistics count more openers and clickers
than the connector has, the lists of the mailing are read. What is missing afterwards belongs to contacts without a
record; only a further difference asks for the lists again.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.domain.engagement.events import EventKind
from shared.domain.engagement.mailings import MailingOrigin
from shared.domain.engagement.tallies import people
from shared.engagement.mailings.known_mailings import KnownMailing, KnownMailings
from shared.engagement.mailings.mailing_book import MailingBook
from shared.engagement.mailings.stored_tallies import StoredTallies
from shared.ports.clock import Clock

log = logging.getLogger(__name__)

_LISTS = (EventKind.OPENED, EventKind.CLICKED, EventKind.BOUNCED)
_TOLERATED, _TOLERATED_SHARE = 2, 0.05
"""Contacts without a record that open later must not ask for the lists every night."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountCheck:
    """Checks the mailings of one environment."""

    known: KnownMailings
    tallies: StoredTallies
    clock: Clock

    async def check(self, book: MailingBook) -> Sequence[str]:
        """Ask for the lists of mailings of which people are missing; returns their handles."""
        short: list[str] = []
        mailings = [one async for one in self.known.all() if _is_countable(one)]
        await book.recall([one.handle for one in mailings])
        for mailing in mailings:
            checked = await self._checked(mailing)
            if checked.due:
                short.append(checked.handle)
            await book.save(checked)
        if short:
            log.info("%d mailings have more opens and clicks than the feed told: their lists are read", len(short))
        return short

    async def _checked(self, mailing: KnownMailing) -> KnownMailing:
        missing = await self._missing(mailing)
        if mailing.listed_on is not None and (mailing.matched_on is None or mailing.matched_on < mailing.listed_on):
            return replace(mailing, unmatched=missing, matched_on=self.clock.now())
        counts = mailing.counts
        whole = 0 if counts is None else (counts.opened or 0) + (counts.clicked or 0)
        if missing > mailing.unmatched + max(_TOLERATED, _TOLERATED_SHARE * whole):
            return replace(mailing, is_short=mailing.in_feed).with_due(*_LISTS)
        return mailing

    async def _missing(self, mailing: KnownMailing) -> int:
        counts = mailing.counts
        assert counts is not None
        ours = people(await self.tallies.read(mailing.handle))
        return max(0, (counts.opened or 0) - ours.opened) + max(0, (counts.clicked or 0) - ours.clicked)


def _is_countable(mailing: KnownMailing) -> bool:
    """Whether the account counts a mailing, and nobody has found it complete for good."""
    is_final = mailing.is_frozen and mailing.matched_on is not None
    return mailing.origin is MailingOrigin.BULK and mailing.counts is not None and not mailing.due and not is_final

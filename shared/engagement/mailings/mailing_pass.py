"""Reads the list of mailings, refreshes statistics by age, writes Campaign rows (BULK-03, BULK-08..27, P-17, P-18)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.engagement.events import EventKind
from shared.domain.engagement.interactions import campaign_id
from shared.domain.engagement.mailings import Mailing, MailingKind, MailingOrigin
from shared.domain.engagement.refreshing import Refresh, memory_of, refresh
from shared.domain.engagement.statistics import MailingCounts, differences, figures
from shared.engagement.choices import PassDepth
from shared.engagement.keeping.row_plan import is_too_large
from shared.engagement.mailings.known_mailings import KnownMailing
from shared.engagement.mailings.mailing_book import MailingBook
from shared.engagement.policy import EngagementPolicy
from shared.ports.clock import Clock
from shared.ports.engagement import CampaignRows, CampaignWrite
from shared.ports.mailings import Mailings

log = logging.getLogger(__name__)

LOOKBACK = memory_of() + timedelta(days=3)
"""How far back the list of mailings is read: until their statistics are frozen."""

_AHEAD = timedelta(days=1)
_LATE = timedelta(hours=6)
"""If the feed has not mentioned a mailing with opens for so long, it does not have it."""

_LISTS = (EventKind.OPENED, EventKind.CLICKED, EventKind.BOUNCED)


@dataclass(slots=True)
class PassCounts:
    """What a pass did."""

    listed: int = 0
    new: int = 0
    refreshed: int = 0
    frozen: int = 0
    campaigns: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingPass:
    """Passes over the mailings of a span of time."""

    platform: Mailings
    campaigns: CampaignRows
    policy: EngagementPolicy
    clock: Clock

    async def recent(self, book: MailingBook, depth: PassDepth) -> PassCounts:
        """Refresh the mailings whose statistics are not frozen. Raises ConnectorErrors."""
        now = self.clock.now()
        counts = PassCounts()
        await self.over(await self.platform.between(now - LOOKBACK, now + _AHEAD), book, counts, depth)
        return counts

    async def over(self, listed: Sequence[Mailing], book: MailingBook, counts: PassCounts, depth: PassDepth) -> None:
        """Look at mailings one by one."""
        await book.recall([mailing.handle for mailing in listed])
        for mailing in listed:
            counts.listed += 1
            if mailing.has_begun(self.clock.now()):
                await self._look(mailing, book, counts, depth)

    async def of_campaigns(self, book: MailingBook) -> None:
        """Ask for the lists of the messages of campaigns; only these tell of them if the feed does not (INT-08)."""
        listed = await self.platform.of_campaigns()
        await book.recall([mailing.handle for mailing in listed])
        for mailing in listed:
            known = book.get(mailing.handle)
            if known is None:
                details = await self.platform.details(mailing.handle, MailingOrigin.CAMPAIGN)
                if details is None:
                    continue
                known = KnownMailing.of(mailing, details[1])
            await book.save(known if known.in_feed else known.with_due(*self._kinds(known)))

    async def _look(self, mailing: Mailing, book: MailingBook, counts: PassCounts, depth: PassDepth) -> None:
        now = self.clock.now()
        known = book.get(mailing.handle)
        if known is None or known.origin is MailingOrigin.AUTOMATION:  # which it was taken for before it was listed
            details = await self.platform.details(mailing.handle, MailingOrigin.BULK)
            if details is None:
                return
            known = KnownMailing.of(mailing, details[1])
            counts.new += 1
        known = replace(known, sent=mailing.sent, name=mailing.name, begun=mailing.begun)
        decision = refresh(mailing.begun or now, known.read_on, now)
        match depth:
            case PassDepth.LISTS:
                known = replace(known, is_frozen=False).with_due(*self._kinds(known))
                decision = Refresh.READ
            case PassDepth.STATISTICS if decision is Refresh.WAIT:
                decision = Refresh.READ
            case _:
                pass
        match decision:
            case Refresh.READ:
                known = await self._refreshed(known, now, counts)
            case Refresh.FREEZE if not known.is_frozen:
                known = replace(known, is_frozen=True)
                counts.frozen += 1
            case _:
                await book.save(known)
                return
        if await self._write(known, now, counts):
            await book.save(known)

    async def _refreshed(self, known: KnownMailing, now: datetime, counts: PassCounts) -> KnownMailing:
        read = await self.platform.counts(known.handle)
        counts.refreshed += 1
        for name, (expected, told) in (differences(read) if read else {}).items():
            log.info("mailing %s: the platform says %s %d, the connector %d", known.handle, name, told, expected)
        known = replace(known, counts=read, read_on=now, remark=self._remark(known))
        if self._is_missing_in_feed(known, read, now):
            # Recipients do not change after the distribution: their list is read once.
            known = known.with_due(*(self._kinds(known) if known.listed_on is None else _LISTS))
        return known

    async def _write(self, known: KnownMailing, now: datetime, counts: PassCounts) -> bool:
        """Write the Campaign row; whether it was written or needs none."""
        if not self.policy.writes_campaigns or not await self.campaigns.are_available():
            return True
        shown = known.counts or MailingCounts(sent=known.sent)
        write = CampaignWrite(
            id=campaign_id(self.policy.environment, known.handle),
            mailing=known.mailing,
            figures=figures(shown),
            read_on=known.read_on or now,
            is_frozen=known.is_frozen,
            remark=known.remark,
        )
        refused = await self.campaigns.write([write])
        counts.campaigns += 1 - len(refused)
        counts.refused += len(refused)
        for one in refused:
            log.warning("the campaign of mailing %s was refused: %s", known.handle, one.error)
        return not refused

    def _remark(self, known: KnownMailing) -> str:
        if self.policy.writes_activities and is_too_large(known, self.policy):
            return (
                f"No activities: {known.sent} recipients are more than {self.policy.most_activities} "
                "(MAX_EMAIL_ACTIVITIES_PER_MAILING). Interactions show who received, opened and clicked."
            )
        return ""

    def _kinds(self, known: KnownMailing) -> tuple[EventKind, ...]:
        if known.kind is MailingKind.SMS:
            return (EventKind.SENT,) if self.policy.reads_sent else ()
        return (EventKind.SENT, *_LISTS) if self.policy.reads_sent else _LISTS

    @staticmethod
    def _is_missing_in_feed(known: KnownMailing, read: MailingCounts | None, now: datetime) -> bool:
        """Whether the feed should have mentioned a mailing by now: it has no mailings outside of a trend report."""
        has_events = read is not None and bool((read.opened or 0) + (read.clicked or 0))
        return has_events and not known.in_feed and known.begun is not None and now - known.begun >= _LATE

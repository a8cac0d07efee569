"""Nightly upkeep: scores age, old mailings are forgotten, refused rows are tried again, stale scores are taken back.

Scores are compared with what was written last, so that most people cost no call. A walk is continued by a message.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.engagement.people import PersonMemory
from shared.domain.engagement.scores import Score
from shared.domain.engagement.visits import begin_of_month
from shared.engagement.account_scores import SummedAccounts
from shared.engagement.keeping.event_keeping import EventKeeper, Kept
from shared.engagement.keeping.memories import Memories, StoredMemory
from shared.engagement.keeping.recent_clicks import RecentClicks
from shared.engagement.keeping.refused_rows import KEPT, RefusedRow, RefusedRows
from shared.engagement.mailings.known_mailings import KnownMailings
from shared.engagement.mailings.mailing_book import MailingBook
from shared.engagement.mailings.stored_tallies import StoredTallies
from shared.engagement.policy import EngagementPolicy
from shared.engagement.reading.work_time import WorkTime
from shared.engine.bindings.ledger import Ledger
from shared.ports.clock import Clock
from shared.ports.documents import Codec, read_one
from shared.ports.engagement import ActivityRows, InteractionRows, ScoreRows, ScoreWrite
from shared.ports.state import Delete, DocumentKey, Put, StateStore

log = logging.getLogger(__name__)

_PAGE = 500


@dataclass(frozen=True, slots=True)
class WalkPosition:
    """Where a walk over all people is; `after` is the last external id."""

    begun: datetime
    after: str = ""


_CODEC = Codec(WalkPosition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """The upkeep of one environment."""

    memories: Memories
    known: KnownMailings
    keeper: EventKeeper
    ledger: Ledger
    interactions: InteractionRows
    activities: ActivityRows
    scores: ScoreRows
    clicks: RecentClicks
    tallies: StoredTallies
    refused: RefusedRows
    policy: EngagementPolicy
    store: StateStore
    clock: Clock

    async def begin(self) -> None:
        """Begin a walk, and let Dataverse delete rows that are too old."""
        now = self.clock.now()
        await self.store.write([Put(self._key, _CODEC.body(WalkPosition(now)))])
        if self.policy.memory is not None:
            await self.interactions.remove_before(now - self.policy.memory, begin=now)

    async def step(self, book: MailingBook, kept: Kept, time: WorkTime) -> bool:
        """Walk on until the end, or until the time is over. Returns whether people are left."""
        document = await read_one(self.store, self._key)
        if document is None:
            return False
        position = _CODEC.read(document.body)
        async for page in self.memories.pages(after=position.after, size=_PAGE):
            await self._page(page, book, kept)
            position = replace(position, after=page[-1].memory.external_id)
            await self.store.write([Put(self._key, _CODEC.body(position))])
            if time.is_over:
                return True
        await self._retry_refused(book)
        await self._take_back_stale_scores()
        await SummedAccounts(scores=self.scores, policy=self.policy).write()
        await self._forget_mailings()
        await self.clicks.forget_old(self.clock.now())
        await self.store.write([Delete(self._key)])
        return False

    async def _page(self, page: Sequence[StoredMemory], book: MailingBook, kept: Kept) -> None:
        await book.recall({name for stored in page for name in stored.memory.mailings})
        contacts = await self.ledger.contacts(stored.memory.external_id for stored in page)
        gone = {one.memory.external_id: one for one in page if not contacts[one.memory.external_id].users}
        handled = gone.keys() | await self._merge(list(gone.values()), book, kept)
        if gone:
            await self.memories.forget(gone)  # the contact was erased, or no record uses it any more
        now, weights = self.clock.now(), self.policy.rules.weights
        renewed: list[tuple[StoredMemory, PersonMemory]] = []
        for stored in page:
            if stored.memory.external_id in handled:
                continue
            old = [
                name
                for name in stored.memory.mailings
                if self.policy.forgets(mailing.begun if (mailing := book.get(name)) else begin_of_month(name), now)
            ]
            memory = stored.memory.without(old, book.reader_of(stored.memory), weights)
            renewed.append((stored, memory))
        await self.keeper.renew(renewed, book, kept)

    async def _merge(self, gone: Sequence[StoredMemory], book: MailingBook, kept: Kept) -> set[str]:
        """Give what records did that were merged to their masters; returns the external ids of these.

        A mailing that both received counts once.
        """
        records = {one.shown.record: one for one in gone if one.shown is not None}
        masters = await self.scores.masters(list(records)) if records else {}
        entries = await self.ledger.entries(masters.values())
        external_ids = {master: entry.binding.external_id for master, entry in entries.items()}
        known = await self.memories.read(external_ids.values())
        joined = {external_id: stored.memory for external_id, stored in known.items()}
        for record, master in masters.items():
            other = records[record].memory
            joined[external_ids[master]] = joined[external_ids[master]].joined(other, self.policy.rules.weights)
        await self.keeper.renew([(known[one], memory) for one, memory in joined.items()], book, kept)
        return set(joined)

    async def _retry_refused(self, book: MailingBook) -> None:
        """Write refused rows again, person by person; a row that stays refused for a month is given up."""
        by_person: defaultdict[str, list[RefusedRow]] = defaultdict(list)
        rows = [row async for row in self.refused.all()]
        entries = await self.ledger.entries({row.record for row in rows})
        for row in rows:
            by_person[entries[row.record].binding.external_id].append(row)
        for external_id, of_person in by_person.items():
            found = await self.keeper.rows_again(external_id, {row.mailing for row in of_person}, book)
            still: set[str] = set()
            if found is not None:
                _, plan = found
                refused = [
                    *await self.interactions.write(plan.interactions),
                    *await self.activities.write_activities(plan.activities),
                    *await self.activities.write_responses(plan.responses),
                ]
                still = {str(one.id) for one in refused}
            long_ago = self.clock.now() - KEPT
            await self.refused.forget(row.id for row in of_person if row.id not in still or row.since < long_ago)

    async def _take_back_stale_scores(self) -> None:
        """Clear scores of records that lead to no memory any more: another record is primary, or all was erased."""
        async for page in self.scores.scored():
            entries = await self.ledger.entries(one.record for one in page)
            external_ids = {record: entry.binding.external_id for record, entry in entries.items()}
            known = await self.memories.read(external_ids.values())
            stale = [
                ScoreWrite(one.record, Score())
                for one in page
                if self.policy.has_own_score(one.record)
                if (shown := known[external_ids[one.record]].shown) is None or shown.record != one.record
            ]
            if stale:
                await self.scores.write(stale)
                log.info("%d records no longer have a score of their own", len(stale))

    async def _forget_mailings(self) -> None:
        now = self.clock.now()
        old = [one.handle async for one in self.known.all() if self.policy.forgets(one.begun, now) and not one.due]
        if old:
            await self.known.forget(old)
            await self.tallies.forget(old)

    @property
    def _key(self) -> DocumentKey:
        return DocumentKey(f"{self.policy.environment}-engagement", "upkeep")

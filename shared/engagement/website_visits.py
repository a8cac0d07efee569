"""Visits to a website that a tracker reports become interactions and points of the people who came (INT-02).

A visit of somebody without a record is counted and not kept. Pages are not stored in the state, only their number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from shared.domain.engagement.interactions import Interaction, InteractionKind, interaction_id
from shared.domain.engagement.mailings import Link, Mailing
from shared.domain.engagement.people import PersonMemory
from shared.domain.engagement.visits import month_of, points_of, visit_event
from shared.domain.records.records import RecordKey
from shared.engagement.keeping.event_keeping import EventKeeper, Kept
from shared.engagement.keeping.memories import Memories, StoredMemory
from shared.engagement.mailings.known_mailings import KnownMailings
from shared.engagement.mailings.mailing_book import MailingBook
from shared.engagement.policy import EngagementPolicy
from shared.engine.bindings.ledger import Ledger
from shared.ports.dataverse import Crm
from shared.ports.engagement import InteractionRows, InteractionWrite
from shared.ports.mailings import Mailings

_WEBSITE = "website"


@dataclass(frozen=True, slots=True)
class WebsiteVisit:
    """A visit. `record` or `email` says who came; `score` is what the tracker gave.

    `pages` is how many were seen, `seen` a line for each of the first of them.
    """

    id: str
    begun: datetime
    ended: datetime
    record: RecordKey | None = None
    email: str = field(default="", repr=False)
    url: str = field(default="", repr=False)
    title: str = field(default="", repr=False)
    pages: int = 1
    seen: tuple[str, ...] = field(default=(), repr=False)
    score: int | None = None

    @property
    def worth(self) -> int:
        """What earns points beside coming at all."""
        return self.pages if self.score is None else max(0, self.score)


@dataclass(frozen=True, slots=True)
class VisitsKept:
    """Visits that were kept, those of nobody whom Dynamics has, and those that Dataverse refused, with the code."""

    kept: int
    without_record: int
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebsiteVisits:
    """Keeps visits of one environment. Repeating them does no harm."""

    crm: Crm
    ledger: Ledger
    memories: Memories
    interactions: InteractionRows
    keeper: EventKeeper
    known: KnownMailings
    platform: Mailings
    policy: EngagementPolicy

    async def keep(self, visits: Sequence[WebsiteVisit]) -> VisitsKept:
        """Write rows, then scores. Raises ConnectorErrors; then all of them can be sent again."""
        people = await self._people(visits)
        found = {one.id: one for one in visits if one.id in people}  # of a visit that is reported twice, the last
        rows = {self._id(one): one for one in found.values()}
        writes = [self._row(identifier, one, people[one.id]) for identifier, one in rows.items()]
        refused = {rows[one.id].id: one.error.code for one in await self.interactions.write(writes)} if writes else {}
        await self._score([one for one in found.values() if one.id not in refused], people)
        return VisitsKept(len(found) - len(refused), len({one.id for one in visits}) - len(found), refused)

    async def _people(self, visits: Sequence[WebsiteVisit]) -> dict[str, RecordKey]:
        """Return who came, by visit. Of records that share a contact, the primary one has the interactions."""
        emails = sorted({one.email for one in visits if one.record is None and one.email})
        using = await self.crm.people_using(emails) if emails else {}
        named = {one.id: one.record or next(iter(sorted(using.get(one.email, ()))), None) for one in visits}
        records = {one for one in named.values() if one is not None}
        entries = await self.ledger.entries(records)
        contacts = await self.ledger.contacts({one.binding.external_id for one in entries.values()} - {""})
        primary: dict[RecordKey, RecordKey] = {}
        for record in records:
            held = contacts.get(entries[record].binding.external_id)
            primary[record] = (held.primary_user if held else None) or record
        return {visit: primary[record] for visit, record in named.items() if record is not None}

    async def _score(self, visits: Sequence[WebsiteVisit], people: Mapping[str, RecordKey]) -> None:
        """Remember the visits of people who are in Spotler: others have no score."""
        entries = await self.ledger.entries({people[one.id] for one in visits})
        external_ids = {one.id: entries[people[one.id]].binding.external_id for one in visits}
        known = await self.memories.read({one for one in external_ids.values() if one})
        memories: dict[str, PersonMemory] = {one: stored.memory for one, stored in known.items()}
        for visit in visits:
            if (who := external_ids[visit.id]) in memories:
                what = visit_event(visit.begun, visit.worth, self._id(visit))
                memories[who] = memories[who].with_visit(month_of(visit.begun), what)
        changed: list[tuple[StoredMemory, PersonMemory]] = [
            (known[who], memory) for who, memory in memories.items() if memory is not known[who].memory
        ]
        await self.keeper.renew(changed, MailingBook(self.known, self.platform, self.policy), Kept())

    def _row(self, identifier: UUID, visit: WebsiteVisit, record: RecordKey) -> InteractionWrite:
        points = points_of(visit.worth, self.policy.rules.weights)
        link = Link(visit.id, visit.title, visit.url)
        what = Interaction(
            InteractionKind.WEBSITE_VISIT, visit.begun, visit.ended, visit.pages, link=link, points=points
        )
        website = Mailing(_WEBSITE, urlsplit(visit.url).hostname or _WEBSITE)
        return InteractionWrite(identifier, record, website, None, what, pages="\n".join(visit.seen))

    def _id(self, visit: WebsiteVisit) -> UUID:
        return interaction_id(self.policy.environment, _WEBSITE, "", visit.id)

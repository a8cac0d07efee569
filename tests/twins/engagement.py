"""Twins of the ports around mailings: an account whose recipients act, and the rows that Dataverse has."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar
from uuid import UUID

from shared.domain.engagement.events import APPROXIMATE, BounceType, Event, EventKind, event
from shared.domain.engagement.mailings import Link, Mailing, MailingContent, MailingKind, MailingOrigin
from shared.domain.engagement.scores import Score
from shared.domain.engagement.statistics import MailingCounts
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import DataError
from shared.ports.clock import Clock
from shared.ports.engagement import (
    ActivityWrite,
    CampaignWrite,
    InteractionWrite,
    Refused,
    ResponseWrite,
    ScoreWrite,
)
from shared.ports.mailings import FeedPage, Happening
from tests.twins import Faults, Twin
from tests.twins.numbers import Numbers

Row = TypeVar("Row", InteractionWrite, ActivityWrite, ResponseWrite)

LINKS = (
    Link("1", "Shop", "https://shop.example/"),
    Link("2", "Offer", "https://shop.example/offer"),
    Link("3", "Order", "https://shop.example/order", type="conversion"),
    Link("5", "Unsubscribe", "https://shop.example/bye", type="unsubscribe"),
)


@dataclass(slots=True)
class TwinEvent:
    """An event as the account has it; after an erasure it has no `who`."""

    mailing: str
    who: str
    contact: str
    event: Event
    noted: datetime


@dataclass(slots=True)
class TwinMailing:
    """A mailing of the account."""

    mailing: Mailing
    in_feed: bool = True
    links: tuple[Link, ...] = LINKS
    unsubscribed: int = 0


class TwinMailings(Twin):
    """An account. The feed has no links, the lists have no time of change; pages are small."""

    def __init__(self, clock: Clock, faults: Faults | None = None, *, page: int = 3) -> None:
        super().__init__(faults)
        self.tells_clicks_of_people = True
        self.feed_lacks: Callable[[TwinEvent], bool] = lambda _event: False
        self.in_disorder = False
        """Whether feeds and lists have no order, and tell some events twice."""
        self.clock = clock
        self.page = page
        self.mailings: dict[str, TwinMailing] = {}
        self.events: list[TwinEvent] = []
        self.clicks_are_opens = False
        self._numbers = Numbers(1)

    # ---------------------------------------------------------------------------------------------- acts of people

    def send(
        self,
        people: Iterable[str],
        *,
        kind: MailingKind = MailingKind.EMAIL,
        origin: MailingOrigin = MailingOrigin.BULK,
        in_feed: bool = True,
        name: str = "",
    ) -> str:
        """Send a mailing; returns its handle."""
        handle = f"m{next(self._numbers)}"
        begun = self.clock.now() if origin is MailingOrigin.BULK else None
        mailing = Mailing(handle, name or f"News {handle}", kind, origin, begun, f"https://archive.example/{handle}")
        self.mailings[handle] = TwinMailing(mailing, in_feed)
        for who in people:
            self._happens(handle, who, event(EventKind.SENT, self.clock.now()))
        return handle

    def open(self, handle: str, who: str, at: datetime | None = None) -> None:
        self._happens(handle, who, event(EventKind.OPENED, at or self.clock.now()))

    def click(self, handle: str, who: str, link: str = "1", at: datetime | None = None) -> None:
        self._happens(handle, who, event(EventKind.CLICKED, at or self.clock.now(), link))

    def bounce(self, handle: str, who: str, kind: BounceType = BounceType.SOFT) -> None:
        self._happens(handle, who, event(EventKind.BOUNCED, self.clock.now(), kind))

    def erase(self, who: str) -> None:
        """Forget who did something; the results stay (P-03)."""
        for one in self.events:
            if one.who == who:
                one.who = ""

    def _happens(self, handle: str, who: str, what: Event) -> None:
        self.events.append(TwinEvent(handle, who, f"enc-{who}", what, self.clock.now()))

    # ------------------------------------------------------------------------------------------------------ the port

    async def between(self, start: datetime, end: datetime) -> Sequence[Mailing]:
        await self._begin("between")
        return [
            replace(one.mailing, sent=len(self._of(one.mailing.handle, EventKind.SENT)))
            for one in self.mailings.values()
            if one.mailing.begun is not None and start <= one.mailing.begun < end
        ]

    async def of_campaigns(self) -> Sequence[Mailing]:
        await self._begin("of_campaigns")
        return [one.mailing for one in self.mailings.values() if one.mailing.origin is MailingOrigin.CAMPAIGN]

    async def details(self, mailing: str, origin: MailingOrigin) -> tuple[Mailing, MailingContent] | None:
        await self._begin("details")
        found = self.mailings.get(mailing)
        if found is None or found.mailing.origin is not origin:
            return None
        return found.mailing, MailingContent("Hello", "Shop", "news@shop.example", found.links)

    async def counts(self, mailing: str) -> MailingCounts | None:
        await self._begin("counts")
        found = self.mailings[mailing]
        if found.mailing.kind is MailingKind.SMS:
            return None
        people = {kind: {one.contact for one in self._of(mailing, kind)} for kind in EventKind}
        bounces = {
            kind: {one.contact for one in self._of(mailing, EventKind.BOUNCED) if one.event.detail == kind}
            for kind in BounceType
        }
        conversions = {link.id for link in found.links if link.is_conversion}
        return MailingCounts(
            sent=len(people[EventKind.SENT]),
            opened=len(people[EventKind.OPENED] | people[EventKind.CLICKED]),
            rendered=len(people[EventKind.OPENED]),
            clicked=len(people[EventKind.CLICKED]),
            hard_bounces=len(bounces[BounceType.HARD]),
            soft_bounces=len(bounces[BounceType.SOFT]),
            not_retained=0,
            conversions=len(
                {one.contact for one in self._of(mailing, EventKind.CLICKED) if one.event.detail in conversions}
            ),
            unsubscribed=found.unsubscribed,
        )

    async def noted(
        self, kind: EventKind, start: datetime, end: datetime, *, after: str = ""
    ) -> AsyncIterator[FeedPage]:
        found = [
            self._happening(one, link=False)
            for one in self.events
            if one.event.kind is kind and start <= one.noted <= end and self.mailings[one.mailing].in_feed
            if not self.feed_lacks(one)
        ]
        async for page in self._pages(f"noted {kind.name}", found, after):
            yield page

    async def listed(self, mailing: Mailing, kind: EventKind, *, after: str = "") -> AsyncIterator[FeedPage]:
        found = [self._happening(one) for one in self._of(mailing.handle, kind)]
        if kind is EventKind.OPENED and self.clicks_are_opens:
            clicks = self._of(mailing.handle, EventKind.CLICKED)
            found += [replace(self._happening(one), event=event(kind, one.event.at)) for one in clicks]
        if kind is EventKind.SENT and mailing.begun is not None:
            found = [replace(one, event=event(kind, mailing.begun, APPROXIMATE)) for one in found]
        async for page in self._pages(f"listed {kind.name}", found, after):
            yield page

    async def clicks_of(self, mailing: str, external_id: str) -> Sequence[Happening]:
        await self._begin("clicks_of")
        if not self.tells_clicks_of_people:
            return []
        return [self._happening(one) for one in self._of(mailing, EventKind.CLICKED) if one.who == external_id]

    async def _pages(self, call: str, found: Sequence[Happening], after: str) -> AsyncIterator[FeedPage]:
        start = int(after or 0)
        if self.in_disorder:
            found = [*Random(len(found)).sample(found, len(found)), *found[::2]]
        while True:
            await self._begin(call)
            end = start + self.page
            yield FeedPage(found[start:end], str(end) if end < len(found) else "")
            if end >= len(found):
                return
            start = end

    def _of(self, handle: str, kind: EventKind) -> list[TwinEvent]:
        return [one for one in self.events if one.mailing == handle and one.event.kind is kind]

    def _happening(self, one: TwinEvent, *, link: bool = True) -> Happening:
        what = one.event
        if what.kind is EventKind.CLICKED and not link:
            what = replace(what, detail="")
        name = "" if link else self.mailings[one.mailing].mailing.name
        return Happening(one.mailing, one.who, what, one.contact, name)


@dataclass(slots=True)
class TwinRows:
    """The rows that Dataverse has, by id; `gone` are records that do not exist any more."""

    faults: Faults = field(default_factory=Faults)
    campaigns: dict[UUID, CampaignWrite] = field(default_factory=dict)
    interactions: dict[UUID, InteractionWrite] = field(default_factory=dict)
    activities: dict[UUID, ActivityWrite] = field(default_factory=dict)
    responses: dict[UUID, ResponseWrite] = field(default_factory=dict)
    scores: dict[RecordKey, Score] = field(default_factory=dict)
    has_campaigns: bool = True
    gone: set[RecordKey] = field(default_factory=set)
    refuses: Callable[[UUID, RecordKey], bool] = lambda _identifier, _record: False
    calls: Counter[str] = field(default_factory=Counter)
    removed_before: datetime | None = None
    masters: dict[RecordKey, RecordKey] = field(default_factory=dict)
    companies: dict[RecordKey, RecordKey] = field(default_factory=dict)

    def delete(self, record: RecordKey) -> None:
        """Delete a record with its rows, as Dataverse does."""
        self.gone.add(record)
        self.scores.pop(record, None)
        self.interactions = {one: row for one, row in self.interactions.items() if row.record != record}
        self.activities = {one: row for one, row in self.activities.items() if row.record != record}
        self.responses = {one: row for one, row in self.responses.items() if row.record != record}


class TwinCampaignRows:
    def __init__(self, rows: TwinRows) -> None:
        self._rows = rows

    async def are_available(self) -> bool:
        return self._rows.has_campaigns

    async def write(self, campaigns: Sequence[CampaignWrite]) -> Sequence[Refused]:
        await self._rows.faults.pass_by()
        self._rows.calls["campaigns"] += len(campaigns)
        self._rows.campaigns |= {one.id: one for one in campaigns}
        await self._rows.faults.pass_by()
        return []


class TwinInteractionRows:
    def __init__(self, rows: TwinRows) -> None:
        self._rows = rows

    async def write(self, rows: Sequence[InteractionWrite]) -> Sequence[Refused]:
        return await _written(self._rows, "interactions", self._rows.interactions, rows)

    async def write_points(self, points: Mapping[UUID, int]) -> None:
        await self._rows.faults.pass_by()
        table = self._rows.interactions
        for one in points.keys() & table.keys():
            table[one] = replace(table[one], interaction=replace(table[one].interaction, points=points[one]))
        self._rows.calls["points"] += len(points)
        await self._rows.faults.pass_by()

    async def remove(self, ids: Sequence[UUID]) -> None:
        await _removed(self._rows, self._rows.interactions, ids)

    async def remove_of(self, records: Sequence[RecordKey]) -> int:
        found = [one for one, row in self._rows.interactions.items() if row.record in records]
        for one in found:
            del self._rows.interactions[one]
        return len(found)

    async def remove_before(self, moment: datetime, *, begin: datetime) -> None:
        assert moment < begin
        self._rows.removed_before = moment


class TwinActivityRows:
    def __init__(self, rows: TwinRows) -> None:
        self._rows = rows

    async def write_activities(self, activities: Sequence[ActivityWrite]) -> Sequence[Refused]:
        return await _written(self._rows, "activities", self._rows.activities, activities)

    async def write_responses(self, responses: Sequence[ResponseWrite]) -> Sequence[Refused]:
        return await _written(self._rows, "responses", self._rows.responses, responses)

    async def cancel_responses(self, ids: Sequence[UUID]) -> None:
        await _removed(self._rows, self._rows.responses, ids)


class TwinScoreRows:
    def __init__(self, rows: TwinRows) -> None:
        self._rows = rows

    async def write(self, scores: Sequence[ScoreWrite]) -> Sequence[Refused]:
        await self._rows.faults.pass_by()
        self._rows.calls["scores"] += len(scores)
        self._rows.scores |= {one.record: one.score for one in scores if one.record not in self._rows.gone}
        await self._rows.faults.pass_by()
        return []

    async def masters(self, records: Sequence[RecordKey]) -> dict[RecordKey, RecordKey]:
        return {one: master for one, master in self._rows.masters.items() if one in records}

    async def contacts_of_accounts(self) -> AsyncIterator[Sequence[tuple[RecordKey, Score]]]:
        yield [
            (account, self._rows.scores[contact])
            for contact, account in self._rows.companies.items()
            if contact in self._rows.scores
        ]

    async def scored_accounts(self) -> AsyncIterator[Sequence[ScoreWrite]]:
        yield [
            ScoreWrite(record, score)
            for record, score in self._rows.scores.items()
            if record.table is PersonTable.ACCOUNT and score.engagement > 0
        ]

    async def scored(self) -> AsyncIterator[Sequence[ScoreWrite]]:
        found = [ScoreWrite(record, score) for record, score in self._rows.scores.items() if score.recent > 0]
        for start in range(0, len(found), 2):
            yield found[start : start + 2]


async def _written(rows: TwinRows, name: str, table: dict[UUID, Row], writes: Sequence[Row]) -> list[Refused]:
    await rows.faults.pass_by()
    refused = [one for one in writes if one.record in rows.gone or rows.refuses(one.id, one.record)]
    rows.calls[name] += len(writes)
    table |= {one.id: one for one in writes if one not in refused}
    await rows.faults.pass_by()
    return [Refused(one.id, DataError("refused", code="0x80040217")) for one in refused]


async def _removed(rows: TwinRows, table: dict[UUID, Row], ids: Sequence[UUID]) -> None:
    await rows.faults.pass_by()
    for one in ids:
        table.pop(one, None)
    await rows.faults.pass_by()


DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)

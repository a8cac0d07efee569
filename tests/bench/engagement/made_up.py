"""A mailing whose recipients and events are made up when they are asked for, so that only the connector takes memory.

Half of the recipients have an address at a free mail service, the others at companies of twenty people. Of every tenth
company a scanner clicks for everybody at once; people click within two hours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from shared.domain.engagement.events import BounceType, Event, EventKind, event
from shared.domain.engagement.mailings import Mailing, MailingContent, MailingOrigin
from shared.domain.engagement.statistics import MailingCounts
from shared.domain.planning.plan_input import BaseState
from shared.domain.records.marketing_contact import Bounce
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from shared.engine.bindings.contact_documents import Consent, HeldContact
from shared.ports.engagement import ActivityWrite, CampaignWrite, InteractionWrite, Refused, ResponseWrite, ScoreWrite
from shared.ports.mailings import FeedPage, Happening
from tests.twins.engagement import LINKS

HANDLE = "m1"
_PAGE = 100
_OPENERS, _OPENS, _CLICKERS, _CLICKS, _BOUNCERS = 0.30, 1.4, 0.04, 1.6, 0.015
_COMPANY, _SCANNED = 40, 10
"""Numbers of recipients that a company shares with a free mail service; every so many companies have a scanner."""

_TWO_HOURS = 7_200
_STRIDE = 7_919
"""A prime number that scatters clicks."""


class MadeUpMailings:
    """Implements the port `Mailings` and the list of bounces."""

    def __init__(self, size: int, begun: datetime) -> None:
        self.size = size
        self._begun = begun
        self.calls: Counter[str] = Counter()

    @property
    def _mailing(self) -> Mailing:
        return Mailing(HANDLE, "News", begun=self._begun, sent=self.size)

    async def between(self, start: datetime, end: datetime) -> Sequence[Mailing]:
        self.calls["list of mailings"] += 1
        return [self._mailing]

    async def of_campaigns(self) -> Sequence[Mailing]:
        return []

    async def details(self, mailing: str, origin: MailingOrigin) -> tuple[Mailing, MailingContent]:
        self.calls["details"] += 1
        return self._mailing, MailingContent("Hello", links=LINKS)

    async def counts(self, mailing: str) -> MailingCounts:
        self.calls["statistics"] += 1
        opened, clicked = round(self.size * _OPENERS), round(self.size * _CLICKERS)
        bounced = round(self.size * _BOUNCERS)
        return MailingCounts(self.size, self.size - bounced, opened, opened, clicked, bounced, 0, 0, 0, 0)

    def noted(self, kind: EventKind, start: datetime, end: datetime, *, after: str = "") -> AsyncIterator[FeedPage]:
        return self._pages(f"feed {kind.name.lower()}", kind, links=False)

    def listed(self, mailing: Mailing, kind: EventKind, *, after: str = "") -> AsyncIterator[FeedPage]:
        return self._pages(f"list {kind.name.lower()}", kind, links=True)

    async def bounces(self, start: datetime, end: datetime) -> AsyncIterator[Sequence[Bounce]]:
        self.calls["list of bounces"] += 1
        for page in ():
            yield page

    async def clicks_of(self, mailing: str, external_id: str) -> Sequence[Happening]:
        raise AssertionError("many clicks are read by the list")

    async def all_of(self, number: int) -> list[Event]:
        """Return all events of one recipient: the call of the naive way."""
        self.calls["recipient"] += 1
        found: list[Event] = []
        for kind in (EventKind.SENT, EventKind.OPENED, EventKind.CLICKED, EventKind.BOUNCED):
            people, times = self._share(kind)
            found += [self._event(kind, one, people) for one in range(number, round(people * times), people)]
        return found

    async def _pages(self, call: str, kind: EventKind, *, links: bool) -> AsyncIterator[FeedPage]:
        waiting: list[Happening] = []
        for number, one in enumerate(self._happenings(kind, links=links), start=1):
            waiting.append(one)
            if len(waiting) == _PAGE:
                self.calls[call] += 1
                yield FeedPage(waiting, str(number))
                waiting = []
        self.calls[call] += 1
        yield FeedPage(waiting, "")

    def _happenings(self, kind: EventKind, *, links: bool) -> Iterator[Happening]:
        people, times = self._share(kind)
        for number in range(round(people * times)):
            yield Happening(HANDLE, str(external_id(number % people)), self._event(kind, number, people, links=links))

    def _share(self, kind: EventKind) -> tuple[int, float]:
        """Return how many people do something, and how often each."""
        match kind:
            case EventKind.SENT:
                return self.size, 1.0
            case EventKind.OPENED:
                return round(self.size * _OPENERS), _OPENS
            case EventKind.CLICKED:
                return round(self.size * _CLICKERS), _CLICKS
            case _:
                return round(self.size * _BOUNCERS), 1.0

    def _event(self, kind: EventKind, number: int, people: int, *, links: bool = True) -> Event:
        again, who = divmod(number, people)
        if kind is not EventKind.CLICKED:
            detail = str(BounceType.HARD) if kind is EventKind.BOUNCED else ""
            return event(kind, self._begun + timedelta(seconds=60 * again + 15 + who % 60), detail)
        company = who // _COMPANY
        is_scan = company % _SCANNED == 0 and not again
        second = company % _TWO_HOURS if is_scan else (who * _STRIDE + again * 1_000) % _TWO_HOURS
        return event(kind, self._begun + timedelta(seconds=60 + second), str(1 + again) if links else "")


def external_id(number: int) -> UUID:
    """Return the external id of a recipient, which is the id of the record, too."""
    return UUID(int=number + 1)


class Everybody:
    """A ledger in which every contact has its record. Implements what `EventKeeper` reads."""

    async def contacts(self, external_ids: Iterable[str]) -> dict[str, HeldContact]:
        return {
            one: HeldContact(one, "", BaseState.BASE, {RecordKey(PersonTable.CONTACT, UUID(one)): Consent.ALLOWS})
            for one in external_ids
        }


class Addresses:
    """Reads addresses. Implements the port `PeopleReading`; counts one request for each question."""

    def __init__(self) -> None:
        self.calls = 0

    async def read(self, keys: Sequence[RecordKey]) -> dict[RecordKey, PersonRecord]:
        self.calls += 1
        return {key: PersonRecord(key, {"emailaddress1": _address(key.id.int - 1)}) for key in keys}


def _address(number: int) -> str:
    domain = f"company{number // _COMPANY}.example" if number % 2 else "gmail.com"
    return f"p{number}@{domain}"


class CountedRows:
    """Counts rows and the calls that they would take: 500 rows a bulk message. Implements all ports of rows."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.suspect = 0

    async def are_available(self) -> bool:
        return True

    def _count(self, what: str, rows: Sequence[object]) -> Sequence[Refused]:
        self.rows[what] += len(rows)
        self.calls[what] += -(-len(rows) // 500)
        return []

    async def write(self, rows: Sequence[CampaignWrite | InteractionWrite | ScoreWrite]) -> Sequence[Refused]:
        self.suspect += sum(isinstance(one, InteractionWrite) and one.interaction.suspect is not None for one in rows)
        return self._count(type(rows[0]).__name__.removesuffix("Write").lower() if rows else "nothing", rows)

    async def write_activities(self, rows: Sequence[ActivityWrite]) -> Sequence[Refused]:
        return self._count("activity", rows)

    async def write_responses(self, rows: Sequence[ResponseWrite]) -> Sequence[Refused]:
        return self._count("response", rows)

    async def cancel_responses(self, ids: Sequence[UUID]) -> None:
        self._count("canceled response", ids)

"""The port of mailings in the marketing platform: what was sent, and what its recipients did.

The platform tells events in three ways, none of them complete: the account-wide feed knows when an event was noted and
not which link was clicked; the lists of a mailing know the link and not when it was noted; statistics are counts.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.engagement.events import Event, EventKind
from shared.domain.engagement.mailings import Mailing, MailingContent, MailingOrigin
from shared.domain.engagement.statistics import MailingCounts


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of one contact in one mailing. `external_id` is "" for a contact without an id of the connector.

    `contact` is the platform's own id of the contact, `name` the name of the mailing; "" where the platform tells none.
    """

    mailing: str
    external_id: str
    event: Event
    contact: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page of events; `after` is where the next one begins, "" at the end."""

    happenings: Sequence[Happening]
    after: str


class Mailings(Protocol):
    """Reads mailings. All methods raise ConnectorErrors."""

    async def between(self, start: datetime, end: datetime) -> Sequence[Mailing]:
        """Return the bulk mailings, e-mail and SMS, that began between two aware times."""

    async def of_campaigns(self) -> Sequence[Mailing]:
        """Return the messages of all campaigns; they have no begin and no count."""

    async def details(self, mailing: str, origin: MailingOrigin) -> tuple[Mailing, MailingContent] | None:
        """Return a mailing and what it says; None if the platform has none of this origin."""

    async def counts(self, mailing: str) -> MailingCounts | None:
        """Return the statistics of a bulk mailing as of now; None if it has none, as an SMS mailing."""

    def noted(self, kind: EventKind, start: datetime, end: datetime, *, after: str = "") -> AsyncIterator[FeedPage]:
        """Yield from the account-wide feed, in pages, the events that the platform noted between two aware times.

        Clicks have no link there. `after` continues behind a page. UNSUBSCRIBED has no feed (ValueError).
        """

    def listed(self, mailing: Mailing, kind: EventKind, *, after: str = "") -> AsyncIterator[FeedPage]:
        """Yield all events of a kind of one mailing, in pages; nothing if it has no such list.

        Recipients of a bulk mailing have no time there: they get the begin of the mailing, marked as approximate.
        """

    async def clicks_of(self, mailing: str, external_id: str) -> Sequence[Happening]:
        """Return the clicks of one contact in a bulk mailing, with their links; none for an unknown contact."""

"""The ports of Dataverse for mailings: campaigns, interactions, activities, scores. Repeating a write does no harm."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shared.domain.engagement.events import BounceType
from shared.domain.engagement.interactions import Interaction
from shared.domain.engagement.mailings import Mailing, MailingContent
from shared.domain.engagement.scores import Score
from shared.domain.engagement.statistics import MailingFigures
from shared.domain.records.records import RecordKey
from shared.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class CampaignWrite:
    """The wanted content of a Campaign row; `id` follows from the mailing (BULK-03).

    `figures` is None while the platform has no statistics; `remark` tells users about a limit that was reached.
    """

    id: UUID
    mailing: Mailing
    figures: MailingFigures | None
    read_on: datetime
    is_frozen: bool = False
    remark: str = ""


@dataclass(frozen=True, slots=True)
class InteractionWrite:
    """The wanted content of a Marketing Interaction row of a record. `campaign` is None if there is no Campaign row.

    `pages` are the pages of a visit to a website, a line for each.
    """

    id: UUID
    record: RecordKey
    mailing: Mailing
    campaign: UUID | None
    interaction: Interaction
    pages: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ActivityWrite:
    """The wanted e-mail or phone call activity of a record for one mailing (ACT-03).

    `sent_on` is when the person got the message. The marks say whether it was opened and clicked, and how it came back.
    `links` are the names of the links that the person clicked (ACT-06).
    """

    id: UUID
    record: RecordKey
    mailing: Mailing
    content: MailingContent
    sent_on: datetime
    is_opened: bool = False
    is_clicked: bool = False
    bounce: BounceType | None = None
    links: Sequence[str] = ()
    opens: int = 0
    clicks: int = 0
    last_opened: datetime | None = None


@dataclass(frozen=True, slots=True)
class ResponseWrite:
    """The wanted campaign response of a record: one for a mailing and a kind (BULK-04)."""

    id: UUID
    record: RecordKey
    campaign: UUID
    mailing: Mailing
    interaction: Interaction


@dataclass(frozen=True, slots=True)
class ScoreWrite:
    """The scores that a record should show (ENG-01, ENG-02)."""

    record: RecordKey
    score: Score


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that Dataverse refused, and why; the other rows are written."""

    id: UUID
    error: ConnectorError


class CampaignRows(Protocol):
    """Campaign rows of mailings."""

    async def are_available(self) -> bool:
        """Whether the organisation has campaigns: they come with Dynamics 365 Sales."""

    async def write(self, campaigns: Sequence[CampaignWrite]) -> Sequence[Refused]:
        """Create or update Campaign rows. Raises the first error that may pass."""


class InteractionRows(Protocol):
    """Marketing Interaction rows of people."""

    async def write(self, rows: Sequence[InteractionWrite]) -> Sequence[Refused]:
        """Create or update rows, in bulk. Raises an error that may pass; then some rows may be written."""

    async def write_points(self, points: Mapping[UUID, int]) -> None:
        """Change the points of rows; one that does not exist any more, or that is refused, stays as it is."""

    async def remove(self, ids: Sequence[UUID]) -> None:
        """Delete rows; one that does not exist is no error."""

    async def remove_of(self, records: Sequence[RecordKey]) -> int:
        """Delete the rows of records, and return their number (GDPR 17)."""

    async def remove_before(self, moment: datetime, *, begin: datetime) -> None:
        """Let Dataverse delete, from `begin` on, the rows whose last event was before a moment (retention)."""


class ActivityRows(Protocol):
    """Activities and campaign responses of people."""

    async def write_activities(self, activities: Sequence[ActivityWrite]) -> Sequence[Refused]:
        """Create activities that do not exist, and update the marks of those that do."""

    async def write_responses(self, responses: Sequence[ResponseWrite]) -> Sequence[Refused]:
        """Create or update campaign responses, closed."""

    async def cancel_responses(self, ids: Sequence[UUID]) -> None:
        """Cancel campaign responses that turned out to be none; one that does not exist is no error."""


class ScoreRows(Protocol):
    """The score columns of contacts, leads and accounts."""

    async def write(self, scores: Sequence[ScoreWrite]) -> Sequence[Refused]:
        """Write scores. A record that does not exist any more is no error."""

    async def masters(self, records: Sequence[RecordKey]) -> Mapping[RecordKey, RecordKey]:
        """Return the record that each of these was merged into; those that were not are missing."""

    def contacts_of_accounts(self) -> AsyncIterator[Sequence[tuple[RecordKey, Score]]]:
        """Yield in pages, for each contact of an account that shows a score, the account and that score."""

    def scored_accounts(self) -> AsyncIterator[Sequence[ScoreWrite]]:
        """Yield the accounts that show a score above 0, in pages."""

    def scored(self) -> AsyncIterator[Sequence[ScoreWrite]]:
        """Yield the records whose recent score is above 0, in pages, with what they show."""

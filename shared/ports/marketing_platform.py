"""The ports of the marketing platform.

What an account can do differs: a call that it cannot make raises DataError with CAPABILITY_OFF
(`shared/domain/features/capabilities.py`), and `ContactLists.can_remove` is data of each kind of list.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from shared.domain.features.automations import AutomationKind, FieldValue, PublishedAutomation, StartResult, StopResult
from shared.domain.records.jobs import ScoreChange
from shared.domain.records.marketing_contact import (
    Bounce,
    ContactWrite,
    Ending,
    MarketingContact,
    PropertyCatalogue,
    Purge,
    WriteResult,
)


class MarketingPlatform(Protocol):
    """Reads and writes contacts."""

    async def properties(self) -> PropertyCatalogue:
        """Return the account's properties; cached."""

    async def upsert(self, contacts: Sequence[ContactWrite], *, purge: Purge) -> dict[str, WriteResult]:
        """Insert or update contacts in bulk; returns a result for each external id."""

    async def insert(self, contacts: Sequence[ContactWrite]) -> dict[str, WriteResult]:
        """Insert contacts that do not exist, in bulk; returns a result for each external id.

        CONTACT_ALREADY_EXISTS for a contact that has the external id or the e-mail address: it stays as it is.
        """

    async def contact(self, external_id: str) -> MarketingContact | None:
        """Read one contact."""

    async def contact_with_email(self, email: str) -> MarketingContact | None:
        """Find the contact with an address, whatever its origin; None if there is none, or more than one."""

    async def anonymize(self, external_id: str) -> tuple[Ending, int]:
        """Erase a contact for good; returns the result and the HTTP status (ANON-09, ANON-10)."""

    async def update(self, contact: ContactWrite, *, purge: Purge = Purge.KEEP) -> None:
        """Write properties of a contact. NotFoundError if it does not exist, DataError if a value is refused."""

    async def inactivate(self, external_id: str) -> Ending:
        """Make a contact inactive (JOB-12)."""

    async def ping(self) -> None:
        """Raise a ConnectorError if the platform cannot be used."""

    async def close(self) -> None:
        """Release connections."""


class ContactFeeds(Protocol):
    """Changes in the platform between two aware times, in pages."""

    def updated_contacts(self, start: datetime, end: datetime) -> AsyncIterator[Sequence[MarketingContact]]:
        """Yield the changed contacts, each state of a contact once."""

    def bounces(self, start: datetime, end: datetime) -> AsyncIterator[Sequence[Bounce]]:
        """Yield the bounces, each once."""


class Tagging(Protocol):
    """Tags and scores (TAG). A missing tag is created; names ignore case.

    All raise NotFoundError if the contact does not exist, and DataError with CAPABILITY_OFF
    (`shared/domain/features/capabilities.py`) before anything is sent.
    """

    async def create_tag(self, tag: str) -> None:
        """Create a tag without adding it to a contact (TAG-03)."""

    async def add_tags(self, external_id: str, tags: Sequence[str]) -> None:
        """Add tags to a contact; tags that it has already stay as they are."""

    async def remove_tags(self, external_id: str, tags: Sequence[str]) -> None:
        """Remove tags and their scores; an absent tag is no error (TAG-05)."""

    async def change_score(self, external_id: str, tag: str, change: ScoreChange, value: int) -> None:
        """Set, or increase or decrease by a positive `value`; an absent tag starts at 0.

        SET may be repeated. The others are sent once: UnknownOutcomeError if the answer was lost, any other
        ConnectorError only if the call had no effect.
        """


class Automations(Protocol):
    """Automations and campaigns (AUT).

    Calls whose capability is off raise DataError with CAPABILITY_OFF before anything is sent.
    """

    async def published(self, kind: AutomationKind) -> Sequence[PublishedAutomation]:
        """List what an external trigger can start now (AUT-03, AUT-04)."""

    async def start(
        self, kind: AutomationKind, code: str, external_id: str, fields: Sequence[FieldValue]
    ) -> StartResult:
        """Start for one contact; sent once.

        UnknownOutcomeError when the answer was lost, any other ConnectorError only if nothing was started.
        """

    async def stop(self, kind: AutomationKind, platform_id: str, external_id: str) -> StopResult:
        """Stop all runs of one contact (AUT-22)."""

    async def stop_run(self, automation_contact_id: str) -> StopResult:
        """Stop one run (AUT-23)."""


class Audiences(Protocol):
    """Audiences: named sets of contacts, the source of dynamic lists (AUD).

    ConfigurationError if the licence of the account has no audiences (AUD-02).
    """

    async def exists(self, audience: str) -> bool:
        """Whether there is an audience with this external id."""

    async def create(self, audience: str, name: str) -> None:
        """Create an audience; DataError (HTTP 417) if id or name is taken, or there are too many."""

    async def add(self, audience: str, contacts: Sequence[str]) -> frozenset[str]:
        """Add contacts by external id, in bulk; returns the ids without a contact, all others are members.

        NotFoundError if there is no such audience. Without contacts nothing is called.
        """

    async def remove(self, audience: str, contacts: Sequence[str]) -> None:
        """Remove contacts, in bulk; a contact that is no member is no error. NotFoundError without such an audience.

        Without contacts nothing is called: a removal without a body could mean "remove everybody".
        """


class ContactLists(Audiences, Protocol):
    """Lists of one kind that the connector keeps equal to marketing lists: audiences or temporary lists."""

    @property
    def can_remove(self) -> bool:
        """Whether single contacts can be removed; if not, the list is filled again without them."""

    async def rename(self, audience: str, name: str) -> None:
        """Rename a list; DataError if the name is taken. NotFoundError if there is no such list."""

    async def clear(self, audience: str, name: str) -> None:
        """Remove all contacts. Afterwards the list exists with this name; DataError if it cannot be cleared now."""

    async def delete(self, audience: str) -> None:
        """Delete a list; a missing list is no error. DataError if a mailing or another list uses it."""

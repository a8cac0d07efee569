"""Spotler Mail+, as the use cases see it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from shared.domain.features.automations import (
    AutomationKind,
    FieldValue,
    PublishedAutomation,
    StartResult,
    StopResult,
)
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
    """Spotler Mail+, as the use cases see it."""

    async def properties(self) -> PropertyCatalogue:
        """Return the account's properties; cached."""
        ...

    async def upsert(self, contacts: Sequence[ContactWrite], *, purge: Purge) -> dict[str, WriteResult]:
        """Insert or update contacts, 100 to a call; a verdict for each external id."""
        ...

    async def insert(self, contacts: Sequence[ContactWrite]) -> dict[str, WriteResult]:
        """Insert contacts that Spotler does not have, 100 to a call; a verdict for each external id.

        CONTACT_ALREADY_EXISTS for a contact that has the external id or the e-mail address: it stays as it is.
        """
        ...

    async def contact(self, external_id: str) -> MarketingContact | None:
        """Read one contact."""
        ...

    async def contact_with_email(self, email: str) -> MarketingContact | None:
        """Find the contact with an address, whoever made it; None if there is none, or more than one."""
        ...

    async def anonymize(self, external_id: str) -> tuple[Ending, int]:
        """Erase a contact for good; how that went, and the HTTP status (ANON-09, ANON-10)."""
        ...

    async def update(self, contact: ContactWrite, *, purge: Purge = Purge.KEEP) -> None:
        """Write properties of a contact that exists; NotFoundError if it does not, DataError if they are refused."""
        ...

    async def inactivate(self, external_id: str) -> Ending:
        """Make a contact inactive (JOB-12)."""
        ...

    async def ping(self) -> None:
        """Raise a ConnectorError if Spotler cannot be used."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class ContactFeeds(Protocol):
    """What has changed in Spotler, between two aware times, in pages."""

    def updated_contacts(self, start: datetime, end: datetime) -> AsyncIterator[Sequence[MarketingContact]]:
        """Yield the contacts that changed, each state of a contact once."""
        ...

    def bounces(self, start: datetime, end: datetime) -> AsyncIterator[Sequence[Bounce]]:
        """Yield the bounces, each once."""
        ...


class Tagging(Protocol):
    """Tags and scores of Spotler (TAG). A tag that does not exist is created; names ignore case.

    All raise NotFoundError when Spotler does not know the contact, and DataError with CAPABILITY_OFF
    (`shared/domain/features/capabilities.py`) before anything is sent.
    """

    async def create_tag(self, tag: str) -> None:
        """Make a tag known without giving it to anybody (TAG-03)."""
        ...

    async def add_tags(self, external_id: str, tags: Sequence[str]) -> None:
        """Give a contact tags; those it has already stay as they are."""
        ...

    async def remove_tags(self, external_id: str, tags: Sequence[str]) -> None:
        """Take tags and their scores away; absent ones are fine (TAG-05)."""
        ...

    async def change_score(self, external_id: str, tag: str, change: ScoreChange, value: int) -> None:
        """Set, or increase or decrease by a positive `value`; an absent tag starts at 0.

        SET may be repeated. The others are sent once: UnknownOutcomeError when the answer was lost, any other
        ConnectorError only if it certainly had no effect.
        """
        ...


class Automations(Protocol):
    """Automations and campaigns of Spotler (AUT).

    Calls whose capability is off raise DataError with CAPABILITY_OFF before anything is sent.
    """

    async def published(self, kind: AutomationKind) -> Sequence[PublishedAutomation]:
        """List what can be triggered from outside now (AUT-03, AUT-04)."""
        ...

    async def start(
        self, kind: AutomationKind, code: str, external_id: str, fields: Sequence[FieldValue]
    ) -> StartResult:
        """Start for one contact; sent once.

        UnknownOutcomeError when the answer was lost, any other ConnectorError only if nothing was started.
        """
        ...

    async def stop(self, kind: AutomationKind, platform_id: str, external_id: str) -> StopResult:
        """Stop all runs of one contact (AUT-22)."""
        ...

    async def stop_run(self, automation_contact_id: str) -> StopResult:
        """Stop one run (AUT-23)."""
        ...


class Audiences(Protocol):
    """Audiences of Spotler: named sets of contacts, the source of dynamic lists (AUD).

    ConfigurationError when the account's licence has no audiences (AUD-02).
    """

    async def exists(self, audience: str) -> bool:
        """Whether there is an audience with this external id."""
        ...

    async def create(self, audience: str, name: str) -> None:
        """Create one; DataError (HTTP 417) if id or name is taken, or there are too many."""
        ...

    async def add(self, audience: str, contacts: Sequence[str]) -> frozenset[str]:
        """Add contacts by external id, 2,500 to a call; returns those that Spotler does not know, the others are in.

        NotFoundError if there is no such audience. No contacts, no call.
        """
        ...

    async def remove(self, audience: str, contacts: Sequence[str]) -> None:
        """Remove contacts, 2,500 to a call; who is no member is fine. NotFoundError if there is no such audience.

        No contacts, no call: Spotler takes a removal without a body for "remove everybody".
        """
        ...


class ContactLists(Audiences, Protocol):
    """Lists of one kind that the connector keeps equal to marketing lists: audiences, or temporary lists."""

    @property
    def can_remove(self) -> bool:
        """Whether single contacts can be removed; if not, a list is made anew to get rid of somebody."""
        ...

    async def rename(self, audience: str, name: str) -> None:
        """Call a list something else; DataError if the name is taken. NotFoundError if there is no such list."""
        ...

    async def clear(self, audience: str, name: str) -> None:
        """Remove everybody. Afterwards the list exists and is called `name`; DataError if that cannot be now."""
        ...

    async def delete(self, audience: str) -> None:
        """Delete a list; one that does not exist is fine. DataError if a mailing or another list uses it."""
        ...

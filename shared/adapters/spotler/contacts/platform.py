"""Spotler Mail+ as the engine's marketing platform."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from shared.adapters.spotler.contacts.catalogue import CachedCatalogue
from shared.adapters.spotler.contacts.client import SpotlerClient
from shared.domain.records.marketing_contact import (
    Bounce,
    ContactWrite,
    Ending,
    MarketingContact,
    PropertyCatalogue,
    Purge,
    WriteCode,
    WriteResult,
)
from shared.errors import DataError
from shared.ports.clock import Clock


class SpotlerPlatform:
    """Implements the ports `MarketingPlatform` and `ContactFeeds`. Takes over the client and closes it."""

    def __init__(self, client: SpotlerClient, *, clock: Clock) -> None:
        self._client = client
        self._catalogue = CachedCatalogue(client.properties, clock=clock)

    async def properties(self) -> PropertyCatalogue:
        """Return the account's properties, at most an hour old."""
        return await self._catalogue.get()

    async def upsert(self, contacts: Sequence[ContactWrite], *, purge: Purge) -> dict[str, WriteResult]:
        """Insert or update contacts; return a result for every external id. ValueError if one occurs twice."""
        return self._checked(await self._client.upsert_many(contacts, purge=purge))

    async def insert(self, contacts: Sequence[ContactWrite]) -> dict[str, WriteResult]:
        """Insert contacts that Spotler does not have; return a result for every external id."""
        return self._checked(await self._client.insert_many(contacts))

    def _checked(self, results: dict[str, WriteResult]) -> dict[str, WriteResult]:
        if any(result.code is WriteCode.PROPERTY_INVALID for result in results.values()):
            # A property or an option may have been removed since the catalogue was read.
            self._catalogue.forget()
        return results

    async def contact(self, external_id: str) -> MarketingContact | None:
        """Read a contact; None if the account does not have it."""
        return await self._client.contact(external_id)

    async def contact_with_email(self, email: str) -> MarketingContact | None:
        """Find the contact with an address; None if there is none, or more than one."""
        found = await self._client.search_by_email(email)
        return found[0] if len(found) == 1 else None

    async def update(self, contact: ContactWrite, *, purge: Purge = Purge.KEEP) -> None:
        """Write properties of a contact that exists; NotFoundError if it does not, DataError if they are refused."""
        try:
            await self._client.put_contact(contact, purge=purge)
        except DataError as error:
            if error.code == "INVALID_PROPERTY":
                self._catalogue.forget()
            raise

    async def anonymize(self, external_id: str) -> tuple[Ending, int]:
        """Anonymise a contact for good. Returns the result, always a success, and the HTTP status."""
        return await self._client.anonymize(external_id)

    async def inactivate(self, external_id: str) -> Ending:
        """Make a contact unmailable."""
        return await self._client.inactivate(external_id)

    def updated_contacts(self, start: datetime, end: datetime) -> AsyncIterator[tuple[MarketingContact, ...]]:
        """Yield pages of the contacts that changed between two aware times, each state of a contact once."""
        return self._client.updated_contacts(start, end)

    def bounces(self, start: datetime, end: datetime) -> AsyncIterator[tuple[Bounce, ...]]:
        """Yield pages of the bounces between two aware times, each once."""
        return self._client.bounces(start, end)

    async def ping(self) -> None:
        """Raise a ConnectorError if the account cannot be used."""
        await self._client.ping()

    async def close(self) -> None:
        """Release the connections."""
        await self._client.close()

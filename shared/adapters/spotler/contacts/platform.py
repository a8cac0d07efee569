"""Spotler Mail+ as the engine's marketing platform."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta

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

DEFAULT_LIFETIME = timedelta(hours=1)
SHORTEST_LIFETIME = timedelta(minutes=1)
"""A refused value empties the cache, but not every time: most such values are wrong in themselves."""


class CachedCatalogue:
    """Reads when needed, once for all concurrent callers. A failed read raises in all of them, and is not kept."""

    def __init__(
        self, load: Callable[[], Awaitable[PropertyCatalogue]], *, clock: Clock, lifetime: timedelta = DEFAULT_LIFETIME
    ) -> None:
        self._load = load
        self._clock = clock
        self._lifetime = lifetime
        self._kept: tuple[PropertyCatalogue, datetime] | None = None
        self._reading: asyncio.Task[PropertyCatalogue] | None = None

    async def get(self) -> PropertyCatalogue:
        """Return the catalogue, at most `lifetime` old. Raises the errors of `load`."""
        if self._kept is not None and self._age(self._kept[1]) < self._lifetime:
            return self._kept[0]
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        # Shielded: a cancelled caller must not cancel the read of the others.
        return await asyncio.shield(self._reading)

    def forget(self) -> None:
        """Read again before the next use, unless the catalogue was read within the last minute."""
        if self._kept is not None and self._age(self._kept[1]) >= SHORTEST_LIFETIME:
            self._kept = None

    async def _read(self) -> PropertyCatalogue:
        try:
            catalogue = await self._load()
        finally:
            self._reading = None
        self._kept = (catalogue, self._clock.now())
        return catalogue

    def _age(self, read_at: datetime) -> timedelta:
        return self._clock.now() - read_at


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

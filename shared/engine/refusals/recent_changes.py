"""What people changed in Spotler since the last poll: read before a batch writes, so that no refusal is overwritten.

One call of the feed serves a whole batch (C-11, C-12). Its contacts are kept in memory until a poll handles them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta

from shared.domain.planning.plan_input import CLOCKS_DIFFER
from shared.domain.records.marketing_contact import MarketingContact
from shared.ports.clock import Clock
from shared.ports.marketing_platform import ContactFeeds

_LATE = timedelta(seconds=1)
"""A change may show a moment after one that is dated later."""

_MOST_PAGES = 20
_MOST_CONTACTS = 20_000


class RecentChanges:
    """Caches, for one process, the contacts that changed since the cursor of the poll."""

    def __init__(
        self, feeds: ContactFeeds, clock: Clock, *, polled_until: Callable[[], Awaitable[datetime | None]]
    ) -> None:
        """`polled_until` returns the cursor of the poll, before which all was handled; None before the first poll."""
        self._feeds = feeds
        self._clock = clock
        self._polled_until = polled_until
        self._contacts: dict[str, MarketingContact] = {}
        self._seen_until: datetime | None = None
        self._reading = asyncio.Lock()

    async def among(
        self, external_ids: Collection[str], *, agreed_since: datetime
    ) -> Mapping[str, MarketingContact] | None:
        """Return those of these contacts that changed since the last poll, by external id.

        `agreed_since` is when the first of them was last agreed on: it counts before the first poll, and while the
        cursor is ahead of the clock. None where a few calls do not suffice, because very much has changed.
        Raises ConnectorErrors of Spotler and of the state store.
        """
        polled = await self._polled_until()
        if (
            polled is None or polled > self._clock.now() + CLOCKS_DIFFER
        ):  # no poll yet, or a cursor that the next poll corrects
            polled = agreed_since
        async with self._reading:  # who comes next reads only what is newer still
            start = polled - CLOCKS_DIFFER
            if self._seen_until is not None and len(self._contacts) <= _MOST_CONTACTS:
                start = max(start, self._seen_until - _LATE)
            else:
                self._contacts.clear()
            self._forget_before(polled - CLOCKS_DIFFER)
            if not await self._read(start):
                self._seen_until = None
                return None
            return {one: self._contacts[one] for one in external_ids if one in self._contacts}

    async def _read(self, start: datetime) -> bool:
        """Read what changed; False if there is more than a batch should wait for."""
        pages = 0
        async for page in self._feeds.updated_contacts(start, self._clock.now() + CLOCKS_DIFFER):
            for contact in page:
                known = self._contacts.get(contact.external_id)
                if known is None or _is_newer(contact, known):
                    self._contacts[contact.external_id] = contact
                if contact.last_changed is not None:
                    self._seen_until = max(self._seen_until or start, contact.last_changed)
            pages += 1
            if pages >= _MOST_PAGES:
                return False
        return True

    def _forget_before(self, moment: datetime) -> None:
        self._contacts = {
            external_id: one
            for external_id, one in self._contacts.items()
            if one.last_changed is None or one.last_changed >= moment
        }


def _is_newer(contact: MarketingContact, known: MarketingContact) -> bool:
    return contact.last_changed is None or known.last_changed is None or contact.last_changed >= known.last_changed

"""Reads pages of a feed of changes before they are handled.

Writing to a contact removes it from the span that is read. Contacts of later pages would then move onto pages that were
read already, and be missed.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime

from shared.domain.merging.comparison_window import MOST, is_enough, reached
from shared.domain.records.marketing_contact import MarketingContact
from shared.ports.clock import Clock
from shared.ports.marketing_platform import ContactFeeds

Page = tuple[datetime, Sequence[MarketingContact]]
"""Contacts, and a moment before they were requested."""


async def pages_ahead(
    feeds: ContactFeeds,
    start: datetime,
    end: datetime,
    *,
    clock: Clock,
    deadline: datetime,
    on_page: Callable[[], Awaitable[None]],
) -> AsyncIterator[Page]:
    """Yield pages of contacts that changed between two moments; an empty page at the deadline if there may be more.

    `on_page` is called for each page that is read. A contact may occur twice.
    """
    most = MOST
    while True:
        ahead: list[Page] = []
        changed: list[datetime | None] = []
        at = clock.now()
        is_cut = False
        async for contacts in feeds.updated_contacts(start, end):
            await on_page()
            ahead.append((at, contacts))
            changed += [contact.last_changed for contact in contacts]
            at = clock.now()
            is_cut = at >= deadline or is_enough(changed, len(contacts), most)
            if is_cut:
                break
        for page in ahead:
            yield page
        if not is_cut:
            return
        if at >= deadline:
            yield at, ()
            return
        further = reached(changed, start)
        start, most = (start, 0) if further is None else (further, MOST)

"""Finds out what is uncertain about one account, and remembers it: which opens its lists hold, and what the feed lacks.

The platform does not publish whether the opens of a bulk mailing are loaded images or all opens. Nor does it say
whether the feed has mailings outside of a trend report. Both show in the numbers of the account's own mailings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.domain.engagement.events import EventKind
from shared.domain.engagement.mailings import MailingKind, MailingOrigin
from shared.engagement.mailings.known_mailings import KnownMailing, KnownMailings
from shared.ports.clock import Clock
from shared.ports.documents import Codec, read_one
from shared.ports.mailings import Mailings
from shared.ports.state import DocumentKey, Put, StateStore

_YOUNGEST, _OLDEST = timedelta(days=2), timedelta(days=30)
_MOST_OPENS = 500


class OpensList(StrEnum):
    """Which opens the list of a bulk mailing holds."""

    RENDERED = "rendered"
    """Loaded images."""
    ALL = "all"
    """Loaded images, and every click."""
    UNKNOWN = "unknown"
    """No mailing has shown it yet."""


@dataclass(frozen=True, slots=True)
class AccountFindings:
    """What the mailings of an account have shown.

    `by_lists` counts recent mailings that the feed does not have, `short` those of which it lacked events.
    """

    opens: OpensList = OpensList.UNKNOWN
    shown_by: str = ""
    in_feed: int = 0
    by_lists: int = 0
    short: int = 0
    checked_on: datetime | None = None

    def as_json(self) -> Mapping[str, Any]:
        """Return the findings for the page of the connection."""
        return {
            "opensList": str(self.opens),
            "shownBy": self.shown_by,
            "mailingsInFeed": self.in_feed,
            "mailingsReadByLists": self.by_lists,
            "mailingsShortInFeed": self.short,
            "checkedOn": self.checked_on.isoformat(timespec="seconds") if self.checked_on else None,
        }


_CODEC = Codec(AccountFindings)


def opens_list(distinct: int, opened: int | None, rendered: int | None) -> OpensList:
    """Decide by the number of different people in the list of opens, beside both counts of the statistics."""
    if opened == rendered or distinct not in {opened, rendered}:
        return OpensList.UNKNOWN
    return OpensList.RENDERED if distinct == rendered else OpensList.ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountProbe:
    """Probes one account."""

    platform: Mailings
    known: KnownMailings
    store: StateStore
    environment: str
    clock: Clock

    async def findings(self) -> AccountFindings:
        """Return what was found last."""
        document = await read_one(self.store, self._key)
        return _CODEC.read(document.body) if document else AccountFindings()

    async def check(self) -> AccountFindings:
        """Look at the recent mailings, and at one list of opens if nothing has shown yet which ones it holds."""
        now, found = self.clock.now(), await self.findings()
        recent = [one async for one in self.known.all() if _is_telling(one, now)]
        found = replace(
            found,
            in_feed=sum(one.in_feed for one in recent),
            by_lists=sum(not one.in_feed for one in recent),
            short=sum(one.is_short for one in recent),
            checked_on=now,
        )
        if found.opens is OpensList.UNKNOWN and (sample := _sample(recent)) is not None:
            counts = sample.counts
            assert counts is not None
            people = set[str]()
            async for page in self.platform.listed(sample.mailing, EventKind.OPENED):
                people |= {one.external_id or one.contact for one in page.happenings}
            found = replace(
                found, opens=opens_list(len(people), counts.opened, counts.rendered), shown_by=sample.handle
            )
        await self.store.write([Put(self._key, _CODEC.body(found))])
        return found

    @property
    def _key(self) -> DocumentKey:
        return DocumentKey(f"{self.environment}-engagement", "account")


def _is_telling(mailing: KnownMailing, now: datetime) -> bool:
    is_mail = mailing.kind is MailingKind.EMAIL and mailing.origin is MailingOrigin.BULK
    has_opens = mailing.counts is not None and bool(mailing.counts.opened)
    return is_mail and has_opens and mailing.begun is not None and _YOUNGEST <= now - mailing.begun <= _OLDEST


def _sample(recent: list[KnownMailing]) -> KnownMailing | None:
    """Choose the newest small mailing whose counts differ: only there the list can tell."""
    telling = [
        one
        for one in recent
        if one.counts is not None
        and one.counts.rendered != one.counts.opened
        and (one.counts.opened or 0) <= _MOST_OPENS
    ]
    return max(telling, key=lambda one: one.begun.timestamp() if one.begun else 0.0, default=None)

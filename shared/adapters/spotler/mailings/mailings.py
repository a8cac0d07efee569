"""Mailings of Mail+ over REST: lists by time, details, statistics, the feed of interactions, lists of recipients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter

from shared.adapters.spotler.mailings.answers import (
    CountsAnswer,
    DetailsAnswer,
    ListedAnswer,
    MailingAnswer,
    NotedAnswer,
)
from shared.adapters.spotler.rest.external_ids import complaint, path_segment
from shared.adapters.spotler.rest.models import CampaignAnswer, ListAnswer
from shared.adapters.spotler.rest.paging import Fetch, pages, pages_from
from shared.adapters.spotler.rest.paths import segment
from shared.adapters.spotler.rest.transport import SpotlerCall, SpotlerTransport
from shared.domain.engagement.events import EventKind
from shared.domain.engagement.mailings import Mailing, MailingContent, MailingOrigin
from shared.domain.engagement.statistics import MailingCounts
from shared.errors import ConnectorError, DataError, NotFoundError
from shared.ports.mailings import FeedPage, Happening

_SLICE = timedelta(days=31)
"""How long a span of the list of mailings is: it has no pages, and no limit is published."""

_SECOND = timedelta(seconds=1)
"""Times are sent in whole seconds; an end must not be cut."""

_MAILINGS = TypeAdapter(ListAnswer[MailingAnswer])
_CAMPAIGNS = TypeAdapter(ListAnswer[CampaignAnswer])
_DETAILS = TypeAdapter(DetailsAnswer)
_COUNTS = TypeAdapter(CountsAnswer)
_NOTED = TypeAdapter(ListAnswer[NotedAnswer])
_LISTED = TypeAdapter(ListAnswer[ListedAnswer])

_FEEDS: Mapping[EventKind, str] = {
    EventKind.SENT: "sent",
    EventKind.OPENED: "opened",
    EventKind.CLICKED: "clicked",
    EventKind.BOUNCED: "bounced",
}
_LISTS: Mapping[EventKind, str] = {
    EventKind.SENT: "recipients",
    EventKind.OPENED: "opens",
    EventKind.CLICKED: "clicks",
    EventKind.BOUNCED: "bounces",
}
_PREFIX: Mapping[MailingOrigin, str] = {MailingOrigin.BULK: "mailing", MailingOrigin.CAMPAIGN: "campaign-mailing"}
_HAS_NO_SUCH_DATA = frozenset({"INVALID_MAILING", "INVALID_PARAMS"})
"""Codes of a mailing of another kind, such as an SMS mailing without statistics."""


class SpotlerMailings:
    """Implements the port `Mailings`."""

    def __init__(self, transport: SpotlerTransport) -> None:
        self._transport = transport

    async def between(self, start: datetime, end: datetime) -> Sequence[Mailing]:
        """Read the list of mailings, a month to a call. Each mailing once, oldest first."""
        found: dict[str, Mailing] = {}
        begin = start
        while begin < end:
            edge = min(begin + _SLICE, end)
            params = {"fromDate": _text(begin), "toDate": _text(edge)}
            call = SpotlerCall("mailing.list", "GET", "/mailing", params=params, fixed_path=True)
            answer = await self._transport.fetch(call, _MAILINGS)
            read = [item.mailing(MailingOrigin.BULK) for item in answer.items]
            found |= {one.handle: one for one in read if one is not None}
            begin = edge
        return list(found.values())

    async def of_campaigns(self) -> Sequence[Mailing]:
        """Read the campaigns, and the messages of each."""
        listing = SpotlerCall("campaign.list", "GET", "/campaign/list", fixed_path=True)
        found: list[Mailing] = []
        for campaign in (await self._transport.fetch(listing, _CAMPAIGNS)).items:
            path = f"/campaign/{segment(campaign.encrypted_id)}/mailing"
            try:
                answer = await self._transport.fetch(SpotlerCall("campaign.mailings", "GET", path), _MAILINGS)
            except NotFoundError:
                continue  # deleted in between
            read = [item.mailing(MailingOrigin.CAMPAIGN) for item in answer.items]
            found += [one for one in read if one is not None]
        return found

    async def details(self, mailing: str, origin: MailingOrigin) -> tuple[Mailing, MailingContent] | None:
        """Read the details; None for a mailing that the account does not have, or of another origin."""
        prefix = _PREFIX[origin]
        call = SpotlerCall(f"{prefix}.get", "GET", f"/{prefix}/{segment(mailing)}")
        try:
            answer = await self._transport.fetch(call, _DETAILS)
        except ConnectorError as error:
            if _is_absent(error):
                return None
            raise
        found = answer.mailing(origin)
        return None if found is None else (found, answer.content())

    async def counts(self, mailing: str) -> MailingCounts | None:
        """Read the statistics; None for a mailing without them."""
        call = SpotlerCall("mailing.statistics", "GET", f"/mailing/{segment(mailing)}/statistics")
        try:
            return (await self._transport.fetch(call, _COUNTS)).counts()
        except ConnectorError as error:
            if _is_absent(error):
                return None
            raise

    async def noted(
        self, kind: EventKind, start: datetime, end: datetime, *, after: str = ""
    ) -> AsyncIterator[FeedPage]:
        """Read the feed by the time of change. ValueError for a kind without a feed."""
        if kind not in _FEEDS:
            raise ValueError(f"there is no feed of {kind.name}")
        path = f"/mailing-interaction/{_FEEDS[kind]}"

        def fetch(params: Mapping[str, str]) -> Awaitable[ListAnswer[NotedAnswer]]:
            call = SpotlerCall(f"mailing-interaction.{_FEEDS[kind]}", "GET", path, params=params, fixed_path=True)
            return self._transport.fetch(call, _NOTED)

        bounds = {"fromChangeDate": _text(start), "toChangeDate": _text(end + _SECOND)}
        async for page, following in pages_from(fetch, bounds, after=after):
            yield FeedPage([one for item in page if (one := item.happening(kind)) is not None], following)

    async def listed(self, mailing: Mailing, kind: EventKind, *, after: str = "") -> AsyncIterator[FeedPage]:
        """Read a list of one mailing; messages of automations have none."""
        if mailing.origin not in _PREFIX:
            return
        prefix = _PREFIX[mailing.origin]
        fetch = self._fetch(f"{prefix}.{_LISTS[kind]}", f"/{prefix}/{segment(mailing.handle)}/{_LISTS[kind]}")
        try:
            async for page, following in pages_from(fetch, {}, after=after):
                read = [item.happening(mailing.handle, kind, begun=mailing.begun) for item in page]
                yield FeedPage([one for one in read if one is not None], following)
        except ConnectorError as error:
            if not _is_absent(error):
                raise

    async def clicks_of(self, mailing: str, external_id: str) -> Sequence[Happening]:
        """Read the clicks of one contact; an id that cannot be addressed has none."""
        if complaint(external_id):
            return []
        path = f"/mailing/{segment(mailing)}/clicks/{path_segment(external_id)}"
        found: list[Happening] = []
        try:
            async for page in pages(self._fetch("mailing.clicks-of", path), {}):
                read = [item.happening(mailing, EventKind.CLICKED, external_id=external_id) for item in page]
                found += [one for one in read if one is not None]
        except ConnectorError as error:
            if not _is_absent(error):
                raise
        return found

    def _fetch(self, operation: str, path: str) -> Fetch[ListedAnswer]:
        def fetch(params: Mapping[str, str]) -> Awaitable[ListAnswer[ListedAnswer]]:
            return self._transport.fetch(SpotlerCall(operation, "GET", path, params=params), _LISTED)

        return fetch


def _is_absent(error: ConnectorError) -> bool:
    """Whether the platform says that it does not have such data: not a failure."""
    return isinstance(error, NotFoundError) or (isinstance(error, DataError) and error.code in _HAS_NO_SUCH_DATA)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()

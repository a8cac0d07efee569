"""Reads the bounces since the last poll, where a contact is closed for a reason that is not known yet (OPT-07)."""

from datetime import datetime

from shared.consent.bounce_service import BounceService
from shared.domain.planning.plan_input import CLOCKS_DIFFER
from shared.ports.clock import Clock
from shared.ports.marketing_platform import ContactFeeds


class BounceCatchUp:
    """Updates the notes of bounces, as the next poll would."""

    def __init__(self, feeds: ContactFeeds, bounces: BounceService, clock: Clock) -> None:
        self._feeds = feeds
        self._bounces = bounces
        self._clock = clock

    async def run(self, since: datetime) -> datetime:
        """Record the bounces since a moment, or since bounces were last known.

        Return the time up to which all are known.

        Raises ConnectorErrors.
        """
        known, now = await self._bounces.are_known_until(), self._clock.now()
        async for bounces in self._feeds.bounces(min(known or since, since) - CLOCKS_DIFFER, now + CLOCKS_DIFFER):
            await self._bounces.note(bounces)
        if known is not None:  # the first poll sets the first moment
            await self._bounces.known_until(now)
        return now

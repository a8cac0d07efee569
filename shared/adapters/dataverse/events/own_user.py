"""The connector's own user, by whose id the connector recognises its own writes (decision 6)."""

from datetime import datetime, timedelta
from uuid import UUID

from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.errors import ConnectorError
from shared.ports.clock import Clock

_RETRY_AFTER = timedelta(minutes=1)
"""The time between two requests for the user's id."""


class OwnUser:
    """The user's id, from any earlier WhoAmI of the client, or from one of its own."""

    def __init__(self, client: DataverseClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._asked: datetime | None = None

    @property
    def id(self) -> UUID | None:
        """The user's id; None until Dataverse has returned it."""
        return identity.user_id if (identity := self._client.identity) is not None else None

    async def learn(self) -> None:
        """Request the user's id, unless it is known, or a request failed within the last minute.

        Raises no ConnectorError: as long as the id is unknown, all events are processed.
        """
        now = self._clock.now()
        if self.id is not None or (self._asked is not None and now < self._asked + _RETRY_AFTER):
            return
        self._asked = now
        try:
            await self._client.who_am_i()
        except ConnectorError:  # the processing of the batch meets the same error, and reports it
            return

"""The connector's own user, by whose id our own writes are told from those of others (decision 6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.errors import ConnectorError
from shared.ports.clock import Clock

_PATIENCE = timedelta(minutes=1)
"""How long Dataverse is left alone that could not tell who we are."""


class OwnUser:
    """Remembers what any call of WhoAmI told, and makes one where none has been made."""

    def __init__(self, client: DataverseClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._asked: datetime | None = None

    @property
    def id(self) -> UUID | None:
        """The user; None as long as Dataverse has not told."""
        return identity.user_id if (identity := self._client.identity) is not None else None

    async def learn(self) -> None:
        """Ask who we are, unless that is known, or was asked in vain within the last minute.

        Raises nothing that is no defect: who does not know looks at all events.
        """
        now = self._clock.now()
        if self.id is not None or (self._asked is not None and now < self._asked + _PATIENCE):
            return
        self._asked = now
        try:
            await self._client.who_am_i()
        except ConnectorError:  # what the batch is about meets the same fault, and tells of it
            return

"""Accepts messages of the configured organisations, or else of the organisation at the configured URL."""

import asyncio
from collections.abc import Collection
from uuid import UUID

from shared.adapters.dataverse.events.execution_context import NotAnExecutionContext, check_organisation, host_of
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.ports.organisations import Origin, RejectedMessage


class KnownOrganisations:
    """Implements the port `Organisations`. Without configured ids, the id is read from Dataverse once.

    A message with the host name of the configured URL is accepted before the id is known, without a request.
    """

    def __init__(self, client: DataverseClient, configured: Collection[UUID], *, url: str) -> None:
        """`url` is that of the client's organisation."""
        self._client = client
        self._ids = frozenset(configured)
        self._host = host_of(url)
        self._asking = asyncio.Lock()

    async def rejection(self, origin: Origin) -> RejectedMessage | None:
        """Return why a message is refused, or None. ConnectorError if the id cannot be read now."""
        if not self._ids and origin.host and origin.host == self._host:
            return None
        try:
            check_organisation(origin, ids=await self._known())
        except NotAnExecutionContext as refusal:
            return RejectedMessage(refusal.reason, refusal.description)
        return None

    async def _known(self) -> frozenset[UUID]:
        async with self._asking:
            if not self._ids:
                self._ids = frozenset({(await self._client.who_am_i()).organisation_id})
            return self._ids

"""Whose messages are ours: the configured organisations, else the one that our own URL leads to."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from uuid import UUID

from shared.adapters.dataverse.events.execution_context import NotAnExecutionContext, check_organisation, host_of
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.ports.organisations import Origin, OriginRefused


class KnownOrganisations:
    """`Organisations` over Dataverse, which is asked once for its id when none is configured.

    A message that carries the host name of our own URL is ours before the id is known: nobody need be asked.
    """

    def __init__(self, client: DataverseClient, configured: Collection[UUID], *, url: str) -> None:
        """`url` is that of the organisation behind `client`."""
        self._client = client
        self._ids = frozenset(configured)
        self._host = host_of(url)
        self._asking = asyncio.Lock()

    async def refusal(self, origin: Origin) -> OriginRefused | None:
        """Return why a message is refused; ConnectorError if Dataverse cannot tell its id now."""
        if not self._ids and origin.host and origin.host == self._host:
            return None
        try:
            check_organisation(origin, ids=await self._known())
        except NotAnExecutionContext as refusal:
            return OriginRefused(refusal.reason, refusal.description)
        return None

    async def _known(self) -> frozenset[UUID]:
        async with self._asking:
            if not self._ids:
                self._ids = frozenset({(await self._client.who_am_i()).organisation_id})
            return self._ids

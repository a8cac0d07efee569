"""Whose messages are ours: the configured organisations, else the one that our own URL leads to."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from uuid import UUID

from shared.dataverse.client import DataverseClient
from shared.dataverse.events import DataverseEvent
from shared.dataverse.execution_context import check_organisation


class KnownOrganisations:
    """Checks events; asks Dataverse once for its id when none is configured."""

    def __init__(self, client: DataverseClient, configured: Collection[UUID]) -> None:
        self._client = client
        self._ids = frozenset(configured)
        self._asking = asyncio.Lock()

    async def check(self, event: DataverseEvent) -> None:
        """Raise NotAnExecutionContext for a foreign organisation, ConnectorError if Dataverse cannot tell its id."""
        check_organisation(event, ids=await self._known())

    async def _known(self) -> frozenset[UUID]:
        async with self._asking:
            if not self._ids:
                self._ids = frozenset({(await self._client.who_am_i()).organisation_id})
            return self._ids

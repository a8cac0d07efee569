"""Reading contacts by id: the connector's reader beside Microsoft's client for Python."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient

from shared.composition.first_mapping import DEFAULT_MAPPING, load_mapping
from shared.composition.services import open_services
from shared.composition.settings import load_settings
from shared.domain.records.records import PersonTable, RecordKey
from shared.local.sandbox.addresses import Addresses
from tests.bench.peers.functions import AT_ONCE, token

CONNECTOR = "the connector"
MICROSOFT = "Microsoft's client, contact by contact"
MICROSOFT_BATCH = "Microsoft's client, in a batch"

_COLUMNS = ["emailaddress1", "firstname", "middlename", "lastname", "jobtitle", "address1_city", "mobilephone"]

Read = Callable[[Sequence[str]], Awaitable[int]]
"""Reads contacts by id; returns how many there were."""


@dataclass(frozen=True)
class _Token:
    """A credential that has its token already."""

    text: str

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken(self.text, int(time.time()) + 3600)


@asynccontextmanager
async def readers(addresses: Addresses) -> AsyncIterator[dict[str, Read]]:
    """Open the connector's reader and Microsoft's client, which reads one contact after the other, or in batches."""
    services = open_services(load_settings())
    crm = services.mapped(load_mapping(DEFAULT_MAPPING)).crm
    credential = _Token(await token(addresses))
    try:
        # The credential is one of azure-core, as far as it is asked.
        with DataverseClient(addresses.dataverse_url, credential) as client, ThreadPoolExecutor(AT_ONCE) as threads:  # type: ignore[arg-type]

            async def connector(ids: Sequence[str]) -> int:
                return len(await crm.read_people([RecordKey(PersonTable.CONTACT, UUID(one)) for one in ids]))

            async def singly(ids: Sequence[str]) -> int:
                retrieve = partial(client.records.retrieve, "contact", select=_COLUMNS)
                loop = asyncio.get_running_loop()
                rows = await asyncio.gather(*(loop.run_in_executor(threads, retrieve, one) for one in ids))
                return sum(row is not None for row in rows)

            async def batched(ids: Sequence[str]) -> int:
                request = client.batch.new()
                for one in ids:
                    request.records.retrieve("contact", one, select=_COLUMNS)
                result = await asyncio.to_thread(request.execute)
                return sum(response.is_success for response in result.responses)

            yield {CONNECTOR: connector, MICROSOFT: singly, MICROSOFT_BATCH: batched}
    finally:
        await services.close()

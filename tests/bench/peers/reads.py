"""Reading contacts by id: the connector's reader beside Microsoft's client for Python."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient

from shared.composition.first_mapping import DEFAULT_MAPPING, load_mapping
from shared.composition.services import open_services
from shared.composition.settings import load_settings
from shared.domain.records.records import PersonTable, RecordKey
from shared.local.sandbox.addresses import Addresses
from tests.bench.peers.functions import AT_ONCE, token

_COLUMNS = ["emailaddress1", "firstname", "middlename", "lastname", "jobtitle", "address1_city", "mobilephone"]

Read = Callable[[Sequence[str]], Awaitable[int]]
"""Reads contacts by id; returns how many there were."""


@dataclass(frozen=True)
class _Token:
    """A credential that has its token already."""

    text: str

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken(self.text, int(time.time()) + 3600)


async def by_the_connector(ids: Sequence[str]) -> int:
    """Read with everything that the default mapping needs: permissions, Spotler Info and the company as well."""
    services = open_services(load_settings())
    try:
        crm = services.mapped(load_mapping(DEFAULT_MAPPING)).crm
        return len(await crm.read_people([RecordKey(PersonTable.CONTACT, UUID(one)) for one in ids]))
    finally:
        await services.close()


def by_microsoft(addresses: Addresses) -> dict[str, Read]:
    """Read seven columns, one contact after the other in sixteen threads, and in batches."""

    async def singly(ids: Sequence[str]) -> int:
        with _client(addresses.dataverse_url, await token(addresses)) as client, ThreadPoolExecutor(AT_ONCE) as threads:
            loop = asyncio.get_running_loop()
            rows = await asyncio.gather(
                *(
                    loop.run_in_executor(
                        threads, lambda one=one: client.records.retrieve("contact", one, select=_COLUMNS)
                    )
                    for one in ids
                )
            )
        return sum(row is not None for row in rows)

    async def batched(ids: Sequence[str]) -> int:
        with _client(addresses.dataverse_url, await token(addresses)) as client:
            request = client.batch.new()
            for one in ids:
                request.records.retrieve("contact", one, select=_COLUMNS)
            result = await asyncio.to_thread(request.execute)
        return sum(response.is_success for response in result.responses)

    return {"Microsoft's client, contact by contact": singly, "Microsoft's client, in a batch": batched}


def _client(url: str, text: str) -> DataverseClient:
    return DataverseClient(url, _Token(text))  # type: ignore[arg-type]  # the protocol of azure-core, as far as it is asked

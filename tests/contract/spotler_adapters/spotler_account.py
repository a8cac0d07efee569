"""A sandbox account with the adapters under test, and the sandbox's control API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from shared.adapters.spotler.automations.automations import SpotlerAutomations
from shared.adapters.spotler.automations.capabilities import Capabilities
from shared.adapters.spotler.automations.probes import Probes
from shared.adapters.spotler.automations.tagging import SpotlerTagging
from shared.adapters.spotler.contacts.client import SpotlerClient
from shared.adapters.spotler.lists.audiences import SpotlerAudiences
from shared.adapters.spotler.lists.temporary_lists import SpotlerTemporaryLists
from shared.adapters.spotler.mailings.mailings import SpotlerMailings
from shared.adapters.spotler.rest.retrying import RetrySettings
from shared.domain.records.marketing_contact import ContactWrite, Purge
from shared.errors import Service
from shared.local.sandbox.serving import serve
from shared.local.spotler_sandbox import SpotlerSandboxSettings, create_app
from shared.local.spotler_sandbox.http.settings import CURRENT_PREFIX
from tests.contract.clocks import ManualClock
from tests.twins import TwinStore

KEY, SECRET = "sandbox-key", "sandbox-secret"
HASTY = RetrySettings(
    first_wait=timedelta(milliseconds=1),
    longest_wait=timedelta(milliseconds=2),
    jitter=timedelta(),
    longest_pause=timedelta(),
)


@dataclass
class SpotlerAccount:
    """`capabilities` are assumed to be there unless the account was opened as a real one."""

    client: SpotlerClient
    capabilities: Capabilities
    tagging: SpotlerTagging
    automations: SpotlerAutomations
    audiences: SpotlerAudiences
    temporary_lists: SpotlerTemporaryLists
    mailings: SpotlerMailings
    store: TwinStore
    clock: ManualClock
    control: httpx.AsyncClient
    sent: list[str] = field(default_factory=list)

    async def fault(self, kind: str, operation: str, **details: Any) -> None:
        body = {"kind": kind, "operation": operation, **details}
        (await self.control.post("/sandbox/faults", json=body)).raise_for_status()

    async def act(self, path: str, body: Any = None, **params: str) -> Any:
        answer = await self.control.post(f"/sandbox/{path}", params=params, json=body if body is not None else {})
        answer.raise_for_status()
        return answer.json()

    async def look(self, path: str, **params: str) -> Any:
        answer = await self.control.get(f"/sandbox/{path}", params=params)
        answer.raise_for_status()
        return answer.json()

    async def people(self, *external_ids: str) -> None:
        writes = [ContactWrite(who, {"email": f"{who.lower()}@example.com"}) for who in external_ids]
        await self.client.upsert_many(writes, purge=Purge.KEEP)
        self.sent.clear()

    async def tags(self, external_id: str) -> dict[str, int]:
        (contact,) = await self.look("contacts", externalId=external_id)
        found: dict[str, int] = contact["tags"]
        return found


@asynccontextmanager
async def open_account(*, assumed: bool = True, **switches: Any) -> AsyncIterator[SpotlerAccount]:
    clock, store = ManualClock(), TwinStore()
    settings = SpotlerSandboxSettings(consumer_key=KEY, consumer_secret=SECRET, now=clock.now, **switches)
    sent: list[str] = []

    def observe(_service: Service, operation: str, _status: int, _seconds: float) -> None:
        sent.append(operation)

    async with serve(create_app(settings)) as at, httpx.AsyncClient(base_url=at.url) as control:
        client = SpotlerClient(
            at.url + CURRENT_PREFIX,
            KEY,
            SECRET,
            http=httpx.AsyncClient(),
            clock=clock,
            observe=observe,
            retries=HASTY,
        )
        transport = client.transport
        capabilities = Capabilities(store, clock, "test", assumed=assumed, probe=Probes(transport).findings)
        try:
            yield SpotlerAccount(
                client=client,
                capabilities=capabilities,
                tagging=SpotlerTagging(transport, capabilities),
                automations=SpotlerAutomations(transport, capabilities),
                audiences=SpotlerAudiences(transport),
                temporary_lists=SpotlerTemporaryLists(transport),
                mailings=SpotlerMailings(transport),
                store=store,
                clock=clock,
                control=control,
                sent=sent,
            )
        finally:
            await client.close()

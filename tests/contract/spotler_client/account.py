"""An account in the sandbox of Mail+ over real HTTP, with the client under test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from shared.adapters.spotler.contacts.client import SpotlerClient
from shared.adapters.spotler.rest.retrying import RetrySettings
from shared.domain.records.marketing_contact import ContactWrite, PropertyValue, Purge, WriteCode, WriteResult
from shared.errors import Service
from shared.local.sandbox.serving import serve
from shared.local.spotler_sandbox import SpotlerSandboxSettings, create_app
from shared.local.spotler_sandbox.http.settings import CURRENT_PREFIX

KEY, SECRET = "sandbox-key", "sandbox secret & more"
HASTY = RetrySettings(first_wait=timedelta(milliseconds=1), longest_wait=timedelta(milliseconds=2), jitter=timedelta())
OK = WriteResult(WriteCode.OK)


@dataclass
class Time:
    """One clock for both sides; a test moves it."""

    moment: datetime = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


@dataclass
class Account:
    """A sandbox account, the client under test, and the sandbox's control API."""

    client: SpotlerClient
    url: str
    time: Time
    control: httpx.AsyncClient
    observed: list[tuple[str, int]] = field(default_factory=list)

    async def act(self, path: str, body: Any = None, **params: str) -> None:
        (await self.control.post(f"/sandbox/{path}", json=body, params=params)).raise_for_status()

    async def fault(self, kind: str, **details: Any) -> None:
        await self.act("faults", {"kind": kind, **details})

    async def requests(self) -> dict[str, int]:
        counts: dict[str, int] = (await self.control.get("/sandbox/requests")).json()
        return counts

    async def write(self, external_id: str, /, **properties: PropertyValue) -> None:
        written = await self.client.upsert_many([ContactWrite(external_id, properties)], purge=Purge.KEEP)
        assert written == {external_id: OK}


@asynccontextmanager
async def open_account(prefix: str = CURRENT_PREFIX, secret: str = SECRET, **switches: Any) -> AsyncIterator[Account]:
    time = Time()
    settings = SpotlerSandboxSettings(consumer_key=KEY, consumer_secret=SECRET, now=time.now, **switches)
    observed: list[tuple[str, int]] = []

    def observe(service: Service, operation: str, status: int, seconds: float) -> None:
        assert service is Service.SPOTLER
        assert seconds > 0
        observed.append((operation, status))

    async with serve(create_app(settings)) as address, httpx.AsyncClient(base_url=address.url) as control:
        client = SpotlerClient(
            address.url + prefix,
            KEY,
            secret,
            http=httpx.AsyncClient(),
            clock=time,
            observe=observe,
            retries=HASTY,
        )
        try:
            yield Account(client, address.url, time, control, observed)
        finally:
            await client.close()


def address(number: int) -> str:
    return f"person{number}@example.com"

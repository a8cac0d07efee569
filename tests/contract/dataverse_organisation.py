"""A sandbox organisation over real HTTP, for the adapters of the connector's own tables."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.credentials import ClientSecret, token_provider
from shared.adapters.dataverse.web_api.throttling import ServiceProtection
from shared.errors import Service
from shared.local.dataverse_sandbox.http.app import DataverseSandboxSettings, create_app
from shared.local.dataverse_sandbox.organisation.execution_context import ServiceEndpointMessage
from shared.local.sandbox.serving import serve
from tests.installed import installed_settings

_TRUST = ssl.create_default_context()  # a context is expensive to make
Rows = Sequence[tuple[str, dict[str, Any]]]


@dataclass
class DataverseOrganisation:
    """A client of it, and the requests that it sent."""

    client: DataverseClient
    sent: list[str]
    url: str

    async def rows(self, entity_set: str, *columns: str, **options: Any) -> list[dict[str, Any]]:
        pages = self.client.query(entity_set, select=columns, **options)
        return [row async for page in pages for row in page]

    async def strike(self, kind: str, match: str, *more: str) -> None:
        """Let the next request that matches fail, once for each pattern."""
        rules = [{"kind": kind, "match": match, "times": 1, "retry_after": 1} for match in (match, *more)]
        async with httpx.AsyncClient(verify=_TRUST) as http:
            (await http.post(f"{self.url}/sandbox/faults", json={"rules": rules})).raise_for_status()

    async def refuse(self, match: str) -> None:
        """Answer 503 to every request that matches."""
        rule = {"kind": "unavailable", "match": match, "rate": 1.0}
        async with httpx.AsyncClient(verify=_TRUST) as http:
            (await http.post(f"{self.url}/sandbox/faults", json={"rules": [rule]})).raise_for_status()

    async def control(self, what: str, form: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Read a state of the simulation, or change it."""
        async with httpx.AsyncClient(verify=_TRUST) as http:
            method, address = ("GET" if form is None else "POST"), f"{self.url}/sandbox/{what}"
            answer = await http.request(method, address, json=form)
        document: dict[str, Any] = answer.raise_for_status().json()
        return document

    async def requests(self) -> Counter[str]:
        """Count all requests that were sent, by method and set."""
        async with httpx.AsyncClient(verify=_TRUST) as http:
            answer = await http.get(f"{self.url}/sandbox/counters")
        return Counter(answer.json()["requests"])


@asynccontextmanager
async def open_organisation(
    rows: Rows = (), *, bare: bool = False, tag: str = "", **settings: Any
) -> AsyncIterator[DataverseOrganisation]:
    """Open an organisation; unless `bare`, the connector is installed in it. `tag` is on all writes of the client."""

    async def publish(message: ServiceEndpointMessage) -> None:
        pass

    sent: list[str] = []
    begin = DataverseSandboxSettings if bare else installed_settings
    app = create_app(begin(**settings), publish, rows)
    async with serve(app) as at:
        tokens = token_provider(ClientSecret("contoso", "sandbox", "sandbox"), at.url, authority=at.url)

        def observe(_service: Service, operation: str, _status: int, _seconds: float) -> None:
            sent.append(operation)

        protection = ServiceProtection(longest_pause=timedelta(seconds=3))
        async with DataverseClient(at.url, tokens, tag=tag, protection=protection, observe=observe) as client:
            yield DataverseOrganisation(client, sent, at.url)

"""People at work: somebody who uses Dynamics, and somebody who looks into Spotler."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from shared.local.sandbox.command import PEOPLE_CLIENT, PEOPLE_SECRET, TENANT, Addresses

_POLL = 0.01
PATIENCE = 30.0


class DynamicsUser:
    """Saves records through the Web API, as forms and flows do."""

    def __init__(self, addresses: Addresses) -> None:
        self._url = addresses.dataverse_url
        self._http = httpx.AsyncClient(
            base_url=f"{addresses.dataverse_url}/api/data/v9.2/",
            headers={"Accept": "application/json", "OData-Version": "4.0", "OData-MaxVersion": "4.0"},
            timeout=30,
            verify=_trust(addresses),
        )

    async def __aenter__(self) -> Self:
        answer = await self._http.post(
            f"{self._url}/{TENANT}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": PEOPLE_CLIENT,
                "client_secret": PEOPLE_SECRET,
                "scope": f"{self._url}/.default",
            },
        )
        answer.raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def create(self, entity_set: str, row: Mapping[str, Any]) -> str:
        """Save a new record and return its id."""
        answer = await self._http.post(entity_set, json=dict(row))
        answer.raise_for_status()
        return answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")

    async def change(self, entity_set: str, identifier: str, row: Mapping[str, Any]) -> None:
        """Save columns of a record."""
        answer = await self._http.patch(f"{entity_set}({identifier})", json=dict(row), headers={"If-Match": "*"})
        answer.raise_for_status()

    async def delete(self, entity_set: str, identifier: str) -> None:
        """Delete a record."""
        (await self._http.delete(f"{entity_set}({identifier})")).raise_for_status()

    async def act(self, action: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Call an action of the Web API, bound or unbound."""
        answer = await self._http.post(action, json=dict(body))
        answer.raise_for_status()
        result: dict[str, Any] = answer.json() if answer.content else {}
        return result

    async def read(self, path: str) -> dict[str, Any]:
        """Read a record or a query."""
        answer = await self._http.get(path, headers={"Prefer": 'odata.include-annotations="*"'})
        answer.raise_for_status()
        result: dict[str, Any] = answer.json()
        return result

    async def counters(self) -> dict[str, int]:
        """Return the request counters of the sandbox."""
        answer = await self._http.get(f"{self._url}/sandbox/counters")
        counters: dict[str, int] = answer.json()["requests"]
        return counters


class SpotlerUser:
    """Looks up contacts, as a marketer does on the Contacts page."""

    def __init__(self, addresses: Addresses) -> None:
        parts = urlsplit(addresses.spotler_url)
        self._http = httpx.AsyncClient(
            base_url=f"{parts.scheme}://{parts.netloc}/sandbox/", timeout=30, verify=_trust(addresses)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def contact(self, email: str) -> dict[str, Any] | None:
        """Find a contact by address."""
        return await self._find(email=email)

    async def contact_with_id(self, external_id: str) -> dict[str, Any] | None:
        """Find a contact by external id."""
        return await self._find(externalId=external_id)

    async def contacts(self) -> list[dict[str, Any]]:
        """Return everybody."""
        answer = await self._http.get("contacts")
        contacts: list[dict[str, Any]] = answer.json()
        return contacts

    async def requests(self) -> dict[str, int]:
        """Return the request counters."""
        counters: dict[str, int] = (await self._http.get("requests")).json()
        return counters

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Call the control API: faults, opt-outs, bounces."""
        (await self._http.post(path, json=dict(body or {}))).raise_for_status()

    async def wait_for(
        self, email: str, seen: Callable[[dict[str, Any] | None], bool], patience: float = PATIENCE
    ) -> float:
        """Wait until a contact looks as expected; return how many seconds that took."""
        begin = time.perf_counter()
        while not seen(await self.contact(email)):
            if time.perf_counter() - begin > patience:
                raise TimeoutError("Spotler does not show what was expected")
            await asyncio.sleep(_POLL)
        return time.perf_counter() - begin

    async def _find(self, **query: str) -> dict[str, Any] | None:
        answer = await self._http.get("contacts", params=query)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        found: Any = answer.json()
        if isinstance(found, list):
            return found[0] if found else None
        return dict(found) if found else None


def _trust(addresses: Addresses) -> str | bool:
    return addresses.certificate or True

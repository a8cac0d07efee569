"""What the suites share: a Dataverse sandbox behind a real server, and a signed-in HTTP client."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.local.dataverse_sandbox.http.app import DataverseSandboxSettings, create_app
from shared.local.dataverse_sandbox.organisation.execution_context import ServiceEndpointMessage
from shared.local.sandbox.serving import serve_in_thread
from tests.installed import installed_settings
from tests.programs.times import LONGEST_WAIT

CLIENT, SECRET = "sandbox", "sandbox"


class Exchangeable:
    """One server for many tests, each with an organisation of its own."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@contextmanager
def running() -> Iterator[tuple[Exchangeable, str]]:
    """Start the server; the app comes with the first `Dataverse`."""
    server = Exchangeable()
    server.app = Starlette()
    with serve_in_thread(server) as address:
        yield server, address.url


@dataclass
class Dataverse:
    """A fresh organisation, its messages, and a client with a token."""

    server: Exchangeable
    origin: str
    settings: DataverseSandboxSettings = field(default_factory=installed_settings)
    messages: list[ServiceEndpointMessage] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=f"{self.origin}/api/data/v9.2/", timeout=LONGEST_WAIT)
        self.restart()

    def restart(self, rows: Iterable[tuple[str, Mapping[str, Any]]] = (), **settings: Any) -> None:
        """Replace the organisation by a new one with other settings or rows."""
        self.settings = replace(self.settings, **settings)
        self.server.app = create_app(self.settings, self._publish, rows)
        self.http.headers["Authorization"] = f"Bearer {self.token()}"

    def token(self, client: str = CLIENT) -> str:
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": SECRET}
        answer = self.http.post(f"{self.origin}/t/oauth2/v2.0/token", data={**form, "scope": f"{self.origin}/.default"})
        token: str = answer.json()["access_token"]
        return token

    def create(self, table_set: str, **values: Any) -> str:
        """Create a row; returns its id."""
        answer = self.http.post(table_set, json=values)
        assert answer.status_code == 204, answer.text
        return answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")

    def get(self, path: str, prefer: str = "", **query: Any) -> dict[str, Any]:
        answer = self.http.get(path, params=query, headers={"Prefer": prefer} if prefer else None)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def values(self, path: str, prefer: str = "", **query: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.get(path, prefer, **query)["value"]
        return rows

    def control(self, path: str, body: Any = None, method: str = "POST") -> Any:
        answer = self.http.request(method, f"{self.origin}/sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def contexts(self, count: int) -> list[dict[str, Any]]:
        """Wait for this many messages; returns their bodies, in the order of the events."""
        wait_until(lambda: len(self.messages) >= count)
        assert len(self.messages) == count, [summary(message) for message in self.messages]
        return [json.loads(message.body) for message in self.messages]

    async def _publish(self, message: ServiceEndpointMessage) -> None:
        self.messages.append(message)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_WAIT
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.005)


def summary(message: ServiceEndpointMessage) -> str:
    context = json.loads(message.body)
    return f"{context['MessageName']} {context['PrimaryEntityName']}"


def pairs(collection: list[dict[str, Any]]) -> dict[str, Any]:
    """Read a key/value collection."""
    return {item["key"]: item["value"] for item in collection}


def batch(*parts: str, boundary: str = "b") -> bytes:
    """Write a batch body of parts made by `part` and `change_set`."""
    return "".join(f"--{boundary}\r\n{one}\r\n" for one in parts).encode() + f"--{boundary}--\r\n".encode()


def part(request: str, body: Any = None, content_id: int | None = None, headers: str = "") -> str:
    """Write one request of a batch; `request` is `PATCH contacts(…)`."""
    method, path = request.split(" ", 1)
    identified = f"Content-ID: {content_id}\r\n" if content_id else ""
    text = json.dumps(body) if body is not None else ""
    return (
        f"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n{identified}\r\n"
        f"{method} /api/data/v9.2/{path} HTTP/1.1\r\nContent-Type: application/json; type=entry\r\n{headers}\r\n{text}"
    )


def change_set(*parts: str) -> str:
    boundary = f"changeset_{uuid4()}"
    inner = "".join(f"--{boundary}\r\n{one}\r\n" for one in parts)
    return f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n{inner}--{boundary}--\r\n'

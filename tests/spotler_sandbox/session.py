"""What the suites share: a Spotler sandbox and a third party's signing client (requests-oauthlib)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from requests import Response
from requests_oauthlib import OAuth1Session
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.local.sandbox.serving import serve_in_thread
from shared.local.spotler_sandbox import SpotlerSandboxSettings, create_app
from tests.programs.times import LONGEST_WAIT

KEY, SECRET = "sandbox-key", "sandbox-secret"


@dataclass
class SettableClock:
    """The account's clock; signatures are not checked against it."""

    moment: datetime = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **duration: float) -> None:
        self.moment += timedelta(**duration)


class Exchangeable:
    """One server for many tests, each with an app of its own."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@dataclass
class Spotler:
    """A signing session on one prefix of a fresh account, and the acts of its people."""

    origin: str
    clock: SettableClock = field(default_factory=SettableClock)
    prefix: str = "/integrationservice"

    def __post_init__(self) -> None:
        self.session = OAuth1Session(KEY, client_secret=SECRET)
        self.session.headers["Accept"] = "application/json"

    def call(self, method: str, path: str, **options: Any) -> Response:
        return self.session.request(method, f"{self.origin}{self.prefix}{path}", timeout=LONGEST_WAIT, **options)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.call("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def write(self, external_id: str, *, update: bool = True, purge: bool = False, **properties: Any) -> Response:
        contact = {"externalId": external_id, "properties": properties}
        return self.call("POST", "/contact", json={"update": update, "purge": purge, "contact": contact})

    def properties(self, external_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/contact/{external_id}")["properties"]
        return found

    def email_channel(self, external_id: str) -> bool:
        channels = self.get(f"/contact/{external_id}")["channels"]
        return bool(next(channel["value"] for channel in channels if channel["name"] == "EMAIL"))

    def people(self, method: str, path: str, **options: Any) -> Any:
        """Use the unsigned control API."""
        answer = self.session.request(method, f"{self.origin}/sandbox{path}", timeout=LONGEST_WAIT, **options)
        assert answer.status_code in {200, 204}, answer.text
        return answer.json() if answer.content else None


class Sandbox:
    """Starts accounts on one server."""

    def __init__(self, origin: str, exchangeable: Exchangeable) -> None:
        self._origin = origin
        self._exchangeable = exchangeable

    def open(self, **switches: Any) -> Spotler:
        clock = SettableClock()
        settings = {"consumer_key": KEY, "consumer_secret": SECRET, "timestamp_tolerance": None, "now": clock}
        self._exchangeable.app = create_app(SpotlerSandboxSettings(**{**settings, **switches}))
        return Spotler(self._origin, clock)


@contextmanager
def running_sandbox() -> Iterator[Sandbox]:
    exchangeable = Exchangeable()
    # Starlette's own life cycle is not needed; the server wants an app that answers its question.
    exchangeable.app = create_app(SpotlerSandboxSettings(consumer_key=KEY, consumer_secret=SECRET))
    with serve_in_thread(exchangeable) as address:
        yield Sandbox(address.url, exchangeable)


def refused(answer: Response, status: int, error_type: str) -> bool:
    assert (answer.status_code, answer.json()["errorType"]) == (status, error_type), answer.text
    return bool(answer.json()["message"])

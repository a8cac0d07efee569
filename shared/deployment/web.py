"""The port to a running app, and its adapter: HTTPS with the function key, and a token where sign-in is on."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol
from uuid import UUID

import httpx

_TIMEOUT = 60.0
"""Seconds for one answer: the first one comes after a cold start."""


@dataclass(frozen=True, slots=True)
class Lane:
    """The live lane: messages that are due, and since how many seconds the oldest is."""

    active: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """What `GET /api/health` answers: the status, 0 if nothing answered, and the services that are not well.

    `tables` are those that are synchronised; `live` is None where the queue was not read.
    """

    status: int
    problems: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    live: Lane | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """What opens the HTTP routes: the function key, and a token where App Service Authentication stands before them."""

    key: str = field(repr=False)
    token: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """Headers of a request; addresses are logged by proxies, headers are not."""
        bearer = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return {"x-functions-key": self.key, **bearer}


class Web(Protocol):
    """Asks the app itself; what it does not answer is no error here."""

    def health(self, host: str, access: Access) -> HealthAnswer:
        """Ask for its health."""
        ...

    def mapping(self, host: str, access: Access) -> str | None:
        """Return the live mapping as YAML; None if it does not tell."""
        ...

    def resync(self, host: str, access: Access, table: str, record: UUID) -> bool:
        """Have a record processed; return whether the app will do it."""
        ...


class HttpsWeb:
    """Implements `Web`."""

    def health(self, host: str, access: Access) -> HealthAnswer:
        """See Web."""
        answer = _ask("GET", host, "health", access)
        if answer is None:
            return HealthAnswer(0)
        try:
            report = answer.json()
        except ValueError:
            return HealthAnswer(answer.status_code)
        return health_of(answer.status_code, report)

    def mapping(self, host: str, access: Access) -> str | None:
        """See Web."""
        answer = _ask("GET", host, "mapping", access)
        return answer.text if answer is not None and answer.status_code == HTTPStatus.OK else None

    def resync(self, host: str, access: Access, table: str, record: UUID) -> bool:
        """See Web."""
        answer = _ask("POST", host, "resync", access, {"table": table, "id": str(record)})
        return answer is not None and answer.status_code == HTTPStatus.ACCEPTED


def _ask(method: str, host: str, path: str, access: Access, body: Any = None) -> httpx.Response | None:
    """Call a route; None if nothing answers."""
    url = f"https://{host}/api/{path}"
    try:
        return httpx.request(method, url, headers=access.headers, json=body, timeout=_TIMEOUT)
    except httpx.HTTPError:
        return None


def health_of(status: int, report: object) -> HealthAnswer:
    """Read a health report."""
    if not isinstance(report, dict):
        return HealthAnswer(status)
    tables: tuple[str, ...] = ()
    match report:
        case {"synchronisation": {"on": True, "tables": [*names]}}:
            tables = tuple(str(name) for name in names)
    return HealthAnswer(status, problems_of(report), tables, _live_lane(report))


def _live_lane(report: dict[str, Any]) -> Lane | None:
    match report:
        case {"queues": {"sync-live": {"active": int(active), "oldestSeconds": int() | float() as oldest}}}:
            return Lane(active, oldest)
        case _:
            return None


def problems_of(report: dict[str, Any]) -> tuple[str, ...]:
    """Return the cause of each part of a health report that is not well."""
    if report.get("healthy"):
        return ()
    if cause := report.get("cause"):
        return (str(cause),)
    parts = report.get("services")
    found = [
        f"{name}: {part.get('cause') or part.get('problem') or 'it does not answer'}"
        for name, part in (parts.items() if isinstance(parts, dict) else ())
        if isinstance(part, dict) and part.get("ok") is False
    ]
    return tuple(found) or ("something is not well: see GET /api/health",)

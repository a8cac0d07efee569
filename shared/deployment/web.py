"""The port to a running app, and its adapter: HTTPS with the function key."""

from dataclasses import dataclass
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


class Web(Protocol):
    """Asks the app itself; what it does not answer is no error here."""

    def health(self, host: str, key: str) -> HealthAnswer:
        """Ask for its health."""
        ...

    def mapping(self, host: str, key: str) -> str | None:
        """Return the live mapping as YAML; None if it does not tell."""
        ...

    def resync(self, host: str, key: str, table: str, record: UUID) -> bool:
        """Have a record processed; return whether the app will do it."""
        ...


class HttpsWeb:
    """Implements `Web`."""

    def health(self, host: str, key: str) -> HealthAnswer:
        """See Web."""
        answer = _ask("GET", host, "health", key)
        if answer is None:
            return HealthAnswer(0)
        try:
            report = answer.json()
        except ValueError:
            return HealthAnswer(answer.status_code)
        return health_of(answer.status_code, report)

    def mapping(self, host: str, key: str) -> str | None:
        """See Web."""
        answer = _ask("GET", host, "mapping", key)
        return answer.text if answer is not None and answer.status_code == HTTPStatus.OK else None

    def resync(self, host: str, key: str, table: str, record: UUID) -> bool:
        """See Web."""
        answer = _ask("POST", host, "resync", key, {"table": table, "id": str(record)})
        return answer is not None and answer.status_code == HTTPStatus.ACCEPTED


def _ask(method: str, host: str, path: str, key: str, body: Any = None) -> httpx.Response | None:
    """Call a route; None if nothing answers. The key travels in a header, not in an address that proxies log."""
    headers = {"x-functions-key": key}
    try:
        return httpx.request(method, f"https://{host}/api/{path}", headers=headers, json=body, timeout=_TIMEOUT)
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

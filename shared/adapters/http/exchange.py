"""One observed HTTP request, and whether a request without an answer can have reached the service."""

import time
from typing import Any, Protocol

import httpx

from shared.adapters.http.bounded_answers import bounded_request
from shared.errors import Service

UNANSWERED = (httpx.RequestError, httpx.InvalidURL)
"""Errors of a request without a usable answer; InvalidURL comes from a malformed redirect, and its text quotes it."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Observe(Protocol):
    """Receives every HTTP request: the operation as `PATCH contacts`, status 0 if no answer came, seconds."""

    def __call__(self, service: Service, operation: str, status: int, seconds: float, /) -> None:
        """Must not raise."""
        ...


def unobserved(_service: Service, _operation: str, _status: int, _seconds: float) -> None:
    """Ignore the request."""


def was_not_sent(error: Exception) -> bool:
    """Return whether no connection was made, so that repeating is safe whatever the request was."""
    return isinstance(error, _NOT_SENT)


async def observed_request(
    http: httpx.AsyncClient,
    service: Service,
    operation: str,
    observe: Observe,
    *,
    method: str,
    url: str,
    **options: Any,
) -> httpx.Response:
    """Send one request, report it to `observe`, and return the answer, read to its end. Raises UNANSWERED."""
    started = time.perf_counter()
    status = 0
    try:
        response = await bounded_request(http, method, url, **options)
        status = response.status_code
    finally:
        observe(service, operation, status, time.perf_counter() - started)
    return response

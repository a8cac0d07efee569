"""One observed HTTP request with an answer of bounded size, and whether a request can have reached the service."""

import sys
import time
from importlib.util import find_spec
from typing import Any, Protocol

import httpx

from shared.errors import Service

LARGEST_ANSWER = 32_000_000
"""Bytes, unpacked. The largest answer that the connector asks for, 5,000 rows of Dataverse, has some 10,000,000."""

if find_spec("sniffio") is None:
    # httpcore tries to import it four times a request, and each time looks for it everywhere.
    sys.modules["sniffio"] = None  # type: ignore[assignment]

_OF_THE_TRANSFER = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class AnswerTooLargeError(httpx.RequestError):
    """The answer has more than `LARGEST_ANSWER` bytes; the request may have been carried out."""


async def bounded_request(http: httpx.AsyncClient, method: str, url: str, **options: Any) -> httpx.Response:
    """Send as `http.request` does, and return the answer, read to its end. Raises AnswerTooLargeError as well."""
    async with http.stream(method, url, **options) as response:
        content = bytearray()
        # Unpacked bytes are counted: 64 KB of a packed answer may hold 64 MB.
        async for part in response.aiter_bytes():
            content += part
            if len(content) > LARGEST_ANSWER:
                raise AnswerTooLargeError("The answer is too large", request=response.request)
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in _OF_THE_TRANSFER]
    return httpx.Response(response.status_code, headers=headers, content=bytes(content), request=response.request)


UNANSWERED = (httpx.RequestError, httpx.InvalidURL)
"""Errors of a request without a usable answer; InvalidURL comes from a malformed redirect, and its text quotes it."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Observe(Protocol):
    """Receives every HTTP request: the operation as `PATCH contacts`, status 0 if no answer came, seconds."""

    def __call__(self, service: Service, operation: str, status: int, seconds: float, /) -> None:
        """Must not raise."""


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

"""Faults on request: failures of the network and of a busy service, before or after the effect of the call."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Message, Receive, Scope, Send

from shared.local.spotler_sandbox.http.wire import ApiError, ErrorType, Format, render

RESET_EXTENSION = "sandbox.reset"
"""The ASGI extension of the server: a callable that breaks the connection off without an answer."""

ERROR_PAGE = "<html><head><title>503</title></head><body><h1>Service Temporarily Unavailable</h1></body></html>"


class FaultKind(StrEnum):
    """The kinds of failure."""

    THROTTLED = "throttled"
    SERVER_ERROR = "server-error"
    UNAVAILABLE = "unavailable"
    TIME_OUT = "time-out"
    RESET = "reset"
    TRUNCATED = "truncated"


class Moment(StrEnum):
    """Whether the failure strikes before or after the effect of the call."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of failure for the next `times` calls of `operation` (None: of any). Durations in seconds."""

    kind: FaultKind
    operation: str | None = None
    moment: Moment = Moment.BEFORE
    times: int = 1
    retry_after: int = 1
    hold: float = 60.0

    async def play(self, request: Request, response: Response | None, send: Send) -> None:
        """Fail instead of answering; `response` is the answer of a call that had its effect."""
        match self.kind:
            case FaultKind.THROTTLED:
                await _answer(request, Response(status_code=429, headers={"Retry-After": str(self.retry_after)}), send)
            case FaultKind.SERVER_ERROR:
                error = ApiError(500, ErrorType.BACKEND_EXCEPTION, "backend failure").reply()
                await _answer(request, render(error, Format.JSON), send)
            case FaultKind.UNAVAILABLE:
                await _answer(request, HTMLResponse(ERROR_PAGE, status_code=503), send)
            case FaultKind.TIME_OUT:
                await _hang(request, self.hold)
                await _answer(request, HTMLResponse(ERROR_PAGE, status_code=504), send)
            case FaultKind.RESET:
                await _reset(request.scope, request.receive)
            case FaultKind.TRUNCATED:
                await _answer(request, _cut(response), send)


class FaultPlan:
    """The planned faults, in the order of their planning."""

    def __init__(self) -> None:
        self._queue: deque[tuple[Fault, int]] = deque()

    def add(self, fault: Fault) -> None:
        """Plan a fault."""
        self._queue.append((fault, fault.times))

    def clear(self) -> None:
        """Remove all planned faults."""
        self._queue.clear()

    def take(self, operation: str) -> Fault | None:
        """Return the first fault for this call and count down its uses."""
        for index, (fault, left) in enumerate(self._queue):
            if fault.operation in {None, operation}:
                if left > 1:
                    self._queue[index] = (fault, left - 1)
                else:
                    del self._queue[index]
                return fault
        return None

    @property
    def pending(self) -> list[tuple[Fault, int]]:
        """The planned faults with their remaining uses."""
        return list(self._queue)


async def _answer(request: Request, response: Response, send: Send) -> None:
    await response(request.scope, request.receive, send)


async def _hang(request: Request, seconds: float) -> None:
    """Wait until the client gives up, at most `seconds`."""
    await request.body()
    try:
        async with asyncio.timeout(seconds):
            await _disconnected(request.receive)
    except TimeoutError:
        return


async def _reset(scope: Scope, receive: Receive) -> None:
    reset = scope.get("extensions", {}).get(RESET_EXTENSION)
    if reset is None:
        raise ConnectionResetError("the sandbox was asked to break the connection")
    reset()
    await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()


def _cut(response: Response | None) -> Response:
    """Send half of the answer, as if a proxy had dropped the rest."""
    body = bytes(response.body) if response is not None and response.body else b'{"paging":{"after":10},"contacts":[]}'
    return Response(body[: len(body) // 2], status_code=200, media_type=Format.JSON.value)

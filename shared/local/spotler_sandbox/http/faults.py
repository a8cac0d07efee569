"""Faults on request: what a network and a busy service do to a client, before or after the call had its effect."""

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
    """What goes wrong."""

    THROTTLED = "throttled"
    SERVER_ERROR = "server-error"
    UNAVAILABLE = "unavailable"
    TIME_OUT = "time-out"
    RESET = "reset"
    TRUNCATED = "truncated"


class Moment(StrEnum):
    """Whether the call still has its effect."""

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
        """Fail instead of answering; `response` is what the call answered if it had its effect."""
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
    """The faults that are still to come, in the order they were asked for."""

    def __init__(self) -> None:
        self._queue: deque[tuple[Fault, int]] = deque()

    def add(self, fault: Fault) -> None:
        """Ask for a fault."""
        self._queue.append((fault, fault.times))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._queue.clear()

    def take(self, operation: str) -> Fault | None:
        """Return the first fault that is meant for this call and use it up once."""
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
        """The faults with how often each is still to come."""
        return list(self._queue)


async def _answer(request: Request, response: Response, send: Send) -> None:
    await response(request.scope, request.receive, send)


async def _hang(request: Request, seconds: float) -> None:
    """Wait until the client gives up, at most so long."""
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
    """Half of the answer, as if a proxy had dropped the rest without a word."""
    body = bytes(response.body) if response is not None and response.body else b'{"paging":{"after":10},"contacts":[]}'
    return Response(body[: len(body) // 2], status_code=200, media_type=Format.JSON.value)

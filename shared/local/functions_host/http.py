"""Serves the HTTP functions, and the one administrative call that starts a timer by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import azure.functions as func
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route as StarletteRoute

from shared.local.functions_host.decode import decode_request, encode_response
from shared.local.functions_host.index import EVERY_METHOD, HttpTrigger, IndexedFunction
from shared.local.functions_host.invocation import Invoker
from shared.local.functions_host.keys import HostKeys
from shared.local.functions_host.routes import Route, compile_route
from shared.local.functions_host.timers import Timer

KEY_HEADER = "x-functions-key"
KEY_PARAMETER = "code"
MOST_BYTES = 104_857_600
"""Of a body: FUNCTIONS_REQUEST_BODY_SIZE_LIMIT, as it is in Azure unless somebody changes it."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A HTTP function and where it answers."""

    function: IndexedFunction
    trigger: HttpTrigger
    route: Route


class HttpFrontEnd:
    """Finds the function of a request, checks the key, calls, answers."""

    def __init__(
        self,
        functions: Sequence[IndexedFunction],
        *,
        keys: HostKeys,
        invoker: Invoker,
        route_prefix: str,
        timers: Mapping[str, Timer],
    ) -> None:
        """ConfigurationError if a route cannot be read."""
        endpoints = [
            Endpoint(function, function.trigger, compile_route(f"{route_prefix}/{function.trigger.route}"))
            for function in functions
            if isinstance(function.trigger, HttpTrigger)
        ]
        self._endpoints = sorted(endpoints, key=lambda endpoint: endpoint.route.rank)
        self._keys = keys
        self._invoker = invoker
        self._timers = timers
        self._started: set[asyncio.Task[None]] = set()
        self.app = Starlette(
            routes=[
                StarletteRoute("/admin/functions/{name}", self._start, methods=["POST"]),
                StarletteRoute("/{path:path}", self._call, methods=sorted(EVERY_METHOD)),
            ]
        )

    async def finish(self) -> None:
        """Wait for the timers that were started by hand."""
        await asyncio.gather(*self._started)

    async def _call(self, request: Request) -> Response:
        for endpoint in self._endpoints:
            parameters = endpoint.route.match(request.path_params["path"])
            if parameters is not None and request.method in endpoint.trigger.methods:
                break
        else:
            # A method that no function takes is not found either: so says Azure.
            return PlainTextResponse("", 404)
        if not self._keys.allow(endpoint.trigger.auth_level, _presented_key(request)):
            return PlainTextResponse("", 401)
        body = await _body(request)
        if body is None:
            return PlainTextResponse("", 413)
        argument = decode_request(
            method=request.method,
            url=str(request.url),
            headers=request.headers.items(),
            query=request.query_params.multi_items(),
            route_parameters=parameters,
            body=body,
        )
        try:
            answer = encode_response(await self._invoker.invoke(endpoint.function, argument))
        except Exception:  # noqa: BLE001  # the caller learns nothing of what went wrong inside; the log has it
            return PlainTextResponse("", 500)
        response = Response(answer.body, answer.status, dict(answer.headers))
        for cookie in answer.cookies:
            response.headers.append("set-cookie", cookie)
        return response

    async def _start(self, request: Request) -> Response:
        if not self._keys.allow(func.AuthLevel.ADMIN, _presented_key(request)):
            return PlainTextResponse("", 401)
        timer = self._timers.get(request.path_params["name"])
        if timer is None:
            return PlainTextResponse("no timer function of that name", 404)
        run = asyncio.create_task(timer.fire(past_due=False))
        self._started.add(run)
        run.add_done_callback(self._started.discard)
        return Response(status_code=202)


async def _body(request: Request) -> bytes | None:
    """Read the body; None as soon as it is too large, whatever Content-Length says."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            return None
    return bytes(content)


def _presented_key(request: Request) -> str:
    return request.headers.get(KEY_HEADER) or request.query_params.get(KEY_PARAMETER, "")

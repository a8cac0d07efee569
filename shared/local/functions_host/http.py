"""Serves the HTTP functions, and the one administrative call that starts a timer by hand."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import azure.functions as func
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from shared.local.functions_host.decode import decode_request, encode_response
from shared.local.functions_host.errors import HostError
from shared.local.functions_host.index import EVERY_METHOD, HttpTrigger, IndexedFunction
from shared.local.functions_host.invocation import Invoker
from shared.local.functions_host.keys import HostKeys
from shared.local.functions_host.timers import Timer

Endpoint = Callable[[Request], Awaitable[Response]]

KEY_HEADER = "x-functions-key"
KEY_PARAMETER = "code"
MOST_BYTES = 104_857_600
"""Largest body: FUNCTIONS_REQUEST_BODY_SIZE_LIMIT, Azure's default."""

_TEMPLATE = re.compile(r"(?:[^{}]|\{[A-Za-z_]\w*\})*")
"""Literal text and parameters. No route of the app uses ASP.NET's constraints, optional parts or catch-alls."""


class FunctionRoute(Route):
    """A route as Azure matches it: in any case, with or without a final slash, HEAD only where it is declared."""

    def __init__(self, template: str, trigger: HttpTrigger, endpoint: Endpoint) -> None:
        """HostError for a template beyond `{name}`."""
        if not _TEMPLATE.fullmatch(template):
            raise HostError(f"route {template!r}: this host serves literal text and parameters like {{id}} only")
        super().__init__(f"/{template.strip('/')}", endpoint, methods=sorted(trigger.methods))
        self.methods = set(trigger.methods)
        self.path_regex = re.compile(self.path_regex.pattern, re.IGNORECASE)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See Route."""
        return super().matches({**scope, "path": f"/{scope['path'].strip('/')}"})


class HttpFrontEnd:
    """Routes a request to its function, checks the key, calls the function and answers."""

    def __init__(
        self,
        functions: Sequence[IndexedFunction],
        *,
        keys: HostKeys,
        invoker: Invoker,
        route_prefix: str,
        timers: Mapping[str, Timer],
    ) -> None:
        """HostError if a route cannot be read."""
        routes = [
            FunctionRoute(f"{route_prefix}/{function.trigger.route}", function.trigger, partial(self._call, function))
            for function in functions
            if isinstance(function.trigger, HttpTrigger)
        ]
        # Of two routes that match, Azure takes the one with literal text where the other has a parameter.
        routes.sort(key=lambda route: ["{" in segment for segment in route.path.split("/")])
        self._keys = keys
        self._invoker = invoker
        self._timers = timers
        self._started: set[asyncio.Task[None]] = set()
        start: BaseRoute = Route("/admin/functions/{name}", self._start, methods=["POST"])
        # As in Azure, a path with a method that no function takes is not found.
        unknown: BaseRoute = Route("/{path:path}", _not_found, methods=sorted(EVERY_METHOD))
        self.app = Starlette(routes=[start, *routes, unknown])

    async def finish(self) -> None:
        """Wait for the timers that were started by hand."""
        await asyncio.gather(*self._started)

    async def _call(self, function: IndexedFunction, request: Request) -> Response:
        assert isinstance(function.trigger, HttpTrigger)
        if not self._keys.allow(function.trigger.auth_level, _presented_key(request)):
            return PlainTextResponse("", 401)
        body = await _body(request)
        if body is None:
            return PlainTextResponse("", 413)
        argument = decode_request(
            method=request.method,
            url=str(request.url),
            headers=request.headers.items(),
            query=request.query_params.multi_items(),
            route_parameters=request.path_params,
            body=body,
        )
        try:
            answer = encode_response(await self._invoker.invoke(function, argument))
        except Exception:  # noqa: BLE001  # the caller gets no details of the error; the log has them
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


async def _not_found(_: Request) -> Response:
    return PlainTextResponse("", 404)


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

"""A network between the state store and Azurite, which can be busy, break, or lose answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from urllib.parse import urlsplit

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from yarl import URL

_HOP_BY_HOP = {"connection", "content-length", "transfer-encoding", "content-encoding", "date", "server"}


class Trouble(Enum):
    """What happens to a request."""

    BUSY = auto()
    BROKEN_BEFORE = auto()
    BROKEN_AFTER = auto()
    SILENT_AFTER = auto()


@dataclass
class TableProxy:
    """Passes requests on, except for the troubles that are planned for the next ones that write, or that read."""

    upstream: str
    connection_string: str = ""
    writes: list[Trouble] = field(default_factory=list)
    reads: list[Trouble] = field(default_factory=list)
    requests: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.requests += 1
        planned = self.reads if request.method == "GET" else self.writes
        trouble = planned.pop(0) if planned else None
        match trouble:
            case Trouble.BUSY:
                error = {"code": "ServerBusy", "message": {"lang": "en-US", "value": "busy"}}
                return web.json_response({"odata.error": error}, status=503)
            case Trouble.BROKEN_BEFORE:
                return _broken(request)
        answer = await self._passed_on(request)
        match trouble:
            case Trouble.BROKEN_AFTER:
                return _broken(request)
            case Trouble.SILENT_AFTER:
                await asyncio.sleep(1.3)
        return answer

    async def _passed_on(self, request: web.Request) -> web.Response:
        origin = urlsplit(self.upstream)
        target = URL(f"{origin.scheme}://{origin.netloc}{request.raw_path}", encoded=True)
        body = await request.read()
        # The signature covers the type of the content, also where there is none.
        async with (
            ClientSession(skip_auto_headers=["Content-Type"]) as http,
            http.request(request.method, target, data=body or None, headers=request.headers) as answer,
        ):
            headers = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=headers)


def _broken(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def proxied(connection_string: str) -> AsyncIterator[TableProxy]:
    """Put a proxy before the table endpoint of a connection string while the block runs."""
    upstream = connection_string.split("TableEndpoint=")[1].rstrip(";")
    proxy = TableProxy(upstream)
    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", proxy.handle)
    async with TestServer(app) as server:
        here = str(server.make_url(urlsplit(upstream).path))
        proxy.connection_string = connection_string.replace(upstream, here)
        yield proxy

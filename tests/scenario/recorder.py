"""Stands between the connectors and Spotler, and notes whose contact is written by two calls at the same time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.local.sandbox.serving import serve
from tests.programs.times import LONGEST_WAIT

_HOP_BY_HOP = {"connection", "content-length", "transfer-encoding", "date", "server"}


@dataclass
class Recorder:
    """What was written, by external id."""

    url: str = ""
    writes: Counter[str] = field(default_factory=Counter)
    overlaps: list[str] = field(default_factory=list)
    _under_way: Counter[str] = field(default_factory=Counter)

    def begin(self, identifiers: set[str]) -> None:
        """Note a call that writes these contacts."""
        self.writes.update(identifiers)
        self.overlaps += [one for one in identifiers if self._under_way[one]]
        self._under_way.update(identifiers)

    def end(self, identifiers: set[str]) -> None:
        """Note that Spotler has answered it."""
        self._under_way.subtract(identifiers)


@asynccontextmanager
async def recording(spotler_url: str) -> AsyncIterator[Recorder]:
    """Pass on every call while the block runs, under the address that it was signed for."""
    recorder = Recorder()
    origin, path = urlsplit(spotler_url), urlsplit(spotler_url).path
    async with httpx.AsyncClient(base_url=f"{origin.scheme}://{origin.netloc}", timeout=LONGEST_WAIT) as http:

        async def passed_on(request: Request) -> Response:
            body = await request.body()
            identifiers = set(_identifiers(body)) if request.method != "GET" else set()
            recorder.begin(identifiers)
            try:
                target = request.scope["raw_path"].decode() + (f"?{request.url.query}" if request.url.query else "")
                answer = await http.request(request.method, target, content=body, headers=request.headers.raw)
            finally:
                recorder.end(identifiers)
            headers = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            return Response(answer.content, answer.status_code, headers)

        methods = ["GET", "POST", "PUT", "DELETE"]
        app = Starlette(routes=[Route("/{path:path}", passed_on, methods=methods)])
        async with serve(app) as bound:
            recorder.url = f"{bound.url}{path}"
            yield recorder


def _identifiers(body: bytes) -> Iterator[str]:
    try:
        yield from _found(json.loads(body))
    except ValueError:
        return


def _found(value: Any) -> Iterator[str]:
    match value:
        case dict():
            if isinstance(value.get("externalId"), str):
                yield value["externalId"]
            for part in value.values():
                yield from _found(part)
        case list():
            for part in value:
                yield from _found(part)

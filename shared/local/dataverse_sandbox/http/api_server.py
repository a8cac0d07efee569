"""From HTTP to the Web API and back: authentication, limits, faults, headers and the caller."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.local.dataverse_sandbox.http.exchange import ApiRequest, ApiResponse, query_string, refusal
from shared.local.dataverse_sandbox.http.faults import FaultKind, FaultRule, Faults
from shared.local.dataverse_sandbox.http.limits import Meter, Throttle, TooManyRequests
from shared.local.dataverse_sandbox.http.tokens import Tokens
from shared.local.dataverse_sandbox.http.web_api import WebApi
from shared.local.dataverse_sandbox.organisation.caller import Caller
from shared.local.dataverse_sandbox.organisation.errors import WebApiError, not_implemented
from shared.local.dataverse_sandbox.organisation.organization import Organization
from shared.local.dataverse_sandbox.organisation.privileges import Rights

RESET_EXTENSION = "sandbox.reset"
"""The ASGI extension of the server: a callable that breaks the connection off without an answer."""

_VERSION = re.compile(r"v(8\.[012]|9\.[0-9])")
_THROTTLES = {
    FaultKind.THROTTLE_REQUESTS: Throttle.REQUESTS,
    FaultKind.THROTTLE_TIME: Throttle.TIME,
    FaultKind.THROTTLE_CONCURRENCY: Throttle.CONCURRENCY,
}
_UNAVAILABLE = (
    b"<html><head><title>503</title></head><body><h2>Our services aren't available right now</h2></body></html>"
)
_UNAUTHORIZED = 'Bearer authorization_uri="{root}/common/oauth2/authorize", resource_id="{root}/"'


class _AsSpelled(bytes):
    """The name of a header that keeps its upper-case letters, although ASGI asks for lower case.

    HTTP ignores the case of names, but clients copy headers into plain maps and search them for `OData-EntityId`.
    """

    __slots__ = ()

    def lower(self) -> _AsSpelled:
        """Keep the spelling."""
        return self


class _NoAnswer(Exception):  # noqa: N818  # an event, not an error
    """The fault leaves the client without an answer."""

    def __init__(self, rule: FaultRule) -> None:
        super().__init__()
        self.kind = rule.kind


@dataclass
class ApiServer:
    """The ASGI app under `/api/data`."""

    organization: Organization
    web_api: WebApi
    tokens: Tokens
    meter: Meter
    faults: Faults
    rights: dict[str, Rights]
    counters: Counter[str] = field(default_factory=Counter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request, or leave it without an answer."""
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except _NoAnswer as silence:
            await _keep_silent(silence.kind, scope, receive)
            return
        self.counters[f"status {response.status}"] += 1
        answer = Response(response.body, response.status)  # its own headers hold the length
        # Starlette would write names in lower case and add a charset to text; clients expect the names as spelled here.
        headers = {**response.headers, "REQ_ID": str(uuid4())}.items()
        answer.raw_headers += [(_AsSpelled(name.encode("latin-1")), value.encode("latin-1")) for name, value in headers]
        await answer(scope, receive, send)

    async def _respond(self, request: Request) -> ApiResponse:
        version, _, path = (
            request.scope["path"].removeprefix(request.scope.get("root_path", "")).lstrip("/").partition("/")
        )
        root = f"{request.url.scheme}://{request.url.netloc}"
        self.counters["requests"] += 1
        self.counters[f"{request.method} {path.partition('(')[0]}"] += 1
        if not _VERSION.fullmatch(version):
            return refusal(not_implemented(f"The version '{version}' of the Web API"))
        client = self.tokens.client_of(request.headers.get("authorization", ""), request.url.netloc, time.monotonic())
        if client is None:
            return ApiResponse(401, {"WWW-Authenticate": _UNAUTHORIZED.format(root=root)})
        self.counters[f"client {client}"] += 1
        try:
            self.meter.begin(client, time.monotonic())
        except TooManyRequests as refused:
            return _throttled(refused)
        began = time.monotonic()
        try:
            response = await self._perform(request, path, self._caller(request, client, f"{root}/api/data/{version}"))
        finally:
            seconds = time.monotonic() - began
            self.meter.end(client, time.monotonic(), seconds)
            self.counters[f"milliseconds {client}"] += round(seconds * 1000)
        left = self.meter.headers(client, time.monotonic())
        return ApiResponse(response.status, {**response.headers, **left}, response.body)

    async def _perform(self, request: Request, path: str, caller: Caller) -> ApiResponse:
        body = await request.body()
        if latency := self.faults.latency():
            await asyncio.sleep(latency)
        fault = self.faults.draw(request.method, path)
        if fault is not None and not fault.kind.takes_effect:
            return self._faulty(fault)
        try:
            query = query_string(request.scope["query_string"].decode("latin-1"))
        except WebApiError as error:
            return refusal(error)
        api_request = ApiRequest.of(request.method, path, query, dict(request.headers.items()), body)
        response = await self.web_api.handle(api_request, caller)
        if fault is not None:
            raise _NoAnswer(fault)
        service_id = {"x-ms-service-request-id": caller.request_id}
        return ApiResponse(response.status, {**response.headers, **service_id}, response.body)

    def _faulty(self, rule: FaultRule) -> ApiResponse:
        if rule.kind in _THROTTLES:
            return _throttled(TooManyRequests(_THROTTLES[rule.kind], self.meter.limits, rule.retry_after))
        if rule.kind is FaultKind.UNAVAILABLE:
            headers = {"Content-Type": "text/html", "Retry-After": str(rule.retry_after)}
            return ApiResponse(503, headers, _UNAVAILABLE)
        raise _NoAnswer(rule)

    def _caller(self, request: Request, client: str, base_url: str) -> Caller:
        headers = request.headers
        application = self.organization.application_user(client)
        return Caller(
            user=application,
            initiator=application,
            rights=self.rights[client],
            base_url=base_url,
            user_agent=headers.get("user-agent", ""),
            correlation_id=headers.get("x-ms-correlation-id") or str(uuid4()),
            request_id=headers.get("x-ms-client-request-id") or str(uuid4()),
        )


def _throttled(refused: TooManyRequests) -> ApiResponse:
    return refusal(refused, {"Retry-After": str(refused.retry_after)})


async def _keep_silent(kind: FaultKind, scope: Scope, receive: Receive) -> None:
    if kind in {FaultKind.TIMEOUT, FaultKind.TIMEOUT_AFTER}:
        message = {"type": ""}
        while message["type"] != "http.disconnect":  # until the client gives up
            message = dict(await receive())
        return
    scope["extensions"][RESET_EXTENSION]()
    await receive()

"""The sandbox as an ASGI app: both path prefixes, the order of checks, faults, and the control API."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from urllib.parse import unquote, urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.local.spotler_sandbox.account.account import Account
from shared.local.spotler_sandbox.http.clock import Dated, SandboxClock
from shared.local.spotler_sandbox.http.control import CONTROL_PREFIX, Control
from shared.local.spotler_sandbox.http.faults import FaultPlan, Moment
from shared.local.spotler_sandbox.http.oauth import Refusal, RefusedError, SignedRequest, Verifier
from shared.local.spotler_sandbox.http.operation import Call, Operation
from shared.local.spotler_sandbox.http.parts import (
    Query,
    check_headers,
    format_of_body,
    not_modelled,
    without_signature,
)
from shared.local.spotler_sandbox.http.settings import VERSIONED_PREFIX, SpotlerSandboxSettings
from shared.local.spotler_sandbox.http.wire import ApiError, ErrorType, Format, Reply, negotiate, render
from shared.local.spotler_sandbox.routes import (
    audiences,
    automations,
    campaign_mailings,
    contact_feeds,
    contacts,
    forms,
    mailings,
    shop,
    tags,
)

# Fixed paths come before those with a parameter: an external id must not hide them.
OPERATIONS = (
    *(operation for operation in contact_feeds.OPERATIONS if operation.path.count("{") == 0),
    *contacts.OPERATIONS,
    *(operation for operation in contact_feeds.OPERATIONS if operation.path.count("{") > 0),
    *tags.OPERATIONS,
    *audiences.OPERATIONS,
    *automations.OPERATIONS,
    *mailings.OPERATIONS,
    *campaign_mailings.OPERATIONS,
    *forms.OPERATIONS,
    *shop.OPERATIONS,
)

# Calls that only the service has: the assumed list of unsubscriptions, and the service's own description.
NOT_MODELLED = (("GET", "/contact/optouts/list"), ("GET", "/api-docs"), ("GET", "/api-docs/{resource}"))


def create_app(settings: SpotlerSandboxSettings) -> Starlette:
    """Build one account with its API. `app.state.account` holds its data, for code in the same process."""
    sandbox = Sandbox(settings)
    routes: list[BaseRoute] = [
        Mount(
            prefix,
            routes=[
                Route(
                    operation.path,
                    Endpoint(sandbox, operation, versioned=prefix == VERSIONED_PREFIX),
                    methods=[operation.method],
                    name=operation.name,
                )
                for operation in OPERATIONS
            ]
            + [Route(path, sandbox.absent(f"{method} {path}"), methods=[method]) for method, path in NOT_MODELLED],
        )
        for prefix in settings.prefix_mode.prefixes
    ]
    names = {operation.name for operation in OPERATIONS}
    control = Control(sandbox.account, sandbox.faults, sandbox.requests, sandbox.clock, names)
    app = Starlette(
        routes=[*routes, Mount(CONTROL_PREFIX, routes=control.routes)],
        middleware=[Middleware(Dated, clock=sandbox.clock), Middleware(UndecodedPath)],
        exception_handlers={HTTPException: sandbox.unrouted},
    )
    app.router.redirect_slashes = False
    app.state.account = sandbox.account
    return app


class UndecodedPath:
    """Routes by the path as it was sent, so that `%2F` stays part of an id. A trailing slash is accepted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route by the undecoded path."""
        if scope["type"] == "http":
            scope = {**scope, "path": scope["raw_path"].decode("ascii").rstrip("/") or "/"}
        await self._app(scope, receive, send)


class Sandbox:
    """State that all endpoints share."""

    def __init__(self, settings: SpotlerSandboxSettings) -> None:
        self.clock = SandboxClock(settings.now)
        self.settings = settings
        self.account = Account(settings)
        self.faults = FaultPlan()
        self.requests: Counter[str] = Counter()
        self.verifier = Verifier(
            settings.consumer_key, settings.consumer_secret, settings.timestamp_tolerance, settings.refuse_replays
        )

    def authenticate(self, request: Request) -> None:
        """ApiError with the status chosen in the settings."""
        signed = SignedRequest(
            method=request.method,
            scheme=request.url.scheme,
            host=request.headers.get("host", ""),
            path=request.scope["raw_path"].decode("ascii"),
            query=request.scope["query_string"].decode("ascii"),
            authorization=request.headers.get("authorization"),
        )
        try:
            self.verifier.verify(signed, now=self.clock())
        except RefusedError as error:
            unidentified = error.refusal in {Refusal.NO_CREDENTIALS, Refusal.UNKNOWN_KEY}
            error_type = ErrorType.AUTH_NOT_FOUND if unidentified else ErrorType.NOT_AUTHORIZED
            raise ApiError(self.settings.auth_failure_status, error_type, str(error)) from error

    def media_type(self, request: Request) -> Format | None:
        """Choose the format that the client prefers; None if it accepts no format of the service."""
        return negotiate(request.headers.get("accept"), default=self.settings.default_format)

    def absent(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        """Return the handler of a call that the service has and the sandbox does not; it needs no signature."""

        async def answer(request: Request) -> Response:
            return render(not_modelled(name).reply(), self.media_type(request) or self.settings.default_format)

        return answer

    async def unrouted(self, request: Request, error: Exception) -> Response:
        """Answer a request without an operation: 404, or 405 for a known path."""
        assert isinstance(error, HTTPException)
        refused = ApiError(error.status_code, ErrorType.RESOURCE_NOT_FOUND, error.detail)
        return render(refused.reply(), self.media_type(request) or self.settings.default_format)


class Endpoint:
    """One operation under one prefix."""

    def __init__(self, sandbox: Sandbox, operation: Operation, *, versioned: bool) -> None:
        self._sandbox = sandbox
        self._operation = operation
        self._versioned = versioned

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count, wait, fail as planned, or answer."""
        request = Request(scope, receive)
        self._sandbox.requests[self._operation.name] += 1
        if self._sandbox.settings.latency:
            await asyncio.sleep(self._sandbox.settings.latency.total_seconds())
        fault = self._sandbox.faults.take(self._operation.name)
        if fault is not None and fault.moment is Moment.BEFORE:
            await fault.play(request, None, send)
            return
        response = await self._respond(request)
        if fault is not None:
            await fault.play(request, response, send)
            return
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        media_type = Format.JSON if self._operation.json_only else self._sandbox.media_type(request)
        if media_type is None:
            return Response(status_code=406)
        try:
            reply = await self._handle(request)
        except ApiError as error:
            reply = error.reply()
        return render(reply, media_type)

    async def _handle(self, request: Request) -> Reply:
        settings = self._sandbox.settings
        payload = await request.body()
        check_headers(request.headers)
        content_type = request.headers.get("content-type", "") if payload else ""
        payload_format = format_of_body(content_type, self._operation.formats)
        self._sandbox.authenticate(request)
        if self._operation.licensed and not settings.audience_licence:
            raise ApiError(403, None)
        url, parameters = request.url, request.query_params.multi_items()
        if "authorization" not in request.headers:
            parameters = without_signature(parameters)
            url = url.replace(query=urlencode(parameters))
        return self._operation.answer(
            Call(
                account=self._sandbox.account,
                settings=settings,
                path={name: unquote(value) for name, value in request.path_params.items()},
                query=Query(parameters),
                payload=payload,
                payload_format=payload_format,
                url=url,
                versioned=self._versioned,
            )
        )

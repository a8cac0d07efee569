"""What all HTTP functions share: limits by the table of routes, answers to errors."""

import functools
import logging
from collections.abc import Callable
from http import HTTPStatus
from uuid import uuid4

import azure.functions as func
from opentelemetry.trace import SpanKind

from shared.composition import app
from shared.errors import ConnectorError, whereabouts
from shared.telemetry.traces import current_correlation, work
from shared.triggers.http.access import (
    ADMINISTRATOR_ROLE,
    NOT_IN_SHADOW,
    PRINCIPAL,
    PRINCIPAL_ID,
    ROUTES,
    Handler,
    HttpRoute,
    sign_in_is_on,
)
from shared.triggers.http.answers import problem
from shared.triggers.http.principal import may_call
from shared.triggers.http.rates import Rates, are_on, caller_of
from shared.triggers.http.requests import BadRequestError, refuse_unknown

log = logging.getLogger(__name__)

_rates = Rates()


def http_function(name: str) -> Callable[[Handler], Handler]:
    """Make a handler answer a route of the table, within its limits; KeyError if the table has no such route."""
    return functools.partial(_guarded, name=name, route=ROUTES[name])


def _guarded(handler: Handler, name: str, route: HttpRoute) -> Handler:
    @functools.wraps(handler)
    async def answer(req: func.HttpRequest) -> func.HttpResponse:
        refusal = _refusal(req, name, route)
        with work(f"{route.method.value} /api/{route.path}", (), SpanKind.SERVER, function=name) as span:
            response = refusal or await _answered(handler, req, name, route)
            span.set_attribute("status", response.status_code)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return answer


def _refusal(req: func.HttpRequest, name: str, route: HttpRoute) -> func.HttpResponse | None:
    if not may_call(route.role, req.headers.get(PRINCIPAL, ""), sign_in=sign_in_is_on()):
        return problem(
            HTTPStatus.FORBIDDEN,
            f"Sign in with an account that has the app role {ADMINISTRATOR_ROLE}; it is assigned under Enterprise "
            "applications in Microsoft Entra.",
        )
    if seconds := _seconds_to_wait(req, name, route):
        text = f"Called too often: at most {route.rate.per_minute} times a minute. Call again in {seconds} s."
        response = problem(HTTPStatus.TOO_MANY_REQUESTS, text)
        response.headers["Retry-After"] = str(seconds)
        return response
    if len(req.get_body()) > route.most_bytes:
        return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Send at most {route.most_bytes} bytes.")
    return None


def _seconds_to_wait(req: func.HttpRequest, name: str, route: HttpRoute) -> int:
    if not are_on():
        return 0
    principal = req.headers.get(PRINCIPAL_ID, "") if sign_in_is_on() else ""
    return _rates.wait(name, caller_of(req.headers, req.params, principal=principal), route.rate)


async def _answered(handler: Handler, req: func.HttpRequest, name: str, route: HttpRoute) -> func.HttpResponse:
    """Call the function. Texts of unexpected errors may quote a person: the log gets the place, the caller a number."""
    try:
        refuse_unknown(req, route.query)
        if name in NOT_IN_SHADOW and await app.is_shadow():
            return problem(HTTPStatus.CONFLICT, "Nothing is written in shadow mode: go live in the console first.")
        return await handler(req)
    except BadRequestError as wrong:
        return problem(wrong.status, wrong.text, wrong.details)
    except ConnectorError as error:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"recovery": error.recovery})
    except Exception as error:  # noqa: BLE001  # see above
        number = current_correlation() or str(uuid4())
        log.error("%s broke the connector (%s): %s", name, number, whereabouts(error))  # noqa: TRY400  # see above
        return problem(
            HTTPStatus.INTERNAL_SERVER_ERROR, "The connector itself failed; its log has the place.", {"number": number}
        )

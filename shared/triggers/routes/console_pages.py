"""The console over HTTP: turns requests of Azure Functions into requests of the console, and its answers back.

These functions are open to the host, because browsers have no function key: `shared/console/console.py` lets nobody in
without a session, and a session needs a sign-in.
"""

import logging
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs
from uuid import uuid4

import azure.functions as func
from opentelemetry.trace import SpanKind

from shared.console.console import answer
from shared.console.web import Method, SignedIn, WebRequest
from shared.errors import whereabouts
from shared.telemetry.traces import current_correlation, work
from shared.triggers.http.access import PRINCIPAL, PRINCIPAL_ID, sign_in_is_on
from shared.triggers.http.principal import roles_of
from shared.triggers.http.rates import OFTEN, Rates, are_on

log = logging.getLogger(__name__)

_MOST_BYTES = 4_000_000
_HEADERS = ("accept-language", "sec-fetch-site", "hx-request", "origin", "host", "x-forwarded-proto")

_rates = Rates()


async def console(req: func.HttpRequest) -> func.HttpResponse:
    """Answer any address of the console."""
    cookies = _cookies(req.headers.get("cookie", ""))
    caller = req.headers.get(PRINCIPAL_ID, "") or cookies.get("console_session", "")
    if are_on() and (seconds := _rates.wait("console", caller, OFTEN)):
        return func.HttpResponse("", status_code=429, headers={"Retry-After": str(seconds)})
    if len(req.get_body()) > _MOST_BYTES:
        return func.HttpResponse("", status_code=413)
    with work("console", (), SpanKind.SERVER, function="console") as span:
        try:
            answered = await answer(_request(req, cookies))
        except Exception as error:  # noqa: BLE001  # its text may quote a person: the log gets the place alone
            number = current_correlation() or str(uuid4())
            log.error("the console broke (%s): %s", number, whereabouts(error))  # noqa: TRY400  # see above
            text = f"The connector itself failed; its log has the place under the number {number}."
            return func.HttpResponse(text, status_code=500, headers={"Cache-Control": "no-store"})
        span.set_attribute("status", answered.status)
    response = func.HttpResponse(answered.body, status_code=answered.status, mimetype="", headers={})
    response.headers["Content-Type"] = answered.media_type
    for name, value in answered.headers.items():
        response.headers[name] = value
    for one in answered.cookies:
        response.headers.add("Set-Cookie", one)
    return response


def _request(req: func.HttpRequest, cookies: dict[str, str]) -> WebRequest:
    form, files = _form(req)
    is_on = sign_in_is_on()
    identifier = req.headers.get(PRINCIPAL_ID, "")
    signed_in = SignedIn(identifier, roles_of(req.headers.get(PRINCIPAL, ""))) if is_on and identifier else None
    return WebRequest(
        method=Method(req.method),
        path=tuple(req.route_params[name] for name in "abcd" if name in req.route_params),
        query=dict(req.params),
        form={name: values[-1] for name, values in form.items()},
        chosen={name: tuple(values) for name, values in form.items()},
        files=files,
        cookies=cookies,
        headers={name: req.headers.get(name, "") for name in _HEADERS},
        secure=req.url.startswith("https:") or req.headers.get("x-forwarded-proto", "") == "https",
        signed_in=signed_in,
        sign_in_is_on=is_on,
    )


def _form(req: func.HttpRequest) -> tuple[dict[str, list[str]], dict[str, bytes]]:
    """Read a form, with or without files. Azure's own reader is used for files only."""
    kind = req.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if kind == "application/x-www-form-urlencoded":
        return parse_qs(req.get_body().decode(errors="replace"), keep_blank_values=True), {}
    if kind == "multipart/form-data":
        files = {name: file.read() for name, file in req.files.items()}
        return {name: req.form.getlist(name) for name in req.form}, files
    return {}, {}


def _cookies(header: str) -> dict[str, str]:
    jar = SimpleCookie()
    try:
        jar.load(header)
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}

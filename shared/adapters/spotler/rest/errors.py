"""Turns refusals of Mail+ into the connector's errors, by status and `errorType`.

Spotler's message may quote a person's data; it stays in `detail`. Bodies may have any form: the service writes JSON and
XML, proxies write HTML, and any of them may be cut.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from shared.domain.values.json_text import parse_json
from shared.domain.wording.errors import ErrorText
from shared.errors import (
    ConfigurationError,
    ConnectorError,
    DataError,
    NotFoundError,
    Service,
    ThrottledError,
    TransientError,
    foreign_code,
)

UNREADABLE_ANSWER = "UNREADABLE_ANSWER"
DEFAULT_PAUSE = timedelta(seconds=5)
"""The pause for throttling without `Retry-After`."""

TOLERATED_CLOCK_DIFFERENCE = timedelta(seconds=60)
LONGEST_DETAIL = 500
LONGEST_RETRY_AFTER_DIGITS = 6

_ERROR_TYPE = re.compile(r"errorType\W{1,8}?([A-Z][A-Z0-9_]*)")
_XML_MESSAGE = re.compile(r"<message>(.*?)</message>", re.DOTALL)
_AUTHORISATION_TYPES = frozenset({"AUTH_NOT_FOUND", "NOT_AUTHORIZED"})


@dataclass(frozen=True, slots=True)
class Complaint:
    """The standard error body: `code` is the errorType ("" if there is none), `message` is never logged.

    The `httpStatusCode` of the body is not read: the answer's own status decides.
    """

    code: str
    message: str


def complaint(text: str) -> Complaint:
    """Read an error body: JSON, the same in XML, or any text."""
    try:
        body = parse_json(text)
    except ValueError:
        body = None
    if isinstance(body, Mapping):
        return Complaint(
            foreign_code(Service.SPOTLER, body.get("errorType")), str(body.get("message") or "")[:LONGEST_DETAIL]
        )
    code = _ERROR_TYPE.search(text)
    message = _XML_MESSAGE.search(text)
    return Complaint(
        foreign_code(Service.SPOTLER, code.group(1)) if code else "",
        (html.unescape(message.group(1)) if message else text).strip()[:LONGEST_DETAIL],
    )


def refusal(response: httpx.Response, operation: str, *, fixed_path: bool, now: datetime) -> ConnectorError | None:
    """Translate an answer; None if it is a success. `now` is the local clock.

    A `fixed_path` names nothing that can be missing: HTTP 404 then means that the base URL is not the API's.
    """
    status = response.status_code
    if response.is_success:
        return _foreign_page(response, operation)
    body = complaint(response.text)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} or body.code in _AUTHORISATION_TYPES:
        return ConfigurationError(
            ErrorText.SPOTLER_FORBIDS(operation=operation, advice=_clock_difference(response, now)),
            service=Service.SPOTLER,
            status=status,
            code=body.code,
            detail=body.message,
        )
    if response.is_redirect or (fixed_path and status == HTTPStatus.NOT_FOUND):
        return ConfigurationError(
            ErrorText.NO_CALL(operation=operation), service=Service.SPOTLER, status=status, code=body.code
        )
    pause = retry_after(response, now)
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.SERVICE_UNAVAILABLE and pause is not None):
        return ThrottledError(
            ErrorText.SPOTLER_THROTTLES(operation=operation),
            retry_after=DEFAULT_PAUSE if pause is None else pause,
            service=Service.SPOTLER,
            status=status,
            code=body.code,
            detail=body.message,
        )
    return _kind(status, body.code)(
        ErrorText.SPOTLER_REFUSED(operation=operation),
        service=Service.SPOTLER,
        status=status,
        code=body.code,
        detail=body.message,
    )


def unreadable(operation: str, *, status: int, detail: str) -> TransientError:
    """Build the error for a success with an unusable body: cut off, XML, or a page of a proxy."""
    return TransientError(
        ErrorText.SPOTLER_UNREADABLE(operation=operation),
        service=Service.SPOTLER,
        status=status,
        code=UNREADABLE_ANSWER,
        detail=detail,
    )


def retry_after(response: httpx.Response, now: datetime) -> timedelta | None:
    """Read `Retry-After` (RFC 9110 10.2.3: seconds or a date); None if absent or unreadable.

    A date is compared with the answer's own `Date`, so that our clock does not matter.
    """
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal() and len(text) <= LONGEST_RETRY_AFTER_DIGITS:
        return timedelta(seconds=int(text))
    until = _http_date(text)
    if until is None:
        return None
    return max(until - (_http_date(response.headers.get("Date", "")) or now), timedelta())


def _kind(status: int, code: str) -> type[ConnectorError]:
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE} or code == "CONTACT_NOT_FOUND":
        return NotFoundError
    if status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY} or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError
    return DataError


def _foreign_page(response: httpx.Response, operation: str) -> ConnectorError | None:
    """Refuse a page of a proxy or a login screen: it must not count as a successful write."""
    if "html" not in response.headers.get("Content-Type", ""):
        return None
    return unreadable(operation, status=response.status_code, detail=response.text[:LONGEST_DETAIL])


def _clock_difference(response: httpx.Response, now: datetime) -> str:
    """Return a text about a wrong local clock, which makes signatures invalid; "" otherwise. It may be logged."""
    theirs = _http_date(response.headers.get("Date", ""))
    if theirs is None or abs(now - theirs) <= TOLERATED_CLOCK_DIFFERENCE:
        return ""
    seconds = round((now - theirs).total_seconds())
    return (ErrorText.CLOCK_AHEAD if seconds > 0 else ErrorText.CLOCK_BEHIND)(seconds=abs(seconds))


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else None

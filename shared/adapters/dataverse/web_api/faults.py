"""Turns answers of Dataverse into the connector's errors, for single calls and for parts of a batch.

Source: Microsoft's pages "Compose HTTP requests and handle errors" and "Service protection API limits". `str(error)`
has only codes and statuses; Dataverse's message may quote a value and stays in `detail`.
"""

import math
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

from shared.domain.values.json_text import parse_json
from shared.domain.wording.errors import ErrorText
from shared.domain.wording.phrase import Phrase
from shared.errors import (
    LONGEST_PAUSE,
    ConfigurationError,
    ConflictError,
    ConnectorError,
    DataError,
    NotFoundError,
    Service,
    ThrottledError,
    TransientError,
    UnknownOutcomeError,
    foreign_code,
)

DUPLICATE_KEY = "0x80040237"
TAKEN_KEY = "0x80060892"  # another row has the same values in an alternate key
DUPLICATE_DETECTED = "0x80040333"  # by a duplicate detection rule; only where the request asks for detection
UNDECLARED_MEMBER = "0x80048d19"  # the body has a column that the table does not have, or a value of another type
UNKNOWN_MEMBER = "0x80060888"  # a table, column or navigation property that this organisation does not have
_DEFAULT_PAUSE = timedelta(seconds=30)  # for a 429 without a readable Retry-After


class _Marks(NamedTuple):
    """An error answer: `code` may be logged, `detail` may not."""

    code: str
    detail: str


def fault(operation: str, status: int, headers: Mapping[str, str], body: bytes) -> ConnectorError:
    """Build the error for an answer outside 2xx. `operation` names the call without values: `PATCH contacts`."""
    code, detail = _marks(body)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        summary = ErrorText.DATAVERSE_WAITS(operation=operation)
        return ThrottledError(
            summary,
            retry_after=retry_after(headers),
            service=Service.DATAVERSE,
            status=status,
            code=code,
            detail=detail,
        )
    kind, summary = _kind(status, code)
    return kind(
        ErrorText.CALL(text=summary, operation=operation),
        service=Service.DATAVERSE,
        status=status,
        code=code,
        detail=detail,
    )


def lost(operation: str, *, repeatable: bool) -> ConnectorError:
    """Build the error for a request that was sent and not answered: it may have been executed."""
    if repeatable:
        return TransientError(ErrorText.NO_ANSWER(operation=operation), service=Service.DATAVERSE)
    return UnknownOutcomeError(ErrorText.NOT_SAFE(operation=operation), service=Service.DATAVERSE)


def retry_after(headers: Mapping[str, str]) -> timedelta:
    """Read the pause that Dataverse asks for, an hour at the most."""
    try:
        seconds = float(headers["retry-after"])
    except (KeyError, ValueError):
        return _DEFAULT_PAUSE
    if not math.isfinite(seconds):
        return _DEFAULT_PAUSE
    return timedelta(seconds=min(max(0.0, seconds), LONGEST_PAUSE.total_seconds()))


def _kind(status: int, code: str) -> tuple[type[ConnectorError], Phrase]:  # noqa: C901, PLR0911  # one return per case
    match status, code:
        case (401, _):
            return ConfigurationError, ErrorText.DATAVERSE_CREDENTIALS()
        case (403, _):
            return ConfigurationError, ErrorText.PRIVILEGE()
        case (_, code) if code == UNKNOWN_MEMBER:
            return ConfigurationError, ErrorText.UNKNOWN_MEMBER()
        case (404, ""):
            return ConfigurationError, ErrorText.NO_WEB_API()
        case (404, _):
            return NotFoundError, ErrorText.NO_ROW()
        case (_, code) if code in {DUPLICATE_DETECTED, TAKEN_KEY}:
            return DataError, ErrorText.SUCH_A_ROW()
        case (status, code) if status == HTTPStatus.PRECONDITION_FAILED or code == DUPLICATE_KEY:
            return ConflictError, ErrorText.ROW_CHANGED()
        case (408, _):
            return TransientError, ErrorText.GAVE_UP()
        case (status, _) if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED:
            return TransientError, ErrorText.DATAVERSE_FAILED()
        case (status, _) if status < HTTPStatus.BAD_REQUEST:
            return ConfigurationError, ErrorText.ELSEWHERE()
        case _:
            return DataError, ErrorText.DATAVERSE_REFUSED()


def _marks(body: bytes) -> _Marks:
    try:
        document: Any = parse_json(body)
        error = document["error"]
        code, message = foreign_code(Service.DATAVERSE, error.get("code")), str(error.get("message") or "")
    except (ValueError, TypeError, KeyError, AttributeError):
        return _Marks("", "")
    return _Marks(code, message)

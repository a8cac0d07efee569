"""The result of an operation, read from its HTTP answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.web_api.faults import fault, lost
from shared.adapters.dataverse.web_api.operations import WebApiOperation
from shared.domain.values.json_text import parse_json
from shared.domain.values.values import sound
from shared.domain.wording.errors import ErrorText
from shared.errors import ConnectorError, Service, TransientError, UnknownOutcomeError

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # also matches a whole character, which is escaped as two halves
_ENTITY_ID = re.compile(r"\(([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\)$")


@dataclass(frozen=True, slots=True)
class OperationResult:
    """The result of one operation. `status` is 0 if no answer came; `error` is None on success.

    `body` is the decoded JSON; `id` is the written row and `etag` its version, if the answer has them.
    """

    status: int
    body: Any = field(default=None, repr=False)
    etag: str = ""
    id: UUID | None = None
    error: ConnectorError | None = None

    @property
    def code(self) -> str:
        """Dataverse's error code, such as 0x80040217; empty on success."""
        return self.error.code if self.error else ""


def interpret(operation: WebApiOperation, status: int, headers: Mapping[str, str], content: bytes) -> OperationResult:
    """Read an answer of any status; never raises."""
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return OperationResult(status, error=fault(operation.name, status, headers, content))
    try:
        body = _document(content)
    except ValueError:
        error = TransientError(ErrorText.NO_JSON(operation=operation.name), service=Service.DATAVERSE, status=status)
        return OperationResult(status, error=error)
    written = _ENTITY_ID.search(headers.get("odata-entityid", ""))
    etag = headers.get("etag") or (body.get("@odata.etag") if isinstance(body, dict) else "")
    etag = etag if isinstance(etag, str) else ""
    return OperationResult(status, body=body, etag=etag, id=UUID(written[1]) if written else None)


def unanswered(operation: WebApiOperation, reason: ConnectorError) -> OperationResult:
    """Return the result of an operation whose request failed as a whole.

    If the outcome of the request is unknown, the operation's own repeatability decides what the error is.
    """
    uncertain = isinstance(reason, UnknownOutcomeError)
    error = lost(operation.name, repeatable=operation.repeatable) if uncertain else reason
    return OperationResult(0, error=error)


def _document(content: bytes) -> Any:
    """Read JSON. Half of an emoji, at the end of a text that Dataverse cut, is replaced: it cannot be encoded."""
    document = parse_json(content) if content.strip() else None
    return _whole(document) if _HALF.search(content) else document


def _whole(value: Any) -> Any:
    match value:
        case str():
            return sound(value)
        case list():
            return [_whole(item) for item in value]
        case dict():
            return {_whole(key): _whole(item) for key, item in value.items()}
        case _:
            return value

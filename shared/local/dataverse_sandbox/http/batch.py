"""`$batch`: multipart requests and answers, change sets that succeed or fail as a whole.

Source: Microsoft's page "Execute batch operations using the Web API".
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http import HTTPStatus
from uuid import uuid4

from shared.local.dataverse_sandbox.http.exchange import ApiRequest, ApiResponse, query_string, refusal
from shared.local.dataverse_sandbox.organisation.caller import Caller
from shared.local.dataverse_sandbox.organisation.errors import WebApiError, bad_request
from shared.local.dataverse_sandbox.requests.preferences import parse as parse_preferences
from shared.local.dataverse_sandbox.rows.store import RowRef
from shared.local.dataverse_sandbox.rows.writes import Saved

MAX_REQUESTS = 1000

_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)"?', re.IGNORECASE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_REQUEST_LINE = re.compile(r"(GET|POST|PATCH|PUT|DELETE)\s+(\S.*?)(?:\s+HTTP/\d(?:\.\d)?)?\s*")
_CRLF = b"\r\n"


@dataclass
class ChangeSet:
    """State of a change set: the rows written so far by `$` name, and the events of each caller.

    `content_id` belongs to the current request.
    """

    references: dict[str, RowRef] = field(default_factory=dict)
    saved: list[tuple[Caller, Sequence[Saved]]] = field(default_factory=list)
    content_id: str = ""

    def keep(self, row: RowRef | None, caller: Caller, saved: Sequence[Saved]) -> None:
        """Keep the result of the current request."""
        self.saved.append((caller, saved))
        if row is not None:
            self.references[f"${self.content_id}"] = row


@dataclass(frozen=True)
class Transaction:
    """How a change set begins (an exception in the block undoes its writes) and what follows its success."""

    begin: Callable[[], AbstractContextManager[None]]
    commit: Callable[[ChangeSet], None]


Handler = Callable[[ApiRequest, ChangeSet | None], ApiResponse]


@dataclass(frozen=True, slots=True)
class _Part:
    headers: dict[str, str]
    content: bytes

    @property
    def boundary(self) -> str | None:
        """The scope of a change set."""
        return _boundary(self.headers.get("content-type", ""))


class _ChangeSetFailed(Exception):  # noqa: N818  # carries an answer out of a transaction
    def __init__(self, response: ApiResponse) -> None:
        super().__init__()
        self.response = response


@dataclass(frozen=True, slots=True)
class Plan:
    """The requests of a batch, and whether a failure ends it."""

    items: Sequence[_Item]
    continues: bool


def read(request: ApiRequest) -> Plan:
    """Read a batch; WebApiError 400 if it is malformed or too large."""
    boundary = _boundary(request.headers.get("content-type", ""))
    if boundary is None:
        raise bad_request("The batch request must have the content type multipart/mixed with a boundary parameter.")
    items = [_Item.read(part) for part in _parts(request.body, boundary)]
    if sum(len(item.requests) for item in items) > MAX_REQUESTS:
        raise bad_request(f"The number of requests in a batch must not exceed {MAX_REQUESTS}.")
    return Plan(items, parse_preferences(request.headers.get("prefer", "")).continue_on_error)


async def run(plan: Plan, handle: Handler, transaction: Transaction) -> ApiResponse:
    """Execute a batch. Between two of its items, other requests are answered, as by servers that work in parallel.

    Without `odata.continue-on-error` the first failure ends it and gives the whole answer the status 400.
    """
    answers: list[bytes] = []
    failed = False
    for item in plan.items:
        content, ok = _change_set(item, handle, transaction) if item.is_change_set else _single(item, handle)
        answers.append(content)
        await asyncio.sleep(0)
        if not ok and not plan.continues:
            failed = True
            break
    return _multipart(answers, status=400 if failed else 200)


@dataclass(frozen=True, slots=True)
class _Item:
    """A single request, or the requests of a change set with their content ids."""

    requests: Sequence[tuple[str, ApiRequest]]
    is_change_set: bool

    @classmethod
    def read(cls, part: _Part) -> _Item:
        if part.boundary is None:
            return cls([(part.headers.get("content-id", ""), _request(part.content))], is_change_set=False)
        inner = [
            (one.headers.get("content-id", ""), _request(one.content)) for one in _parts(part.content, part.boundary)
        ]
        return cls(inner, is_change_set=True)


def _single(item: _Item, handle: Handler) -> tuple[bytes, bool]:
    content_id, request = item.requests[0]
    if request.path.lower().rstrip("/").endswith("$batch"):
        response = refusal(bad_request("A batch must not contain another batch."))
    else:
        response = handle(request, None)
    return _http_part(response, content_id), response.status < HTTPStatus.BAD_REQUEST


def _change_set(item: _Item, handle: Handler, transaction: Transaction) -> tuple[bytes, bool]:
    scope = ChangeSet()
    parts: list[bytes] = []
    try:
        with transaction.begin():
            for content_id, request in item.requests:
                response = _within(request, content_id, handle, scope)
                parts.append(_http_part(response, content_id))
    except _ChangeSetFailed as failure:
        return _http_part(failure.response, ""), False
    transaction.commit(scope)
    boundary = f"changesetresponse_{uuid4()}"
    head = f"Content-Type: multipart/mixed; boundary={boundary}".encode()
    return head + _CRLF + _CRLF + _joined(parts, boundary), True


def _within(request: ApiRequest, content_id: str, handle: Handler, scope: ChangeSet) -> ApiResponse:
    if request.method == "GET":
        raise _ChangeSetFailed(refusal(bad_request("A change set must not contain GET requests.")))
    if not content_id:
        raise _ChangeSetFailed(refusal(bad_request("The request in a change set has no Content-ID.")))
    scope.content_id = content_id
    response = handle(request, scope)
    if response.status >= HTTPStatus.BAD_REQUEST:
        raise _ChangeSetFailed(response)
    return response


# ----------------------------------------------------------------------------------------------------------- multipart


def _boundary(content_type: str) -> str | None:
    if "multipart/mixed" not in content_type.lower():
        return None
    match = _BOUNDARY.search(content_type)
    return match[1] if match else None


def _parts(body: bytes, boundary: str) -> Iterator[_Part]:
    delimiter = b"--" + boundary.encode()
    start = body.find(delimiter)
    if start < 0:
        raise bad_request("The batch body does not contain the boundary of its content type.")
    for chunk in body[start + len(delimiter) :].split(b"\n" + delimiter):
        if chunk.startswith(b"--"):
            return
        yield _part(chunk.lstrip(b"\r\n").removesuffix(b"\r"))


def _part(chunk: bytes) -> _Part:
    pieces = _BLANK_LINE.split(chunk, maxsplit=1)
    headers = _headers(pieces[0].decode("latin-1").splitlines())
    return _Part(headers, pieces[1] if len(pieces) > 1 else b"")


def _headers(lines: Sequence[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _request(content: bytes) -> ApiRequest:
    pieces = _BLANK_LINE.split(content.lstrip(), maxsplit=1)
    first, *rest = pieces[0].decode("utf-8").splitlines() or [""]
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise WebApiError(400, "0x80060888", f"The request line '{first[:50]}' of a batch part is malformed.")
    path, _, query = match[2].partition("?")
    body = pieces[1].strip() if len(pieces) > 1 else b""
    return ApiRequest.of(match[1], path, query_string(query), _headers(rest), body)


def _http_part(response: ApiResponse, content_id: str) -> bytes:
    phrase = HTTPStatus(response.status).phrase
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id:
        lines.append(f"Content-ID: {content_id}")
    lines += ["", f"HTTP/1.1 {response.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if "OData-EntityId" in response.headers:
        lines.append(f"Location: {response.headers['OData-EntityId']}")
    return "\r\n".join([*lines, "", ""]).encode() + response.body


def _joined(parts: Sequence[bytes], boundary: str) -> bytes:
    mark = f"--{boundary}".encode()
    return b"".join(mark + _CRLF + part + _CRLF for part in parts) + mark + b"--" + _CRLF


def _multipart(parts: Sequence[bytes], status: int) -> ApiResponse:
    boundary = f"batchresponse_{uuid4()}"
    headers = {"Content-Type": f"multipart/mixed; boundary={boundary}", "OData-Version": "4.0"}
    return ApiResponse(status, headers, _joined(parts, boundary))

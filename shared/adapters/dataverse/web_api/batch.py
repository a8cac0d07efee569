"""The `$batch` format: operations to multipart/mixed and back.

Source: Microsoft's page "Execute batch operations using the Web API". A batch is sent with continue-on-error, so that
every part has an answer; a change set that fails has one answer for all its parts.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import uuid4

from shared.adapters.dataverse.web_api.answers import OperationResult, interpret, unanswered
from shared.adapters.dataverse.web_api.multipart import Part, parts, read_part
from shared.adapters.dataverse.web_api.operations import WebApiOperation
from shared.domain.wording.causes.dataverse_causes import DataverseCause
from shared.errors import Service, UnknownOutcomeError

MAX_OPERATIONS = 1_000  # Dataverse's own limit
MAX_BYTES = 4 * 1024 * 1024  # keeps one request within memory and time; Dataverse would take more


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """One operation, or the operations of a change set, which have one answer."""

    operations: tuple[WebApiOperation, ...]
    content: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """One `$batch` request."""

    boundary: str
    entries: tuple[BatchEntry, ...]

    @property
    def operations(self) -> list[WebApiOperation]:
        """All operations, in order."""
        return [operation for entry in self.entries for operation in entry.operations]

    @property
    def repeatable(self) -> bool:
        """Whether the whole batch may be sent twice."""
        return all(operation.repeatable for operation in self.operations)

    @property
    def content_type(self) -> str:
        """Value of the header."""
        return f'multipart/mixed; boundary="{self.boundary}"'

    @property
    def content(self) -> bytes:
        """Body of the request."""
        return _multipart(self.boundary, [entry.content for entry in self.entries])


def batches(
    operations: Sequence[WebApiOperation],
    base_path: str,
    *,
    max_operations: int = MAX_OPERATIONS,
    max_bytes: int = MAX_BYTES,
) -> Iterator[Batch]:
    """Distribute operations, in order, over as few batches as the limits allow; a change set is never divided.

    ValueError for a change set of more than `max_operations`.
    """
    waiting: list[BatchEntry] = []
    count = size = 0
    for entry in _entries(operations, base_path):
        if len(entry.operations) > max_operations:
            raise ValueError("a change set is larger than a batch may be")
        if waiting and (count + len(entry.operations) > max_operations or size + len(entry.content) > max_bytes):
            yield Batch(f"batch_{uuid4()}", tuple(waiting))
            waiting, count, size = [], 0, 0
        waiting.append(entry)
        count += len(entry.operations)
        size += len(entry.content)
    if waiting:
        yield Batch(f"batch_{uuid4()}", tuple(waiting))


def results(batch: Batch, content_type: str, content: bytes) -> Iterator[OperationResult]:
    """Read the answer to `batch` step by step: one result per operation, in order."""
    answers = parts(content_type, content)
    for entry in batch.entries:
        yield from _entry_results(entry, next(answers, None))


def _entries(operations: Sequence[WebApiOperation], base_path: str) -> Iterator[BatchEntry]:
    def entry_key(item: tuple[int, WebApiOperation]) -> tuple[str, int]:
        index, operation = item
        return ("", index) if operation.group is None else (operation.group, -1)

    for (_, index), items in groupby(enumerate(operations), key=entry_key):
        members = tuple(operation for _, operation in items)
        if index >= 0:
            yield BatchEntry(members, _request(members[0], base_path))
            continue
        boundary = f"changeset_{uuid4()}"
        requests = [
            _request(operation, base_path, content_id=number) for number, operation in enumerate(members, start=1)
        ]
        head = f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n'.encode()
        yield BatchEntry(members, head + _multipart(boundary, requests))


def _request(operation: WebApiOperation, base_path: str, *, content_id: int | None = None) -> bytes:
    """Write one application/http part."""
    outer = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id is not None:
        outer.append(f"Content-ID: {content_id}")
    # `$1` stands for a row that the same change set created; everything else is a path of the service.
    target = operation.path if operation.path.startswith("$") else base_path + operation.path
    inner = [f"{operation.method} {target} HTTP/1.1", "Accept: application/json"]
    inner += [f"{header}: {value}" for header, value in operation.headers.items()]
    body = b""
    if operation.body is not None:
        inner.append("Content-Type: application/json; type=entry")
        body = json.dumps(operation.body).encode()
    if any("\r" in line or "\n" in line for line in inner):
        raise ValueError("a line break in a path or header would start another request")
    return "\r\n".join([*outer, "", *inner, "", ""]).encode() + body


def _multipart(boundary: str, parts: Sequence[bytes]) -> bytes:
    delimiter = f"--{boundary}\r\n".encode()
    return b"".join(delimiter + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()


def _entry_results(entry: BatchEntry, part: Part | None) -> Iterator[OperationResult]:
    if part is None:
        silence = UnknownOutcomeError(DataverseCause.BATCH_IN_PART(), service=Service.DATAVERSE)
        yield from (unanswered(operation, silence) for operation in entry.operations)
        return
    answers = list(parts(part.content_type, part.body))
    if len(answers) != len(entry.operations):  # a single operation, or the one error of a whole change set
        answers = [part] * len(entry.operations)
    for operation, answer in zip(entry.operations, answers, strict=True):
        yield _result(operation, answer)


def _result(operation: WebApiOperation, part: Part) -> OperationResult:
    """Read one application/http part: status line, headers, body."""
    status_line, _, rest = part.body.lstrip().partition(b"\n")
    try:
        status = int(status_line.split(maxsplit=2)[1])
    except (IndexError, ValueError):
        return unanswered(
            operation, UnknownOutcomeError(DataverseCause.PART_WITHOUT_STATUS(), service=Service.DATAVERSE)
        )
    answer = read_part(rest)
    return interpret(operation, status, answer.headers, answer.body)

"""What the use cases need from the world, as Protocols. Adapters implement them; tests bring honest twins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from shared.core.jobs import JobRow, JobStatus
from shared.core.marketing import (
    ContactWrite,
    Ending,
    PropertyCatalogue,
    Purge,
    SpotlerContact,
    WriteVerdict,
)
from shared.core.records import PersonRecord, PersonTable, RecordKey, SyncStatus
from shared.errors import ConnectorError

# --------------------------------------------------------------------------------------------------------------- clock


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """Aware, in UTC."""
        ...


# --------------------------------------------------------------------------------------------------------------- state


@dataclass(frozen=True, slots=True, order=True)
class DocumentKey:
    """Where a document lives. `partition` groups what one transaction may touch; both parts are printable ASCII."""

    partition: str
    row: str


@dataclass(frozen=True, slots=True)
class Document:
    """A small JSON object with a version. `body` holds ids, codes, hashes and times, never personal data."""

    key: DocumentKey
    body: Mapping[str, Any]
    etag: str


@dataclass(frozen=True, slots=True)
class Insert:
    """Write only if nothing is there."""

    key: DocumentKey
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Replace:
    """Write only if the version is still `etag`."""

    key: DocumentKey
    body: Mapping[str, Any]
    etag: str


@dataclass(frozen=True, slots=True)
class Put:
    """Write whatever is there."""

    key: DocumentKey
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove. With an `etag` only if the version is still that one; a missing document is fine without one."""

    key: DocumentKey
    etag: str | None = None


Change = Insert | Replace | Put | Delete


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a scan; `after` continues it, None ends it."""

    documents: Sequence[Document]
    after: str | None


class StateStore(Protocol):
    """Versioned documents with optimistic concurrency. Two backends, one contract (`tests/contract`)."""

    async def read(self, keys: Sequence[DocumentKey]) -> dict[DocumentKey, Document]:
        """Return the documents that exist."""
        ...

    async def write(self, changes: Sequence[Change]) -> list[str | None]:
        """Apply each change on its own condition. Per change, in order: the new etag ("" for a delete), None if lost.

        A lost condition never hinders the other changes. No key may occur twice in one call (ValueError).
        """
        ...

    async def scan(self, partition: str, *, prefix: str = "", after: str | None = None, limit: int = 1000) -> Page:
        """Walk a partition in the order of rows, at most `limit` documents a page."""
        ...

    async def ping(self) -> None:
        """Raise a ConnectorError if the store cannot be used."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


# --------------------------------------------------------------------------------------------------------------- queue


class QueueName(StrEnum):
    """The queues of the connector."""

    EVENTS = "dataverse-events"
    LIVE = "sync-live"
    BULK = "sync-bulk"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send; `not_before` schedules it."""

    body: bytes
    content_type: str = "application/json"
    properties: Mapping[str, str] = field(default_factory=dict)
    message_id: str = ""
    correlation_id: str = ""
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A locked message. `settlement` is the backend's own handle for complete, abandon, renew."""

    body: bytes
    content_type: str
    properties: Mapping[str, str]
    message_id: str
    correlation_id: str
    delivery_count: int
    enqueued_at: datetime
    sequence_number: int
    settlement: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that nobody will try again by itself. Its body names records, never people."""

    id: str
    queue: QueueName
    reason: str
    description: str
    body: bytes
    correlation_id: str
    dead_since: datetime


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How much waits in a queue: ready or locked, scheduled for later, dead."""

    active: int
    scheduled: int
    dead: int


class Queue(Protocol):
    """What the app itself does with queues: send, bury, look, replay."""

    async def send(self, queue: QueueName, messages: Sequence[OutgoingMessage]) -> None:
        """Enqueue all or raise; batches are the backend's business."""
        ...

    async def dead_letter(
        self, queue: QueueName, body: bytes, *, reason: str, description: str, correlation_id: str = ""
    ) -> None:
        """Bury a copy of a message of `queue`. `body` must be free of personal data; empty if there is no safe one.

        The caller completes the original afterwards: a crash in between buries twice, never loses.
        """
        ...

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Oldest first, all queues."""
        ...

    async def replay(self, identifiers: Sequence[str]) -> int:
        """Send dead letters that have a body back to the queue they came from; returns how many."""
        ...

    async def discard(self, identifiers: Sequence[str]) -> int:
        """Forget dead letters; returns how many."""
        ...

    async def depth(self, queue: QueueName) -> QueueDepth:
        """Count without reading bodies."""
        ...

    async def ping(self) -> None:
        """Raise a ConnectorError if the queue cannot be used."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@runtime_checkable
class QueueReceiver(Protocol):
    """The consuming side: what a functions host does. The app never calls it."""

    async def receive(self, queue: QueueName, *, limit: int, wait: timedelta) -> Sequence[ReceivedMessage]:
        """Lock up to `limit` messages, waiting at most `wait` for the first one."""
        ...

    async def complete(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        """Remove what was received; a lost lock is no error (the message comes again)."""
        ...

    async def abandon(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        """Unlock for immediate redelivery, or bury when the delivery count is used up."""
        ...

    async def renew(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        """Extend the locks."""
        ...


# ----------------------------------------------------------------------------------------------------------- Dataverse


@dataclass(frozen=True, slots=True)
class StatusReport:
    """Write the Spotler Info row `info` of a record; `bind` when the record does not point to it yet (STA-01)."""

    key: RecordKey
    info: UUID
    bind: bool
    status: SyncStatus
    reason_code: str
    reason: str
    external_id: str
    synced_on: datetime | None


@dataclass(frozen=True, slots=True)
class JobReport:
    """Move a Spotler Job row along its life (JOB-25, JOB-26). With `if_etag` only if nobody changed it meanwhile."""

    id: UUID
    status: JobStatus
    result_code: str = ""
    result_text: str = ""
    started_on: datetime | None = None
    completed_on: datetime | None = None
    if_etag: str = ""


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Some records of a table; `after` continues, None ends."""

    keys: Sequence[RecordKey]
    after: str | None


class Crm(Protocol):
    """Dataverse, as the use cases see it: people and jobs by id in few requests, reports in one."""

    async def read_people(self, keys: Sequence[RecordKey]) -> dict[RecordKey, PersonRecord]:
        """Read what the mapping needs; a record that is missing in the answer does not exist (any more)."""
        ...

    async def people_using(self, emails: Sequence[str]) -> dict[str, Sequence[RecordKey]]:
        """Find active records that may be mailed, by address (as given; case does not matter)."""
        ...

    async def people_page(self, table: PersonTable, *, after: str | None, limit: int) -> PeoplePage:
        """Walk a whole table."""
        ...

    async def people_of_permissions(self, ids: Sequence[UUID]) -> Sequence[RecordKey]:
        """Find whom Spotler Permission rows belong to."""
        ...

    async def read_jobs(self, ids: Sequence[UUID]) -> dict[UUID, JobRow]:
        """Read Spotler Job rows."""
        ...

    async def report(self, reports: Sequence[StatusReport | JobReport]) -> Sequence[ConnectorError | None]:
        """Write all reports in as few requests as possible; per report, in order, what went wrong with it."""
        ...

    async def ping(self) -> None:
        """Raise a ConnectorError if Dataverse cannot be used."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


# ------------------------------------------------------------------------------------------------------------- Spotler


class MarketingPlatform(Protocol):
    """Spotler Mail+, as the use cases see it."""

    async def properties(self) -> PropertyCatalogue:
        """Return the account's properties; cached."""
        ...

    async def upsert(self, contacts: Sequence[ContactWrite], *, purge: Purge) -> dict[str, WriteVerdict]:
        """Insert or update contacts, 100 to a call; a verdict for each external id."""
        ...

    async def contact(self, external_id: str) -> SpotlerContact | None:
        """Read one contact."""
        ...

    async def anonymize(self, external_id: str) -> tuple[Ending, int]:
        """Erase a contact for good; how that went, and the HTTP status (ANON-09, ANON-10)."""
        ...

    async def inactivate(self, external_id: str) -> Ending:
        """Make a contact inactive (JOB-12)."""
        ...

    async def ping(self) -> None:
        """Raise a ConnectorError if Spotler cannot be used."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...

"""What the use cases need from the world, as Protocols. Adapters implement them; tests bring honest twins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from shared.core.automations import (
    AutomationKind,
    AutomationRow,
    FieldValue,
    PublishedAutomation,
    StartVerdict,
    StopVerdict,
)
from shared.core.jobs import JobRow, JobStatus, ScoreChange
from shared.core.mapping.model import Mapping as FieldMapping
from shared.core.marketing import (
    ContactWrite,
    Ending,
    PropertyCatalogue,
    Purge,
    SpotlerContact,
    WriteVerdict,
)
from shared.core.records import PersonRecord, PersonTable, RecordKey, SyncStatus
from shared.core.schema import EventStep, Schema
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
    """Move a Spotler Job row along its life (JOB-25, JOB-26). With `if_etag` only if nobody changed it meanwhile.

    `automation_contact_id` is written unless it is empty (JOB-27).
    """

    id: UUID
    status: JobStatus
    result_code: str = ""
    result_text: str = ""
    started_on: datetime | None = None
    completed_on: datetime | None = None
    if_etag: str = ""
    automation_contact_id: str = ""


@dataclass(frozen=True, slots=True)
class TimelinePost:
    """A post in the timeline of a record (TLP-01, TLP-02). One that exists with this id is left as it is."""

    id: UUID
    key: RecordKey
    text: str


Report = StatusReport | JobReport | TimelinePost


@dataclass(frozen=True, slots=True)
class MarketingList:
    """A marketing list, static or dynamic; `table` is whom it lists."""

    id: UUID
    name: str
    table: PersonTable


@dataclass(frozen=True, slots=True)
class AutomationWrite:
    """What a row of `dh_spotlerautomation` should hold; with `row` None it is a new one."""

    row: UUID | None
    automation: PublishedAutomation
    fields: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    """An environment variable of Dataverse. `value` is its current value, None when only a default value is there."""

    id: UUID
    schema_name: str
    value: str | None
    value_id: UUID | None
    default: str = ""


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

    async def jobs_in(self, status: JobStatus, *, before: datetime, limit: int) -> Sequence[JobRow]:
        """Find jobs that have had this status since `before` or longer (Queued: created, In Progress: started).

        Oldest first.
        """
        ...

    async def report(self, reports: Sequence[Report]) -> Sequence[ConnectorError | None]:
        """Write all reports in as few requests as possible; per report, in order, what went wrong with it."""
        ...

    async def ping(self) -> None:
        """Raise a ConnectorError if Dataverse cannot be used."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class CrmSchema(Protocol):
    """What Dataverse says about itself, as far as a mapping is concerned."""

    async def read_schema(self, mapping: FieldMapping) -> Schema:
        """Read every table that a mapping names, as it is now (at most a minute old)."""
        ...

    async def read_steps(self) -> Sequence[EventStep] | None:
        """Read which saves the connector is told of; None if its role may not read that."""
        ...


class PeopleReading(Protocol):
    """Reads records as one mapping needs them."""

    async def read(self, keys: Sequence[RecordKey]) -> dict[RecordKey, PersonRecord]:
        """Read records; a record that is missing in the answer does not exist (any more)."""
        ...


class AutomationRows(Protocol):
    """The table `dh_spotlerautomation`: what users choose from on a job (AUT-27)."""

    async def all_automations(self) -> Sequence[AutomationRow]:
        """Read all rows, inactive ones too."""
        ...

    async def read_automations(self, ids: Sequence[UUID]) -> dict[UUID, AutomationRow]:
        """Read rows; one that is missing in the answer does not exist (any more)."""
        ...

    async def write_automations(self, writes: Sequence[AutomationWrite]) -> None:
        """Create, change, deactivate and reactivate rows. Raises the first error; the others are written."""
        ...


class MarketingLists(Protocol):
    """The marketing lists of Dataverse (JOB-07)."""

    async def read_list(self, identifier: UUID) -> MarketingList | None:
        """Read one list; None if there is none (any more), or it lists rows of another table than people."""
        ...

    async def members(self, marketing_list: MarketingList, *, after: str | None, limit: int) -> PeoplePage:
        """Walk the members, those of a dynamic list by its query."""
        ...


class EnvironmentVariables(Protocol):
    """The environment variables of Dataverse (ENV-05)."""

    async def find_variable(self, schema_name: str, display_name: str) -> EnvironmentVariable | None:
        """Find by schema name, else by display name (C-19)."""
        ...

    async def set_variable(self, variable: EnvironmentVariable, value: str) -> None:
        """Write the current value."""
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

    async def update(self, contact: ContactWrite) -> None:
        """Write properties of a contact that exists; NotFoundError if it does not, DataError if they are refused."""
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


class Tagging(Protocol):
    """Tags and scores of Spotler (TAG). A tag that does not exist is created; names ignore case.

    All raise NotFoundError when Spotler does not know the contact, and DataError with CAPABILITY_OFF
    (`shared/core/capabilities.py`) before anything is sent.
    """

    async def create_tag(self, tag: str) -> None:
        """Make a tag known without giving it to anybody (TAG-03)."""
        ...

    async def add_tags(self, external_id: str, tags: Sequence[str]) -> None:
        """Give a contact tags; those it has already stay as they are."""
        ...

    async def remove_tags(self, external_id: str, tags: Sequence[str]) -> None:
        """Take tags and their scores away; absent ones are fine (TAG-05)."""
        ...

    async def change_score(self, external_id: str, tag: str, change: ScoreChange, value: int) -> None:
        """Set, or increase or decrease by a positive `value`; an absent tag starts at 0.

        SET may be repeated. The others are sent once: UnknownOutcomeError when the answer was lost, any other
        ConnectorError only if it certainly had no effect.
        """
        ...


class Automations(Protocol):
    """Automations and campaigns of Spotler (AUT).

    Calls whose capability is off raise DataError with CAPABILITY_OFF before anything is sent.
    """

    async def published(self, kind: AutomationKind) -> Sequence[PublishedAutomation]:
        """List what can be triggered from outside now (AUT-03, AUT-04)."""
        ...

    async def start(
        self, kind: AutomationKind, code: str, external_id: str, fields: Sequence[FieldValue]
    ) -> StartVerdict:
        """Start for one contact; sent once.

        UnknownOutcomeError when the answer was lost, any other ConnectorError only if nothing was started.
        """
        ...

    async def stop(self, kind: AutomationKind, spotler_id: str, external_id: str) -> StopVerdict:
        """Stop all runs of one contact (AUT-22)."""
        ...

    async def stop_run(self, automation_contact_id: str) -> StopVerdict:
        """Stop one run (AUT-23)."""
        ...


class Audiences(Protocol):
    """Audiences of Spotler: named sets of contacts, the source of dynamic lists (AUD).

    ConfigurationError when the account's licence has no audiences (AUD-02).
    """

    async def exists(self, audience: str) -> bool:
        """Whether there is an audience with this external id."""
        ...

    async def create(self, audience: str, name: str) -> None:
        """Create one; DataError (HTTP 417) if id or name is taken, or there are too many."""
        ...

    async def add(self, audience: str, contacts: Sequence[str]) -> frozenset[str]:
        """Add contacts by external id, 2,500 to a call; returns those that Spotler does not know, the others are in.

        NotFoundError if there is no such audience. No contacts, no call.
        """
        ...

    async def remove(self, audience: str, contacts: Sequence[str]) -> None:
        """Remove contacts, 2,500 to a call; who is no member is fine. NotFoundError if there is no such audience.

        No contacts, no call: Spotler takes a removal without a body for "remove everybody".
        """
        ...

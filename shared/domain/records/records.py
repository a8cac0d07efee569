"""The records and references of the engine: tables, record keys, references, person records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from pydantic_core import CoreSchema, core_schema

from shared.domain.wording.phrase import Phrase

_HASH_BITS = 2**60 - 1


class PersonTable(StrEnum):
    """The tables with rows of people or organisations that can be mailed (CS-01)."""

    CONTACT = "contact"
    LEAD = "lead"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True, order=True)
class RecordKey:
    """One row of a person table. Printed as `contact:6d81597f-…`; safe to log."""

    table: PersonTable
    id: UUID

    def __hash__(self) -> int:
        return self.id.int & _HASH_BITS  # ids are random; a pass looks some hundred times for each of its keys

    def __str__(self) -> str:
        return f"{self.table}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote; ValueError otherwise."""
        table, _, identifier = text.partition(":")
        return cls(PersonTable(table), UUID(identifier))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Let documents and requests hold a key as its text."""
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.parse(value),
            serialization=core_schema.to_string_ser_schema(),
        )


class Why(StrEnum):
    """The cause of a reference. For explanations only; never decides what is written."""

    SAVED = "saved"
    DELETED = "deleted"
    MERGED = "merged"
    QUALIFIED = "qualified"
    PERMISSION = "permission"
    JOB = "job"
    RESYNC = "resync"
    RETRY = "retry"
    RECONCILE = "reconcile"
    PLATFORM = "spotler"
    """The contact has changed."""


ACTS = frozenset({Why.SAVED, Why.DELETED, Why.MERGED, Why.QUALIFIED, Why.PERMISSION})
"""Acts of a user in Dynamics, who waits for the result."""


class Intent(StrEnum):
    """What a Spotler Job may ask for in addition to a synchronisation. All other causes ask for SYNC."""

    SYNC = "sync"
    ANONYMIZE = "anonymize"
    PURGE = "purge"


@dataclass(frozen=True, slots=True)
class ConsentOrder:
    """The answer that a job has just written to the row of one option of a set (`permissions:4`), with the job."""

    option: str
    answer: bool
    job: UUID


@dataclass(frozen=True, slots=True)
class Reference:
    """A request to handle a record. The outcome is reported to `job`.

    `waits_since`: since when it has been waiting without an attempt. `consent`: what a job has written, so that the
    consent ledger has the job as the source. `deliveries`: how often the queue has delivered its message. A worker
    that had it before may have died after the work and before the report.
    """

    key: RecordKey
    why: Why
    correlation: str = ""
    attempt: int = 1
    first_seen: datetime | None = None
    intent: Intent = Intent.SYNC
    job: UUID | None = None
    waits_since: datetime | None = None
    consent: ConsentOrder | None = None
    deliveries: int = 1


@dataclass(frozen=True, slots=True)
class Lookup:
    """The value of a lookup column: the row it points to."""

    table: str
    id: UUID


class UnknownOption(int):
    """The value of a choice column whose option was deleted: a number without a label."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The value of a choices column: the selected options, and their labels in the same order.

    The label of a deleted option is empty.
    """

    values: tuple[int, ...]
    labels: tuple[str, ...]

    @property
    def has_unknown(self) -> bool:
        """Whether one of them does not exist any more."""
        return "" in self.labels


@dataclass(frozen=True, slots=True)
class PermissionRow:
    """One Spotler Permission row of a person (PERM-02); or a marketing list, or a periodiek, in the same form.

    `id` is that of the row, or of the marketing list. `modified_on` and `created_on` are ISO text, empty for marketing
    lists. Rows with the same answer are equal.
    """

    name: str
    subscribed: bool
    id: UUID | None = field(default=None, compare=False)
    modified_on: str = field(default="", compare=False)
    created_on: str = field(default="", compare=False)

    def is_act_after(self, moment: datetime, *, record_made: datetime | None) -> bool:
        """Whether a user set the row after a moment (PERM-17): by changing it, or by adding it to an older record.

        A row that was created together with its record is an import and not the person's answer.
        """
        made, changed = _moment(self.created_on), _moment(self.modified_on)
        if changed is None or changed <= moment:
            return False
        is_edit = made is not None and changed - made > TOGETHER
        is_addition = made is not None and record_made is not None and made - record_made > TOGETHER
        return is_edit or is_addition


TOGETHER = timedelta(seconds=10)
"""Rows that one form, import or flow makes are made within this time."""


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


class SyncStatus(StrEnum):
    """Spotler Status of a record (STA-04, STA-05). The first three are active, the last two inactive."""

    PROCESSING = "Processing"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    OPT_OUT = "Opt-out"
    DISABLED = "Disabled"


@dataclass(frozen=True, slots=True)
class StatusRow:
    """The Spotler Info row of a record in Dataverse (STA-01)."""

    id: UUID
    status: SyncStatus
    reason_code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """A person record as just read from Dataverse.

    `values` has the selected columns by their logical name, and other values of the mapping by the printed form of
    their expression: `parentcustomerid(account).name`, `@child(…).first(…).column`, `@odata:…`. Values that could not
    be read are absent, and rows that need them rest. Values have the JSON types of Dataverse (`str`, `int`, `float`,
    `bool` or `None`); lookups are `Lookup`, choices `Choices`. Dates are ISO text: a date; a moment with its offset or
    Z; or, for columns that ignore time zones, a moment without one. `unread` has, by the same printed form, why an
    existing value was not read: "may not be read: …". `labels` has the formatted value of choices in the mapping's
    language. `lists` has the marketing lists that could have the record as a member, `periodieken` its subscriptions of
    Engage 365: both only if they are mapped. `etag` is the version that was read, for a write that must not overwrite a
    newer one.
    """

    key: RecordKey
    values: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    permissions: tuple[PermissionRow, ...] = ()
    status: StatusRow | None = None
    lists: tuple[PermissionRow, ...] = ()
    periodieken: tuple[PermissionRow, ...] = ()
    etag: str = ""
    modified_on: datetime | None = None
    created_on: datetime | None = None
    unread: Mapping[str, Phrase] = field(default_factory=dict)

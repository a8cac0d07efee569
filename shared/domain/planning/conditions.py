"""Whether a record may be in Spotler: the conditions of VAL-01..VAL-04, in the order in which they are asked.

The first one that is not met decides what happens instead (`plan`); all of them are shown when somebody asks why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from shared.domain.mapping.formats.reading import DO_NOT_BULK_EMAIL, DO_NOT_EMAIL, MERGED, STATE
from shared.domain.mapping.language.evaluate import Passes
from shared.domain.mapping.language.expression import Column
from shared.domain.mapping.model import EMAIL, MappingRow
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey, SyncStatus
from shared.domain.values.addresses import address_text
from shared.domain.values.values import is_email, sound


class LeadState(IntEnum):
    """`statecode` of a lead."""

    OPEN = 0
    QUALIFIED = 1
    DISQUALIFIED = 2


ACTIVE = 0
"""`statecode` of an active contact, an active account, an open lead."""


class Condition(StrEnum):
    """What must hold before a record goes to Spotler."""

    ENVIRONMENT_ON = "synchronisation is switched on for the environment"
    TABLE_ON = "synchronisation is enabled for the table"
    EXISTS = "the record exists"
    SYNC_ENABLED = "nobody has disabled synchronisation for the record"
    ACTIVE = "the record is active"
    EMAIL_ALLOWED = "Do Not Email is not set"
    HAS_EMAIL = "there is an e-mail address"
    VALID_EMAIL = "the e-mail address is valid"
    NOT_OPTED_OUT = "the person has not opted out in Spotler"
    PASSES_FILTER = "no filter of the mapping excludes the record"


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """One condition's answer; `reason` tells why it is not met, None if it is."""

    condition: Condition
    reason: Reason | None

    @property
    def is_met(self) -> bool:
        """Whether the record passes."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Subject:
    """The record that is examined (None if it is gone) and what it is examined against.

    `passes` is what the filters of its table and rows say, None if there are none; `filtered_by` is what they look at.
    `has_come_back`: the contact in Spotler can be mailed, whatever Spotler Status still says (P-02). `is_suppressed`:
    somebody opted out at its address, whatever became of that contact. `lead_status` is Spotler Status of the lead
    that was qualified into this contact.
    """

    key: RecordKey
    record: PersonRecord | None
    rows: tuple[MappingRow, ...]
    environment_is_on: bool
    enabled_tables: frozenset[PersonTable]
    passes: Passes | None = None
    filtered_by: frozenset[str] = frozenset()
    has_come_back: bool = False
    is_suppressed: bool = False
    lead_status: SyncStatus | None = None


def examine(subject: Subject) -> tuple[ConditionResult, ...]:
    """Ask every condition that can be asked; the record's own ones need a record."""
    return tuple(ConditionResult(condition, reason) for condition, reason in _answers(subject))


def _answers(subject: Subject) -> Iterator[tuple[Condition, Reason | None]]:
    yield Condition.ENVIRONMENT_ON, None if subject.environment_is_on else Reason.ENVIRONMENT_OFF
    yield Condition.TABLE_ON, None if subject.key.table in subject.enabled_tables else Reason.TABLE_OFF
    record = subject.record
    yield Condition.EXISTS, None if record else Reason.DELETED
    if record is None:
        return
    values, status = record.values, record.status.status if record.status else None
    email = email_of(record, subject.rows)
    yield Condition.SYNC_ENABLED, _disabled(record, subject)
    yield Condition.ACTIVE, _inactive(record)
    yield Condition.EMAIL_ALLOWED, Reason.DO_NOT_EMAIL if values.get(DO_NOT_EMAIL) else None
    yield Condition.HAS_EMAIL, None if email else Reason.NO_EMAIL
    yield Condition.VALID_EMAIL, None if is_email(email) else Reason.INVALID_EMAIL
    yield Condition.NOT_OPTED_OUT, _opted_out(status, subject)
    yield Condition.PASSES_FILTER, _excluded(record, subject)


def _disabled(record: PersonRecord, subject: Subject) -> Reason | None:
    """STA-05: a person has disabled synchronisation, or had done so for the lead before it was qualified (CS-29).

    The lead's status counts until the contact has a Spotler Info that tells of a decision. From then on that one does.
    """
    if record.status is not None and record.status.status is SyncStatus.DISABLED:
        return Reason.SYNC_DISABLED
    is_inherited = subject.lead_status is SyncStatus.DISABLED and not has_decided_status(record)
    return Reason.LEAD_SYNC_DISABLED if is_inherited else None


def has_decided_status(record: PersonRecord) -> bool:
    """Tell whether Spotler Info tells how the record ended, or what a person wants.

    A failure before anything could be decided (patience ended, a defect) tells neither.
    """
    return record.status is not None and record.status.reason_code not in {Reason.GAVE_UP, Reason.DEFECT}


def _opted_out(status: SyncStatus | None, subject: Subject) -> Reason | None:
    is_out = status is SyncStatus.OPT_OUT and not subject.has_come_back
    return Reason.OPTED_OUT if is_out or subject.is_suppressed else None


def is_active(record: PersonRecord) -> bool:
    """VAL-01: whether a contact or account is active, a lead open."""
    return bool(record.values.get(STATE, ACTIVE) == ACTIVE)


def refuses_bulk(record: PersonRecord) -> bool:
    """OPT-11: Bulk Email = Do Not Allow switches all permissions off and does nothing else."""
    return bool(record.values.get(DO_NOT_BULK_EMAIL))


def _inactive(record: PersonRecord) -> Reason | None:
    if is_active(record):
        return None
    if record.key.table is PersonTable.LEAD and record.values[STATE] == LeadState.QUALIFIED:
        return Reason.LEAD_QUALIFIED
    return Reason.MERGED if record.values.get(MERGED) else Reason.INACTIVE


def email_of(record: PersonRecord, rows: tuple[MappingRow, ...]) -> str:
    """Return the address of the mapped e-mail column as it is sent; empty if there is none."""
    for row in rows:
        source = row.sources.get(record.key.table)
        if row.property_name == EMAIL and isinstance(source, Column):
            return address_text(sound(str(record.values.get(source.name) or "")))
    return ""


def _excluded(record: PersonRecord, subject: Subject) -> Reason | None:
    """VAL-04, MAP-12: the table's filter, and every row's own, which names the value that its column must have.

    A filter that cannot be asked excludes nobody: a renamed column must not end everybody's contact.
    """
    if not subject.filtered_by <= record.values.keys():
        return Reason.FILTER_UNREADABLE
    return None if subject.passes is None or subject.passes(record) else Reason.FILTERED

"""Whether a record may have a contact: the conditions of VAL-01..VAL-04, in the order of their check.

The first condition that is not met determines the plan (`plan`); an explanation shows all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from shared.domain.mapping.language.evaluate import Passes
from shared.domain.mapping.language.expression import Column
from shared.domain.mapping.model import EMAIL, MappingRow
from shared.domain.mapping.reading import DO_NOT_BULK_EMAIL, DO_NOT_EMAIL, MERGED, STATE
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
    """A condition for the synchronisation of a record."""

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
    """The result for one condition; `reason` is why it is not met, None if it is."""

    condition: Condition
    reason: Reason | None

    @property
    def is_met(self) -> bool:
        """Whether the record passes."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Subject:
    """The record to check (None if it is deleted), and what its conditions depend on.

    `passes` is the result of the filters of its table and rows, None if there are none; `filtered_by` are the columns
    of these filters. `has_come_back`: the contact can be mailed, although Spotler Status may still be Opt-out (P-02).
    `is_suppressed`: an opt-out at its address, even if the contact was erased since. `lead_status` is Spotler Status of
    the lead that was qualified into this contact.
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
    """STA-05: a person has disabled synchronisation, for the record or for its lead before qualification (CS-29).

    The lead's status counts until the contact has a Spotler Info with a decision of its own.
    """
    if record.status is not None and record.status.status is SyncStatus.DISABLED:
        return Reason.SYNC_DISABLED
    is_inherited = subject.lead_status is SyncStatus.DISABLED and not has_decided_status(record)
    return Reason.LEAD_SYNC_DISABLED if is_inherited else None


def has_decided_status(record: PersonRecord) -> bool:
    """Whether Spotler Info has the end of the record or the wish of a person.

    A failure before any decision (retries exhausted, a defect) is neither.
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
    """VAL-04, MAP-12: the filter of the table, and the filter of each row, which is a value of its column.

    A filter that cannot be read excludes no record: a renamed column must not erase all contacts.
    """
    if not subject.filtered_by <= record.values.keys():
        return Reason.FILTER_UNREADABLE
    return None if subject.passes is None or subject.passes(record) else Reason.FILTERED

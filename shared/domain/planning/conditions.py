"""Whether a record may have a contact: the conditions of VAL-01..VAL-04, in the order of their check.

The first condition that is not met determines the plan (`plan`); an explanation shows all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from shared.domain.mapping.language.expression import Column
from shared.domain.mapping.model import EMAIL, Mapping, MappingRow
from shared.domain.mapping.reading import DO_NOT_BULK_EMAIL, DO_NOT_EMAIL, MERGED, STATE
from shared.domain.planning.plan_input import PlanInput
from shared.domain.planning.rules import Rules
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import PersonRecord, PersonTable, SyncStatus
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
    ALLOWED = "the allow-list has the e-mail address, or the connector is live"
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


def condition_results(plan_input: PlanInput, rules: Rules) -> tuple[ConditionResult, ...]:
    """Check every condition; without a record only those that need none."""
    return tuple(ConditionResult(condition, reason) for condition, reason in _results(plan_input, rules))


def unmet_reason(plan_input: PlanInput, rules: Rules) -> Reason | None:
    """Return why the first condition that is not met is not met; None if all are."""
    return next((reason for _, reason in _results(plan_input, rules) if reason is not None), None)


def _results(plan_input: PlanInput, rules: Rules) -> Iterator[tuple[Condition, Reason | None]]:
    record, table = plan_input.record, plan_input.key.table
    yield Condition.ENVIRONMENT_ON, None if rules.environment_is_on else Reason.ENVIRONMENT_OFF
    yield Condition.TABLE_ON, None if table in rules.enabled_tables else Reason.TABLE_OFF
    yield Condition.EXISTS, None if record else Reason.DELETED
    if record is None:
        return
    email = email_of(record, rules.mapping.for_table(table))
    yield Condition.ALLOWED, _not_allowed(email, rules)
    yield Condition.SYNC_ENABLED, _disabled(record, plan_input.lead_status)
    yield Condition.ACTIVE, _inactive(record)
    yield Condition.EMAIL_ALLOWED, Reason.DO_NOT_EMAIL if record.values.get(DO_NOT_EMAIL) else None
    yield Condition.HAS_EMAIL, None if email else Reason.NO_EMAIL
    yield Condition.VALID_EMAIL, None if is_email(email) else Reason.INVALID_EMAIL
    yield Condition.NOT_OPTED_OUT, _opted_out(record, plan_input)
    yield Condition.PASSES_FILTER, _excluded(record, rules.mapping)


def _not_allowed(email: str, rules: Rules) -> Reason | None:
    """A record without an address ends as it always does: its contact decides (`allow_list.within`)."""
    is_allowed = rules.allow_list is None or not email or rules.allow_list.admits(email)
    return None if is_allowed else Reason.NOT_ALLOWED


def _disabled(record: PersonRecord, lead_status: SyncStatus | None) -> Reason | None:
    """STA-05: a person has disabled synchronisation, for the record or for its lead before qualification (CS-29).

    The lead's status counts until the contact has a Spotler Info with a decision of its own.
    """
    if record.status is not None and record.status.status is SyncStatus.DISABLED:
        return Reason.SYNC_DISABLED
    is_inherited = lead_status is SyncStatus.DISABLED and not has_decided_status(record)
    return Reason.LEAD_SYNC_DISABLED if is_inherited else None


def has_decided_status(record: PersonRecord) -> bool:
    """Whether Spotler Info has the end of the record or the wish of a person.

    A failure before any decision (retries exhausted, a defect) is neither.
    """
    return record.status is not None and record.status.reason_code not in {Reason.GAVE_UP, Reason.DEFECT}


def _opted_out(record: PersonRecord, plan_input: PlanInput) -> Reason | None:
    shows_opt_out = record.status is not None and record.status.status is SyncStatus.OPT_OUT
    is_out = shows_opt_out and not plan_input.has_come_back
    return Reason.OPTED_OUT if is_out or plan_input.is_suppressed else None


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


def _excluded(record: PersonRecord, mapping: Mapping) -> Reason | None:
    """VAL-04, MAP-12: the filter of the table, and the filter of each row, which is a value of its column.

    A filter that cannot be read excludes no record: a renamed column must not erase all contacts.
    """
    if not mapping.filtered_by(record.key.table) <= record.values.keys():
        return Reason.FILTER_UNREADABLE
    passes = mapping.passes(record.key.table)
    return None if passes is None or passes(record) else Reason.FILTERED

"""Sends refusals although nothing else is sent: no invalid value, filter or row of the mapping holds them (OPT-02).

Most refusals are sent with the rest of the data. The rest cannot be sent if a value does not fit, a filter leaves the
record out, or the record is inactive or disabled. Then a call of its own switches the refused permissions off.
Decision 23 names the few exceptions.
"""

from dataclasses import replace

from shared.domain.consent.changes import BULK_EMAIL, DO_NOT_EMAIL
from shared.domain.consent.deleted_rows import withdrawn
from shared.domain.mapping import reading
from shared.domain.mapping.model import EMAIL
from shared.domain.merging.dataverse_changes import DataverseChanges
from shared.domain.planning.binding import Binding, MailStatus
from shared.domain.planning.conditions import email_of, refuses_bulk
from shared.domain.planning.contact_write import fields_of_every_write, write_or_rest
from shared.domain.planning.decisions import Decision, Plan, Rest, Write
from shared.domain.planning.plan_input import BaseState, Fetched, PlanInput
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import PersonRecord
from shared.domain.values.fields import (
    Scalar,
    all_permissions_off,
    as_properties,
    enabled_options,
    option_name,
    rows_of,
)
from shared.domain.values.mapped_fields import mapped_fields

_OTHERS_DECIDE = frozenset(
    {
        Reason.ENVIRONMENT_OFF,
        Reason.TABLE_OFF,
        Reason.NOT_ALLOWED,  # going live compares every record
        Reason.LEAD_QUALIFIED,  # its contact carries on, with rows of its own
        Reason.OPTED_OUT,  # nothing is mailed, and nothing is sent (OPT-08)
        Reason.DEACTIVATED,
        Reason.HARD_BOUNCE,
        Reason.SOFT_BOUNCE,
        Reason.PERHAPS_OPTED_OUT,
        Reason.NO_ACTIVE_CHANNEL,
    }
)
"""Why nothing at all is sent."""


def with_refusals(decision: Plan, plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue) -> Plan:
    """Add the record's refusals to a plan that sends nothing."""
    record, binding = plan_input.record, plan_input.binding
    if not isinstance(decision, Rest) or decision.result not in {Result.SKIPPED, Result.FAILED}:
        return decision
    if record is None or decision.reason in _OTHERS_DECIDE:
        return decision
    if not binding.is_live:
        return _refuse_in_found_contact(decision, plan_input, record, rules, catalogue)
    off = refuses_bulk(record) or plan_input.withholds_permissions
    everything = off or bool(record.values.get(reading.DO_NOT_EMAIL))  # its erasure waits, or is not for this record
    refused = _refused(plan_input, record, rules, catalogue, everything=everything)
    prints = rules.fingerprints.values(binding.external_id, refused)
    # A contact that changed while the record rested may have permissions that the base has as refused.
    is_news = not binding.refused & {BULK_EMAIL, DO_NOT_EMAIL}
    may_differ = plan_input.base_state is BaseState.NOTHING or (everything and (binding.is_stale or is_news))
    is_doubtful = may_differ and plan_input.fetched is not Fetched.YES
    # A yes given in the platform after an agreed no is the newer answer, except against Do Not Bulk Email.
    given = enabled_options(plan_input.contact) if everything else frozenset[str]()
    news = {
        name: False for name, text in prints.items() if is_doubtful or name in given or binding.base.get(name) != text
    }
    if not news:
        return replace(decision, permissions_off=decision.permissions_off or off)
    agreed = replace(decision.binding, base={**decision.binding.base, **{name: prints[name] for name in news}})
    return replace(decision, binding=agreed, refused=as_properties(news), permissions_off=off)


def must_find_contact(decision: Decision, plan_input: PlanInput) -> bool:
    """Whether to look for the contact of an unbound record that refuses bulk mail and has an invalid value.

    A form may have made a contact with the address of the record.
    """
    is_unsent = isinstance(decision, Rest) and decision.reason is Reason.INVALID_VALUE
    is_unbound = not plan_input.binding.is_live and plan_input.contact is None
    return is_unsent and is_unbound and plan_input.record is not None and refuses_bulk(plan_input.record)


def _refuse_in_found_contact(
    decision: Rest, plan_input: PlanInput, record: PersonRecord, rules: Rules, catalogue: PropertyCatalogue
) -> Write | Rest:
    """Switch everything off in the contact that was found at the record's address, which binds the record to it."""
    contact, binding = plan_input.contact, decision.binding
    if contact is None or contact.is_unreachable or not (refuses_bulk(record) and enabled_options(contact)):
        return decision
    rows = rules.mapping.for_table(plan_input.key.table)
    email = email_of(record, rows)
    sent = {EMAIL: email, **all_permissions_off(rows, catalogue)}
    bound = replace(
        binding,
        is_live=True,
        base=rules.fingerprints.values(binding.external_id, sent),
        address=rules.fingerprints.address(email),
        since=plan_input.now,
    )
    rest = Rest(bound, Result.UNCHANGED, Reason.AGREED, permissions_off=True)
    return write_or_rest(rest, sent, fields_of_every_write(rules, rows, catalogue, email), was_live=False)


def _refused(
    plan_input: PlanInput, record: PersonRecord, rules: Rules, catalogue: PropertyCatalogue, *, everything: bool
) -> dict[str, Scalar]:
    """Return the options that must be off: all of them, or those of rows that say no or were deleted."""
    rows = rules.mapping.for_table(plan_input.key.table)
    if everything:
        return all_permissions_off(rows, catalogue)
    fields = mapped_fields(rules.mapping.rows_read(record), record.key.table, catalogue)
    refused = {
        option_name(one.definition.name, entry.bit): False
        for one in fields.values()
        if one.option_source is not None and one.row.direction.reaches_platform
        for row in rows_of(one.option_source, record)
        if not row.subscribed and (entry := one.definition.entry(row.name)) is not None
    }
    return {**refused, **withdrawn(plan_input, record, fields, rules)}


def stay_out(plan_input: PlanInput) -> Decision:
    """Keep a record out after an opt-out at its address, also if the contact was erased since (OPT-07, OPT-08)."""
    record = plan_input.record
    assert record is not None, "a record that does not exist cannot meet the conditions"
    refuses = refuses_bulk(record)
    known = plan_input.binding.mail_status
    mail_status = known if known.is_opt_out else MailStatus.OPTED_OUT if refuses else MailStatus.OPTED_OUT_HERE
    binding = replace(
        Binding(plan_input.binding.external_id, default_rows=plan_input.binding.default_rows), mail_status=mail_status
    )
    dataverse_changes = DataverseChanges() if refuses else DataverseChanges(refuses_bulk=True)
    return Rest(binding, Result.FAILED, Reason.OPTED_OUT, dataverse_changes=dataverse_changes)

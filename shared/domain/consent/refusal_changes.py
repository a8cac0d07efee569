"""Finds the refusals that a plan adds to the suppression list, and those that it lifts."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from shared.domain.consent.changes import BULK_EMAIL, DO_NOT_EMAIL, OPT_OUT, ConsentSource
from shared.domain.consent.deleted_rows import withdrawn
from shared.domain.consent.suppression import ALL_PERMISSIONS, AddressRefusal
from shared.domain.mapping import reading
from shared.domain.mapping.model import EMAIL
from shared.domain.merging.agreement import NO, YES
from shared.domain.merging.merge_sides import given_since_all_were_refused
from shared.domain.planning.binding import Binding, MailStatus
from shared.domain.planning.conditions import refuses_bulk
from shared.domain.planning.decisions import Anonymize, Decision, Rest
from shared.domain.planning.plan_input import Fetched, PlanInput
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import PersonRecord, RecordKey
from shared.domain.values.fields import is_option
from shared.domain.values.mapped_fields import mapped_fields, values_of


@dataclass(frozen=True, slots=True)
class Lift:
    """Subjects to lift at an address: those of one record, or with None those of all."""

    address: str
    subjects: frozenset[str]
    source: ConsentSource
    record: str | None = None


def refusals_in(
    plan_input: PlanInput, planned: Decision, mailbox: str, rules: Rules, catalogue: PropertyCatalogue
) -> dict[str, list[AddressRefusal]]:
    """Return the refusals that both sides show, by address (fingerprint), before the plan is carried out.

    Afterwards the evidence may be erased. `mailbox` is the fingerprint of the record's own address, empty without a
    valid one.
    """
    found: defaultdict[str, list[AddressRefusal]] = defaultdict(list)
    record, binding = plan_input.record, plan_input.binding
    addresses = {mailbox, binding.address if binding.is_live else ""} - {""}
    for refusal in refusals_of_columns(record, plan_input.key, plan_input.now) if record is not None else ():
        for address in sorted(addresses):
            if refusal.subject != BULK_EMAIL or not _is_ours(plan_input, planned, address):
                found[address].append(refusal)
    closed = _opted_out(plan_input, planned, rules)
    if closed is not None:
        address, refusal = closed
        found[address].append(refusal)
    for refusal in _withdrawn(plan_input, planned, rules, catalogue):
        found[binding.address or mailbox].append(refusal)
    return {address: refusals for address, refusals in found.items() if address}


def refusals_of_columns(record: PersonRecord, key: RecordKey, now: datetime) -> list[AddressRefusal]:
    """Return what the columns *Do Not Bulk Email* and *Do Not Email* of a record refuse."""
    return [
        AddressRefusal(subject, now, source, str(key))
        for column, subject, source in (
            (reading.DO_NOT_BULK_EMAIL, BULK_EMAIL, ConsentSource.DO_NOT_BULK_EMAIL),
            (reading.DO_NOT_EMAIL, DO_NOT_EMAIL, ConsentSource.DO_NOT_EMAIL),
        )
        if record.values.get(column)
    ]


def _is_ours(plan_input: PlanInput, planned: Decision, address: str) -> bool:
    """Whether Do Not Bulk Email only follows an opt-out of the person (OPT-07), or is being lifted with it (OPT-09).

    At another address than that of the opt-out, it is a refusal of its own.
    """
    binding, known = plan_input.binding, plan_input.suppression.refusals
    is_lifted = not isinstance(planned, Anonymize) and planned.dataverse_changes.refuses_bulk is False
    follows = binding.mail_status is MailStatus.OPTED_OUT_HERE and (
        bool(binding.address) or OPT_OUT in {one.subject for one in known}
    )
    return binding.address in {"", address} and (is_lifted or follows)


def _opted_out(plan_input: PlanInput, planned: Decision, rules: Rules) -> tuple[str, AddressRefusal] | None:
    """Return the address of an opt-out: the address of the contact, or the one that was agreed for it."""
    binding, contact = plan_input.binding, plan_input.contact
    is_closed = contact is not None and contact.is_unreachable and not plan_input.is_deactivated
    is_found = isinstance(planned, Rest) and planned.reason is Reason.OPTED_OUT and is_closed
    is_known = binding.mail_status.is_opt_out and (is_closed or plan_input.fetched is not Fetched.YES)
    # An opt-out after a bounce shows only as a later change of the contact, which an erasure would remove.
    is_lost = isinstance(planned, Anonymize) and is_closed and not plan_input.has_only_bounced
    # A record that rests gets no report of the opt-out. The list must have it before the contact may be erased.
    is_skipped = isinstance(planned, Rest) and planned.result is Result.SKIPPED and is_closed
    is_seen = is_skipped and plan_input.bounce is None and not plan_input.is_silent
    if not (binding.is_live or is_closed) or not (is_found or is_known or is_lost or is_seen):
        return None
    there = str(contact.properties.get(EMAIL, "")) if contact is not None else ""
    address = rules.fingerprints.address(there) if there else binding.address
    at = contact.last_changed if contact is not None and contact.last_changed else plan_input.now
    return address, AddressRefusal(OPT_OUT, at, ConsentSource.PLATFORM_OPT_OUT)


def _withdrawn(
    plan_input: PlanInput, planned: Decision, rules: Rules, catalogue: PropertyCatalogue
) -> Iterator[AddressRefusal]:
    """Name the permissions that both sides had agreed on, and that one of them takes back."""
    binding = plan_input.binding
    if not binding.is_live:
        return
    fingerprint = partial(rules.fingerprints.value, binding.external_id)
    agreed = {name for name, text in binding.base.items() if is_option(name) and text == fingerprint(name, YES)}
    given = agreed | binding.unmerged_yes
    if not given:
        return
    off_there = _off_on_platform(plan_input, given, rules, catalogue)
    for name in sorted(off_there):
        at = plan_input.contact.last_changed if plan_input.contact is not None else None
        yield AddressRefusal(name, at or plan_input.now, ConsentSource.PLATFORM_PROFILE)
    if not isinstance(planned, Anonymize) and planned.binding.is_live and not planned.permissions_off:
        after = planned.binding.base
        gone = _deleted(plan_input, rules, catalogue)
        here = {name for name in agreed - off_there if name in gone or after.get(name) == fingerprint(name, NO)}
        for name in sorted(here):
            yield AddressRefusal(name, plan_input.now, ConsentSource.DATAVERSE_ROW, str(plan_input.key))


def _deleted(plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue) -> set[str]:
    record = plan_input.record
    if record is None:
        return set()
    fields = mapped_fields(rules.mapping.for_table(plan_input.key.table), plan_input.key.table, catalogue)
    return set(withdrawn(plan_input, record, fields, rules))


def _off_on_platform(plan_input: PlanInput, names: set[str], rules: Rules, catalogue: PropertyCatalogue) -> set[str]:
    contact = plan_input.contact
    if contact is None or not contact.properties.get(EMAIL):  # an erased contact has withdrawn nothing
        return set()
    fields = mapped_fields(rules.mapping.for_table(plan_input.key.table), plan_input.key.table, catalogue)
    chosen = {name: one for name, one in fields.items() if name in names}
    return {name for name, value in values_of(contact, chosen, rules.mapping.zone).items() if value is NO}


def permissions_on(plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue) -> frozenset[str]:
    """Name the mapped permissions that are on in the contact, as far as it was read."""
    if plan_input.contact is None:
        return frozenset()
    fields = mapped_fields(rules.mapping.for_table(plan_input.key.table), plan_input.key.table, catalogue)
    options = {name: one for name, one in fields.items() if one.bit is not None}
    values = values_of(plan_input.contact, options, rules.mapping.zone)
    return frozenset(name for name, value in values.items() if value is YES)


def lifts_in(plan_input: PlanInput, after: Binding, mailbox: str, rules: Rules) -> Iterator[Lift]:
    """Return the refusals that end when a plan was carried out; `after` is the binding afterwards."""
    record, known = plan_input.record, plan_input.suppression.subjects | plan_input.binding.refused
    if not known or record is None:
        return
    key = str(plan_input.key)
    own = {
        subject
        for subject, refuses in (
            (BULK_EMAIL, refuses_bulk(record)),
            (DO_NOT_EMAIL, bool(record.values.get(reading.DO_NOT_EMAIL))),
        )
        if subject in known and not refuses
    }
    if own and mailbox:
        yield Lift(mailbox, frozenset(own), ConsentSource.DATAVERSE_ROW, key)
    if not after.is_live:
        return
    contact = plan_input.contact
    is_mailable = contact is not None and not contact.is_unreachable and not after.mail_status.is_opt_out
    if OPT_OUT in known and is_mailable and after.address:
        yield Lift(after.address, frozenset({OPT_OUT}), ConsentSource.REACTIVATED)
    is_over = not plan_input.sharing_records.refuse_bulk and not refuses_bulk(record)
    if is_over and contact is not None and given_since_all_were_refused(plan_input, contact, rules) and after.address:
        yield Lift(after.address, ALL_PERMISSIONS, ConsentSource.FORM)
    fingerprint = partial(rules.fingerprints.value, after.external_id)
    given = frozenset(name for name in known if after.base.get(name) == fingerprint(name, YES))
    if given and after.address:
        yield Lift(after.address, given, ConsentSource.DATAVERSE_ROW)

"""Merges a record with its contact, whether the contact exists or is about to be created (S2D-02)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from shared.domain.consent.default_rows import untouched_defaults
from shared.domain.mapping.model import EMAIL
from shared.domain.merging.agreement import NO, MergeInput
from shared.domain.merging.dataverse_changes import DataverseChanges
from shared.domain.merging.field_agreement import agree
from shared.domain.merging.merge import MergeDecision
from shared.domain.planning.binding import Binding, MailStatus
from shared.domain.planning.conditions import email_of, refuses_bulk
from shared.domain.planning.contact_write import left_in, purge_print, unmapped
from shared.domain.planning.decisions import Rest
from shared.domain.planning.plan_input import BaseState, PlanInput
from shared.domain.planning.rules import Rules
from shared.domain.records.fingerprints import ContactFingerprints
from shared.domain.records.marketing_contact import MarketingContact, PropertyCatalogue
from shared.domain.records.outcomes import FieldProblem, Reason, Result
from shared.domain.records.records import PersonRecord
from shared.domain.values.fields import Fields, Scalar, all_permissions_off, enabled_options, present_values
from shared.domain.values.mapped_fields import MappedField, mapped_fields
from shared.domain.wording.expectations import DisputeText


@dataclass(frozen=True, slots=True)
class Merged:
    """The result of a merge: the decision if nothing is sent, the fields to send, and the contact's e-mail address."""

    rest: Rest
    sent: Mapping[str, Scalar]
    email: str


def merge_sides(
    plan_input: PlanInput,
    contact: MarketingContact,
    wished: Fields,
    rules: Rules,
    catalogue: PropertyCatalogue,
    *,
    fingerprints: ContactFingerprints,
    is_new_contact: bool,
) -> Merged:
    """Merge every mapped field.

    `wished` are the fields that Dataverse wants, with their problems. `fingerprints` makes the fingerprints of the
    contact. `is_new_contact`: the connector makes the contact or has just made it, so nobody could have refused
    anything there (ENV-12).
    """
    record, binding = plan_input.record, plan_input.binding
    assert record is not None, "a record that does not exist cannot meet the conditions"
    rows = rules.mapping.for_table(plan_input.key.table)
    lifts = plan_input.has_come_back and binding.mail_status is MailStatus.OPTED_OUT_HERE and refuses_bulk(record)
    fields = mapped_fields(rules.mapping.rows_read(record), record.key.table, catalogue)
    is_overtaken = bool(given_since_all_were_refused(plan_input, contact, rules))
    withholds = plan_input.sharing_records.refuse_bulk if is_overtaken else plan_input.withholds_permissions
    off = (refuses_bulk(record) and not lifts) or withholds
    dataverse = present_values(record, rules.mapping, catalogue, wished)
    merge_input = MergeInput(
        plan_input,
        rules,
        contact,
        fingerprints,
        dataverse,
        base=binding.base if binding.is_live or plan_input.succession is not None else {},
        perhaps_sent=_perhaps_sent(plan_input, fields),
        withholds=off,
        is_new_contact=is_new_contact,
        default_rows=frozenset(untouched_defaults(binding, dataverse)),
        refused=_refused(plan_input, contact, fields, is_overtaken=is_overtaken),
    )
    agreement = agree(merge_input, fields)
    empty = unmapped(rules, rows, catalogue)
    unmapped_off = _unmapped_off(contact, all_permissions_off(rows, catalogue) if off else {}, fields)
    email = str(agreement.to_dataverse.get(EMAIL, wished.values.get(EMAIL, "")))
    dataverse_changes = DataverseChanges(
        fields=agreement.fields,
        subscriptions=agreement.subscriptions,
        refuses_bulk=False if lifts else None,
        prints=agreement.returning,
        address=rules.fingerprints.address(email) if EMAIL in agreement.to_dataverse else "",
    )
    agreed = replace(
        binding,
        is_live=True,
        base={
            **merge_input.base,
            **agreement.settled,
            **purge_print(rules, binding.external_id, empty),
            **fingerprints.values(unmapped_off),
        },
        address=rules.fingerprints.address(email_of(record, rows)),
        initial_merge_done=True,
        since=binding.since or plan_input.now,
        mail_status=MailStatus.OPEN,
        flap_history=agreement.flap_history,
        merge_decisions=agreement.merge_decisions,
        write_intents=frozenset(),
        default_rows={},
        is_stale=False,
        unmerged_yes=frozenset(),
    )
    problems = (*wished.omitted, *wished.cut, *_disputes(agreement.merge_decisions, fields, record))
    reason = Reason.RETURNED if dataverse_changes else Reason.AGREED
    rest = Rest(agreed, Result.UNCHANGED, reason, problems, permissions_off=off, dataverse_changes=dataverse_changes)
    return Merged(rest, {**left_in(contact, empty), **agreement.sent, **unmapped_off}, email)


def given_since_all_were_refused(plan_input: PlanInput, contact: MarketingContact, rules: Rules) -> frozenset[str]:
    """Return the permissions that were switched on in the platform after other records had refused all of them.

    Those records no longer share this contact, so only the person could lift their refusal (P-02). A permission counts
    if both sides had agreed on off. At a first merge it counts if the contact was created after the refusal.
    """
    refused, binding = plan_input.all_refused_on, plan_input.binding
    if refused is None or contact.is_unreachable:
        return frozenset()
    given = enabled_options(contact)
    if binding.is_live and binding.initial_merge_done:
        fingerprint = partial(rules.fingerprints.value, binding.external_id)
        return frozenset(name for name in given if binding.base.get(name) == fingerprint(name, NO))
    return given if contact.created is not None and contact.created > refused else frozenset()


def _refused(
    plan_input: PlanInput, contact: MarketingContact, fields: Mapping[str, MappedField], *, is_overtaken: bool
) -> dict[str, datetime]:
    """Return when others refused each permission; a refusal of all counts for permissions that are still off."""
    if not plan_input.suppression:
        return {}
    given = enabled_options(contact)
    everything = plan_input.all_refused_on if is_overtaken else None
    found = {
        name: [at for at in (plan_input.refused_on(name), None if name in given else everything) if at is not None]
        for name in fields
    }
    return {name: max(times) for name, times in found.items() if times}


def _unmapped_off(
    contact: MarketingContact, off: Mapping[str, Scalar], fields: Mapping[str, MappedField]
) -> dict[str, Scalar]:
    """Return the enabled permissions that no row maps: a refusal does not depend on the mapping (OPT-02)."""
    given = enabled_options(contact)
    return {name: value for name, value in off.items() if name in given and name not in fields}


def _perhaps_sent(plan_input: PlanInput, fields: Mapping[str, MappedField]) -> frozenset[str]:
    """Return the permissions whose yes a dead worker may have sent; all of them if it created the contact.

    After an opt-out ended, permissions without a base are included: the answer in the platform is then the newer one.
    """
    if plan_input.has_come_back:
        return frozenset(fields.keys() - plan_input.binding.base.keys())
    if plan_input.base_state is BaseState.BASE:
        return frozenset()
    return plan_input.binding.write_intents if plan_input.binding.is_live else frozenset(fields)


def _disputes(
    merged: Mapping[str, MergeDecision], fields: Mapping[str, MappedField], record: PersonRecord
) -> tuple[FieldProblem, ...]:
    """Return the fields that only a person can decide."""
    return tuple(
        FieldProblem(name, str(fields[name].row.sources[record.key.table]), dispute=_DISPUTES[decision])
        for name, decision in merged.items()
        if decision in _DISPUTES
    )


_DISPUTES = {
    MergeDecision.ASKED: DisputeText.ASKED(),
    MergeDecision.FROZEN: DisputeText.FROZEN(),
}


def without_contact(plan_input: PlanInput) -> PlanInput:
    """Return the input for a record without contact: nothing is in doubt."""
    return replace(plan_input, binding=fresh_binding(plan_input.binding), base_state=BaseState.BASE, contact=None)


def fresh_binding(binding: Binding) -> Binding:
    """Return the binding of a record without contact: nothing was agreed on."""
    return Binding(binding.external_id, default_rows=binding.default_rows, mail_status=binding.mail_status)

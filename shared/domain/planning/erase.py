"""What happens to the Spotler contact of a record that may not be there (any more), and what a job may ask of it."""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.mapping.model import EMAIL, Outside
from shared.domain.planning.binding import Binding
from shared.domain.planning.contact_write import changed_fields
from shared.domain.planning.decisions import Anonymize, Decision, FetchContact, Rest, Write, WriteMode
from shared.domain.planning.plan_input import BaseState, Fetched, PlanInput
from shared.domain.planning.rules import EndAction, Rules
from shared.domain.records.marketing_contact import PropertyCatalogue, Purge
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import Intent
from shared.domain.values.fields import Scalar, all_emptied, all_permissions_off, as_properties, enabled_options


def unmet_condition(plan_input: PlanInput, reason: Reason, rules: Rules, catalogue: PropertyCatalogue) -> Decision:
    """Decide for a record that may not be in Spotler, or not be written now."""
    match reason:
        case Reason.DELETED:
            action = rules.on_delete
        case Reason.INACTIVE | Reason.MERGED:
            action = rules.on_inactive
        case Reason.DO_NOT_EMAIL | Reason.NO_EMAIL:
            action = EndAction.ANONYMIZE
        case Reason.INVALID_EMAIL | Reason.FILTER_UNREADABLE:  # C-35: a typing error must not erase anybody
            return Rest(plan_input.binding, Result.FAILED, reason)
        case Reason.FILTERED:
            action = _OUTSIDE[rules.mapping.outside]
        case Reason.LEAD_QUALIFIED if not plan_input.binding.is_live and plan_input.base_state is BaseState.NOTHING:
            action = EndAction.ANONYMIZE  # its contact cannot inherit what only a dead worker knew of
        case _:
            return Rest(plan_input.binding, Result.SKIPPED, reason)
    return _end(plan_input, reason, action, rules, catalogue)


_OUTSIDE = {
    Outside.KEEP: EndAction.NOTHING,
    Outside.CLEAR_PERMISSIONS: EndAction.PERMISSIONS_OFF,
    Outside.ANONYMIZE: EndAction.ANONYMIZE,
}


def _end(
    plan_input: PlanInput, reason: Reason, action: EndAction, rules: Rules, catalogue: PropertyCatalogue
) -> Decision:
    if action is EndAction.NOTHING or not _may_be_live(plan_input):  # C-35: never in Spotler, or gone already: no call
        return Rest(plan_input.binding, Result.SKIPPED, reason)
    match action:
        case EndAction.ANONYMIZE:
            return anonymize(plan_input, reason)
        case EndAction.BLANK:
            rows = rules.mapping.for_table(plan_input.key.table)
            blank = all_emptied(rows, catalogue) | all_permissions_off(rows, catalogue)
            return _end_by_writing(plan_input, blank, reason, rules, address="")
        case EndAction.PERMISSIONS_OFF:
            off = all_permissions_off(rules.mapping.for_table(plan_input.key.table), catalogue)
            return _end_by_writing(plan_input, off, reason, rules, address=plan_input.binding.address)


def _may_be_live(plan_input: PlanInput) -> bool:
    """Whether Spotler may hold data of the record: a worker may have died after it had created the contact."""
    return plan_input.binding.is_live or plan_input.base_state is BaseState.NOTHING


def _end_by_writing(
    plan_input: PlanInput, values: Mapping[str, Scalar], reason: Reason, rules: Rules, *, address: str
) -> Decision:
    """Write what remains of the contact; `address` is the fingerprint of the address that it keeps."""
    if plan_input.sharing_records.keys:
        return _keep(plan_input)
    binding = plan_input.binding
    prints = rules.fingerprints.values(binding.external_id, values)
    changed = set(changed_fields(prints, values, plan_input)) | (enabled_options(plan_input.contact) & values.keys())
    agreed = Binding(binding.external_id, is_live=True, base={**binding.base, **prints}, address=address)
    if not changed:
        return Rest(agreed, Result.UNCHANGED, reason)
    # What is off goes along: a permission may have been given in Spotler since both sides agreed.
    sent = {name: value for name, value in values.items() if name in changed or value is False}
    fields = tuple(name for name in values if name in changed)
    return Write(as_properties(sent), fields, Purge.KEEP, agreed, reason, delivery=WriteMode.UPDATE)


def anonymize(plan_input: PlanInput, reason: Reason) -> Decision:
    """Never a contact that another active record still uses; on request, even one that we do not know (ANON-10)."""
    if plan_input.sharing_records.keys:
        return _keep(plan_input)
    return Anonymize(Binding(plan_input.binding.external_id), reason)


def let_go(plan_input: PlanInput) -> Decision:
    """End the old contact of a record whose new address belongs to another one (or that shared its old address)."""
    return anonymize(plan_input, Reason.ADDRESS_MOVED)


def _keep(plan_input: PlanInput) -> Rest:
    """Let go of a contact that others need: this record has no data of its own there any more."""
    result = Result.KEPT if plan_input.intent is Intent.SYNC else Result.FAILED
    return Rest(Binding(plan_input.binding.external_id), result, Reason.STILL_USED)


def purge(plan_input: PlanInput) -> Decision | FetchContact:
    """PURGE-03: clear all data of the Spotler contact; the next synchronisation fills it again.

    What the person refused there must be known first. An opt-out needs the address, which would be cleared as well.
    """
    if plan_input.sharing_records.keys:
        return Rest(plan_input.binding, Result.FAILED, Reason.STILL_USED)
    binding = plan_input.binding
    if not _may_be_live(plan_input):
        return Rest(binding, Result.UNCHANGED, Reason.ABSENT)
    if plan_input.fetched is Fetched.NO:
        return FetchContact(binding)
    contact = plan_input.contact
    is_closed = contact is not None and bool(contact.properties.get(EMAIL)) and contact.is_unreachable
    if is_closed and not plan_input.has_only_bounced:
        return Rest(binding, Result.FAILED, Reason.OPTED_OUT)
    emptied = Binding(binding.external_id, is_live=True, address=binding.address)
    return Write({}, (), Purge.PURGE, emptied, Reason.PURGED, delivery=WriteMode.UPDATE)

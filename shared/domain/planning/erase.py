"""Plans for a contact whose record may not be in the platform, and for jobs that erase or purge it."""

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
    """Decide for a record that does not meet the conditions."""
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
            action = EndAction.ANONYMIZE  # its contact cannot be inherited: only a dead worker had its binding
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
    if action is EndAction.NOTHING or not _may_be_live(plan_input):  # C-35: no data in the platform, no call
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
    """Whether the platform may hold data of the record: a worker may have died after it had created the contact."""
    return plan_input.binding.is_live or plan_input.base_state is BaseState.NOTHING


def _end_by_writing(
    plan_input: PlanInput, values: Mapping[str, Scalar], reason: Reason, rules: Rules, *, address: str
) -> Decision:
    """Write the rest of the contact; `address` is the fingerprint of the address that it keeps."""
    if plan_input.sharing_records.keys:
        return _keep(plan_input)
    binding = plan_input.binding
    prints = rules.fingerprints.values(binding.external_id, values)
    changed = set(changed_fields(prints, values, plan_input)) | (enabled_options(plan_input.contact) & values.keys())
    agreed = Binding(binding.external_id, is_live=True, base={**binding.base, **prints}, address=address)
    if not changed:
        return Rest(agreed, Result.UNCHANGED, reason)
    # Options that are off are sent, too: a permission may have been given in the platform since the last agreement.
    sent = {name: value for name, value in values.items() if name in changed or value is False}
    fields = tuple(name for name in values if name in changed)
    return Write(as_properties(sent), fields, Purge.KEEP, agreed, reason, delivery=WriteMode.UPDATE)


def anonymize(plan_input: PlanInput, reason: Reason) -> Decision:
    """Anonymise, unless another active record uses the contact; on request also a contact without binding (ANON-10)."""
    if plan_input.sharing_records.keys:
        return _keep(plan_input)
    return Anonymize(Binding(plan_input.binding.external_id), reason)


def let_go(plan_input: PlanInput) -> Decision:
    """Anonymise the old contact of a record whose new address has another contact, or that shared its address."""
    return anonymize(plan_input, Reason.ADDRESS_MOVED)


def _keep(plan_input: PlanInput) -> Rest:
    """Let go of a contact that others need: this record has no data of its own there any more."""
    result = Result.KEPT if plan_input.intent is Intent.SYNC else Result.FAILED
    return Rest(Binding(plan_input.binding.external_id), result, Reason.STILL_USED)


def purge(plan_input: PlanInput) -> Decision | FetchContact:
    """PURGE-03: clear all data of the contact; the next synchronisation fills it again.

    Refusals in the contact must be read first. An opt-out stays: it needs the address, which a purge would clear.
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

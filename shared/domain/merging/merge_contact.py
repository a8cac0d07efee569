"""Plans for a record whose contact has been read (S2D-02).

`merge_sides` merges fields and permissions. This module handles the other cases: a contact that does not exist, that
cannot be mailed, whose person returned after an opt-out, or that a dead worker may have created.
"""

from dataclasses import replace
from datetime import timedelta

from shared.domain.consent.changes import BULK_EMAIL, OPT_OUT
from shared.domain.consent.refusals import stay_out
from shared.domain.mapping.model import EMAIL
from shared.domain.merging.dataverse_changes import DataverseChanges
from shared.domain.merging.merge_sides import merge_sides
from shared.domain.planning.binding import Binding, MailStatus
from shared.domain.planning.conditions import email_of, refuses_bulk
from shared.domain.planning.contact_write import fields_of_every_write, write_or_rest
from shared.domain.planning.decisions import Decision, Rest
from shared.domain.planning.erase import let_go
from shared.domain.planning.insertion import insert
from shared.domain.planning.plan_input import CLOCKS_DIFFER, BaseState, PlanInput
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import MarketingContact, PropertyCatalogue
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import PersonRecord
from shared.domain.values.fields import wished_fields

AT_ONCE = timedelta(seconds=1)
"""The longest time between creation and last change of a contact that one write made."""


def merge_contact(plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue) -> Decision:
    """Merge a record with its contact (S2D-02)."""
    record, binding, contact = plan_input.record, plan_input.binding, plan_input.contact
    assert record is not None, "a record that does not exist cannot meet the conditions"
    if contact is None or not contact.properties.get(EMAIL):
        return _create_again(plan_input, rules, catalogue)
    rows = rules.mapping.for_table(plan_input.key.table)
    address = rules.fingerprints.address(email_of(record, rows))
    there = rules.fingerprints.address(str(contact.properties.get(EMAIL, "")))
    if contact.is_unreachable and not (plan_input.has_only_bounced and address not in {binding.address, there}):
        # Other records find the contact by the address that it has in the platform.
        known = there if address == there else binding.address or there
        is_mended = binding.is_live and address != known
        return _unreachable(replace(plan_input, binding=replace(binding, address=known)), record, is_mended=is_mended)
    if plan_input.has_come_back and binding.is_live and address != binding.address:
        # The person who returned has the former address of this record.
        return let_go(plan_input) if plan_input.sharing_records.keys else Rest(binding, Result.FAILED, Reason.OPTED_OUT)
    wished = wished_fields(record, rules.mapping, catalogue)
    if wished.fatal:
        return Rest(binding, Result.FAILED, Reason.INVALID_VALUE, wished.fatal)
    fingerprints = rules.fingerprints.of_contact(binding.external_id)
    merged = merge_sides(
        plan_input,
        contact,
        wished,
        rules,
        catalogue,
        fingerprints=fingerprints,
        is_new_contact=_is_new(contact, plan_input, binding),
    )
    always = fields_of_every_write(rules, rows, catalogue, merged.email)
    binds = {} if contact.external_id == binding.external_id else {EMAIL: merged.email}
    return write_or_rest(merged.rest, {**binds, **merged.sent}, always, was_live=binding.is_live)


def _create_again(plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue) -> Decision:
    """Plan for a record that belongs in the platform and whose contact is gone, missing or empty (DEL-08)."""
    is_known = plan_input.binding.mail_status.is_opt_out and not plan_input.suppression.has_returned
    if is_known or OPT_OUT in plan_input.suppression.subjects:
        return stay_out(plan_input)  # an erasure in the platform does not end an opt-out (OPT-08)
    return insert(plan_input, rules, catalogue)


def _is_new(contact: MarketingContact, plan_input: PlanInput, binding: Binding) -> bool:
    """Whether a dead worker created the contact for this record, and nobody has changed it since (ENV-12).

    For every other contact the result of the insertion shows whether it is new. If a form created the contact just
    before, the insertion changed it. Then its creation is older than its last change, by the platform's own clock.
    """
    if plan_input.base_state is BaseState.BASE or contact.external_id != binding.external_id:
        return False
    if (
        binding.initial_merge_done
        or plan_input.sharing_records.keys
        or contact.created is None
        or contact.last_changed is None
    ):
        return False
    since = binding.since or plan_input.now
    return contact.last_changed - contact.created <= AT_ONCE and contact.created >= since - CLOCKS_DIFFER


def _unreachable(plan_input: PlanInput, record: PersonRecord, *, is_mended: bool) -> Rest:
    """Send nothing to a contact that cannot be mailed, after an opt-out (OPT-07, OPT-08) or a bounce.

    A bounce is no opt-out; the next poll decides between the two, because it reads bounces first. `is_mended`: the
    record has another address now, but the contact may not be opened again.
    """
    binding = replace(
        plan_input.binding, is_live=True, initial_merge_done=True, write_intents=frozenset(), is_stale=False
    )
    if plan_input.is_deactivated and not binding.mail_status.is_opt_out:
        return Rest(replace(binding, mail_status=MailStatus.DEACTIVATED), Result.FAILED, Reason.DEACTIVATED)
    if plan_input.bounce is not None and not binding.mail_status.is_opt_out:
        reason = Reason.PERHAPS_OPTED_OUT if is_mended else plan_input.bounce
        return Rest(replace(binding, mail_status=MailStatus.BOUNCED), Result.FAILED, reason)
    # Found by this record, not by one that shares the contact.
    is_own = plan_input.binding.initial_merge_done or plan_input.binding.mail_status is MailStatus.OPEN
    if (binding.mail_status.is_opt_out and is_own) or refuses_bulk(record):
        found = MailStatus.OPTED_OUT_HERE if BULK_EMAIL in plan_input.binding.write_intents else MailStatus.OPTED_OUT
        mail_status = binding.mail_status if binding.mail_status.is_opt_out else found
        return Rest(replace(binding, mail_status=mail_status), Result.FAILED, Reason.OPTED_OUT)
    if plan_input.is_silent:
        closed = replace(plan_input.binding, is_live=True, mail_status=MailStatus.CLOSED)
        return Rest(closed, Result.FAILED, Reason.NO_ACTIVE_CHANNEL)
    opted_out = replace(binding, mail_status=MailStatus.OPTED_OUT_HERE)
    return Rest(opted_out, Result.FAILED, Reason.OPTED_OUT, dataverse_changes=DataverseChanges(refuses_bulk=True))

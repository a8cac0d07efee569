"""Plans one record on both sides. Pure: the same input always gives the same plan.

The engine reads both sides, calls `plan`, and applies the result; a preview calls it without applying. If the plan
depends on a contact that has not been read, the result is `FetchContact`: read the contact and plan again.
"""

from dataclasses import replace

from shared.domain.consent.default_rows import with_default_rows
from shared.domain.consent.refusal_changes import permissions_on
from shared.domain.consent.refusals import stay_out, with_refusals
from shared.domain.merging.merge_contact import merge_contact
from shared.domain.planning.conditions import email_of, unmet_reason
from shared.domain.planning.decisions import Decision, FetchContact, Plan, Rest
from shared.domain.planning.erase import anonymize, purge, unmet_condition
from shared.domain.planning.plan_input import Fetched, PlanInput
from shared.domain.planning.push import push_changes
from shared.domain.planning.rules import Rules
from shared.domain.planning.sharing import as_user
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import Intent
from shared.domain.recovery.allow_list import within


def plan(plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue) -> Plan:
    """Decide (CS-15, VAL-01..VAL-04, C-01..C-04, C-35, C-38)."""
    return as_allowed(_plan(plan_input, rules, catalogue), plan_input, rules)


def _plan(plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue) -> Plan:
    match plan_input.intent:
        case Intent.ANONYMIZE:
            return anonymize(plan_input, Reason.ON_REQUEST)
        case Intent.PURGE:
            return purge(plan_input)
        case Intent.SYNC:
            return with_refusals(_synchronise(plan_input, rules, catalogue), plan_input, rules, catalogue)


def as_allowed(planned: Plan, plan_input: PlanInput, rules: Rules) -> Plan:
    """Return the plan, or one that leaves the contact alone because it is not on the allow-list."""
    record = plan_input.record
    email = email_of(record, rules.mapping.for_table(plan_input.key.table)) if record is not None else ""
    return within(rules.allow_list, planned, plan_input, email)


def _synchronise(plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue) -> Plan:
    unmet = unmet_reason(plan_input, rules)
    if unmet is Reason.OPTED_OUT and plan_input.fetched is Fetched.NO and plan_input.binding.is_live:
        return FetchContact(plan_input.binding)  # C-12: the opt-out may have ended
    if unmet is Reason.OPTED_OUT and plan_input.is_suppressed:
        return stay_out(plan_input)
    if unmet is not None:
        decision = _marked_stale(unmet_condition(plan_input, unmet, rules, catalogue), plan_input, rules, catalogue)
        return with_default_rows(decision, plan_input, rules.mapping.for_table(plan_input.key.table), catalogue)
    plan_input, rules = as_user(plan_input, rules)
    if plan_input.fetched is Fetched.YES:
        return merge_contact(plan_input, rules, catalogue)
    return push_changes(plan_input, rules, catalogue)


def _marked_stale(decision: Decision, plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue) -> Decision:
    """Mark the binding as stale if the contact was read, for the time when the record may be synchronised again.

    The permissions that are on in the contact are noted: their withdrawal counts, although nobody merged the yes.
    """
    if not isinstance(decision, Rest) or decision.result is not Result.SKIPPED or plan_input.fetched is not Fetched.YES:
        return decision
    binding = decision.binding
    noted = binding.unmerged_yes | permissions_on(plan_input, rules, catalogue) if binding.is_live else frozenset[str]()
    return replace(decision, binding=replace(binding, is_stale=binding.is_live, unmerged_yes=noted))

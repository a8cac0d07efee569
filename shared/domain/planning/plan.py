"""What should happen to one record, on both sides. Pure: the same situation always gives the same plan.

The engine reads both sides, asks `plan`, and applies the answer; a preview asks and does not apply. Where the Spotler
contact matters and has not been read, the answer is `Look`: read it and ask again.
"""

from __future__ import annotations

from dataclasses import replace

from shared.domain.consent.default_rows import with_early_rows
from shared.domain.consent.refusals import stay_out, with_refusals
from shared.domain.merging.merge_sides import agree_on_both
from shared.domain.planning.conditions import Subject, Verdict, examine
from shared.domain.planning.context import (
    Decision,
    Look,
    Plan,
    Rest,
    Rules,
    Sight,
    Situation,
)
from shared.domain.planning.erase import anonymize, purge, unmet_condition
from shared.domain.planning.push import send_changes
from shared.domain.planning.sharing import as_user
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import Intent


def plan(situation: Situation, rules: Rules, catalogue: PropertyCatalogue) -> Plan:
    """Decide (CS-15, VAL-01..VAL-04, C-01..C-04, C-35, C-38)."""
    match situation.intent:
        case Intent.ANONYMIZE:
            return anonymize(situation, Reason.ON_REQUEST)
        case Intent.PURGE:
            return purge(situation)
        case Intent.SYNC:
            return with_refusals(_synchronise(situation, rules, catalogue), situation, rules, catalogue)


def _synchronise(situation: Situation, rules: Rules, catalogue: PropertyCatalogue) -> Plan:
    unmet = next((verdict.reason for verdict in verdicts(situation, rules) if verdict.reason), None)
    if unmet is Reason.OPTED_OUT and situation.sight is Sight.UNSEEN and situation.binding.is_live:
        return Look(situation.binding)  # C-12: has the person come back?
    if unmet is Reason.OPTED_OUT and situation.is_suppressed:
        return stay_out(situation)
    if unmet is not None:
        decision = _not_forgotten(unmet_condition(situation, unmet, rules, catalogue), situation)
        return with_early_rows(decision, situation, rules.mapping.for_table(situation.key.table), catalogue)
    situation, rules = as_user(situation, rules)
    if situation.sight is Sight.SEEN:
        return agree_on_both(situation, rules, catalogue)
    return send_changes(situation, rules, catalogue)


def _not_forgotten(decision: Decision, situation: Situation) -> Decision:
    """Keep in mind that Spotler's side was seen to change, for when the record may be synchronised again."""
    if not isinstance(decision, Rest) or decision.result is not Result.SKIPPED or situation.sight is not Sight.SEEN:
        return decision
    return replace(decision, binding=replace(decision.binding, is_stale=decision.binding.is_live))


def verdicts(situation: Situation, rules: Rules) -> tuple[Verdict, ...]:
    """Examine every condition of a record."""
    table, mapping = situation.key.table, rules.mapping
    return examine(
        Subject(
            key=situation.key,
            record=situation.record,
            rows=mapping.for_table(table),
            environment_is_on=rules.environment_is_on,
            enabled_tables=rules.enabled_tables,
            passes=mapping.passes(table),
            filtered_by=mapping.filtered_by(table),
            has_come_back=situation.has_come_back,
            is_suppressed=situation.is_suppressed,
            lead_status=situation.lead_status,
        )
    )

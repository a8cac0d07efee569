"""Answers "why is this person (not) in Spotler?": the plan for one record, not applied."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from shared.consent.audit_ledger import ConsentLedger, as_rows
from shared.consent.bounce_service import BounceService, bounce_rows
from shared.domain.consent.suppression import NOTHING_REFUSED
from shared.domain.merging.dataverse_changes import DataverseChanges
from shared.domain.planning.conditions import condition_results
from shared.domain.planning.decisions import Anonymize, Decision, FetchContact, Rest, Write
from shared.domain.planning.erase import let_go
from shared.domain.planning.identity import (
    Leave,
)
from shared.domain.planning.plan import as_allowed, plan
from shared.domain.planning.plan_input import ContactPresence, Fetched, SharingRecords
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.records.outcomes import TEXTS, Outcome
from shared.domain.records.records import Intent, RecordKey, Reference, Why
from shared.domain.wording.refused_acts import ChoiceRefusal
from shared.engine.bindings.claims import ReadOnlyClaims
from shared.engine.bindings.ledger import Ledger
from shared.engine.contact_resolver import ContactResolver
from shared.engine.planning_facts import PlanningFactsLoader
from shared.engine.record_context import RecordContext
from shared.engine.refusals.suppression_list import SuppressionList
from shared.engine.work_items import WorkItem
from shared.errors import ConflictError, Service
from shared.ports.dataverse import Crm
from shared.ports.marketing_platform import MarketingPlatform


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain:
    """Reads both sides and plans, without claims and without writing anything."""

    crm: Crm
    platform: MarketingPlatform
    ledger: Ledger
    rules: Rules
    planning_facts: PlanningFactsLoader
    suppressions: SuppressionList
    bounces: BounceService
    consents: ConsentLedger

    async def record(self, key: RecordKey) -> dict[str, Any]:
        """Explain one record as JSON. Values are for the caller, who may read the record; nothing is logged."""
        catalogue = await self.platform.properties()
        entry = (await self.ledger.entries([key]))[key]
        item = WorkItem(key, Intent.SYNC, (Reference(key, Why.RESYNC),), presence=ContactPresence.TO_PROVE)
        claims = ReadOnlyClaims(self.ledger)
        resolved = await ContactResolver(self.crm, self.ledger, self.suppressions, self.rules).resolve([item], claims)
        if resolved.error is not None:
            raise resolved.error
        if not resolved.contexts:
            raise ConflictError(ChoiceRefusal.IN_CHANGE(), service=Service.STATE)
        (context,) = resolved.contexts
        conditions = condition_results(context.plan_input, self.rules)
        context, planned = await self._planned(context, catalogue)
        return {
            "record": str(key),
            "conditions": [
                {
                    "condition": result.condition,
                    "met": result.is_met,
                    **({"why": TEXTS[result.reason]} if result.reason else {}),
                }
                for result in conditions
            ],
            "spotlerContact": claims.known(context.binding.external_id),
            "inSpotler": context.binding.is_live,
            "sharedWith": [str(sharing_record) for sharing_record in context.sharing_records.keys],
            "duplicates": _duplicates_json(key, context.sharing_records),
            "plan": _plan_json(key, planned),
            "lastOutcome": asdict(entry.outcome) if entry.outcome else None,
            "merged": {name: str(decision) for name, decision in entry.binding.merge_decisions.items()},
            "mail": str(entry.binding.mail_status),
            "refusedAtAddress": [
                {
                    "subject": one.subject,
                    "at": one.at.isoformat(),
                    "source": one.source,
                    "record": one.record,
                    "lifted": one.lifted.isoformat() if one.lifted else None,
                    "liftedBy": one.lifted_by,
                }
                for one in (await self.suppressions.at([context.mailbox] if context.mailbox else []))
                .get(context.mailbox, NOTHING_REFUSED)
                .refusals
            ],
            "heldSince": {str(kind): at.isoformat(timespec="seconds") for kind, at in entry.binding.held_since.items()},
            "bounces": bounce_rows(await self.bounces.report_of(context.binding.external_id, key)),
            "consent": as_rows(await self.consents.of_record(key)),
        }

    async def _planned(self, context: RecordContext, catalogue: PropertyCatalogue) -> tuple[RecordContext, Decision]:
        """Plan as the engine would, and fetch the Spotler contact where the engine would."""
        if isinstance(context.identity, Leave):
            if self.rules.allow_list is not None:  # whose contact it is decides
                context = await self._fetched(context)
            planned = as_allowed(let_go(context.plan_input), context.plan_input, self.rules)
            assert not isinstance(planned, FetchContact), "the contact was fetched"
            return context, planned
        (context,) = await self.planning_facts.load([context], catalogue)
        planned = plan(context.plan_input, self.rules, catalogue)
        if (
            isinstance(planned, FetchContact) or context.binding.is_live
        ):  # to include what somebody did in Spotler itself
            context = await self._fetched(context)
            planned = plan(context.plan_input, self.rules, catalogue)
        assert not isinstance(planned, FetchContact), "the contact was fetched"
        return context, planned

    async def _fetched(self, context: RecordContext) -> RecordContext:
        contact = await self.platform.contact(context.binding.external_id)
        return replace(context, fetched=Fetched.YES, contact=contact)


def _duplicates_json(key: RecordKey, sharing_records: SharingRecords) -> dict[str, Any] | None:
    """Return the active records that share one e-mail address, and the primary one; None if there is one record."""
    if not sharing_records.keys:
        return None
    group = sorted({key, *sharing_records.keys})
    return {"records": [str(one) for one in group], "primary": str(sharing_records.primary or key)}


def _plan_json(key: RecordKey, planned: Decision) -> dict[str, Any]:
    match planned:
        case Write(if_absent=Write() as insertion, meets=True):
            return _plan_json(key, insertion)  # as far as known, Spotler does not have the contact
        case Write():
            properties = {
                name: [{"bit": option.bit, "enabled": option.enabled} for option in value]
                if isinstance(value, tuple)
                else value
                for name, value in planned.properties.items()
            }
            return {
                "action": "write",
                "reason": planned.reason,
                "text": TEXTS[planned.reason],
                "properties": properties,
                "changed": list(planned.fields),
                "leftOut": [problem.text for problem in planned.problems],
                "permissionsOff": planned.permissions_off,
                **_writeback_json(planned.dataverse_changes),
            }
        case Anonymize():
            return {"action": "anonymize", "reason": planned.reason, "text": TEXTS[planned.reason]}
        case Rest():
            outcome = Outcome(key, planned.result, planned.reason, planned.problems)
            return {
                "action": "none",
                "result": planned.result,
                "reason": planned.reason,
                "text": outcome.text,
                **_writeback_json(planned.dataverse_changes),
            }


def _writeback_json(changes: DataverseChanges) -> dict[str, Any]:
    """Return what would be written to Dataverse; empty if nothing would."""
    if not changes:
        return {}
    return {
        "comesHome": {
            "fields": [one.definition.name for one in changes.fields],
            "permissions": {one.name: one.subscribed for one in changes.subscriptions},
            **({} if changes.refuses_bulk is None else {"doNotBulkEmail": changes.refuses_bulk}),
        }
    }

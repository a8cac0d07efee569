"""Answers "why is this person (not) in Spotler?": the plan for one record, not applied."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from shared.consent.audit_ledger import ConsentLedger, as_rows
from shared.consent.bounce_service import BounceService, bounce_rows
from shared.domain.consent.suppression import NOTHING_REFUSED
from shared.domain.merging.dataverse_changes import DataverseChanges
from shared.domain.planning.conditions import email_of
from shared.domain.planning.context import (
    Anonymize,
    BaseState,
    Binding,
    ContactPresence,
    Decision,
    FetchContact,
    Fetched,
    Rest,
    Rules,
    SharingRecords,
    Write,
)
from shared.domain.planning.erase import let_go
from shared.domain.planning.identity import (
    Join,
    Leave,
    LeaveContact,
    Stay,
    binding_after_joining,
    identify,
    originating_lead,
)
from shared.domain.planning.plan import condition_results, plan
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.records.outcomes import TEXTS, Outcome
from shared.domain.records.records import Intent, PersonRecord, RecordKey
from shared.engine.bindings.contact_documents import HeldContact
from shared.engine.bindings.ledger import Ledger
from shared.engine.contact_resolver import inherited_bindings_of, lead_statuses, with_suppressions
from shared.engine.planning_facts import PlanningFactsLoader
from shared.engine.record_context import RecordContext
from shared.engine.refusals.suppressions import SuppressionList
from shared.engine.work_items import WorkItem
from shared.ports.dataverse import Crm
from shared.ports.marketing_platform import MarketingPlatform


class Explain:
    """Reads both sides and plans, without claims and without writing anything."""

    def __init__(
        self,
        *,
        crm: Crm,
        platform: MarketingPlatform,
        ledger: Ledger,
        rules: Rules,
        planning_facts: PlanningFactsLoader,
        suppressions: SuppressionList,
        bounces: BounceService,
        consents: ConsentLedger,
    ) -> None:
        self._crm = crm
        self._platform = platform
        self._ledger = ledger
        self._rules = rules
        self._planning_facts = planning_facts
        self._suppressions = suppressions
        self._bounces = bounces
        self._consents = consents

    async def record(self, key: RecordKey) -> dict[str, Any]:
        """Explain one record as JSON. Values are for the caller, who may read the record; nothing is logged."""
        catalogue = await self._platform.properties()
        record = (await self._crm.read_people([key])).get(key)
        entry = (await self._ledger.entries([key]))[key]
        item = WorkItem(key, Intent.SYNC, presence=ContactPresence.TO_PROVE)
        context = await self._inheriting(await self._context(item, record, entry.binding))
        (context,) = await with_suppressions([context], self._suppressions, self._ledger, self._rules)
        conditions = condition_results(context.plan_input, self._rules)
        if record is not None and all(verdict.is_met for verdict in conditions):
            context = await self._belonging(context, record)
        context, planned = await self._planned(context, catalogue)
        return {
            "record": str(key),
            "conditions": [
                {
                    "condition": verdict.condition,
                    "met": verdict.is_met,
                    **({"why": TEXTS[verdict.reason]} if verdict.reason else {}),
                }
                for verdict in conditions
            ],
            "spotlerContact": context.binding.external_id,
            "inSpotler": context.binding.is_live,
            "sharedWith": [str(sharing_record) for sharing_record in context.sharing_records.keys],
            "duplicates": _duplicates_json(key, context.sharing_records),
            "plan": _plan_json(key, planned),
            "lastOutcome": asdict(entry.outcome) if entry.outcome else None,
            "merged": {name: str(verdict) for name, verdict in entry.binding.merge_decisions.items()},
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
                for one in (await self._suppressions.at([context.mailbox] if context.mailbox else []))
                .get(context.mailbox, NOTHING_REFUSED)
                .refusals
            ],
            "heldSince": {str(kind): at.isoformat(timespec="seconds") for kind, at in entry.binding.held_since.items()},
            "bounces": bounce_rows(await self._bounces.report_of(context.binding.external_id, key)),
            "consent": as_rows(await self._consents.of_record(key)),
        }

    async def _planned(self, context: RecordContext, catalogue: PropertyCatalogue) -> tuple[RecordContext, Decision]:
        """Plan as the engine would, with a look at the Spotler contact where the engine would look."""
        if isinstance(context.identity, Leave):
            return context, let_go(context.plan_input)
        (context,) = await self._planning_facts.load([context], catalogue)
        planned = plan(context.plan_input, self._rules, catalogue)
        if (
            isinstance(planned, FetchContact) or context.binding.is_live
        ):  # what somebody did in Spotler itself is told, too
            contact = await self._platform.contact(context.binding.external_id)
            context = replace(context, fetched=Fetched.YES, contact=contact)
            planned = plan(context.plan_input, self._rules, catalogue)
        assert not isinstance(planned, FetchContact), "who has looked does not want to look"
        return context, planned

    async def _inheriting(self, context: RecordContext) -> RecordContext:
        statuses = await lead_statuses([context.record] if context.record is not None else [], self._crm)
        return replace(await self._in_place(context), lead_status=statuses.get(context.key))

    async def _in_place(self, context: RecordContext) -> RecordContext:
        lead = originating_lead(context.record) if context.record is not None and not context.binding.is_live else None
        inherited_bindings = await inherited_bindings_of([lead] if lead else [], self._ledger, self._crm)
        if lead is None or (inherited_binding := inherited_bindings.get(lead)) is None:
            return context
        return replace(await self._context(context.item, context.record, inherited_binding.binding), successor_of=lead)

    async def _belonging(self, context: RecordContext, record: PersonRecord) -> RecordContext:
        address = self._rules.fingerprints.address(email_of(record, self._rules.mapping.for_table(context.key.table)))
        found = (await self._ledger.owners_of([address])).get(address)
        owner = found.contact if found and found.is_confirmed else None
        match identify(
            context.binding, address, base_state=BaseState.BASE, sharing_records=context.sharing_records, owner=owner
        ):
            case Stay():
                return context
            case Leave():
                return replace(context, identity=Leave())
            case LeaveContact():
                return replace(
                    context, origin=Binding(""), binding=Binding(""), held=HeldContact("", "", BaseState.BASE)
                )
            case Join(external_id):
                others = await self._ledger.entries(await self._ledger.users_of(external_id))
                joined = binding_after_joining(external_id, [other.binding for other in others.values()])
                return await self._context(context.item, record, joined)

    async def _context(self, item: WorkItem, record: PersonRecord | None, binding: Binding) -> RecordContext:
        """Make a seat as the engine would, without claiming the contact."""
        contact = (await self._ledger.contacts([binding.external_id]))[binding.external_id]
        return RecordContext(item, binding, binding, replace(contact, base_state=BaseState.BASE), record)


def _duplicates_json(key: RecordKey, sharing_records: SharingRecords) -> dict[str, Any] | None:
    """Name the active records that have one e-mail address, and the primary one; None for a record of its own."""
    if not sharing_records.keys:
        return None
    group = sorted({key, *sharing_records.keys})
    return {"records": [str(one) for one in group], "primary": str(sharing_records.primary or key)}


def _plan_json(key: RecordKey, planned: Decision) -> dict[str, Any]:
    match planned:
        case Write(if_absent=Write() as insertion, meets=True):
            return _plan_json(key, insertion)  # as far as anybody knows, Spotler does not have the contact
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
                "leftOut": [str(problem) for problem in planned.problems],
                "permissionsOff": planned.permissions_off,
                **_home_json(planned.home),
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
                **_home_json(planned.home),
            }


def _home_json(home: DataverseChanges) -> dict[str, Any]:
    """Tell what would be written to Dataverse; nothing where that is nothing."""
    if not home:
        return {}
    return {
        "comesHome": {
            "fields": [one.definition.name for one in home.fields],
            "permissions": {one.name: one.subscribed for one in home.subscriptions},
            **({} if home.refuses_bulk is None else {"doNotBulkEmail": home.refuses_bulk}),
        }
    }

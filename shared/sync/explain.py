"""Answers "why is this person (not) in Spotler?": the plan for one record, not applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from shared.core.conditions import email_of
from shared.core.identity import Directory, Join, Leave, Stay, binding_after_joining, identify, originating_lead
from shared.core.outcomes import TEXTS, Outcome
from shared.core.plan import Anonymize, Plan, Rest, Rules, Situation, Trust, Write, let_go, plan, verdicts
from shared.core.records import RecordKey
from shared.ports import Crm, MarketingPlatform
from shared.sync.ledger import Consent, Entry, HeldContact, Ledger


class Explain:
    """Reads both sides and plans, without claims and without writing anything."""

    def __init__(self, *, crm: Crm, platform: MarketingPlatform, ledger: Ledger, rules: Rules) -> None:
        self._crm = crm
        self._platform = platform
        self._ledger = ledger
        self._rules = rules

    async def record(self, key: RecordKey) -> dict[str, Any]:
        """Explain one record as JSON. Values are for the caller, who may read the record; nothing is logged."""
        catalogue = await self._platform.properties()
        record = (await self._crm.read_people([key])).get(key)
        entry = (await self._ledger.entries([key]))[key]
        situation = Situation(key, record, entry.binding)
        users = await self._ledger.users_of(entry.binding.external_id)
        contact = HeldContact(entry.binding.external_id, "", Trust.BASE, users)
        situation = Situation(key, record, entry.binding, neighbours=contact.neighbours_of(key))
        conditions = verdicts(situation, self._rules)
        leaves = False
        if record is not None and all(verdict.is_met for verdict in conditions):
            situation, leaves = await self._belonging(situation)
        planned = let_go(situation) if leaves else plan(situation, self._rules, catalogue)
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
            "spotlerContact": situation.binding.external_id,
            "inSpotler": situation.binding.is_live,
            "sharedWith": [str(neighbour) for neighbour in situation.neighbours.keys],
            "plan": _plan_json(key, planned),
            "lastOutcome": asdict(entry.outcome) if entry.outcome else None,
        }

    async def _belonging(self, situation: Situation) -> tuple[Situation, bool]:
        record, binding = situation.record, situation.binding
        assert record is not None, "asked only for records that exist"
        email = email_of(record, self._rules.mapping.for_table(record.key.table))
        address = self._rules.fingerprints.address(email)
        lead = originating_lead(record)
        leads: Mapping[RecordKey, Entry] = await self._ledger.entries([lead] if lead else [])
        directory = Directory(
            await self._ledger.contacts_with([address]), {key: entry.binding for key, entry in leads.items()}
        )
        match identify(record, binding, address, situation.neighbours, directory):
            case Stay():
                return situation, False
            case Leave():
                return situation, True
            case Join(external_id):
                users: dict[RecordKey, Consent] = await self._ledger.users_of(external_id)
                siblings = await self._ledger.entries(users)
                joined = binding_after_joining(external_id, {key: one.binding for key, one in siblings.items()})
                contact = HeldContact(external_id, "", Trust.BASE, users)
                return (
                    Situation(situation.key, record, joined, neighbours=contact.neighbours_of(situation.key)),
                    False,
                )


def _plan_json(key: RecordKey, planned: Plan) -> dict[str, Any]:
    match planned:
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
            }
        case Anonymize():
            return {"action": "anonymize", "reason": planned.reason, "text": TEXTS[planned.reason]}
        case Rest():
            outcome = Outcome(key, planned.result, planned.reason, planned.problems)
            return {"action": "none", "result": planned.result, "reason": planned.reason, "text": outcome.text}

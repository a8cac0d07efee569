"""Answers "why is this person (not) in Spotler?": the plan for one record, not applied."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from shared.domain.consent.suppression import NOTHING_REFUSED
from shared.domain.merging.dataverse_changes import WayBack
from shared.domain.planning.conditions import email_of
from shared.domain.planning.context import (
    Anonymize,
    Binding,
    Decision,
    Look,
    Neighbours,
    Presence,
    Rest,
    Rules,
    Sight,
    Trust,
    Write,
)
from shared.domain.planning.erase import let_go
from shared.domain.planning.identity import Join, Leave, Part, Stay, binding_after_joining, identify, originating_lead
from shared.domain.planning.plan import plan, verdicts
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.records.outcomes import TEXTS, Outcome
from shared.domain.records.records import Intent, PersonRecord, RecordKey
from shared.engine.bindings.contact_documents import HeldContact
from shared.engine.bindings.ledger import Ledger
from shared.engine.contact_resolver import heritages_of, lead_statuses, with_suppressions
from shared.engine.planning_facts import Beside
from shared.engine.record_context import Seat
from shared.engine.refusals.suppressions import SuppressionList
from shared.engine.work_items import Unit
from shared.ports.dataverse import Crm
from shared.ports.spotler import MarketingPlatform


class Explain:
    """Reads both sides and plans, without claims and without writing anything."""

    def __init__(
        self,
        *,
        crm: Crm,
        platform: MarketingPlatform,
        ledger: Ledger,
        rules: Rules,
        beside: Beside,
        suppressions: SuppressionList,
    ) -> None:
        self._crm = crm
        self._platform = platform
        self._ledger = ledger
        self._rules = rules
        self._beside = beside
        self._suppressions = suppressions

    async def record(self, key: RecordKey) -> dict[str, Any]:
        """Explain one record as JSON. Values are for the caller, who may read the record; nothing is logged."""
        catalogue = await self._platform.properties()
        record = (await self._crm.read_people([key])).get(key)
        entry = (await self._ledger.entries([key]))[key]
        unit = Unit(key, Intent.SYNC, presence=Presence.TO_PROVE)
        seat = await self._inheriting(await self._seat(unit, record, entry.binding))
        (seat,) = await with_suppressions([seat], self._suppressions, self._ledger, self._rules)
        conditions = verdicts(seat.situation, self._rules)
        if record is not None and all(verdict.is_met for verdict in conditions):
            seat = await self._belonging(seat, record)
        seat, planned = await self._planned(seat, catalogue)
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
            "spotlerContact": seat.binding.external_id,
            "inSpotler": seat.binding.is_live,
            "sharedWith": [str(neighbour) for neighbour in seat.neighbours.keys],
            "duplicates": _duplicates_json(key, seat.neighbours),
            "plan": _plan_json(key, planned),
            "lastOutcome": asdict(entry.outcome) if entry.outcome else None,
            "merged": {name: str(verdict) for name, verdict in entry.binding.verdicts.items()},
            "mail": str(entry.binding.reach),
            "refusedAtAddress": [
                {
                    "subject": one.subject,
                    "at": one.at.isoformat(),
                    "source": one.source,
                    "record": one.record,
                    "lifted": one.lifted.isoformat() if one.lifted else None,
                    "liftedBy": one.lifted_by,
                }
                for one in (await self._suppressions.at([seat.mailbox] if seat.mailbox else []))
                .get(seat.mailbox, NOTHING_REFUSED)
                .refusals
            ],
            "heldSince": {str(kind): at.isoformat(timespec="seconds") for kind, at in entry.binding.held_since.items()},
        }

    async def _planned(self, seat: Seat, catalogue: PropertyCatalogue) -> tuple[Seat, Decision]:
        """Plan as the engine would, with a look at the Spotler contact where the engine would look."""
        if isinstance(seat.identity, Leave):
            return seat, let_go(seat.situation)
        (seat,) = await self._beside.equip([seat], catalogue)
        planned = plan(seat.situation, self._rules, catalogue)
        if isinstance(planned, Look) or seat.binding.is_live:  # what somebody did in Spotler itself is told, too
            contact = await self._platform.contact(seat.binding.external_id)
            seat = replace(seat, sight=Sight.SEEN, contact=contact)
            planned = plan(seat.situation, self._rules, catalogue)
        assert not isinstance(planned, Look), "who has looked does not want to look"
        return seat, planned

    async def _inheriting(self, seat: Seat) -> Seat:
        statuses = await lead_statuses([seat.record] if seat.record is not None else [], self._crm)
        return replace(await self._in_place(seat), lead_status=statuses.get(seat.key))

    async def _in_place(self, seat: Seat) -> Seat:
        lead = originating_lead(seat.record) if seat.record is not None and not seat.binding.is_live else None
        heritages = await heritages_of([lead] if lead else [], self._ledger, self._crm)
        if lead is None or (heritage := heritages.get(lead)) is None:
            return seat
        return replace(await self._seat(seat.unit, seat.record, heritage.binding), heir_of=lead)

    async def _belonging(self, seat: Seat, record: PersonRecord) -> Seat:
        address = self._rules.fingerprints.address(email_of(record, self._rules.mapping.for_table(seat.key.table)))
        found = (await self._ledger.owners_of([address])).get(address)
        owner = found.contact if found and found.is_confirmed else None
        match identify(seat.binding, address, trust=Trust.BASE, neighbours=seat.neighbours, owner=owner):
            case Stay():
                return seat
            case Leave():
                return replace(seat, identity=Leave())
            case Part():
                return replace(seat, origin=Binding(""), binding=Binding(""), held=HeldContact("", "", Trust.BASE))
            case Join(external_id):
                others = await self._ledger.entries(await self._ledger.users_of(external_id))
                joined = binding_after_joining(external_id, [other.binding for other in others.values()])
                return await self._seat(seat.unit, record, joined)

    async def _seat(self, unit: Unit, record: PersonRecord | None, binding: Binding) -> Seat:
        """Make a seat as the engine would, without claiming the contact."""
        contact = (await self._ledger.contacts([binding.external_id]))[binding.external_id]
        return Seat(unit, binding, binding, replace(contact, trust=Trust.BASE), record)


def _duplicates_json(key: RecordKey, neighbours: Neighbours) -> dict[str, Any] | None:
    """Name the active records that have one e-mail address, and the primary one; None for a record of its own."""
    if not neighbours.keys:
        return None
    group = sorted({key, *neighbours.keys})
    return {"records": [str(one) for one in group], "primary": str(neighbours.primary or key)}


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


def _home_json(home: WayBack) -> dict[str, Any]:
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

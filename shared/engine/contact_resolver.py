"""Finds and claims the Spotler contact of each record of a round, before anything is planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from shared.domain.consent.suppression import NOTHING_REFUSED
from shared.domain.mapping.reading import originating_lead
from shared.domain.planning.binding import Binding
from shared.domain.planning.conditions import condition_results, email_of, has_decided_status, is_active
from shared.domain.planning.identity import (
    Join,
    Leave,
    LeaveContact,
    Stay,
    binding_after_joining,
    identify,
)
from shared.domain.planning.plan_input import BaseState
from shared.domain.planning.rules import Rules
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.domain.records.records import Intent, PersonRecord, PersonTable, RecordKey, Reference, SyncStatus, Why
from shared.domain.values.values import is_email
from shared.engine.bindings.contact_documents import HeldContact
from shared.engine.bindings.ledger import Entry, Ledger
from shared.engine.guards.priority import breathe
from shared.engine.record_context import BatchState, RecordContext
from shared.engine.refusals.suppressions import SuppressionList
from shared.engine.work_items import RetryDecisions, WorkItem
from shared.ports.dataverse import Crm


class ContactResolver:
    """Gives each unit a seat, or says why it must wait."""

    def __init__(
        self, *, crm: Crm, ledger: Ledger, suppressions: SuppressionList, rules: Rules, retry_decisions: RetryDecisions
    ) -> None:
        self._crm = crm
        self._ledger = ledger
        self._suppressions = suppressions
        self._rules = rules
        self._retry_decisions = retry_decisions

    async def contexts(self, items: Sequence[WorkItem], done: BatchState) -> list[RecordContext]:
        """Claim, read, and move every record to the contact where it belongs."""
        claimed = await self._claim(items, done)
        people = await self._crm.read_people([context.key for context in claimed])
        contexts = [replace(context, record=people.get(context.key)) for context in claimed]
        contexts = await with_suppressions(
            await self._inherit(contexts, done), self._suppressions, self._ledger, self._rules
        )
        addressed: list[RecordContext] = []
        for context in contexts:
            addressed.append(replace(context, address=self._address(context)))
            await breathe()
        return await self._settle_by_address(addressed, done)

    async def _claim(self, items: Sequence[WorkItem], done: BatchState) -> list[RecordContext]:
        """Claim the contact of each unit; of several units with one contact, the first goes and the others wait."""
        entries = await self._ledger.entries(item.key for item in items)
        first: dict[str, WorkItem] = {}
        for item in items:
            if first.setdefault(entries[item.key].binding.external_id, item) is not item:
                done.again.append(item)
        claimed = await self._ledger.claim(first)
        done.held.update(claimed)
        done.finished += [
            self._retry_decisions.waiting(item, Reason.BUSY)
            for contact, item in first.items()
            if contact not in claimed
        ]
        return await self._resolved({contact: first[contact] for contact in claimed}, claimed, done)

    async def _resolved(
        self, items: Mapping[str, WorkItem], claimed: Mapping[str, HeldContact], done: BatchState
    ) -> list[RecordContext]:
        """Read the bindings again: until the claim, another worker may have changed what was agreed on."""
        entries = await self._ledger.entries(item.key for item in items.values())
        _remember_versions(entries, done)
        contexts: list[RecordContext] = []
        for contact, item in items.items():
            entry = entries[item.key]
            if entry.binding.external_id != contact:
                done.again.append(item)
                continue
            at = datetime.fromisoformat(entry.outcome.at) if entry.outcome else None
            rested = entry.outcome is not None and entry.outcome.result == Result.SKIPPED
            contexts.append(
                RecordContext(item, entry.binding, entry.binding, claimed[contact], saved_at=at, has_rested=rested)
            )
        return contexts

    async def _inherit(self, contexts: Sequence[RecordContext], done: BatchState) -> list[RecordContext]:
        """Put contacts in the place of the leads they grew out of (CS-29), whether or not they may be in Spotler.

        A lead whose synchronisation was disabled passes that on as well (STA-05).
        """
        leads = {
            context.key: lead
            for context in contexts
            if context.record is not None
            and (lead := originating_lead(context.record))
            and (not context.binding.is_live or (lead in context.held.users and context.key not in context.held.users))
        }
        statuses = await lead_statuses(
            [context.record for context in contexts if context.record is not None], self._crm
        )
        inherited_bindings = await inherited_bindings_of(leads.values(), self._ledger, self._crm)
        settled: list[RecordContext] = []
        for context in (replace(context, lead_status=statuses.get(context.key)) for context in contexts):
            lead = leads.get(context.key)
            if lead is None or lead not in inherited_bindings:
                settled.append(context)
                continue
            inherited_binding = inherited_bindings[lead].binding
            if context.binding.is_live:  # it has taken the lead's place; who wrote that down died, or was refused
                _remember_versions({lead: inherited_bindings[lead]}, done)
                settled.append(
                    replace(context, successor_of=lead) if inherited_binding.uses(context.held.external_id) else context
                )
            elif (held := await self._move(context, inherited_binding.external_id, done)) is not None:
                _remember_versions({lead: inherited_bindings[lead]}, done)
                stranger = replace(
                    inherited_binding, initial_merge_done=False, default_rows=context.binding.default_rows
                )  # its rows were never compared
                settled.append(replace(context, origin=stranger, binding=stranger, held=held, successor_of=lead))
        return settled

    async def _settle_by_address(self, contexts: Sequence[RecordContext], done: BatchState) -> list[RecordContext]:
        """Of several newcomers with one address, the first goes; the others find its contact in the next round."""
        owners = await self._ledger.owners_of(
            {context.address for context in contexts if _may_move(context) and context.address}
        )
        settled: list[RecordContext] = []
        taken: set[str] = set()
        for context in contexts:
            if context.address is None:
                settled.append(context)
                continue
            if _comes_to_an_opt_out(context):
                settled.append(replace(context, identity=Leave()))
                continue
            owner = owners.get(context.address)
            known = owner.contact if owner and owner.is_confirmed else None
            match identify(
                context.binding,
                context.address,
                base_state=context.held.base_state,
                sharing_records=context.sharing_records,
                owner=known,
            ):
                case Leave():
                    if owner and not owner.is_confirmed and owner.contact == context.held.external_id:
                        done.forgotten.append(context.address)  # a worker reserved it for this contact, and died
                    settled.append(replace(context, identity=Leave()))
                case Stay() if context.item.address_is_taken and (context.binding.is_live or _is_doubtful(context)):
                    settled.append(replace(context, identity=Leave()))
                case Stay() | Join() | LeaveContact() if context.address in taken:
                    done.again.append(context.item)
                case Join() | LeaveContact() as elsewhere:
                    joined = await self._join(context, _contact_to_join(elsewhere, context, done), done)
                    taken |= {context.address} if joined else set()
                    settled += joined
                case Stay():
                    taken.add(context.address)
                    settled.append(context)
        return settled

    def _address(self, context: RecordContext) -> str | None:
        if context.record is None or context.item.intent is not Intent.SYNC:
            return None
        if any(not verdict.is_met for verdict in condition_results(context.plan_input, self._rules)):
            return None
        rows = self._rules.mapping.for_table(context.key.table)
        return self._rules.fingerprints.address(email_of(context.record, rows))

    async def _join(self, context: RecordContext, external_id: str, done: BatchState) -> list[RecordContext]:
        held = await self._move(context, external_id, done)
        if held is None:
            return []
        others = await self._ledger.entries(held.users)
        binding = binding_after_joining(external_id, [entry.binding for entry in others.values()])
        joined = replace(context, binding=replace(binding, default_rows=context.binding.default_rows), held=held)
        holders = others or await self._maker_of(external_id)
        if not await self._is_left_over(context, holders):
            return [joined]
        _remember_versions(holders, done)
        for key in holders:  # its event comes later, and finds nothing to do
            held.users.pop(key, None)
            ended = Outcome(key, Result.ANONYMISED, Reason.DELETED)
            done.saved[key] = (Binding(str(key.id)), ended, context.item.correlation)
        return [replace(joined, identity=Leave())]

    async def _maker_of(self, external_id: str) -> Mapping[RecordKey, Entry]:
        """Find the record that a contact was made for, and that uses it no more: a filter left its data there."""
        keys = [RecordKey(table, UUID(external_id)) for table in PersonTable]
        return {key: one for key, one in (await self._ledger.entries(keys)).items() if one.binding.uses(external_id)}

    async def _is_left_over(self, context: RecordContext, users: Mapping[RecordKey, Entry]) -> bool:
        """Whether a contact belongs to deleted records only, and this record was entered after they were last seen.

        Deleted means erased (DEL-04): whoever is entered again inherits nothing, whichever message comes first. A
        record that was there beside the deleted one keeps the contact. Both times are whole seconds.
        """
        made = context.record.created_on if context.record is not None else None
        if not users or made is None or any(entry.binding.held_since for entry in users.values()):
            return False  # while the brake holds the end of a contact, nobody else ends it either
        if any(entry.outcome is None or datetime.fromisoformat(entry.outcome.at) > made for entry in users.values()):
            return False
        return not await self._crm.read_people(list(users))

    async def _move(self, context: RecordContext, external_id: str, done: BatchState) -> HeldContact | None:
        """Claim the contact that a record moves to; None when it has to wait for it.

        The move is noted before anything is written, so that whoever comes after a crash begins where it happened.
        """
        if external_id == context.held.external_id:
            return context.held
        if external_id in done.held:
            done.again.append(context.item)  # another unit of this round has it
            return None
        claimed = await self._ledger.claim([external_id])
        if external_id not in claimed:
            done.finished.append(self._retry_decisions.waiting(context.item, Reason.BUSY))
            return None
        done.held.update(claimed)
        moved = Outcome(context.key, Result.WAITING, Reason.BUSY)
        if await self._ledger.save(
            {context.key: (Binding(external_id), moved, context.item.correlation)}, (), done.versions
        ):
            done.finished.append(self._retry_decisions.waiting(context.item, Reason.BUSY))
            return None
        had_a_say = context.held.users.pop(context.key, None) is not None  # it refused mail there
        if had_a_say or context.held.base_state is BaseState.NOTHING:
            done.follow_ups += references_to(context.held.sharing_records_of(context.key).keys, context.item)
        return claimed[external_id]


def _remember_versions(entries: Mapping[RecordKey, Entry], done: BatchState) -> None:
    """Note the versions of bindings that this round may write: as they were read first, or written by itself."""
    for key, entry in entries.items():
        done.versions.setdefault(key, entry.etag)


def _contact_to_join(elsewhere: Join | LeaveContact, context: RecordContext, done: BatchState) -> str:
    """Return the external id of the contact that a record goes to: that of its address, or a new one.

    Spotler may have told that another contact has the address now: then nobody knows whose contact that is.
    """
    match elsewhere:
        case Join(external_id) if not context.item.address_is_taken:
            return external_id
        case Join() if context.address is not None:
            done.forgotten.append(context.address)
    return str(uuid4())


def _is_doubtful(context: RecordContext) -> bool:
    """Whether a dead worker may have made a contact for a record that is not bound."""
    return context.held.base_state is BaseState.NOTHING and not context.sharing_records.keys


def _comes_to_an_opt_out(context: RecordContext) -> bool:
    """Whether the record's new address is one where somebody opted out: its contact cannot have it."""
    return context.binding.is_live and context.address != context.binding.address and context.suppression.has_opted_out


async def with_suppressions(
    contexts: Sequence[RecordContext], suppressions: SuppressionList, ledger: Ledger, rules: Rules
) -> list[RecordContext]:
    """Ask what was refused at the addresses that records come to, or where something is known to be refused.

    Where Spotler has a contact with that address, the contact itself tells whether the person opted out.
    """
    boxed: list[RecordContext] = []
    for context in contexts:
        boxed.append(replace(context, mailbox=_mailbox(context, rules)))
        await breathe()
    asking = {context.mailbox for context in boxed if context.mailbox and _asks(context)}
    found = {address: one for address, one in (await suppressions.at(asking)).items() if one}
    owners = await ledger.owners_of(address for address, one in found.items() if one.has_opted_out)
    there = {address for address, owner in owners.items() if owner.is_confirmed}
    known = {address: replace(one, is_told_by_contact=address in there) for address, one in found.items()}
    return [replace(context, suppression=known.get(context.mailbox, NOTHING_REFUSED)) for context in boxed]


def _asks(context: RecordContext) -> bool:
    return not context.binding.is_live or context.mailbox != context.binding.address or bool(context.binding.refused)


def _mailbox(context: RecordContext, rules: Rules) -> str:
    email = email_of(context.record, rules.mapping.for_table(context.key.table)) if context.record is not None else ""
    return rules.fingerprints.address(email) if is_email(email) else ""


def _may_move(context: RecordContext) -> bool:
    return not context.binding.is_live or context.address != context.binding.address


async def inherited_bindings_of(leads: Iterable[RecordKey], ledger: Ledger, crm: Crm) -> dict[RecordKey, Entry]:
    """Find the leads that leave a Spotler contact to their heirs; one that was opened again keeps its own."""
    bound = {key: entry for key, entry in (await ledger.entries(leads)).items() if entry.binding.is_live}
    if not bound:
        return {}
    records = await crm.read_people(list(bound))
    return {key: entry for key, entry in bound.items() if key not in records or not is_active(records[key])}


async def lead_statuses(records: Iterable[PersonRecord], crm: Crm) -> dict[RecordKey, SyncStatus]:
    """Read Spotler Status of the leads that were qualified into these contacts, by contact.

    Only for contacts whose own Spotler Info says nothing yet.
    """
    leads = {
        record.key: lead
        for record in records
        if not has_decided_status(record) and (lead := originating_lead(record)) is not None
    }
    found = await crm.read_people(list(dict.fromkeys(leads.values()))) if leads else {}
    statuses = {key: record.status.status for key, record in found.items() if record.status is not None}
    return {key: statuses[lead] for key, lead in leads.items() if lead in statuses}


def references_to(sharing_records: Sequence[RecordKey], item: WorkItem) -> list[Reference]:
    """Make references to those whose Spotler contact has changed because of another record."""
    return [Reference(sharing_record, Why.PERMISSION, item.correlation) for sharing_record in sharing_records]

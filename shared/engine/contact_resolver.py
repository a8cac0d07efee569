"""Resolves the Spotler contact of each record of a pass and claims it, before anything is planned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from shared.domain.consent.suppression import NOTHING_REFUSED
from shared.domain.mapping.reading import originating_lead
from shared.domain.planning.binding import Binding
from shared.domain.planning.conditions import email_of, has_decided_status, is_active, unmet_reason
from shared.domain.planning.identity import (
    Identity,
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
from shared.domain.records.records import Intent, PersonTable, RecordKey, Reference, SyncStatus
from shared.domain.values.values import is_email
from shared.engine.bindings.binding_documents import BindingUpdate, Entry
from shared.engine.bindings.claims import Claims
from shared.engine.bindings.contact_documents import HeldContact
from shared.engine.bindings.contacts_in_doubt import is_unbound
from shared.engine.bindings.ledger import Ledger, Owner
from shared.engine.guards.priority import breathe
from shared.engine.record_context import RecordContext, Resolved
from shared.engine.refusals.suppression_list import SuppressionList
from shared.engine.work_items import WorkItem, references_to
from shared.errors import ConnectorError
from shared.ports.dataverse import Crm


@dataclass(frozen=True, slots=True)
class ContactResolver:
    """Moves every record to the contact where it belongs, and defers records whose contact is held elsewhere."""

    crm: Crm
    ledger: Ledger
    suppressions: SuppressionList
    rules: Rules

    async def resolve(self, items: Sequence[WorkItem], claims: Claims) -> Resolved:
        """Claim contacts and read records. A ConnectorError is part of the answer: moves before it have happened."""
        resolution = _Resolution(self, claims)
        try:
            return resolution.value(await resolution.run(items))
        except ConnectorError as error:
            return resolution.value((), error)


@dataclass(slots=True)
class _Resolution:
    """One run of the resolver, with what it has found so far."""

    tools: ContactResolver
    claims: Claims
    deferred: list[WorkItem] = field(default_factory=list)
    retries: list[WorkItem] = field(default_factory=list)
    follow_ups: list[Reference] = field(default_factory=list)
    freed: list[str] = field(default_factory=list)

    def value(self, contexts: Sequence[RecordContext], error: ConnectorError | None = None) -> Resolved:
        return Resolved(contexts, self.deferred, self.retries, self.follow_ups, self.freed, error)

    async def run(self, items: Sequence[WorkItem]) -> list[RecordContext]:
        claimed = await self._claim(items)
        people = await self.tools.crm.read_people([context.key for context in claimed])
        contexts = [replace(context, record=people.get(context.key)) for context in claimed]
        contexts = await self._with_suppressions(await self._inherit(contexts))
        addressed: list[RecordContext] = []
        for context in contexts:
            addressed.append(replace(context, address=self._address(context)))
            await breathe()
        return await self._settle_by_address(addressed)

    async def _claim(self, items: Sequence[WorkItem]) -> list[RecordContext]:
        """Claim the contact of each work item; of several items with one contact, the first goes, the others wait."""
        entries = await self.tools.ledger.entries(item.key for item in items)
        first: dict[str, WorkItem] = {}
        for item in items:
            if first.setdefault(entries[item.key].binding.external_id, item) is not item:
                self.retries.append(item)
        never_bound = {entry.binding.external_id for entry in entries.values() if not entry.etag}
        claimed = await self.claims.claim(first, new=never_bound)
        self.deferred += [item for contact, item in first.items() if contact not in claimed]
        return await self._with_bindings({contact: first[contact] for contact in claimed}, claimed)

    async def _with_bindings(
        self, items: Mapping[str, WorkItem], claimed: Mapping[str, HeldContact]
    ) -> list[RecordContext]:
        """Read the bindings again: until the claim, another worker may have changed what was agreed on."""
        entries = await self.tools.ledger.entries(item.key for item in items.values())
        self.claims.note_versions(entries)
        contexts: list[RecordContext] = []
        for contact, item in items.items():
            entry = entries[item.key]
            if entry.binding.external_id != contact:
                self.retries.append(item)
                continue
            at = datetime.fromisoformat(entry.outcome.at) if entry.outcome else None
            rested = entry.outcome is not None and entry.outcome.result == Result.SKIPPED
            contexts.append(
                RecordContext(item, entry.binding, entry.binding, claimed[contact], saved_at=at, has_rested=rested)
            )
        return contexts

    # ---------------------------------------------------------------------------------------------------- inheritance

    async def _inherit(self, contexts: Sequence[RecordContext]) -> list[RecordContext]:
        """Put contacts in the place of the leads they were qualified from (CS-29), also those not to be synchronised.

        A lead whose synchronisation was disabled passes that on as well (STA-05).
        """
        leads = {
            context.key: lead
            for context in contexts
            if context.record is not None
            and (lead := originating_lead(context.record))
            and (not context.binding.is_live or (lead in context.held.users and context.key not in context.held.users))
        }
        statuses = await self._lead_statuses(contexts)
        inherited_bindings = await self._inherited_bindings(leads.values())
        settled: list[RecordContext] = []
        for context in (_with_lead_status(context, statuses) for context in contexts):
            lead = leads.get(context.key)
            if lead is None or lead not in inherited_bindings:
                settled.append(context)
                continue
            inherited_binding = inherited_bindings[lead].binding
            if (
                context.binding.is_live
            ):  # it took the lead's place; the worker that was to save that died, or was refused
                self.claims.note_versions({lead: inherited_bindings[lead]})
                settled.append(
                    replace(context, successor_of=lead) if inherited_binding.uses(context.held.external_id) else context
                )
            elif (held := await self._move(context, inherited_binding.external_id)) is not None:
                self.claims.note_versions({lead: inherited_bindings[lead]})
                stranger = replace(
                    inherited_binding, initial_merge_done=False, default_rows=context.binding.default_rows
                )  # its rows were never compared
                settled.append(replace(context, origin=stranger, binding=stranger, held=held, successor_of=lead))
        return settled

    async def _inherited_bindings(self, leads: Iterable[RecordKey]) -> dict[RecordKey, Entry]:
        """Find the leads that leave a Spotler contact to a successor; one that was opened again keeps its own."""
        entries = await self.tools.ledger.entries(leads)
        bound = {key: entry for key, entry in entries.items() if entry.binding.is_live}
        if not bound:
            return {}
        records = await self.tools.crm.read_people(list(bound))
        return {key: entry for key, entry in bound.items() if key not in records or not is_active(records[key])}

    async def _lead_statuses(self, contexts: Iterable[RecordContext]) -> dict[RecordKey, SyncStatus]:
        """Read Spotler Status of the leads that were qualified into these contacts, by contact.

        Only for contacts whose own Spotler Info has no status yet.
        """
        leads = {
            context.key: lead
            for context in contexts
            if (record := context.record) is not None
            and not has_decided_status(record)
            and (lead := originating_lead(record)) is not None
        }
        found = await self.tools.crm.read_people(list(dict.fromkeys(leads.values()))) if leads else {}
        statuses = {key: record.status.status for key, record in found.items() if record.status is not None}
        return {key: statuses[lead] for key, lead in leads.items() if lead in statuses}

    # -------------------------------------------------------------------------------------------------------- refusals

    async def _with_suppressions(self, contexts: Sequence[RecordContext]) -> list[RecordContext]:
        """Read what was refused at the addresses of all records, also of those that have a contact already.

        Another record may have refused there since the binding was written. If the contact has been erased meanwhile,
        only the list tells. Where Spotler has the contact, it shows by itself whether the person opted out.
        """
        mailboxes: list[str] = []
        for context in contexts:
            mailboxes.append(self._mailbox(context))
            await breathe()
        wanted = set(filter(None, mailboxes))
        found = {address: one for address, one in (await self.tools.suppressions.at(wanted)).items() if one}
        owners = await self.tools.ledger.owners_of(address for address, one in found.items() if one.has_opted_out)
        there = {address for address, owner in owners.items() if owner.has_it}
        known = {address: replace(one, is_told_by_contact=address in there) for address, one in found.items()}
        return [
            replace(context, mailbox=mailbox, suppression=known.get(mailbox, NOTHING_REFUSED))
            for context, mailbox in zip(contexts, mailboxes, strict=True)
        ]

    def _email(self, context: RecordContext) -> str:
        rows = self.tools.rules.mapping.for_table(context.key.table)
        return email_of(context.record, rows) if context.record is not None else ""

    def _mailbox(self, context: RecordContext) -> str:
        email = self._email(context)
        return self.tools.rules.fingerprints.address(email) if is_email(email) else ""

    # ------------------------------------------------------------------------------------------------------- addresses

    def _address(self, context: RecordContext) -> str | None:
        if context.record is None or context.item.intent is not Intent.SYNC:
            return None
        if unmet_reason(context.plan_input, self.tools.rules) is not None:
            return None
        return context.mailbox

    async def _settle_by_address(self, contexts: Sequence[RecordContext]) -> list[RecordContext]:
        """Of several new records with one address, the first goes; the next pass finds its contact for the others."""
        addresses = {context.address for context in contexts if _may_move(context) and context.address}
        owners = await self.tools.ledger.owners_of(addresses)
        self.claims.note_free(addresses - owners.keys())
        settled: list[RecordContext] = []
        taken: set[str] = set()
        for context in contexts:
            if context.address is None:
                settled.append(replace(context, identity=Leave()) if self._must_be_emptied(context) else context)
                continue
            owner = owners.get(context.address)
            match self._identity(context, owner):
                case Leave():
                    settled.append(replace(context, identity=Leave()))
                case Stay() | Join() | LeaveContact() if context.address in taken:
                    self.retries.append(context.item)
                case Join() | LeaveContact() as elsewhere:
                    joined = await self._join(context, self._contact_to_join(elsewhere, context))
                    taken |= {context.address} if joined else set()
                    settled += joined
                case Stay():
                    taken.add(context.address)
                    settled.append(context)
        return settled

    def _must_be_emptied(self, context: RecordContext) -> bool:
        """Whether a dead worker may have made a contact for a record that an opt-out at its address keeps out."""
        if context.item.intent is not Intent.SYNC or not (is_unbound(context) and context.plan_input.is_suppressed):
            return False
        return unmet_reason(context.plan_input, self.tools.rules) is Reason.OPTED_OUT

    def _identity(self, context: RecordContext, owner: Owner | None) -> Identity:
        """Decide which contact a record with an address belongs to."""
        assert context.address is not None, "only a record with an address has an identity"
        if _comes_to_an_opt_out(context):
            return Leave()
        identity = identify(
            context.binding,
            context.address,
            base_state=context.held.base_state,
            sharing_records=context.sharing_records,
            owner=owner.contact if owner and owner.is_confirmed else None,
        )
        match identity:
            case Leave() if owner and not owner.is_confirmed and owner.contact == context.held.external_id:
                self.freed.append(context.address)  # a worker reserved it for this contact, and died
            case Stay() if context.item.address_is_taken and (context.binding.is_live or is_unbound(context)):
                return Leave()
        return identity

    def _contact_to_join(self, elsewhere: Join | LeaveContact, context: RecordContext) -> str:
        """Return the external id of the contact that a record goes to: that of its address, or a new one.

        If Spotler answered that another contact has the address now, it is unknown which one.
        """
        match elsewhere:
            case Join(external_id) if not context.item.address_is_taken:
                return external_id
            case Join() if context.address is not None:
                self.freed.append(context.address)
        return self.claims.new_contact()

    async def _join(self, context: RecordContext, external_id: str) -> list[RecordContext]:
        held = await self._move(context, external_id)
        if held is None:
            return []
        others = await self.tools.ledger.entries(held.users)
        binding = binding_after_joining(external_id, [entry.binding for entry in others.values()])
        joined = replace(context, binding=replace(binding, default_rows=context.binding.default_rows), held=held)
        holders = others or await self._maker_of(external_id)
        if not await self._is_left_over(context, holders):
            return [joined]
        self.claims.note_versions(holders)
        return [replace(joined, deleted_users=tuple(holders), identity=Leave())]

    async def _maker_of(self, external_id: str) -> Mapping[RecordKey, Entry]:
        """Find the record that a contact was made for, and that uses it no more: a filter left its data there."""
        keys = [RecordKey(table, UUID(external_id)) for table in PersonTable]
        entries = await self.tools.ledger.entries(keys)
        return {key: one for key, one in entries.items() if one.binding.uses(external_id)}

    async def _is_left_over(self, context: RecordContext, users: Mapping[RecordKey, Entry]) -> bool:
        """Whether a contact belongs to deleted records only, and this record was entered after they were last seen.

        Deleted means erased (DEL-04): a person who is entered again inherits nothing, whichever message comes first. A
        record that existed together with the deleted one keeps the contact. Both times are whole seconds.
        """
        made = context.record.created_on if context.record is not None else None
        if not users or made is None or any(entry.binding.held_since for entry in users.values()):
            return False  # while the brake holds the end of a contact, nothing else ends it either
        if any(entry.outcome is None or datetime.fromisoformat(entry.outcome.at) > made for entry in users.values()):
            return False
        return not await self.tools.crm.read_people(list(users))

    async def _move(self, context: RecordContext, external_id: str) -> HeldContact | None:
        """Claim the contact that a record moves to; None when the record has to wait for it.

        The move is saved before anything is written: after a crash, the next worker starts from the new contact.
        """
        left = context.held
        if external_id == left.external_id:
            return left
        if self.claims.hold(external_id):
            self.retries.append(context.item)  # another work item of this pass has it
            return None
        claimed = await self.claims.claim([external_id])
        if external_id not in claimed:
            self.deferred.append(context.item)
            return None
        moved = Outcome(context.key, Result.WAITING, Reason.BUSY)
        if await self.claims.save({context.key: BindingUpdate(Binding(external_id), moved, context.item.correlation)}):
            self.deferred.append(context.item)
            return None
        self.claims.change([left.without(context.key)])
        if context.key in left.users or left.base_state is BaseState.NOTHING:  # it may have refused mail there
            self.follow_ups += references_to(left.sharing_records_of(context.key).keys, context.item)
        return claimed[external_id]


def _with_lead_status(context: RecordContext, statuses: Mapping[RecordKey, SyncStatus]) -> RecordContext:
    return replace(context, lead_status=statuses[context.key]) if context.key in statuses else context


def _comes_to_an_opt_out(context: RecordContext) -> bool:
    """Whether the record's new address is one where somebody opted out: its contact cannot have it."""
    return context.binding.is_live and context.address != context.binding.address and context.suppression.has_opted_out


def _may_move(context: RecordContext) -> bool:
    return not context.binding.is_live or context.address != context.binding.address

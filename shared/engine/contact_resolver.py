"""Finds and claims the Spotler contact of each record of a round, before anything is planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from shared.domain.consent.suppression import NOTHING_REFUSED
from shared.domain.planning.conditions import email_of, has_decided_status, is_active
from shared.domain.planning.context import Binding, Rules, Trust
from shared.domain.planning.identity import Join, Leave, Part, Stay, binding_after_joining, identify, originating_lead
from shared.domain.planning.plan import verdicts
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.domain.records.records import Intent, PersonRecord, PersonTable, RecordKey, Reference, SyncStatus, Why
from shared.domain.values.values import is_email
from shared.engine.bindings.contact_documents import HeldContact
from shared.engine.bindings.ledger import Entry, Ledger
from shared.engine.guards.priority import breathe
from shared.engine.record_context import Round, Seat
from shared.engine.refusals.suppressions import SuppressionList
from shared.engine.work_items import Unit, Verdicts
from shared.ports.dataverse import Crm


class Seating:
    """Gives each unit a seat, or says why it must wait."""

    def __init__(
        self, *, crm: Crm, ledger: Ledger, suppressions: SuppressionList, rules: Rules, verdicts: Verdicts
    ) -> None:
        self._crm = crm
        self._ledger = ledger
        self._suppressions = suppressions
        self._rules = rules
        self._verdicts = verdicts

    async def seats(self, units: Sequence[Unit], done: Round) -> list[Seat]:
        """Claim, read, and move every record to the contact where it belongs."""
        claimed = await self._claim(units, done)
        people = await self._crm.read_people([seat.key for seat in claimed])
        seats = [replace(seat, record=people.get(seat.key)) for seat in claimed]
        seats = await with_suppressions(await self._inherit(seats, done), self._suppressions, self._ledger, self._rules)
        addressed: list[Seat] = []
        for seat in seats:
            addressed.append(replace(seat, address=self._address(seat)))
            await breathe()
        return await self._settle_by_address(addressed, done)

    async def _claim(self, units: Sequence[Unit], done: Round) -> list[Seat]:
        """Claim the contact of each unit; of several units with one contact, the first goes and the others wait."""
        entries = await self._ledger.entries(unit.key for unit in units)
        first: dict[str, Unit] = {}
        for unit in units:
            if first.setdefault(entries[unit.key].binding.external_id, unit) is not unit:
                done.again.append(unit)
        claimed = await self._ledger.claim(first)
        done.held.update(claimed)
        done.finished += [
            self._verdicts.waiting(unit, Reason.BUSY) for contact, unit in first.items() if contact not in claimed
        ]
        return await self._seated({contact: first[contact] for contact in claimed}, claimed, done)

    async def _seated(self, units: Mapping[str, Unit], claimed: Mapping[str, HeldContact], done: Round) -> list[Seat]:
        """Read the bindings again: until the claim, another worker may have changed what was agreed on."""
        entries = await self._ledger.entries(unit.key for unit in units.values())
        _remember_versions(entries, done)
        seats: list[Seat] = []
        for contact, unit in units.items():
            entry = entries[unit.key]
            if entry.binding.external_id != contact:
                done.again.append(unit)
                continue
            at = datetime.fromisoformat(entry.outcome.at) if entry.outcome else None
            rested = entry.outcome is not None and entry.outcome.result == Result.SKIPPED
            seats.append(Seat(unit, entry.binding, entry.binding, claimed[contact], saved_at=at, has_rested=rested))
        return seats

    async def _inherit(self, seats: Sequence[Seat], done: Round) -> list[Seat]:
        """Put contacts in the place of the leads they grew out of (CS-29), whether or not they may be in Spotler.

        A lead whose synchronisation was disabled passes that on as well (STA-05).
        """
        leads = {
            seat.key: lead
            for seat in seats
            if seat.record is not None
            and (lead := originating_lead(seat.record))
            and (not seat.binding.is_live or (lead in seat.held.users and seat.key not in seat.held.users))
        }
        statuses = await lead_statuses([seat.record for seat in seats if seat.record is not None], self._crm)
        heritages = await heritages_of(leads.values(), self._ledger, self._crm)
        settled: list[Seat] = []
        for seat in (replace(seat, lead_status=statuses.get(seat.key)) for seat in seats):
            lead = leads.get(seat.key)
            if lead is None or lead not in heritages:
                settled.append(seat)
                continue
            heritage = heritages[lead].binding
            if seat.binding.is_live:  # it has taken the lead's place; who wrote that down died, or was refused
                _remember_versions({lead: heritages[lead]}, done)
                settled.append(replace(seat, heir_of=lead) if heritage.uses(seat.held.external_id) else seat)
            elif (held := await self._move(seat, heritage.external_id, done)) is not None:
                _remember_versions({lead: heritages[lead]}, done)
                stranger = replace(heritage, has_met=False, early=seat.binding.early)  # its rows were never compared
                settled.append(replace(seat, origin=stranger, binding=stranger, held=held, heir_of=lead))
        return settled

    async def _settle_by_address(self, seats: Sequence[Seat], done: Round) -> list[Seat]:
        """Of several newcomers with one address, the first goes; the others find its contact in the next round."""
        owners = await self._ledger.owners_of({seat.address for seat in seats if _may_move(seat) and seat.address})
        settled: list[Seat] = []
        taken: set[str] = set()
        for seat in seats:
            if seat.address is None:
                settled.append(seat)
                continue
            if _comes_to_an_opt_out(seat):
                settled.append(replace(seat, identity=Leave()))
                continue
            owner = owners.get(seat.address)
            known = owner.contact if owner and owner.is_confirmed else None
            match identify(seat.binding, seat.address, trust=seat.held.trust, neighbours=seat.neighbours, owner=known):
                case Leave():
                    if owner and not owner.is_confirmed and owner.contact == seat.held.external_id:
                        done.forgotten.append(seat.address)  # a worker reserved it for this contact, and died
                    settled.append(replace(seat, identity=Leave()))
                case Stay() if seat.unit.address_is_taken and (seat.binding.is_live or _is_doubtful(seat)):
                    settled.append(replace(seat, identity=Leave()))
                case Stay() | Join() | Part() if seat.address in taken:
                    done.again.append(seat.unit)
                case Join() | Part() as elsewhere:
                    joined = await self._join(seat, _contact_to_join(elsewhere, seat, done), done)
                    taken |= {seat.address} if joined else set()
                    settled += joined
                case Stay():
                    taken.add(seat.address)
                    settled.append(seat)
        return settled

    def _address(self, seat: Seat) -> str | None:
        if seat.record is None or seat.unit.intent is not Intent.SYNC:
            return None
        if any(not verdict.is_met for verdict in verdicts(seat.situation, self._rules)):
            return None
        rows = self._rules.mapping.for_table(seat.key.table)
        return self._rules.fingerprints.address(email_of(seat.record, rows))

    async def _join(self, seat: Seat, external_id: str, done: Round) -> list[Seat]:
        held = await self._move(seat, external_id, done)
        if held is None:
            return []
        others = await self._ledger.entries(held.users)
        binding = binding_after_joining(external_id, [entry.binding for entry in others.values()])
        joined = replace(seat, binding=replace(binding, early=seat.binding.early), held=held)
        holders = others or await self._maker_of(external_id)
        if not await self._is_left_over(seat, holders):
            return [joined]
        _remember_versions(holders, done)
        for key in holders:  # its event comes later, and finds nothing to do
            held.users.pop(key, None)
            ended = Outcome(key, Result.ANONYMISED, Reason.DELETED)
            done.saved[key] = (Binding(str(key.id)), ended, seat.unit.correlation)
        return [replace(joined, identity=Leave())]

    async def _maker_of(self, external_id: str) -> Mapping[RecordKey, Entry]:
        """Find the record that a contact was made for, and that uses it no more: a filter left its data there."""
        keys = [RecordKey(table, UUID(external_id)) for table in PersonTable]
        return {key: one for key, one in (await self._ledger.entries(keys)).items() if one.binding.uses(external_id)}

    async def _is_left_over(self, seat: Seat, users: Mapping[RecordKey, Entry]) -> bool:
        """Whether a contact belongs to deleted records only, and this record was entered after they were last seen.

        Deleted means erased (DEL-04): whoever is entered again inherits nothing, whichever message comes first. A
        record that was there beside the deleted one keeps the contact. Both times are whole seconds.
        """
        made = seat.record.created_on if seat.record is not None else None
        if not users or made is None or any(entry.binding.held_since for entry in users.values()):
            return False  # while the brake holds the end of a contact, nobody else ends it either
        if any(entry.outcome is None or datetime.fromisoformat(entry.outcome.at) > made for entry in users.values()):
            return False
        return not await self._crm.read_people(list(users))

    async def _move(self, seat: Seat, external_id: str, done: Round) -> HeldContact | None:
        """Claim the contact that a record moves to; None when it has to wait for it.

        The move is noted before anything is written, so that whoever comes after a crash begins where it happened.
        """
        if external_id == seat.held.external_id:
            return seat.held
        if external_id in done.held:
            done.again.append(seat.unit)  # another unit of this round has it
            return None
        claimed = await self._ledger.claim([external_id])
        if external_id not in claimed:
            done.finished.append(self._verdicts.waiting(seat.unit, Reason.BUSY))
            return None
        done.held.update(claimed)
        moved = Outcome(seat.key, Result.WAITING, Reason.BUSY)
        if await self._ledger.save({seat.key: (Binding(external_id), moved, seat.unit.correlation)}, (), done.versions):
            done.finished.append(self._verdicts.waiting(seat.unit, Reason.BUSY))
            return None
        had_a_say = seat.held.users.pop(seat.key, None) is not None  # it refused mail there
        if had_a_say or seat.held.trust is Trust.NOTHING:
            done.follow_ups += references_to(seat.held.neighbours_of(seat.key).keys, seat.unit)
        return claimed[external_id]


def _remember_versions(entries: Mapping[RecordKey, Entry], done: Round) -> None:
    """Note the versions of bindings that this round may write: as they were read first, or written by itself."""
    for key, entry in entries.items():
        done.versions.setdefault(key, entry.etag)


def _contact_to_join(elsewhere: Join | Part, seat: Seat, done: Round) -> str:
    """Return the external id of the contact that a record goes to: that of its address, or a new one.

    Spotler may have told that another contact has the address now: then nobody knows whose contact that is.
    """
    match elsewhere:
        case Join(external_id) if not seat.unit.address_is_taken:
            return external_id
        case Join() if seat.address is not None:
            done.forgotten.append(seat.address)
    return str(uuid4())


def _is_doubtful(seat: Seat) -> bool:
    """Whether a dead worker may have made a contact for a record that is not bound."""
    return seat.held.trust is Trust.NOTHING and not seat.neighbours.keys


def _comes_to_an_opt_out(seat: Seat) -> bool:
    """Whether the record's new address is one where somebody opted out: its contact cannot have it."""
    return seat.binding.is_live and seat.address != seat.binding.address and seat.suppression.has_opted_out


async def with_suppressions(
    seats: Sequence[Seat], suppressions: SuppressionList, ledger: Ledger, rules: Rules
) -> list[Seat]:
    """Ask what was refused at the addresses that records come to, or where something is known to be refused.

    Where Spotler has a contact with that address, the contact itself tells whether the person opted out.
    """
    boxed: list[Seat] = []
    for seat in seats:
        boxed.append(replace(seat, mailbox=_mailbox(seat, rules)))
        await breathe()
    asking = {seat.mailbox for seat in boxed if seat.mailbox and _asks(seat)}
    found = {address: one for address, one in (await suppressions.at(asking)).items() if one}
    owners = await ledger.owners_of(address for address, one in found.items() if one.has_opted_out)
    there = {address for address, owner in owners.items() if owner.is_confirmed}
    known = {address: replace(one, is_told_by_contact=address in there) for address, one in found.items()}
    return [replace(seat, suppression=known.get(seat.mailbox, NOTHING_REFUSED)) for seat in boxed]


def _asks(seat: Seat) -> bool:
    return not seat.binding.is_live or seat.mailbox != seat.binding.address or bool(seat.binding.refused)


def _mailbox(seat: Seat, rules: Rules) -> str:
    email = email_of(seat.record, rules.mapping.for_table(seat.key.table)) if seat.record is not None else ""
    return rules.fingerprints.address(email) if is_email(email) else ""


def _may_move(seat: Seat) -> bool:
    return not seat.binding.is_live or seat.address != seat.binding.address


async def heritages_of(leads: Iterable[RecordKey], ledger: Ledger, crm: Crm) -> dict[RecordKey, Entry]:
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


def references_to(neighbours: Sequence[RecordKey], unit: Unit) -> list[Reference]:
    """Make references to those whose Spotler contact has changed because of another record."""
    return [Reference(neighbour, Why.PERMISSION, unit.correlation) for neighbour in neighbours]

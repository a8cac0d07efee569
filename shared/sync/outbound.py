"""From references to Spotler: claim, read, plan, apply, remember. The heart of the connector.

A batch of references costs one Dataverse read, one Spotler call per 100 contacts and a few conditional writes to the
state store. References that cannot be done now come back with the time at which to look again; nothing is raised for
one record.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from shared.core.conditions import email_of
from shared.core.identity import (
    Directory,
    Join,
    Leave,
    Stay,
    binding_after_joining,
    identify,
    originating_lead,
)
from shared.core.mapping.reading import DO_NOT_EMAIL
from shared.core.marketing import PropertyCatalogue
from shared.core.outcomes import Outcome, Reason, Result
from shared.core.plan import (
    Anonymize,
    Binding,
    Plan,
    Rest,
    Rules,
    Situation,
    Trust,
    Write,
    let_go,
    plan,
    refuses_bulk,
    verdicts,
)
from shared.core.records import Intent, PersonRecord, RecordKey, Reference, Why
from shared.core.retry import Done, RetryPolicy
from shared.errors import ConnectorError
from shared.ports import Clock, Crm, MarketingPlatform
from shared.sync.apply import Applied, apply
from shared.sync.ledger import Consent, HeldContact, Ledger
from shared.sync.second_look import others_using
from shared.sync.work import Finished, Unit, Verdicts, units_of

_MAX_ROUNDS = 6
"""A unit goes round again when it moves to another contact; more moves within one batch mean that somebody edits."""

_LOOKS = 2
"""How often an erasure waits for other records of the person, which are bound in between if they can be."""


@dataclass(frozen=True, slots=True)
class Processed:
    """How all units ended, and other records that must be looked at because of it."""

    finished: Sequence[Finished]
    follow_ups: Sequence[Reference]


@dataclass(slots=True)
class _Seat:
    """A unit with the Spotler contact it holds in this round."""

    unit: Unit
    binding: Binding
    held: HeldContact
    record: PersonRecord | None = None
    identity: Stay | Leave = Stay()  # noqa: RUF009  # frozen and without state


@dataclass(slots=True)
class _Round:
    """What one round has brought so far."""

    finished: list[Finished] = field(default_factory=list)
    again: list[Unit] = field(default_factory=list)
    follow_ups: list[Reference] = field(default_factory=list)
    held: list[HeldContact] = field(default_factory=list)
    saved: dict[RecordKey, tuple[Binding, Outcome, str]] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    has_written: bool = False


class Outbound:
    """Makes Spotler agree with Dataverse for the records it is pointed at."""

    def __init__(
        self,
        *,
        crm: Crm,
        platform: MarketingPlatform,
        ledger: Ledger,
        rules: Rules,
        clock: Clock,
        policy: RetryPolicy,
    ) -> None:
        self._crm = crm
        self._platform = platform
        self._ledger = ledger
        self._rules = rules
        self._clock = clock
        self._verdicts = Verdicts(clock, policy)

    async def process(self, references: Sequence[Reference]) -> Processed:
        """Look at all references; every one of them is in the answer."""
        waiting = units_of(references)
        finished: list[Finished] = []
        follow_ups: list[Reference] = []
        for _ in range(_MAX_ROUNDS):
            if not waiting:
                break
            units, later = _one_per_record(waiting)
            done = await self._round(units)
            finished += done.finished
            follow_ups += done.follow_ups
            waiting = [*done.again, *later]
        finished += [self._verdicts.waiting(unit, Reason.BUSY) for unit in waiting]
        return Processed(finished, follow_ups)

    async def _round(self, units: Sequence[Unit]) -> _Round:
        done = _Round()
        try:
            catalogue = await self._platform.properties()
            seats = await self._take_seats(units, done)
            await self._read(seats)
            seats = await self._find_contacts(seats, done)
            await self._decide_and_do(seats, catalogue, done)
            await self._ledger.save(done.saved, done.forgotten)
            await self._ledger.release(done.held)
        except ConnectorError as error:
            if not done.has_written:
                await self._release_quietly(done)
            # Otherwise the claims stay until they expire: what was written may not be what the bindings say.
            settled = {id(finished.unit) for finished in done.finished if finished.outcome.result is Result.WAITING}
            done.finished = [one for one in done.finished if id(one.unit) in settled]
            done.finished += [self._verdicts.failed(unit, error) for unit in units if id(unit) not in settled]
            done.again.clear()
        except Exception:  # a defect of ours: the caller finds the record that causes it, for which it needs the claims
            if not done.has_written:
                await self._release_quietly(done)
            raise
        return done

    async def _release_quietly(self, done: _Round) -> None:
        with contextlib.suppress(ConnectorError):  # they expire by themselves
            await self._ledger.release(done.held)

    # --------------------------------------------------------------------------------------------------- claim and read

    async def _take_seats(self, units: Sequence[Unit], done: _Round) -> list[_Seat]:
        """Claim the contact of each unit; of several units with one contact, the first goes and the others wait."""
        entries = await self._ledger.entries(unit.key for unit in units)
        first: dict[str, Unit] = {}
        for unit in units:
            if first.setdefault(entries[unit.key].binding.external_id, unit) is not unit:
                done.again.append(unit)
        claimed = await self._ledger.claim(first)
        done.held.extend(claimed.values())
        done.finished += [
            self._verdicts.waiting(unit, Reason.BUSY) for contact, unit in first.items() if contact not in claimed
        ]
        return [_Seat(first[contact], entries[first[contact].key].binding, held) for contact, held in claimed.items()]

    async def _read(self, seats: Sequence[_Seat]) -> None:
        people = await self._crm.read_people([seat.unit.key for seat in seats])
        for seat in seats:
            seat.record = people.get(seat.unit.key)

    async def _find_contacts(self, seats: Sequence[_Seat], done: _Round) -> list[_Seat]:
        """Send records to the contact they belong to when that is not the one they were looked up under."""
        addresses = {seat.unit.key: address for seat in seats if (address := self._address(seat)) is not None}
        fresh = [seat for seat in seats if seat.unit.key in addresses and not seat.binding.is_live]
        leads = [lead for seat in fresh if seat.record and (lead := originating_lead(seat.record))]
        directory = Directory(
            contacts_by_address=await self._ledger.contacts_with(set(addresses.values())),
            leads={key: entry.binding for key, entry in (await self._ledger.entries(leads)).items()},
        )
        staying: list[_Seat] = []
        taken: set[str] = set()
        for seat in seats:
            address = addresses.get(seat.unit.key)
            if seat.record is None or address is None:
                staying.append(seat)
            elif address in taken:  # two newcomers with one address: the second finds the first one's contact
                done.again.append(seat.unit)
            else:
                taken.add(address)
                neighbours = seat.held.neighbours_of(seat.unit.key)
                match identify(seat.record, seat.binding, address, neighbours, directory):
                    case Stay():
                        staying.append(seat)
                    case Join() as join:
                        staying += await self._join(seat, join, done)
                    case Leave():
                        staying.append(replace(seat, identity=Leave()))
        return staying

    def _address(self, seat: _Seat) -> str | None:
        """Fingerprint the address of a record that may go to Spotler; None for all others."""
        if seat.record is None or seat.unit.intent is not Intent.SYNC:
            return None
        if any(not verdict.is_met for verdict in verdicts(_situation(seat), self._rules)):
            return None
        rows = self._rules.mapping.for_table(seat.unit.key.table)
        return self._rules.fingerprints.address(email_of(seat.record, rows))

    async def _join(self, seat: _Seat, join: Join, done: _Round) -> list[_Seat]:
        if any(held.external_id == join.external_id for held in done.held):
            done.again.append(seat.unit)  # another unit of this round holds it
            return []
        claimed = await self._ledger.claim([join.external_id])
        if join.external_id not in claimed:
            done.finished.append(self._verdicts.waiting(seat.unit, Reason.BUSY))
            return []
        held = claimed[join.external_id]
        done.held.append(held)
        siblings = await self._ledger.entries(held.users)
        binding = binding_after_joining(join.external_id, {key: one.binding for key, one in siblings.items()})
        if join.heir_of is not None and held.users.pop(join.heir_of, None) is not None:
            outcome = Outcome(join.heir_of, Result.SKIPPED, Reason.LEAD_QUALIFIED)
            done.saved[join.heir_of] = (Binding(join.external_id), outcome, seat.unit.correlation)
        return [_Seat(seat.unit, binding, held, seat.record)]

    # ------------------------------------------------------------------------------------------------- plan and apply

    async def _decide_and_do(self, seats: Sequence[_Seat], catalogue: PropertyCatalogue, done: _Round) -> None:
        plans = {seat.unit.key: self._plan(seat, catalogue) for seat in seats}
        seats = await self._look_twice(seats, plans, done)
        wanted = {
            planned.binding.address: planned.binding.external_id
            for planned in (plans[seat.unit.key] for seat in seats)
            if isinstance(planned, Write | Rest) and planned.binding.is_live and planned.binding.address
        }
        lost = await self._ledger.reserve(wanted)
        going = [seat for seat in seats if plans[seat.unit.key].binding.address not in lost]
        done.finished += [self._verdicts.waiting(seat.unit, Reason.BUSY) for seat in seats if seat not in going]
        done.has_written = True
        applied = await apply(
            {seat.unit.key: plans[seat.unit.key] for seat in going},
            self._platform,
            self._clock,
            self._ledger.deadline(),
        )
        for seat in going:
            self._conclude(seat, plans[seat.unit.key], applied[seat.unit.key], done)

    def _plan(self, seat: _Seat, catalogue: PropertyCatalogue) -> Plan:
        match seat.identity:
            case Stay():
                return plan(_situation(seat), self._rules, catalogue)
            case Leave():
                return let_go(_situation(seat))

    async def _look_twice(self, seats: Sequence[_Seat], plans: dict[RecordKey, Plan], done: _Round) -> list[_Seat]:
        """Before erasing, ask Dataverse for active records with that address which are not bound to the contact yet.

        They are looked at first; the erasure waits until they are bound (and then keeps the contact for them).
        """
        doomed = [seat for seat in seats if isinstance(plans[seat.unit.key], Anonymize) and seat.unit.attempt <= _LOOKS]
        others = await others_using(
            [(seat.unit.key, seat.held.external_id, self._email(seat)) for seat in doomed], self._crm, self._platform
        )
        for seat in doomed:
            if unbound := others[seat.unit.key]:
                done.follow_ups += [Reference(key, Why.RECONCILE, seat.unit.correlation) for key in unbound]
                done.finished.append(self._verdicts.waiting(seat.unit, Reason.STILL_USED))
        return [seat for seat in seats if not others.get(seat.unit.key)]

    def _email(self, seat: _Seat) -> str:
        """Return the address that Spotler has, as far as the record still tells it."""
        if seat.record is None or isinstance(seat.identity, Leave):
            return ""
        return email_of(seat.record, self._rules.mapping.for_table(seat.unit.key.table))

    # ------------------------------------------------------------------------------------------------------- conclude

    def _conclude(self, seat: _Seat, planned: Plan, applied: Applied, done: _Round) -> None:
        unit, key, held = seat.unit, seat.unit.key, seat.held
        if isinstance(applied, ConnectorError):
            held.trust = Trust.NOTHING
            done.finished.append(self._verdicts.failed(unit, applied, seat.record))
            return
        binding = planned.binding if applied.result is not Result.FAILED else seat.binding
        if applied.result in {Result.WRITTEN, Result.ANONYMISED}:
            held.trust = Trust.BASE
        self._settle_users(seat, applied, binding, done)
        if seat.binding.address and seat.binding.address != binding.address and not held.neighbours_of(key).keys:
            done.forgotten.append(seat.binding.address)
        done.saved[key] = (binding, applied, unit.correlation)
        match seat.identity:
            case Leave():
                done.again.append(unit)
            case Stay():
                external_id = binding.external_id if binding.is_live else ""
                done.finished.append(Finished(unit, applied, Done(), seat.record, planned, external_id))

    def _settle_users(self, seat: _Seat, outcome: Outcome, binding: Binding, done: _Round) -> None:
        """Keep the list of who uses the contact, and what they say about mail; tell the others when that changes."""
        key, users = seat.unit.key, seat.held.users
        before = users.get(key, Consent.ALLOWS)
        match outcome.result:
            case Result.ANONYMISED:
                users.clear()
            case Result.KEPT if seat.record is not None and seat.record.values.get(DO_NOT_EMAIL):
                users[key] = Consent.NO_MAIL
            case Result.KEPT:
                users.pop(key, None)
            case Result.WRITTEN | Result.UNCHANGED if binding.is_live and seat.record is not None:
                users[key] = Consent.NO_BULK if refuses_bulk(seat.record) else Consent.ALLOWS
            case _:
                pass
        if users.get(key, Consent.ALLOWS) is not before:
            others = seat.held.neighbours_of(key).keys
            done.follow_ups += [Reference(other, Why.PERMISSION, seat.unit.correlation) for other in others]


def _situation(seat: _Seat) -> Situation:
    return Situation(
        key=seat.unit.key,
        record=seat.record,
        binding=seat.binding,
        intent=seat.unit.intent,
        trust=seat.held.trust,
        neighbours=seat.held.neighbours_of(seat.unit.key),
    )


def _one_per_record(units: Iterable[Unit]) -> tuple[list[Unit], list[Unit]]:
    now: dict[RecordKey, Unit] = {}
    later = [unit for unit in units if now.setdefault(unit.key, unit) is not unit]
    return list(now.values()), later

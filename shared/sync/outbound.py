"""From references to Spotler: claim, read, plan, apply, remember. The heart of the connector.

A batch of references costs one Dataverse read, one Spotler call per 100 contacts and a few conditional writes to the
state store. References that cannot be done now come back with the time at which to look again; nothing is raised for
one record.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from shared.core.conditions import email_of
from shared.core.identity import Leave, Stay
from shared.core.mapping.model import EMAIL
from shared.core.marketing import PropertyCatalogue, WriteCode
from shared.core.outcomes import Reason, Result
from shared.core.plan import Anonymize, Plan, Rules, let_go, plan
from shared.core.records import Intent, RecordKey, Reference, Why
from shared.core.retry import RetryPolicy
from shared.errors import ConfigurationError, ConnectorError, TransientError
from shared.ports import Clock, Crm, MarketingPlatform
from shared.sync.apply import Applied, apply
from shared.sync.conclusion import conclude
from shared.sync.ledger import Ledger
from shared.sync.seating import Seating
from shared.sync.seats import Round, Seat
from shared.sync.second_look import others_using
from shared.sync.work import Finished, Unit, Verdicts, units_of

_MAX_ROUNDS = 8
"""A unit goes round again when it moves to another contact; more moves within one batch mean that somebody edits."""


@dataclass(frozen=True, slots=True)
class Processed:
    """How all units ended, and other records that must be looked at because of it."""

    finished: Sequence[Finished]
    follow_ups: Sequence[Reference]


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
        self._seating = Seating(crm=crm, ledger=ledger, rules=rules, verdicts=self._verdicts)

    async def process(self, references: Sequence[Reference]) -> Processed:
        """Look at all references; every one of them is in the answer."""
        waiting = units_of(references)
        finished: list[Finished] = []
        follow_ups: list[Reference] = []
        wait_for_each_other = False
        for _ in range(_MAX_ROUNDS):
            if not waiting:
                break
            units, later = _ready(waiting)
            if wait_for_each_other:  # two do, when each wants the contact that the other one holds
                units, later = units[:1], [*units[1:], *later]
            undone = {one.unit.key for one in finished if one.outcome.result is Result.WAITING}
            postponed = [unit for unit in units if unit.awaits & undone]
            finished += [self._verdicts.waiting(unit, Reason.STILL_USED) for unit in postponed]
            done = await self._round([unit for unit in units if unit not in postponed])
            finished += done.finished
            follow_ups += done.follow_ups
            waiting = [*done.again, *later]
            wait_for_each_other = set(done.again) == set(units) and not done.saved
        finished += [self._verdicts.waiting(unit, Reason.BUSY) for unit in waiting]
        return Processed(finished, follow_ups)

    async def _round(self, units: Sequence[Unit]) -> Round:
        done = Round(self._ledger.expiry())
        try:
            catalogue = await self._catalogue()
            seats = await self._seating.seats(units, done)
            await self._decide_and_do(seats, catalogue, done)
            await self._remember(done)
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

    async def _remember(self, done: Round) -> None:
        if self._clock.now() >= done.expiry:  # somebody else may hold the contacts: what we know is old
            raise TransientError("the claims ran out before the results could be kept")
        await self._ledger.save(done.saved, done.forgotten)
        await self._ledger.release(list(done.held.values()))

    async def _catalogue(self) -> PropertyCatalogue:
        catalogue = await self._platform.properties()
        if catalogue.named(EMAIL) is None:
            raise ConfigurationError(f"the Spotler account does not show the property {EMAIL}")
        return catalogue

    async def _release_quietly(self, done: Round) -> None:
        with contextlib.suppress(ConnectorError):  # they expire by themselves
            await self._ledger.release(list(done.held.values()))

    # ------------------------------------------------------------------------------------------------- plan and apply

    async def _decide_and_do(self, seats: Sequence[Seat], catalogue: PropertyCatalogue, done: Round) -> None:
        plans = {seat.key: self._plan(seat, catalogue) for seat in seats}
        seats = await self._look_twice(seats, plans, done)
        wanted = {
            seat.address: seat.held.external_id
            for seat in seats
            if seat.address is not None and seat.address == plans[seat.key].binding.address
        }
        lost = await self._ledger.reserve(wanted, held=done.held)
        going = [seat for seat in seats if plans[seat.key].binding.address not in lost]
        done.finished += [self._verdicts.waiting(seat.unit, Reason.BUSY) for seat in seats if seat not in going]
        done.has_written = True
        deadline = self._ledger.deadline(done.expiry)
        applied = await apply({seat.key: plans[seat.key] for seat in going}, self._platform, self._clock, deadline)
        for seat in going:
            if _address_is_taken(seat, applied[seat.key]):
                seat.unit.address_is_taken = True
                done.again.append(seat.unit)
            else:
                conclude(seat, plans[seat.key], applied[seat.key], done, self._verdicts)

    def _plan(self, seat: Seat, catalogue: PropertyCatalogue) -> Plan:
        match seat.identity:
            case Stay():
                return plan(seat.situation, self._rules, catalogue)
            case Leave():
                return let_go(seat.situation)

    # ---------------------------------------------------------------------------------------------------- second look

    async def _look_twice(self, seats: Sequence[Seat], plans: dict[RecordKey, Plan], done: Round) -> list[Seat]:
        """Before erasing, ask Dataverse for active records with that address that have no other contact.

        They are looked at first, in the next round; the erasure waits until they are bound (and then keeps the contact
        for them) or cannot be.
        """
        doomed = [seat for seat in seats if isinstance(plans[seat.key], Anonymize)]
        others = await others_using(
            [(seat.key, seat.held.external_id, self._email(seat)) for seat in doomed], self._crm, self._platform
        )
        entries = await self._ledger.entries({key for keys in others.values() for key in keys})
        patient: set[RecordKey] = set()
        for seat in doomed:
            bindings = {key: entries[key].binding for key in others[seat.key] if key not in seat.unit.awaits}
            needing = {key for key, one in bindings.items() if not one.is_live or one.uses(seat.held.external_id)}
            if needing:
                patient.add(seat.key)
                seat.unit.awaits |= needing
                done.again += [_second_look(key, seat.unit) for key in sorted(needing)]
                done.again.append(seat.unit)
        return [seat for seat in seats if seat.key not in patient]

    def _email(self, seat: Seat) -> str:
        """Return the address that Spotler has, if it is still the record's; empty otherwise."""
        if seat.record is None:
            return ""
        email = email_of(seat.record, self._rules.mapping.for_table(seat.key.table))
        return email if self._rules.fingerprints.address(email) == seat.origin.address else ""


def _second_look(key: RecordKey, doomed: Unit) -> Unit:
    return Unit(key, Intent.SYNC, [Reference(key, Why.RECONCILE, doomed.correlation)])


def _address_is_taken(seat: Seat, applied: Applied) -> bool:
    """Whether Spotler refused a new address because a contact that we do not know has it already."""
    return (
        isinstance(applied, ConnectorError)
        and applied.code == WriteCode.CONTACT_ALREADY_EXISTS
        and seat.binding.is_live
        and not seat.unit.address_is_taken
    )


def _ready(waiting: Sequence[Unit]) -> tuple[list[Unit], list[Unit]]:
    """Choose what goes now: one unit per record, and who awaits others only after them."""
    pending = {unit.key for unit in waiting}
    now: dict[RecordKey, Unit] = {}
    later: list[Unit] = []
    for unit in waiting:
        if unit.awaits & pending or unit.key in now:
            later.append(unit)
        else:
            now[unit.key] = unit
    return (list(now.values()), later) if now else (later[:1], later[1:])  # they await each other

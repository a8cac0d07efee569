"""From references to agreement: claim, read, plan, apply, bring home, remember. The heart of the connector.

A batch of references costs one Dataverse read, one Spotler call per 100 contacts and a few conditional writes to the
state store; where Spotler knows something better, one Dataverse write more. References that cannot be done now come
back with the time at which to look again; nothing is raised for one record.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from shared.domain.mapping.model import EMAIL
from shared.domain.planning.context import Decision, Rest, Rules, Trust, Write
from shared.domain.planning.identity import Leave
from shared.domain.records.marketing_contact import PropertyCatalogue, WriteCode
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import RecordKey, Reference, Why
from shared.domain.recovery.retry import RetryPolicy
from shared.engine.address_users import SecondLook
from shared.engine.apply import MOST_MEETINGS, AlreadyThereError, Applied, apply, rising_permissions
from shared.engine.bindings.claim_deadline import ClaimsRanOutError, Pace, TimeBudget, current_budget
from shared.engine.bindings.ledger import Ledger
from shared.engine.commit import Carried, conclude
from shared.engine.contact_fetcher import Looking
from shared.engine.contact_resolver import Seating
from shared.engine.guards.brake import Brake
from shared.engine.guards.holding import Holding
from shared.engine.guards.priority import breathe
from shared.engine.planning_facts import Beside
from shared.engine.record_context import Round, Seat
from shared.engine.refusals.recent_changes import RecentChanges
from shared.engine.refusals.refusal_keeping import RefusalKeeping
from shared.engine.work_items import NOBODY, Finished, Sighting, Unit, Verdicts, units_of
from shared.engine.write_back import bring_home, comes_home, refusals
from shared.errors import ConfigurationError, ConnectorError
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm
from shared.ports.homecoming import Homecomings
from shared.ports.spotler import MarketingPlatform
from shared.telemetry.traces import phase

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
        homecomings: Homecomings,
        beside: Beside,
        brake: Brake,
        refusals: RefusalKeeping,
        recent: RecentChanges,
        catch_up_bounces: Callable[[datetime], Awaitable[datetime]],
    ) -> None:
        self._platform = platform
        self._ledger = ledger
        self._rules = rules
        self._clock = clock
        self._verdicts = Verdicts(clock, policy)
        self._seating = Seating(
            crm=crm, ledger=ledger, suppressions=refusals.suppressions, rules=rules, verdicts=self._verdicts
        )
        self._looking = Looking(platform, recent, rules, self._verdicts, know_bounces=self._know_bounces)
        self._catch_up_bounces = catch_up_bounces
        self._second_look = SecondLook(crm, platform, ledger, rules)
        self._refusals = refusals
        self._homecomings = homecomings
        self._beside = beside
        self._holding = Holding(brake, rules)
        self._pace = Pace(ledger.claim_time)

    async def process(
        self, references: Sequence[Reference], sightings: Mapping[RecordKey, Sighting] = NOBODY
    ) -> Processed:
        """Look at all references; every one of them is in the answer. `sightings` are contacts that were just read.

        They are done in parts that fit into their claims. What there is no time for comes back in a moment: it is put
        back unread, and counts as no attempt.
        """
        budget = current_budget() or TimeBudget(self._clock, self._ledger.expiry())
        units = units_of(references, sightings)
        finished: list[Finished] = []
        follow_ups: list[Reference] = []
        while units:
            if not budget.begin_part():
                finished += [self._verdicts.put_back(unit) for unit in units]
                break
            part, units = units[: self._pace.records], units[self._pace.records :]
            done = await self._part(part, budget)
            finished += done.finished
            follow_ups += done.follow_ups
        return Processed(finished, follow_ups)

    async def _part(self, waiting: Sequence[Unit], budget: TimeBudget) -> Processed:
        began, records, ran_out = self._clock.now(), len(waiting), False
        finished: list[Finished] = []
        follow_ups: list[Reference] = []
        wait_for_each_other = False
        for number in range(_MAX_ROUNDS):
            if not waiting:
                break
            if number and records > 1 and not budget.has_time:  # one alone goes through: it cannot be made smaller
                ran_out = True
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
            ran_out = ran_out or done.ran_out
            waiting = [*done.again, *later]
            wait_for_each_other = set(done.again) == set(units) and not (done.saved or done.has_learned)
        put_off = self._verdicts.put_back if ran_out else partial(self._verdicts.waiting, reason=Reason.BUSY)
        finished += [put_off(unit) for unit in waiting]
        self._pace.learn(records=records, took=self._clock.now() - began, ran_out=ran_out)
        return Processed(finished, follow_ups)

    async def _round(self, units: Sequence[Unit]) -> Round:
        done = Round(self._ledger.expiry())
        try:
            catalogue = await self._catalogue()
            seats = await self._seating.seats(units, done)
            await self._decide_and_do(seats, catalogue, done)
            await self._remember(seats, done)
            _meet(done)
        except ConnectorError as error:
            if not done.has_written:
                await self._release_quietly(done)
            # Otherwise the claims stay until they expire: what was written may not be what the bindings say.
            settled = {id(finished.unit) for finished in done.finished if finished.outcome.result is Result.WAITING}
            done.finished = [one for one in done.finished if id(one.unit) in settled]
            done.finished += [self._undone(unit, error, units, done) for unit in units if id(unit) not in settled]
            done.again.clear()
        except Exception:  # a defect of ours: the caller finds the record that causes it, for which it needs the claims
            await self._let_go_quietly(done)
            raise
        return done

    async def _remember(self, seats: Sequence[Seat], done: Round) -> None:
        if self._clock.now() >= done.expiry:  # somebody else may hold the contacts: what we know is old
            raise ClaimsRanOutError("the claims ran out before the results could be kept")
        await self._ledger.keep_successions(done.succeeded)
        lost = await self._ledger.save(done.saved, done.forgotten, done.versions)
        self._take_back(lost, seats, done)
        await self._holding.settle(seats, done)
        await self._ledger.release(list(done.held.values()))

    def _take_back(self, lost: frozenset[RecordKey], seats: Sequence[Seat], done: Round) -> None:
        """Look again at records that another worker has written meanwhile: what this round found out may be old."""
        for seat in seats:
            if seat.key in lost or seat.heir_of in lost:
                seat.held.trust = Trust.NOTHING
        units = {seat.key: seat.unit for seat in seats if seat.key in lost}
        done.finished = [one for one in done.finished if one.unit.key not in units]
        done.finished += [self._verdicts.waiting(unit, Reason.BUSY) for unit in units.values()]
        done.again = [unit for unit in done.again if unit.key not in units]
        done.meeting = [unit for unit in done.meeting if unit.key not in units]
        done.follow_ups += [Reference(key, Why.RECONCILE, done.saved[key][2]) for key in sorted(lost - units.keys())]
        for key in lost:
            del done.saved[key]

    def _undone(self, unit: Unit, error: ConnectorError, units: Sequence[Unit], done: Round) -> Finished:
        """Say what becomes of a unit whose time was over: one of many was no fault of its own, and is no attempt."""
        if not isinstance(error, ClaimsRanOutError):
            return self._verdicts.failed(unit, error)
        done.ran_out = True
        return self._verdicts.failed(unit, error) if len(units) == 1 else self._verdicts.put_back(unit)

    async def _catalogue(self) -> PropertyCatalogue:
        catalogue = await self._platform.properties()
        if catalogue.named(EMAIL) is None:
            raise ConfigurationError(f"the Spotler account does not show the property {EMAIL}")
        return catalogue

    async def _release_quietly(self, done: Round) -> None:
        with contextlib.suppress(ConnectorError):  # they expire by themselves
            await self._ledger.release(list(done.held.values()))

    async def _let_go_quietly(self, done: Round) -> None:
        held = list(done.held.values())
        with contextlib.suppress(ConnectorError):
            await (self._ledger.abandon(held) if done.has_written else self._ledger.release(held))

    # ------------------------------------------------------------------------------------------------- plan and apply

    async def _decide_and_do(self, seats: Sequence[Seat], catalogue: PropertyCatalogue, done: Round) -> None:
        fence = self._ledger.fence(done.expiry)
        seats = await self._beside.equip(seats, catalogue)
        leave = {seat.key for seat in seats if isinstance(seat.identity, Leave)}
        with phase("plan", count=len(seats)):
            staying, plans = await self._looking.decide(
                [seat for seat in seats if seat.key not in leave], catalogue, done, fence
            )
            leaving, endings = await self._looking.let_go(
                [seat for seat in seats if seat.key in leave], catalogue, done, fence
            )
        plans |= endings
        order = {seat.key: seat for seat in (*staying, *leaving)}
        seats = await self._second_look.patient([order[seat.key] for seat in seats if seat.key in order], plans, done)
        plans |= await self._holding.hold(seats, plans, catalogue)
        lost = await self._ledger.reserve(_wanted_addresses(seats, plans), held=done.held)
        taken = {seat.key for seat in seats if _addresses(plans[seat.key]) & lost}
        done.finished += [self._verdicts.waiting(seat.unit, Reason.BUSY) for seat in seats if seat.key in taken]
        going = [seat for seat in seats if seat.key not in taken]
        known = await self._refusals.before(going, plans, catalogue)
        rising = {seat.key: names for seat in going if (names := _rising(seat, plans[seat.key]))}
        overtaken = await self._announce(rising, going, done)
        done.finished += [self._verdicts.waiting(seat.unit, Reason.BUSY) for seat in going if seat.key in overtaken]
        going = [seat for seat in going if seat.key not in overtaken]
        done.has_written = True
        may_wait = {seat.key for seat in going if seat.unit.may_wait_for_a_poll}
        attempts = await apply({seat.key: plans[seat.key] for seat in going}, self._platform, fence, may_wait=may_wait)
        plans |= {key: attempt.planned for key, attempt in attempts.items()}
        applied = {key: attempt.ended for key, attempt in attempts.items()}
        returns = {seat.key: comes_home(seat, plans[seat.key], applied[seat.key]) for seat in going}
        refused = {seat.key: names for seat in going if (names := refusals(returns[seat.key]))}
        overtaken = await self._announce(refused, going, done)
        mine = {key: home for key, home in returns.items() if key not in overtaken}
        came = await bring_home({seat.key: seat for seat in going}, mine, self._homecomings)
        units = [seat.unit for seat in seats]
        for seat in going:
            await breathe()
            if isinstance(one := applied[seat.key], AlreadyThereError):
                seat.unit.is_there = done.has_learned = True
                done.again.append(seat.unit)
            elif _address_is_taken(seat, one):
                seat.unit.address_is_taken = True
                done.again.append(seat.unit)
            elif isinstance(one, ClaimsRanOutError):  # nothing was sent: no doubt about what Spotler has
                done.finished.append(self._undone(seat.unit, one, units, done))
            else:
                carried = Carried(plans[seat.key], applied[seat.key], came.get(seat.key))
                conclude(seat, carried, done, self._verdicts)
        await self._refusals.after(going, plans, known, done)
        await self._beside.remember(going, plans, catalogue, done)

    async def _know_bounces(self, seats: Sequence[Seat]) -> list[Seat]:
        """Note what came back since these contacts were closed, and add it to the seats."""
        closed = [seat.contact.last_changed for seat in seats if seat.contact and seat.contact.last_changed]
        until = await self._catch_up_bounces(min(closed, default=self._clock.now()))
        return [
            replace(seat, circumstances=replace(seat.circumstances, bounces_until=until))
            for seat in await self._beside.equip(seats, await self._catalogue())
        ]

    async def _announce(
        self, changes: Mapping[RecordKey, frozenset[str]], seats: Sequence[Seat], done: Round
    ) -> frozenset[RecordKey]:
        """Write down which consents are about to change by our own hand: after a crash nobody else could tell.

        The answer are records that another worker has by now.
        """
        announced = {
            seat.key: replace(seat.origin, announced=changes[seat.key]) for seat in seats if seat.key in changes
        }
        if not announced:
            return frozenset()
        correlations = {seat.key: seat.unit.correlation for seat in seats}
        return await self._ledger.announce(announced, correlations, done.versions)


def _meet(done: Round) -> None:
    """Compare both sides at once where a contact has just got its first data (PERM-15).

    Many that nobody has just saved wait for the poll.
    """
    patient = [unit for unit in done.meeting if unit.may_wait_for_a_poll]
    if len(patient) > MOST_MEETINGS:
        done.meeting = [unit for unit in done.meeting if not unit.may_wait_for_a_poll]
    ended = {id(one.unit): one for one in done.finished}
    for unit in done.meeting:
        unit.must_look, unit.sighting, unit.written = True, None, ended.pop(id(unit)).outcome
    done.finished = list(ended.values())
    done.again += done.meeting


def _addresses(planned: Decision) -> set[str]:
    """Return the fingerprints of the addresses that a contact will have: Dataverse's, and one that comes home."""
    home = planned.home.address if isinstance(planned, Write | Rest) else ""
    return {planned.binding.address, home} - {""}


def _wanted_addresses(seats: Sequence[Seat], plans: Mapping[RecordKey, Decision]) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for seat in seats:
        planned = plans[seat.key]
        if seat.address is not None and seat.address == planned.binding.address:
            wanted[seat.address] = seat.held.external_id
        if isinstance(planned, Write | Rest) and planned.home.address:
            wanted[planned.home.address] = seat.held.external_id
    return wanted


def _rising(seat: Seat, planned: Decision) -> frozenset[str]:
    """Name the permissions that rise where somebody could have withdrawn them meanwhile."""
    return rising_permissions(planned) if isinstance(planned, Write | Rest) and seat.origin.is_live else frozenset()


def _address_is_taken(seat: Seat, applied: Applied) -> bool:
    """Whether Spotler refused a new address because a contact that we do not know has it already.

    Refused to a contact that the record has, or that a dead worker made for it.
    """
    return (
        isinstance(applied, ConnectorError)
        and applied.code == WriteCode.CONTACT_ALREADY_EXISTS
        and (seat.binding.is_live or seat.is_doubtful)
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

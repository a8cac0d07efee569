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
from shared.domain.planning.decisions import Decision, Rest, Write
from shared.domain.planning.identity import Leave
from shared.domain.planning.plan_input import BaseState
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import PropertyCatalogue, WriteCode
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import RecordKey, Reference, Why
from shared.domain.recovery.retry import RetryPolicy
from shared.engine.address_users import AddressUsers
from shared.engine.apply import MOST_MEETINGS, AlreadyThereError, Applied, apply, rising_permissions
from shared.engine.bindings.claim_deadline import BatchSizer, ClaimsRanOutError, TimeBudget, current_budget
from shared.engine.bindings.ledger import Ledger
from shared.engine.commit import AppliedPlan, commit
from shared.engine.contact_fetcher import ContactFetcher
from shared.engine.contact_resolver import ContactResolver
from shared.engine.guards.brake import Brake
from shared.engine.guards.holding import Holding
from shared.engine.guards.priority import breathe
from shared.engine.planning_facts import PlanningFactsLoader
from shared.engine.record_context import BatchState, RecordContext
from shared.engine.refusals.recent_changes import RecentChanges
from shared.engine.refusals.refusal_keeping import RefusalKeeping
from shared.engine.work_items import NOBODY, FetchedContact, ItemResult, RetryDecisions, WorkItem, work_items_of
from shared.engine.write_back import dataverse_changes, refusals, write_back
from shared.errors import ConfigurationError, ConnectorError
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm
from shared.ports.marketing_platform import MarketingPlatform
from shared.ports.writeback import Writebacks
from shared.telemetry.traces import phase

_MAX_ROUNDS = 8
"""A unit goes round again when it moves to another contact; more moves within one batch mean that somebody edits."""


@dataclass(frozen=True, slots=True)
class Processed:
    """How all units ended, and other records that must be looked at because of it."""

    finished: Sequence[ItemResult]
    follow_ups: Sequence[Reference]


class SyncEngine:
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
        writebacks: Writebacks,
        planning_facts: PlanningFactsLoader,
        brake: Brake,
        refusals: RefusalKeeping,
        recent: RecentChanges,
        catch_up_bounces: Callable[[datetime], Awaitable[datetime]],
    ) -> None:
        self._platform = platform
        self._ledger = ledger
        self._rules = rules
        self._clock = clock
        self._retry_decisions = RetryDecisions(clock, policy)
        self._resolver = ContactResolver(
            crm=crm,
            ledger=ledger,
            suppressions=refusals.suppressions,
            rules=rules,
            retry_decisions=self._retry_decisions,
        )
        self._contact_fetcher = ContactFetcher(
            platform, recent, rules, self._retry_decisions, know_bounces=self._know_bounces
        )
        self._catch_up_bounces = catch_up_bounces
        self._address_users = AddressUsers(crm, platform, ledger, rules)
        self._refusals = refusals
        self._writebacks = writebacks
        self._planning_facts = planning_facts
        self._holding = Holding(brake, rules)
        self._batch_sizer = BatchSizer(ledger.claim_time)

    async def process(
        self, references: Sequence[Reference], fetched_contacts: Mapping[RecordKey, FetchedContact] = NOBODY
    ) -> Processed:
        """Look at all references; every one of them is in the answer.

        `fetched_contacts` are contacts that were just read.

        They are done in parts that fit into their claims. What there is no time for comes back in a moment: it is put
        back unread, and counts as no attempt.
        """
        budget = current_budget() or TimeBudget(self._clock, self._ledger.expiry())
        items = work_items_of(references, fetched_contacts)
        finished: list[ItemResult] = []
        follow_ups: list[Reference] = []
        while items:
            if not budget.begin_part():
                finished += [self._retry_decisions.put_back(item) for item in items]
                break
            part, items = items[: self._batch_sizer.records], items[self._batch_sizer.records :]
            done = await self._part(part, budget)
            finished += done.finished
            follow_ups += done.follow_ups
        return Processed(finished, follow_ups)

    async def _part(self, waiting: Sequence[WorkItem], budget: TimeBudget) -> Processed:
        began, records, ran_out = self._clock.now(), len(waiting), False
        finished: list[ItemResult] = []
        follow_ups: list[Reference] = []
        wait_for_each_other = False
        for number in range(_MAX_ROUNDS):
            if not waiting:
                break
            if number and records > 1 and not budget.has_time:  # one alone goes through: it cannot be made smaller
                ran_out = True
                break
            items, later = _ready(waiting)
            if wait_for_each_other:  # two do, when each wants the contact that the other one holds
                items, later = items[:1], [*items[1:], *later]
            undone = {one.item.key for one in finished if one.outcome.result is Result.WAITING}
            postponed = [item for item in items if item.awaits & undone]
            finished += [self._retry_decisions.waiting(item, Reason.STILL_USED) for item in postponed]
            done = await self._round([item for item in items if item not in postponed])
            finished += done.finished
            follow_ups += done.follow_ups
            ran_out = ran_out or done.ran_out
            waiting = [*done.again, *later]
            wait_for_each_other = set(done.again) == set(items) and not (done.saved or done.has_learned)
        put_off = (
            self._retry_decisions.put_back if ran_out else partial(self._retry_decisions.waiting, reason=Reason.BUSY)
        )
        finished += [put_off(item) for item in waiting]
        self._batch_sizer.learn(records=records, took=self._clock.now() - began, ran_out=ran_out)
        return Processed(finished, follow_ups)

    async def _round(self, items: Sequence[WorkItem]) -> BatchState:
        done = BatchState(self._ledger.expiry())
        try:
            catalogue = await self._catalogue()
            contexts = await self._resolver.contexts(items, done)
            await self._decide_and_do(contexts, catalogue, done)
            await self._remember(contexts, done)
            _meet(done)
        except ConnectorError as error:
            if not done.has_written:
                await self._release_quietly(done)
            # Otherwise the claims stay until they expire: what was written may not be what the bindings say.
            settled = {id(finished.item) for finished in done.finished if finished.outcome.result is Result.WAITING}
            done.finished = [one for one in done.finished if id(one.item) in settled]
            done.finished += [self._undone(item, error, items, done) for item in items if id(item) not in settled]
            done.again.clear()
        except Exception:  # a defect of ours: the caller finds the record that causes it, for which it needs the claims
            await self._let_go_quietly(done)
            raise
        return done

    async def _remember(self, contexts: Sequence[RecordContext], done: BatchState) -> None:
        if self._clock.now() >= done.expiry:  # somebody else may hold the contacts: what we know is old
            raise ClaimsRanOutError("the claims ran out before the results could be kept")
        await self._ledger.keep_successions(done.succeeded)
        lost = await self._ledger.save(done.saved, done.forgotten, done.versions)
        self._take_back(lost, contexts, done)
        await self._holding.settle(contexts, done)
        await self._ledger.release(list(done.held.values()))

    def _take_back(self, lost: frozenset[RecordKey], contexts: Sequence[RecordContext], done: BatchState) -> None:
        """Look again at records that another worker has written meanwhile: what this round found out may be old."""
        for context in contexts:
            if context.key in lost or context.successor_of in lost:
                context.held.base_state = BaseState.NOTHING
        items = {context.key: context.item for context in contexts if context.key in lost}
        done.finished = [one for one in done.finished if one.item.key not in items]
        done.finished += [self._retry_decisions.waiting(item, Reason.BUSY) for item in items.values()]
        done.again = [item for item in done.again if item.key not in items]
        done.meeting = [item for item in done.meeting if item.key not in items]
        done.follow_ups += [Reference(key, Why.RECONCILE, done.saved[key][2]) for key in sorted(lost - items.keys())]
        for key in lost:
            del done.saved[key]

    def _undone(self, item: WorkItem, error: ConnectorError, items: Sequence[WorkItem], done: BatchState) -> ItemResult:
        """Say what becomes of a unit whose time was over: one of many was no fault of its own, and is no attempt."""
        if not isinstance(error, ClaimsRanOutError):
            return self._retry_decisions.failed(item, error)
        done.ran_out = True
        return self._retry_decisions.failed(item, error) if len(items) == 1 else self._retry_decisions.put_back(item)

    async def _catalogue(self) -> PropertyCatalogue:
        catalogue = await self._platform.properties()
        if catalogue.named(EMAIL) is None:
            raise ConfigurationError(f"the Spotler account does not show the property {EMAIL}")
        return catalogue

    async def _release_quietly(self, done: BatchState) -> None:
        with contextlib.suppress(ConnectorError):  # they expire by themselves
            await self._ledger.release(list(done.held.values()))

    async def _let_go_quietly(self, done: BatchState) -> None:
        held = list(done.held.values())
        with contextlib.suppress(ConnectorError):
            await (self._ledger.abandon(held) if done.has_written else self._ledger.release(held))

    # ------------------------------------------------------------------------------------------------- plan and apply

    async def _decide_and_do(
        self, contexts: Sequence[RecordContext], catalogue: PropertyCatalogue, done: BatchState
    ) -> None:
        deadline = self._ledger.deadline(done.expiry)
        contexts = await self._planning_facts.load(contexts, catalogue)
        leave = {context.key for context in contexts if isinstance(context.identity, Leave)}
        with phase("plan", count=len(contexts)):
            staying, plans = await self._contact_fetcher.decide(
                [context for context in contexts if context.key not in leave], catalogue, done, deadline
            )
            leaving, endings = await self._contact_fetcher.let_go(
                [context for context in contexts if context.key in leave], catalogue, done, deadline
            )
        plans |= endings
        order = {context.key: context for context in (*staying, *leaving)}
        contexts = await self._address_users.patient(
            [order[context.key] for context in contexts if context.key in order], plans, done
        )
        plans |= await self._holding.hold(contexts, plans, catalogue)
        lost = await self._ledger.reserve(_wanted_addresses(contexts, plans), held=done.held)
        taken = {context.key for context in contexts if _addresses(plans[context.key]) & lost}
        done.finished += [
            self._retry_decisions.waiting(context.item, Reason.BUSY) for context in contexts if context.key in taken
        ]
        going = [context for context in contexts if context.key not in taken]
        known = await self._refusals.before(going, plans, catalogue)
        rising = {context.key: names for context in going if (names := _rising(context, plans[context.key]))}
        overtaken = await self._record_intents(rising, going, done)
        done.finished += [
            self._retry_decisions.waiting(context.item, Reason.BUSY) for context in going if context.key in overtaken
        ]
        going = [context for context in going if context.key not in overtaken]
        done.has_written = True
        may_wait = {context.key for context in going if context.item.may_wait_for_a_poll}
        attempts = await apply(
            {context.key: plans[context.key] for context in going}, self._platform, deadline, may_wait=may_wait
        )
        plans |= {key: attempt.planned for key, attempt in attempts.items()}
        applied = {key: attempt.ended for key, attempt in attempts.items()}
        returns = {
            context.key: dataverse_changes(context, plans[context.key], applied[context.key]) for context in going
        }
        refused = {context.key: names for context in going if (names := refusals(returns[context.key]))}
        overtaken = await self._record_intents(refused, going, done)
        mine = {key: home for key, home in returns.items() if key not in overtaken}
        came = await write_back({context.key: context for context in going}, mine, self._writebacks)
        items = [context.item for context in contexts]
        for context in going:
            await breathe()
            if isinstance(one := applied[context.key], AlreadyThereError):
                context.item.is_there = done.has_learned = True
                done.again.append(context.item)
            elif _address_is_taken(context, one):
                context.item.address_is_taken = True
                done.again.append(context.item)
            elif isinstance(one, ClaimsRanOutError):  # nothing was sent: no doubt about what Spotler has
                done.finished.append(self._undone(context.item, one, items, done))
            else:
                applied_plan = AppliedPlan(plans[context.key], applied[context.key], came.get(context.key))
                commit(context, applied_plan, done, self._retry_decisions)
        await self._refusals.after(going, plans, known, done)
        await self._planning_facts.remember(going, plans, catalogue, done)

    async def _know_bounces(self, contexts: Sequence[RecordContext]) -> list[RecordContext]:
        """Note what came back since these contacts were closed, and add it to the seats."""
        closed = [
            context.contact.last_changed for context in contexts if context.contact and context.contact.last_changed
        ]
        until = await self._catch_up_bounces(min(closed, default=self._clock.now()))
        return [
            replace(context, facts=replace(context.facts, bounces_until=until))
            for context in await self._planning_facts.load(contexts, await self._catalogue())
        ]

    async def _record_intents(
        self, changes: Mapping[RecordKey, frozenset[str]], contexts: Sequence[RecordContext], done: BatchState
    ) -> frozenset[RecordKey]:
        """Write down which consents are about to change by our own hand: after a crash nobody else could tell.

        The answer are records that another worker has by now.
        """
        write_intents = {
            context.key: replace(context.origin, write_intents=changes[context.key])
            for context in contexts
            if context.key in changes
        }
        if not write_intents:
            return frozenset()
        correlations = {context.key: context.item.correlation for context in contexts}
        return await self._ledger.record_intents(write_intents, correlations, done.versions)


def _meet(done: BatchState) -> None:
    """Compare both sides at once where a contact has just got its first data (PERM-15).

    Many that nobody has just saved wait for the poll.
    """
    patient = [item for item in done.meeting if item.may_wait_for_a_poll]
    if len(patient) > MOST_MEETINGS:
        done.meeting = [item for item in done.meeting if not item.may_wait_for_a_poll]
    ended = {id(one.item): one for one in done.finished}
    for item in done.meeting:
        item.must_look, item.fetched_contact, item.written = True, None, ended.pop(id(item)).outcome
    done.finished = list(ended.values())
    done.again += done.meeting


def _addresses(planned: Decision) -> set[str]:
    """Return the fingerprints of the addresses that a contact will have: Dataverse's, and one that comes home."""
    home = planned.dataverse_changes.address if isinstance(planned, Write | Rest) else ""
    return {planned.binding.address, home} - {""}


def _wanted_addresses(contexts: Sequence[RecordContext], plans: Mapping[RecordKey, Decision]) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for context in contexts:
        planned = plans[context.key]
        if context.address is not None and context.address == planned.binding.address:
            wanted[context.address] = context.held.external_id
        if isinstance(planned, Write | Rest) and planned.dataverse_changes.address:
            wanted[planned.dataverse_changes.address] = context.held.external_id
    return wanted


def _rising(context: RecordContext, planned: Decision) -> frozenset[str]:
    """Name the permissions that rise where somebody could have withdrawn them meanwhile."""
    return rising_permissions(planned) if isinstance(planned, Write | Rest) and context.origin.is_live else frozenset()


def _address_is_taken(context: RecordContext, applied: Applied) -> bool:
    """Whether Spotler refused a new address because a contact that we do not know has it already.

    Refused to a contact that the record has, or that a dead worker made for it.
    """
    return (
        isinstance(applied, ConnectorError)
        and applied.code == WriteCode.CONTACT_ALREADY_EXISTS
        and (context.binding.is_live or context.is_doubtful)
        and not context.item.address_is_taken
    )


def _ready(waiting: Sequence[WorkItem]) -> tuple[list[WorkItem], list[WorkItem]]:
    """Choose what goes now: one unit per record, and who awaits others only after them."""
    pending = {item.key for item in waiting}
    now: dict[RecordKey, WorkItem] = {}
    later: list[WorkItem] = []
    for item in waiting:
        if item.awaits & pending or item.key in now:
            later.append(item)
        else:
            now[item.key] = item
    return (list(now.values()), later) if now else (later[:1], later[1:])  # they await each other

"""One pass of work items through the stages of the engine: resolve, plan, apply, write back, commit.

Each stage takes values and returns a value. Only the claims know what has been written already.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from shared.domain.mapping.model import EMAIL
from shared.domain.planning.decisions import Decision, Rest, Write
from shared.domain.records.marketing_contact import PropertyCatalogue, WriteCode
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import RecordKey, Reference, Why
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.domain.wording.causes.work_causes import WorkCause
from shared.engine.apply import MOST_FIRST_COMPARISONS, AlreadyThereError, Applied, apply, rising_permissions
from shared.engine.bindings.binding_documents import BindingUpdate
from shared.engine.bindings.claim_deadline import ClaimsRanOutError
from shared.engine.bindings.claims import Claims
from shared.engine.bindings.ledger import Ledger
from shared.engine.commit import AppliedPlan, commit
from shared.engine.contact_fetcher import ContactFetcher
from shared.engine.contact_resolver import ContactResolver
from shared.engine.guards.address_users import AddressUsers
from shared.engine.guards.holding import Holding
from shared.engine.guards.priority import breathe
from shared.engine.planning_facts import PlanningFactsLoader
from shared.engine.record_context import Committed, PassResult, Planned, RecordContext, Resolved
from shared.engine.refusals.refusal_keeping import RefusalKeeping
from shared.engine.work_items import ItemResult, RetryDecisions, WorkItem
from shared.engine.write_back import dataverse_changes, refusals, write_back
from shared.errors import ConfigurationError, ConnectorError
from shared.ports.clock import Clock
from shared.ports.marketing_platform import MarketingPlatform
from shared.ports.writeback import Writebacks
from shared.telemetry.traces import phase


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPass:
    """Takes work items through all stages, at most one work item per record."""

    platform: MarketingPlatform
    ledger: Ledger
    clock: Clock
    retry_decisions: RetryDecisions
    resolver: ContactResolver
    contact_fetcher: ContactFetcher
    address_users: AddressUsers
    refusals: RefusalKeeping
    writebacks: Writebacks
    planning_facts: PlanningFactsLoader
    holding: Holding

    async def run(self, items: Sequence[WorkItem]) -> PassResult:
        """Process the work items. A ConnectorError is the result of those that had not ended before it."""
        claims = Claims(self.ledger)
        result, has_written = PassResult(), False
        try:
            account = asyncio.create_task(self._account())  # beside the reading of records
            resolved = await self.resolver.resolve(items, claims)
            waiting = tuple(self.retry_decisions.waiting(item, Reason.BUSY) for item in resolved.deferred)
            result += PassResult(waiting, tuple(resolved.retries), tuple(resolved.follow_ups))
            if resolved.error is not None:
                raise resolved.error  # noqa: TRY301  # the results until then count, and then it is as any other error
            if isinstance(catalogue := await account, ConnectorError):
                raise catalogue  # noqa: TRY301  # as above
            planned = await self._plan(resolved.contexts, catalogue, claims)
            result += planned.result
            planned = await self.address_users.defer(planned)
            result += planned.result
            is_single = len(planned.contexts) == 1
            planned = await self._reserve(await self.holding.hold(planned, catalogue), claims)
            result += planned.result
            known = await self.refusals.before(planned.contexts, planned.plans, catalogue)
            planned = await self._record_rises(planned, claims)
            result += planned.result
            has_written = True
            applied = await self._apply(planned, claims)
            committed = await self._commit(planned.contexts, applied, is_single=is_single)
            for one in committed:
                result += one.result
            contexts, plans = [one.context for one in committed], {key: one.planned for key, one in applied.items()}
            updates = await self.refusals.after(contexts, plans, known, _updates(committed))
            await self.planning_facts.record_changes(contexts, plans, catalogue, updates)
            return _with_comparisons(await self._save(claims, resolved, committed, updates, result))
        except ConnectorError as error:
            if not has_written:  # otherwise the claims stay until they expire: bindings may not be what was written
                with contextlib.suppress(ConnectorError):  # they expire by themselves
                    await claims.release()
            return self._failed(items, error, result)
        except Exception:  # a defect of ours: the caller finds the record that causes it, for which it needs the claims
            with contextlib.suppress(ConnectorError):
                await (claims.abandon() if has_written else claims.release())
            raise

    def _failed(self, items: Sequence[WorkItem], error: ConnectorError, result: PassResult) -> PassResult:
        """Keep the results of records that wait already; the others wait because of the error."""
        kept = tuple(one for one in result.results if one.outcome.result is Result.WAITING)
        waiting = {one.item.key for one in kept}
        undone = [item for item in items if item.key not in waiting]
        failed = tuple(self._undone(item, error, is_single=len(items) == 1) for item in undone)
        ran_out = isinstance(error, ClaimsRanOutError) and bool(undone)
        return replace(result, results=(*kept, *failed), retries=(), ran_out=result.ran_out or ran_out)

    def _undone(self, item: WorkItem, error: ConnectorError, *, is_single: bool) -> ItemResult:
        """Return the result of a work item after an error. One of many that ran out of time counts no attempt."""
        if isinstance(error, ClaimsRanOutError) and not is_single:
            return self.retry_decisions.put_back(item)
        return self.retry_decisions.failed(item, error)

    def _busy(self, contexts: Sequence[RecordContext], keys: AbstractSet[RecordKey]) -> PassResult:
        return PassResult(
            tuple(self.retry_decisions.waiting(one.item, Reason.BUSY) for one in contexts if one.key in keys)
        )

    # ------------------------------------------------------------------------------------------------------------ plan

    async def _account(self) -> PropertyCatalogue | ConnectorError:
        """Return the account's properties; an error is a value. These and the defaults are mostly known already."""
        try:
            catalogue = await self.platform.properties()
        except ConnectorError as error:
            return error
        if catalogue.named(EMAIL) is None:
            return ConfigurationError(SpotlerCause.NO_EMAIL_PROPERTY(property=EMAIL))
        await self.planning_facts.ahead()
        return catalogue

    async def _plan(self, contexts: Sequence[RecordContext], catalogue: PropertyCatalogue, claims: Claims) -> Planned:
        contexts = await self.planning_facts.load(contexts, catalogue)
        with phase("plan", count=len(contexts)):
            return await self.contact_fetcher.plan(contexts, catalogue, claims.deadline)

    async def _reserve(self, planned: Planned, claims: Claims) -> Planned:
        """Reserve the addresses that contacts are going to have; records that lose theirs wait.

        A record whose address another contact has by now goes there: its own contact was emptied, and never gets it.
        """
        lost = await claims.reserve(_wanted_addresses(planned))
        if not lost:
            return planned
        keys = {one.key for one in planned.contexts if _addresses(planned.plans[one.key]) & lost}
        taken = {address for address, owner in (await self.ledger.owners_of(lost)).items() if owner.has_it}
        emptied = [one for one in planned.contexts if one.key in keys and _is_emptied(one) and one.address in taken]
        retries = tuple(replace(one.item, address_is_taken=True) for one in emptied)
        waiting = self._busy(planned.contexts, keys - {one.key for one in emptied})
        return planned.without(keys, waiting + PassResult(retries=retries, has_progressed=bool(retries)))

    async def _record_rises(self, planned: Planned, claims: Claims) -> Planned:
        """Record which permissions are about to rise; records that another worker has by now wait."""
        rises = {one.key: _rising(one, planned.plans[one.key]) for one in planned.contexts}
        keys = await _record_intents(rises, planned.contexts, claims)
        return planned.without(keys, self._busy(planned.contexts, keys))

    # ------------------------------------------------------------------------------------------------ apply and commit

    async def _apply(self, planned: Planned, claims: Claims) -> dict[RecordKey, AppliedPlan]:
        """Write to Spotler, then to Dataverse what Spotler knows better."""
        contexts = {context.key: context for context in planned.contexts}
        attempts = await apply(
            {key: planned.plans[key] for key in contexts},
            self.platform,
            claims.deadline,
            may_wait={key for key, context in contexts.items() if context.item.may_wait_for_a_poll},
        )
        changes = {
            key: dataverse_changes(context, attempts[key].planned, attempts[key].ended)
            for key, context in contexts.items()
        }
        refused = {key: refusals(one) for key, one in changes.items()}
        lost = await _record_intents(refused, planned.contexts, claims)
        written = await write_back(
            contexts, {key: one for key, one in changes.items() if key not in lost}, self.writebacks
        )
        return {key: AppliedPlan(one.planned, one.ended, written.get(key)) for key, one in attempts.items()}

    async def _commit(
        self, contexts: Sequence[RecordContext], applied: Mapping[RecordKey, AppliedPlan], *, is_single: bool
    ) -> list[Committed]:
        committed: list[Committed] = []
        for context in contexts:
            await breathe()
            match applied[context.key].applied:
                case AlreadyThereError():
                    retry = replace(context.item, is_there=True)
                    one = Committed(context, PassResult(retries=(retry,), has_progressed=True))
                case ClaimsRanOutError() as error:  # nothing was sent: no doubt about what Spotler has
                    undone = self._undone(context.item, error, is_single=is_single)
                    one = Committed(context, PassResult((undone,), ran_out=True))
                case outcome if _address_is_taken(context, outcome):
                    retry = replace(context.item, address_is_taken=True)
                    one = Committed(context, PassResult(retries=(retry,)))
                case _:
                    one = commit(context, applied[context.key], self.retry_decisions)
            committed.append(one)
        return committed

    async def _save(
        self,
        claims: Claims,
        resolved: Resolved,
        committed: Sequence[Committed],
        updates: Mapping[RecordKey, BindingUpdate],
        result: PassResult,
    ) -> PassResult:
        """Save bindings and contacts. Records that another worker has written meanwhile wait: they may be outdated."""
        if self.clock.now() >= claims.expiry:
            raise ClaimsRanOutError(WorkCause.CLAIMS_BEFORE_RESULTS())
        claims.change(one.context.held for one in committed)
        await claims.keep_successions([one.context.held.external_id for one in committed if one.is_succeeded])
        lost = await claims.save(updates, [*resolved.freed, *(address for one in committed for address in one.freed)])
        saved = {key: one for key, one in updates.items() if key not in lost}
        claims.doubt(one.held.external_id for one in resolved.contexts if {one.key, one.successor_of} & lost)
        await self.holding.settle(resolved.contexts, saved)
        await claims.release()
        outdated = {one.key for one in resolved.contexts} & lost
        kept = PassResult(
            tuple(one for one in result.results if one.item.key not in outdated),
            tuple(one for one in result.retries if one.key not in outdated),
            result.follow_ups,
            result.has_progressed or bool(saved),
            result.ran_out,
        )
        others = tuple(Reference(key, Why.RECONCILE, updates[key].correlation) for key in sorted(lost - outdated))
        return kept + self._busy(resolved.contexts, outdated) + PassResult(follow_ups=others)


def _updates(committed: Sequence[Committed]) -> dict[RecordKey, BindingUpdate]:
    updates: dict[RecordKey, BindingUpdate] = {}
    for one in committed:
        updates |= one.updates
    return updates


def _with_comparisons(result: PassResult) -> PassResult:
    """Compare both sides at once where a contact has just got its first data (PERM-15).

    Many that nobody has just saved wait for the poll.
    """
    first = [one for one in result.results if one.is_first_write]
    if sum(one.item.may_wait_for_a_poll for one in first) > MOST_FIRST_COMPARISONS:
        first = [one for one in first if not one.item.may_wait_for_a_poll]
    keys = {one.item.key for one in first}
    retries = [replace(one.item, must_fetch=True, fetched_contact=None, written=one.outcome) for one in first]
    return replace(
        result,
        results=tuple(one for one in result.results if one.item.key not in keys),
        retries=(*result.retries, *retries),
    )


async def _record_intents(
    changes: Mapping[RecordKey, frozenset[str]], contexts: Sequence[RecordContext], claims: Claims
) -> frozenset[RecordKey]:
    """Record which consents the connector is about to change: after a crash, their origin could not be known.

    Returns the records that another worker has by now.
    """
    intents = {
        context.key: (replace(context.origin, write_intents=changes[context.key]), context.item.correlation)
        for context in contexts
        if changes[context.key]
    }
    return await claims.record_intents(intents) if intents else frozenset()


def _addresses(planned: Decision) -> set[str]:
    """Return the fingerprints of the addresses that a contact will have: Dataverse's, and one that is written back."""
    written_back = planned.dataverse_changes.address if isinstance(planned, Write | Rest) else ""
    return {planned.binding.address, written_back} - {""}


def _wanted_addresses(planned: Planned) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for context in planned.contexts:
        decision = planned.plans[context.key]
        if context.address is not None and context.address == decision.binding.address:
            wanted[context.address] = context.held.external_id
        if isinstance(decision, Write | Rest) and decision.dataverse_changes.address:
            wanted[decision.dataverse_changes.address] = context.held.external_id
    return wanted


def _rising(context: RecordContext, planned: Decision) -> frozenset[str]:
    """Name the permissions that rise where somebody could have withdrawn them meanwhile."""
    return rising_permissions(planned) if isinstance(planned, Write | Rest) and context.origin.is_live else frozenset()


def _is_emptied(context: RecordContext) -> bool:
    """Whether a purge took the address out of the contact (PURGE-03)."""
    binding = context.binding
    return binding.is_live and EMAIL not in binding.base and not context.item.address_is_taken


def _address_is_taken(context: RecordContext, applied: Applied) -> bool:
    """Whether Spotler refused a new address because a contact that is unknown here has it already.

    Refused to a contact that the record has, or that a dead worker made for it.
    """
    return (
        isinstance(applied, ConnectorError)
        and applied.code == WriteCode.CONTACT_ALREADY_EXISTS
        and (context.binding.is_live or context.is_doubtful)
        and not context.item.address_is_taken
    )

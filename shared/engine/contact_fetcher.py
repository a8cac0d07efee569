"""Reads Spotler contacts before anything is written to them, and plans with what they hold (C-11, C-12; decision 18).

A few contacts are read one by one. For a batch, one call of the feed of changes names the contacts that were changed
since the last poll, and only these are read. First comparisons in a walk over many records wait for the poll, which
reads a hundred contacts in one call.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.consent.refusals import must_find_contact
from shared.domain.merging.echo import is_echo
from shared.domain.merging.merge_sides import fresh_binding
from shared.domain.planning.conditions import email_of
from shared.domain.planning.decisions import Anonymize, Decision, FetchContact, Rest, Write, WriteMode
from shared.domain.planning.erase import let_go
from shared.domain.planning.identity import Leave, Stay
from shared.domain.planning.plan import as_allowed, plan
from shared.domain.planning.plan_input import Fetched
from shared.domain.planning.rules import Rules
from shared.domain.planning.sharing import rules_of
from shared.domain.records.marketing_contact import MarketingContact, PropertyCatalogue
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import RecordKey
from shared.engine.apply import MOST_FIRST_COMPARISONS
from shared.engine.bindings.claim_deadline import ClaimDeadline
from shared.engine.bindings.contacts_in_doubt import is_to_be_taken_over, may_be_left_over, with_contact_taken_over
from shared.engine.guards.priority import breathe
from shared.engine.planning_facts import PlanningFactsLoader
from shared.engine.record_context import PassResult, Planned, RecordContext
from shared.engine.refusals.recent_changes import RecentChanges
from shared.engine.work_items import ItemResult, RetryDecisions
from shared.errors import ConnectorError
from shared.ports.clock import Clock
from shared.ports.marketing_platform import MarketingPlatform

_READ_FIRST = 4
"""Contacts of a pass that are read first, all at the same time. After an outage of Spotler, many contacts are in doubt:
reading every one of them again and again would prolong the outage."""

_AGE = timedelta(minutes=1)
"""A contact that was read less than this after its binding was written may be older than the binding: clocks differ."""


@dataclass(frozen=True, slots=True)
class _Unchanged:
    """Plans that hold, contacts that must be read first, and records for which Spotler could not be asked."""

    sure: Sequence[tuple[RecordContext, Decision]] = ()
    to_fetch: Sequence[RecordContext] = ()
    failed: Sequence[ItemResult] = ()


@dataclass(frozen=True, slots=True)
class ContactFetcher:
    """Plans the records of a pass, and reads Spotler contacts only where a plan depends on them.

    `catch_up_bounces` reads the bounces since a time, and returns until when bounces are known.
    """

    platform: MarketingPlatform
    recent: RecentChanges
    rules: Rules
    retry_decisions: RetryDecisions
    clock: Clock
    planning_facts: PlanningFactsLoader
    catch_up_bounces: Callable[[datetime], Awaitable[datetime]]

    async def plan(
        self, contexts: Sequence[RecordContext], catalogue: PropertyCatalogue, deadline: ClaimDeadline
    ) -> Planned:
        """Plan for all records; those whose contact could not be read before the deadline are in the result."""
        leaving = [context for context in contexts if isinstance(context.identity, Leave)]
        staying = [context for context in contexts if not isinstance(context.identity, Leave)]
        decided = await self._plan_staying(staying, catalogue, deadline)
        left = await self._plan_leaving(leaving, catalogue, deadline)
        going = {context.key: context for context in (*decided.contexts, *left.contexts)}
        return Planned(
            tuple(going[context.key] for context in contexts if context.key in going),
            {**decided.plans, **left.plans},
            decided.result + left.result,
        )

    async def _plan_staying(
        self, contexts: Sequence[RecordContext], catalogue: PropertyCatalogue, deadline: ClaimDeadline
    ) -> Planned:
        decided: dict[RecordKey, tuple[RecordContext, Decision]] = {}
        wanted: list[RecordContext] = []
        first_comparisons: list[RecordContext] = []
        unsure: list[tuple[RecordContext, Decision]] = []
        for context in map(_with_polled_contact, contexts):
            await breathe()
            planned = plan(context.plan_input, self.rules, catalogue)
            if isinstance(planned, FetchContact):
                can_wait = planned.can_wait and context.item.may_wait_for_a_poll
                (first_comparisons if can_wait else wanted).append(context)
            elif (
                _must_fetch(context)
                or _resumes(context, planned)
                or (_may_be_old(context) and not _is_quiet(planned))
                or (context.fetched is Fetched.NO and may_be_left_over(context, planned))
            ):
                wanted.append(context)
            elif _is_unsure(context, planned):
                unsure.append((context, planned))
            else:
                decided[context.key] = (context, planned)
        are_few = len(first_comparisons) <= MOST_FIRST_COMPARISONS
        unchanged = await self._unchanged(unsure, catalogue, deadline)
        decided |= {context.key: (context, planned) for context, planned in unchanged.sure}
        fetched, failed = await self._fetch(
            [*wanted, *unchanged.to_fetch, *(first_comparisons if are_few else ())], deadline
        )
        skipped = [] if are_few else [replace(context, fetched=Fetched.SKIPPED) for context in first_comparisons]
        for context in (*fetched, *skipped):
            await breathe()
            decided[context.key] = self._plan_read(context, catalogue)
        found = await asyncio.gather(
            *(
                self._plan_with_found(context, planned, catalogue, deadline)
                for context, planned in decided.values()
                if _may_be_found(context, planned)
            )
        )
        decided |= {context.key: (context, planned) for context, planned in found}
        order = [context.key for context in contexts if context.key in decided]
        return Planned(
            tuple(decided[key][0] for key in order),
            {key: decided[key][1] for key in order},
            PassResult((*unchanged.failed, *failed)),
        )

    def _plan_read(self, context: RecordContext, catalogue: PropertyCatalogue) -> tuple[RecordContext, Decision]:
        """Plan for a record whose contact was read, or is not to be read now; one of no record is taken over."""
        planned = self._decision(context, catalogue)
        if is_to_be_taken_over(context, planned):
            context = with_contact_taken_over(context, self.rules.fingerprints)
            planned = self._decision(context, catalogue)
        return context, planned

    def _decision(self, context: RecordContext, catalogue: PropertyCatalogue) -> Decision:
        planned = plan(context.plan_input, self.rules, catalogue)
        assert not isinstance(planned, FetchContact), "a plan with a fetched or skipped contact needs no other one"
        return planned

    async def _plan_with_found(
        self, context: RecordContext, planned: Decision, catalogue: PropertyCatalogue, deadline: ClaimDeadline
    ) -> tuple[RecordContext, Decision]:
        """Plan for a new record whose address Spotler has already: with that contact, or else without an insertion."""
        found = await self._found(context, deadline)
        if found is None:
            return context, replace(planned, if_absent=None) if isinstance(planned, Write) else planned
        return found, self._decision(found, catalogue)

    async def _found(self, context: RecordContext, deadline: ClaimDeadline) -> RecordContext | None:
        """Read the contact that has a new record's address; None where only a write to it can show its state."""
        assert context.record is not None, "a record that does not exist has no address"
        email = email_of(context.record, self.rules.mapping.for_table(context.key.table))
        try:
            contact = await deadline.carry(lambda: self.platform.contact_with_email(email))
        except ConnectorError:  # the search is the least documented of Spotler's calls; a write works without it
            return None
        if contact is None or contact.is_unreachable:
            return None
        # A contact that was made after the record's own was erased holds nothing of what was agreed on.
        is_ours = contact.external_id == context.binding.external_id
        binding = context.binding if is_ours else fresh_binding(context.binding)
        return replace(context, fetched=Fetched.YES, contact=contact, binding=binding)

    async def _unchanged(
        self, unsure: Sequence[tuple[RecordContext, Decision]], catalogue: PropertyCatalogue, deadline: ClaimDeadline
    ) -> _Unchanged:
        """Divide plans about contacts that were not read: those that hold, and contacts that must be read first.

        A few contacts are read one by one. For more, one call of the feed names the contacts that changed since the
        last poll; the insertion of the others shows whether they still exist (`if_absent`).
        """
        contexts = [context for context, _ in unsure]
        if len(unsure) <= _READ_FIRST:
            return _Unchanged(to_fetch=contexts)
        try:
            changed = await deadline.carry(lambda: self._changed(contexts))
        except ConnectorError as error:
            return _Unchanged(failed=self._failed(contexts, error))
        if changed is None:
            return _Unchanged(to_fetch=contexts)
        sure: list[tuple[RecordContext, Decision]] = []
        to_fetch: list[RecordContext] = []
        for context, planned in unsure:
            await breathe()
            contact = changed.get(context.held.external_id)
            if contact is None:
                sure.append((context, planned))
            elif is_echo(contact, context.key, context.binding, self._rules_of(context), catalogue):
                sure.append((context, _proven(planned)))
            else:
                to_fetch.append(context)
        return _Unchanged(sure, to_fetch)

    def _rules_of(self, context: RecordContext) -> Rules:
        return rules_of(context.key.table, context.sharing_records, self.rules)

    async def _changed(self, contexts: Sequence[RecordContext]) -> Mapping[str, MarketingContact] | None:
        agreed = [context.saved_at for context in contexts if context.saved_at is not None]
        if len(agreed) < len(contexts):
            return None
        return await self.recent.among([context.held.external_id for context in contexts], agreed_since=min(agreed))

    def _failed(self, contexts: Sequence[RecordContext], error: ConnectorError) -> list[ItemResult]:
        return [self.retry_decisions.failed(context.item, error, context.record) for context in contexts]

    async def _plan_leaving(
        self, contexts: Sequence[RecordContext], catalogue: PropertyCatalogue, deadline: ClaimDeadline
    ) -> Planned:
        """Plan for records that leave their contact. No opt-out is left behind: it may not be known here yet."""
        plans: dict[RecordKey, Decision] = {}
        going: list[RecordContext] = []
        fetched, failed = await self._fetch(contexts, deadline)
        for context in fetched:
            planned = as_allowed(let_go(context.plan_input), context.plan_input, self.rules)
            is_closed = context.contact is not None and context.contact.is_unreachable
            if is_closed and not context.plan_input.has_only_bounced:  # it stays after all
                context, planned = self._plan_read(replace(context, identity=Stay()), catalogue)  # noqa: PLW2901
            elif not isinstance(planned, FetchContact) and planned.reason is Reason.NOT_ALLOWED:
                context = replace(context, identity=Stay())  # noqa: PLW2901  # the contact is left alone
            assert not isinstance(planned, FetchContact), "a plan with a fetched contact needs no other one"
            plans[context.key] = planned
            going.append(context)
        return Planned(tuple(going), plans, PassResult(tuple(failed)))

    async def _fetch(
        self, contexts: Sequence[RecordContext], deadline: ClaimDeadline
    ) -> tuple[list[RecordContext], list[ItemResult]]:
        """Read the contacts; the second list has the records whose contact could not be read."""
        answers = await self._answers([context.held.external_id for context in contexts], deadline)
        fetched: list[RecordContext] = []
        failed: list[ItemResult] = []
        for context, answer in zip(contexts, answers, strict=True):
            if isinstance(answer, ConnectorError):
                failed += self._failed([context], answer)
            else:
                fetched.append(replace(context, fetched=Fetched.YES, contact=answer))
        silent = [context for context in fetched if _is_closed_for_no_known_reason(context)]
        if not silent:
            return fetched, failed
        try:  # the bounces since the last poll may be the reason
            explained = {context.key: context for context in await self._with_bounces(silent)}
        except ConnectorError as error:
            keys = {context.key for context in silent}
            return [context for context in fetched if context.key not in keys], [*failed, *self._failed(silent, error)]
        return [explained.get(context.key, context) for context in fetched], failed

    async def _with_bounces(self, contexts: Sequence[RecordContext]) -> list[RecordContext]:
        """Read the bounces since these contacts were closed, and add them to the contexts."""
        closed = [one.contact.last_changed for one in contexts if one.contact and one.contact.last_changed]
        until = await self.catch_up_bounces(min(closed, default=self.clock.now()))
        return [
            replace(context, facts=replace(context.facts, bounces_until=until))
            for context in await self.planning_facts.load(contexts, await self.platform.properties())
        ]

    async def _answers(
        self, external_ids: Sequence[str], deadline: ClaimDeadline
    ) -> list[MarketingContact | ConnectorError | None]:
        """Read contacts, the first few ahead of the others: if none of these can be read, the others are not tried."""
        answers = list(await asyncio.gather(*(self._contact(one, deadline) for one in external_ids[:_READ_FIRST])))
        rest = external_ids[_READ_FIRST:]
        errors = [answer for answer in answers if isinstance(answer, ConnectorError)]
        if rest and len(errors) == len(answers):
            return [*answers, *[errors[0]] * len(rest)]
        return [*answers, *await asyncio.gather(*(self._contact(one, deadline) for one in rest))]

    async def _contact(self, external_id: str, deadline: ClaimDeadline) -> MarketingContact | ConnectorError | None:
        try:
            return await deadline.carry(lambda: self.platform.contact(external_id))
        except ConnectorError as error:
            return error


def _with_polled_contact(context: RecordContext) -> RecordContext:
    """Use the contact that a poll has read, if it is the held one."""
    fetched_contact = context.item.fetched_contact
    if (
        fetched_contact is None
        or fetched_contact.contact.external_id != context.held.external_id
        or not context.binding.is_live
    ):
        return context
    return replace(context, fetched=Fetched.YES, contact=fetched_contact.contact)


def _is_closed_for_no_known_reason(context: RecordContext) -> bool:
    contact = context.contact
    return contact is not None and contact.is_unreachable and context.plan_input.is_silent


def _may_be_found(context: RecordContext, planned: Decision) -> bool:
    is_meeting = isinstance(planned, Write) and planned.if_absent is not None and planned.meets
    return (context.item.is_there and is_meeting) or must_find_contact(planned, context.plan_input)


def _must_fetch(context: RecordContext) -> bool:
    return context.fetched is Fetched.NO and context.item.must_fetch and context.binding.is_live


def _resumes(context: RecordContext, planned: Decision) -> bool:
    """Whether a record is synchronised again: while it rested, the existence of its contact was not checked."""
    rests = isinstance(planned, Rest) and planned.result is not Result.UNCHANGED
    return context.fetched is Fetched.NO and context.has_rested and context.binding.is_live and not rests


def _is_unsure(context: RecordContext, planned: Decision) -> bool:
    """Whether a plan is about a contact that may have been changed, closed or erased since it was last read."""
    if context.fetched is not Fetched.NO or not context.binding.is_live:
        return False
    match planned:
        case Anonymize():
            return True  # refusals since the last read must outlive the contact
        case Write():
            return planned.delivery is not WriteMode.UPDATE or bool(planned.fields)
        case Rest():
            return planned.if_absent is not None


def _proven(planned: Decision) -> Decision:
    """Return the plan for a contact that is known to exist."""
    return planned if isinstance(planned, Anonymize) else replace(planned, if_absent=None)


def _may_be_old(context: RecordContext) -> bool:
    fetched_contact = context.item.fetched_contact
    if context.fetched is not Fetched.YES or fetched_contact is None or context.saved_at is None:
        return False
    return context.saved_at > fetched_contact.at - _AGE


def _is_quiet(planned: Decision) -> bool:
    return isinstance(planned, Rest) and planned.result is Result.UNCHANGED and not planned.dataverse_changes

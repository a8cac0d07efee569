"""Decides what to keep after a plan was carried out: the binding, the users of the contact, follow-ups."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.domain.consent.changes import BULK_EMAIL
from shared.domain.mapping.model import EMAIL
from shared.domain.planning.binding import Binding, MailStatus
from shared.domain.planning.decisions import Decision, Rest, Write, WriteMode
from shared.domain.planning.identity import Leave, Stay
from shared.domain.planning.plan_input import BaseState, Fetched
from shared.domain.records.outcomes import HELD_BACK, Outcome, Reason, Result
from shared.domain.records.records import RecordKey
from shared.domain.recovery.retry import Done
from shared.engine.apply import Applied
from shared.engine.bindings.binding_documents import BindingUpdate
from shared.engine.bindings.contact_documents import Consent
from shared.engine.bindings.contacts_in_doubt import is_there, is_unbound
from shared.engine.record_context import Committed, PassResult, RecordContext
from shared.engine.refusals.contact_users import ENDS, concerns_others, is_unreachable, with_users
from shared.engine.work_items import ItemResult, RetryDecisions, references_to
from shared.engine.write_back import WrittenBack
from shared.errors import ConflictError, ConnectorError, DataError, NotFoundError


@dataclass(frozen=True, slots=True)
class AppliedPlan:
    """A plan, the answer of Spotler, and what was written to Dataverse."""

    planned: Decision
    applied: Applied
    written_back: WrittenBack | None = None


def commit(context: RecordContext, applied_plan: AppliedPlan, retry_decisions: RetryDecisions) -> Committed:
    """Decide what to keep of one record, and whether it is processed again. Writes nothing."""
    planned, applied, written_back = applied_plan.planned, applied_plan.applied, applied_plan.written_back
    if isinstance(applied, ConnectorError):
        result = PassResult((retry_decisions.failed(context.item, applied, context.record),))
        return Committed(_with_contact(context, base_state=BaseState.NOTHING), result)
    rests = isinstance(planned, Rest) and planned.result in {Result.SKIPPED, Result.FAILED}
    has_compared = context.fetched is Fetched.YES and not rests
    outcome = _as_one(context.item.written, applied if written_back is None else _with_return(applied, written_back))
    outcome = _with_duplicates(outcome, context)
    update = BindingUpdate(_binding(context, planned, outcome, written_back), outcome, context.item.correlation)
    is_known_absent = rests and is_unbound(context) and context.fetched is Fetched.YES and not is_there(context)
    if applied.result in {Result.WRITTEN, Result.ANONYMISED} or has_compared or is_known_absent:
        context = _with_contact(context, base_state=BaseState.BASE)
    settled = _settle(context, planned, update, has_compared=has_compared and outcome.result is not Result.FAILED)
    # Records whose erasure waits for this one follow in this batch anyway.
    concerned = (*settled.concerned, *_refusing_elsewhere(context, update.binding))
    follow_ups = references_to([key for key in concerned if key not in context.item.awaited_by], context.item)
    left = context.origin.address
    is_of_another = context.item.address_is_taken and left == context.address
    is_freed = left not in {"", update.binding.address} and not (settled.context.sharing_records.keys or is_of_another)
    return Committed(
        settled.context,
        PassResult(follow_ups=tuple(follow_ups)) + _next(context, planned, update, written_back, retry_decisions),
        _ended_bindings(context) | {context.key: update},
        (left,) if is_freed else (),
        settled.is_succeeded,
    )


def _next(
    context: RecordContext,
    planned: Decision,
    update: BindingUpdate,
    written_back: WrittenBack | None,
    retry_decisions: RetryDecisions,
) -> PassResult:
    """Decide whether the record is done, or starts again."""
    item = context.item
    if item.address_is_taken:  # it was another contact that could not have it
        item = replace(item, address_is_taken=False)
    error = written_back.result.error if written_back is not None else None
    match context.identity:
        case _ if isinstance(error, ConflictError | NotFoundError):  # the record changed: read both sides again
            return PassResult(retries=(replace(item, fetched_contact=None, must_fetch=True),))
        case _ if error is not None and not isinstance(error, DataError):
            return PassResult((retry_decisions.failed(item, error, context.record),))
        case Leave():
            return PassResult(retries=(item,))
        case Stay():
            restated = references_to((context.key,), item) if written_back is not None and written_back.restated else []
            external_id = update.binding.external_id if update.binding.is_live else ""
            result = ItemResult(item, update.outcome, Done(), context.record, planned, external_id)
            return PassResult((result,), follow_ups=tuple(restated))


# ------------------------------------------------------------------------------------------------------------- contact


@dataclass(frozen=True, slots=True)
class _Settled:
    """A context with the contact as it is to be written, and the records that must be processed because of that.

    `is_succeeded`: the primary record has left the contact to another record.
    """

    context: RecordContext
    concerned: tuple[RecordKey, ...] = ()
    is_succeeded: bool = False


def _with_contact(context: RecordContext, **changes: Any) -> RecordContext:
    if all(getattr(context.held, name) == value for name, value in changes.items()):
        return context
    return replace(context, held=replace(context.held, **changes))


def _settle(context: RecordContext, planned: Decision, update: BindingUpdate, *, has_compared: bool) -> _Settled:
    """Decide which records use the contact from now on, which of them is primary, and what it may have left.

    `has_compared`: both sides were compared, and agree.
    """
    if context.deleted_users:
        context = replace(context, held=context.held.without(*context.deleted_users))
    context = _in_place_of_lead(context)
    outcome = update.outcome
    concerned: list[RecordKey] = []
    if _has_made_contact(context, planned, outcome):
        context = _with_contact(context, primary=context.key, succession={})
        concerned.append(context.key)
    before = context.held
    users = with_users(context, planned, outcome)
    context = _with_contact(context, users=users.users, base_state=users.base_state)
    if concerns_others(before, context):
        concerned += context.sharing_records.keys
    primary = context.held.primary_user
    context = _with_contact(context, primary=primary)
    if outcome.result is Result.ANONYMISED or (has_compared and primary == context.key):
        return _Settled(_with_contact(context, succession=None), tuple(concerned))
    if before.primary_user != context.key or primary == context.key:
        return _Settled(context, tuple(concerned))
    # The values in the contact are those of the record that leaves. Its successor, which may come later, is compared
    # with what the record had agreed on.
    left = update.binding if update.binding.is_live else context.origin
    context = _with_contact(context, succession={**(context.held.succession or {}), **left.base})
    if primary is None:
        return _Settled(context, tuple(concerned))
    return _Settled(context, (*concerned, primary), is_succeeded=True)


def _in_place_of_lead(context: RecordContext) -> RecordContext:
    """Let a successor use the contact instead of its lead."""
    lead, held = context.successor_of, context.held
    if lead is None:
        return context
    users = {**held.without(lead).users, context.key: held.users.get(lead, Consent.ALLOWS)}
    return _with_contact(context, users=users, primary=context.key if held.primary_user == lead else held.primary)


def _ended_bindings(context: RecordContext) -> dict[RecordKey, BindingUpdate]:
    """End the bindings of deleted users, and of the lead whose place the record takes."""
    outcomes = [Outcome(key, Result.ANONYMISED, Reason.DELETED) for key in context.deleted_users]
    if context.successor_of is not None:
        outcomes.append(Outcome(context.successor_of, Result.SKIPPED, Reason.LEAD_QUALIFIED))
    return {one.key: BindingUpdate(Binding(str(one.key.id)), one, context.item.correlation) for one in outcomes}


def _refusing_elsewhere(context: RecordContext, after: Binding) -> Sequence[RecordKey]:
    """Name the records that refused all mail at the address before the record got its contact, without using it.

    Processed again, they find the contact. Their refusal then counts against a later yes in there.
    """
    if context.origin.is_live or not after.is_live:
        return ()
    refusing = {RecordKey.parse(one) for one in context.suppression.refusing_records}
    return sorted(refusing - {context.key, context.successor_of} - context.held.users.keys())


def _has_made_contact(context: RecordContext, planned: Decision, outcome: Outcome) -> bool:
    """Whether a record has made its contact anew: the values in there are its own (DEL-08), so it becomes primary.

    If it was not primary before, the values that only a primary record sends are still to follow.
    """
    is_made = isinstance(planned, Write) and planned.delivery is WriteMode.INSERT and outcome.result is Result.WRITTEN
    return is_made and context.sharing_records.primary is not None


# ------------------------------------------------------------------------------------------------- outcome and binding


def _as_one(written: Outcome | None, outcome: Outcome) -> Outcome:
    """Merge the outcomes of the first write and of the comparison after it: a created contact is not "unchanged"."""
    if written is None or outcome.result not in {Result.UNCHANGED, Result.WRITTEN}:
        return outcome
    fields = tuple(dict.fromkeys((*written.fields, *outcome.fields)))
    return replace(outcome, result=written.result, reason=written.reason, fields=fields)


def _with_return(applied: Outcome, written_back: WrittenBack) -> Outcome:
    """Add the answer of Dataverse to the outcome."""
    error = written_back.result.error
    if isinstance(error, DataError) and not isinstance(error, NotFoundError):
        return replace(applied, result=Result.FAILED, reason=Reason.REFUSED_HERE, detail=error.detail or error.summary)
    return replace(applied, problems=(*applied.problems, *written_back.result.problems))


def _binding(context: RecordContext, planned: Decision, outcome: Outcome, written_back: WrittenBack | None) -> Binding:
    binding = _agreed(context, planned, outcome, written_back)
    if written_back is None or written_back.result.error is None or not written_back.changes.refuses_bulk:
        return binding
    # An opt-out that Dataverse could not take is not known there (OPT-07): the next pass brings it up again.
    perhaps = frozenset[str]() if isinstance(written_back.result.error, DataError) else frozenset({BULK_EMAIL})
    return replace(
        binding,
        mail_status=context.origin.mail_status,
        write_intents=context.origin.write_intents | perhaps,
        is_stale=True,
    )


def _agreed(context: RecordContext, planned: Decision, outcome: Outcome, written_back: WrittenBack | None) -> Binding:
    match outcome:
        case Outcome(result=Result.FAILED, reason=Reason.OPTED_OUT) if isinstance(planned, Write):
            came = written_back is not None and written_back.result.error is None
            is_ours = came or BULK_EMAIL in context.origin.write_intents
            return replace(context.origin, mail_status=MailStatus.OPTED_OUT_HERE if is_ours else MailStatus.OPTED_OUT)
        case Outcome(result=Result.FAILED, reason=reason) if reason in HELD_BACK:
            return planned.binding
        case Outcome(result=Result.FAILED, reason=reason) if reason is not Reason.REFUSED_HERE:
            if is_unreachable(planned) or reason is Reason.OPTED_OUT:
                return planned.binding
            is_news = _has_default_rows(planned) or _has_refused(planned) or bool(planned.binding.held_since)
            known = planned.binding if is_news else context.origin
            return replace(known, is_stale=known.is_live and (known.is_stale or context.fetched is Fetched.YES))
        case _ if written_back is None:
            return planned.binding
        case _:
            prints = written_back.prints
            address = written_back.changes.address if EMAIL in prints else ""
            binding = planned.binding
            # The value as Dataverse spells it is about to go to Spotler, which is no change by a user.
            flap_history = {
                name: move for name, move in binding.flap_history.items() if name not in written_back.restated
            }
            return replace(
                binding,
                base={**binding.base, **prints},
                address=address or binding.address,
                initial_merge_done=binding.initial_merge_done
                if written_back.result.error is None
                else context.binding.initial_merge_done,
                flap_history=flap_history,
                is_stale=written_back.result.error is not None,
            )


def _with_duplicates(outcome: Outcome, context: RecordContext) -> Outcome:
    """Name the other records in the outcome of a record that stays in a contact without being primary there."""
    duplicates = context.sharing_records.duplicates
    stays = outcome.result in {Result.WRITTEN, Result.UNCHANGED} and outcome.reason not in ENDS
    return replace(outcome, shared_with=duplicates) if duplicates and stays else outcome


def _has_default_rows(planned: Decision) -> bool:
    return isinstance(planned, Rest) and bool(planned.binding.default_rows) and not planned.binding.is_live


def _has_refused(planned: Decision) -> bool:
    return isinstance(planned, Rest) and bool(planned.refused)

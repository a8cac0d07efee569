"""What to remember after a plan was carried out: the binding, who uses the contact, and whom it concerns as well."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.domain.consent.changes import BULK_EMAIL
from shared.domain.mapping.model import EMAIL
from shared.domain.mapping.reading import DO_NOT_EMAIL
from shared.domain.merging.dataverse_changes import NOTHING
from shared.domain.planning.binding import Binding, MailStatus
from shared.domain.planning.conditions import refuses_bulk
from shared.domain.planning.decisions import Decision, Rest, Write, WriteMode
from shared.domain.planning.identity import Leave, Stay
from shared.domain.planning.plan_input import BaseState, Fetched
from shared.domain.records.outcomes import HELD_BACK, Outcome, Reason, Result
from shared.domain.records.records import PersonRecord, RecordKey
from shared.domain.recovery.retry import Done
from shared.engine.apply import Applied
from shared.engine.bindings.contact_documents import Consent
from shared.engine.contact_resolver import references_to
from shared.engine.record_context import BatchState, RecordContext
from shared.engine.work_items import ItemResult, RetryDecisions
from shared.engine.write_back import WrittenBack
from shared.errors import ConflictError, ConnectorError, DataError, NotFoundError

_ENDS = {Reason.DELETED, Reason.INACTIVE, Reason.MERGED, Reason.NO_EMAIL, Reason.FILTERED}
"""Why a record needs its Spotler contact no longer."""

_CLOSED = {
    Reason.OPTED_OUT,
    Reason.DEACTIVATED,
    Reason.HARD_BOUNCE,
    Reason.SOFT_BOUNCE,
    Reason.NO_ACTIVE_CHANNEL,
    Reason.PERHAPS_OPTED_OUT,
}
"""Why nothing is sent to a contact that cannot be mailed."""


@dataclass(frozen=True, slots=True)
class AppliedPlan:
    """A plan, what became of it in Spotler, and what came home."""

    planned: Decision
    applied: Applied
    home: WrittenBack | None = None


def commit(
    context: RecordContext, applied_plan: AppliedPlan, done: BatchState, retry_decisions: RetryDecisions
) -> None:
    """Enter into the round how one seat ended."""
    item, held = context.item, context.held
    planned, applied, home = applied_plan.planned, applied_plan.applied, applied_plan.home
    if isinstance(applied, ConnectorError):
        held.base_state = BaseState.NOTHING
        done.finished.append(retry_decisions.failed(item, applied, context.record))
        return
    item.address_is_taken = False  # it was another contact that could not have it
    rests = isinstance(planned, Rest) and planned.result in {Result.SKIPPED, Result.FAILED}
    has_compared = context.fetched is Fetched.YES and not rests
    if applied.result in {Result.WRITTEN, Result.ANONYMISED} or has_compared:
        held.base_state = BaseState.BASE
    outcome = _as_one(item.written, applied if home is None else _with_return(applied, home))
    outcome = _with_duplicates(outcome, context)
    _hand_over(context, done)
    _settle_maker(context, planned, outcome, done)
    primary = held.primary_user
    _settle_users(context, planned, outcome, done)
    binding = _unless_untold(_binding(context, planned, outcome, home), context, home)
    is_settled = outcome.result is Result.ANONYMISED or (
        has_compared and outcome.result is not Result.FAILED and held.primary_user == context.key
    )
    _settle_primary(context, primary, binding, done, is_settled=is_settled)
    if context.origin.address and context.origin.address != binding.address and not context.sharing_records.keys:
        done.forgotten.append(context.origin.address)
    done.saved[context.key] = (binding, outcome, item.correlation)
    error = home.came.error if home is not None else None
    match context.identity:
        case _ if isinstance(
            error, ConflictError | NotFoundError
        ):  # the record changed meanwhile: read both sides again
            _look_again(context, done)
        case _ if error is not None and not isinstance(error, DataError):
            item.must_look = True
            done.finished.append(retry_decisions.failed(item, error, context.record))
        case Leave():
            done.again.append(item)
        case Stay():
            if isinstance(planned, Write) and planned.meets and outcome.result is Result.WRITTEN:
                done.meeting.append(item)
            if home is not None and home.restated:
                done.follow_ups += references_to((context.key,), item)
            external_id = binding.external_id if binding.is_live else ""
            done.finished.append(ItemResult(item, outcome, Done(), context.record, planned, external_id))


def _as_one(written: Outcome | None, outcome: Outcome) -> Outcome:
    """Tell the first write and the meeting after it as one: what was created is not "unchanged" a moment later."""
    if written is None or outcome.result not in {Result.UNCHANGED, Result.WRITTEN}:
        return outcome
    fields = tuple(dict.fromkeys((*written.fields, *outcome.fields)))
    return replace(outcome, result=written.result, reason=written.reason, fields=fields)


def _look_again(context: RecordContext, done: BatchState) -> None:
    context.item.fetched_contact = None
    context.item.must_look = True
    done.again.append(context.item)


def _with_return(applied: Outcome, home: WrittenBack) -> Outcome:
    """Add to the outcome what Dataverse said."""
    error = home.came.error
    if isinstance(error, DataError) and not isinstance(error, NotFoundError):
        return replace(applied, result=Result.FAILED, reason=Reason.REFUSED_HERE, detail=error.detail or error.summary)
    return replace(applied, problems=(*applied.problems, *home.came.problems))


def _binding(context: RecordContext, planned: Decision, outcome: Outcome, home: WrittenBack | None) -> Binding:
    match outcome:
        case Outcome(result=Result.FAILED, reason=Reason.OPTED_OUT) if isinstance(planned, Write):
            came = home is not None and home.came.error is None
            is_ours = came or BULK_EMAIL in context.origin.write_intents
            return replace(context.origin, mail_status=MailStatus.OPTED_OUT_HERE if is_ours else MailStatus.OPTED_OUT)
        case Outcome(result=Result.FAILED, reason=reason) if reason in HELD_BACK:
            return planned.binding
        case Outcome(result=Result.FAILED, reason=reason) if reason is not Reason.REFUSED_HERE:
            if _is_unreachable(planned) or reason is Reason.OPTED_OUT:
                return planned.binding
            is_news = _has_default_rows(planned) or _has_refused(planned) or bool(planned.binding.held_since)
            known = planned.binding if is_news else context.origin
            return replace(known, is_stale=known.is_live and (known.is_stale or context.fetched is Fetched.YES))
        case _ if home is None:
            return planned.binding
        case _:
            prints = home.prints
            address = home.wanted.address if EMAIL in prints else ""
            binding = planned.binding
            # Dataverse's own words for a value are about to go to Spotler, which is no turn that somebody made.
            flap_history = {name: move for name, move in binding.flap_history.items() if name not in home.restated}
            return replace(
                binding,
                base={**binding.base, **prints},
                address=address or binding.address,
                initial_merge_done=binding.initial_merge_done
                if home.came.error is None
                else context.binding.initial_merge_done,
                flap_history=flap_history,
                is_stale=home.came.error is not None,
            )


def _unless_untold(binding: Binding, context: RecordContext, home: WrittenBack | None) -> Binding:
    """Do not remember an opt-out as known that Dataverse could not take (OPT-07): the next look brings it up again."""
    if home is None or home.came.error is None or not home.wanted.refuses_bulk:
        return binding
    perhaps = frozenset[str]() if isinstance(home.came.error, DataError) else frozenset({BULK_EMAIL})
    return replace(
        binding,
        mail_status=context.origin.mail_status,
        write_intents=context.origin.write_intents | perhaps,
        is_stale=True,
    )


def _hand_over(context: RecordContext, done: BatchState) -> None:
    """Put an heir in its lead's place."""
    if context.successor_of is None:
        return
    held = context.held
    if held.primary_user == context.successor_of:
        held.primary = context.key
    held.users[context.key] = held.users.pop(context.successor_of, Consent.ALLOWS)
    outcome = Outcome(context.successor_of, Result.SKIPPED, Reason.LEAD_QUALIFIED)
    done.saved[context.successor_of] = (Binding(str(context.successor_of.id)), outcome, context.item.correlation)


def _with_duplicates(outcome: Outcome, context: RecordContext) -> Outcome:
    """Tell a record that stays in its contact, and is not primary there, whose values come home."""
    stays = outcome.result in {Result.WRITTEN, Result.UNCHANGED} and outcome.reason not in _ENDS
    return replace(outcome, shared_with=context.sharing_records.duplicates) if stays else outcome


def _settle_maker(context: RecordContext, planned: Decision, outcome: Outcome, done: BatchState) -> None:
    """Let a record be primary that has made its contact anew: the values in there are its own (DEL-08).

    If it was not looked for before, the values that only a primary user sends are still to follow.
    """
    is_made = isinstance(planned, Write) and planned.delivery is WriteMode.INSERT and outcome.result is Result.WRITTEN
    if is_made and context.sharing_records.primary is not None:
        context.held.primary, context.held.succession = context.key, {}
        done.follow_ups += references_to((context.key,), context.item)


def _settle_primary(
    context: RecordContext, before: RecordKey | None, binding: Binding, done: BatchState, *, is_settled: bool
) -> None:
    """Let another user follow a primary one that has left; it is compared with what the first one had agreed on.

    So is one that comes later, as long as the contact stays in Spotler: the values in there are the first one's.
    `is_settled`: the contact is gone, or its primary user has been compared with it.
    """
    held = context.held
    held.primary = held.primary_user
    if is_settled:
        held.succession = None
    elif before == context.key and held.primary != context.key:
        left = binding if binding.is_live else context.origin
        held.succession = {**(held.succession or {}), **left.base}
        if held.primary is not None:
            done.succeeded.append(held)
            done.follow_ups += references_to((held.primary,), context.item)


def _settle_users(context: RecordContext, planned: Decision, outcome: Outcome, done: BatchState) -> None:
    """Keep the list of who uses the contact and what they say about mail; tell the others when that changes."""
    key, users, record = context.key, context.held.users, context.record
    before = users.get(key, Consent.ALLOWS)
    match outcome.result:
        case Result.ANONYMISED:
            users.clear()
        case Result.KEPT | Result.SKIPPED if _wants_no_contact(context, outcome):
            users[key] = Consent.NO_MAIL
        case Result.KEPT:
            users.pop(key, None)
        case Result.WRITTEN | Result.UNCHANGED if outcome.reason in _ENDS:
            users.pop(key, None)
        case Result.SKIPPED if outcome.reason in _ENDS and (record is None or not context.origin.is_live):
            users.pop(key, None)
        case Result.WRITTEN | Result.UNCHANGED if outcome.reason is not Reason.ABSENT and record is not None:
            users[key] = Consent.NO_BULK if _refuses(record, planned) else Consent.ALLOWS
        case Result.FAILED if record is not None and (_is_unreachable(planned) or outcome.reason in HELD_BACK):
            users[key] = _said(record, planned)  # what the contact says of it must stay
        case _:
            pass
    if outcome.result is Result.KEPT:
        context.held.base_state = BaseState.NOTHING  # it may hold what this record wrote last, and the others did not
    is_left_in_doubt = (
        context.held.base_state is BaseState.NOTHING and users.get(key, Consent.NO_MAIL) is Consent.NO_MAIL
    )
    if is_left_in_doubt or users.get(key, Consent.ALLOWS) is not before:
        done.follow_ups += references_to(context.sharing_records.keys, context.item)


def _wants_no_contact(context: RecordContext, outcome: Outcome) -> bool:
    """Whether a record refuses all mail that used a contact which others keep, or which is gone from Spotler."""
    if context.record is None or not context.record.values.get(DO_NOT_EMAIL):
        return False
    return outcome.result is Result.KEPT or (
        outcome.reason is Reason.DO_NOT_EMAIL and context.key in context.held.users
    )


def _has_default_rows(planned: Decision) -> bool:
    return isinstance(planned, Rest) and bool(planned.binding.default_rows) and not planned.binding.is_live


def _has_refused(planned: Decision) -> bool:
    return isinstance(planned, Rest) and bool(planned.refused)


def _is_unreachable(planned: Decision) -> bool:
    return isinstance(planned, Rest) and planned.binding.is_live and planned.reason in _CLOSED


def _said(record: PersonRecord, planned: Decision) -> Consent:
    """Return what a record says about mail whose contact stays although it is closed, or its end is held."""
    if record.values.get(DO_NOT_EMAIL):
        return Consent.NO_MAIL
    return Consent.NO_BULK if _refuses_by_itself(record, planned) else Consent.ALLOWS


def _refuses(record: PersonRecord, planned: Decision) -> bool:
    """Whether the record refuses bulk mail, once what comes home has come."""
    home = planned.dataverse_changes if isinstance(planned, Write | Rest) else NOTHING
    return refuses_bulk(record) if home.refuses_bulk is None else home.refuses_bulk


def _refuses_by_itself(record: PersonRecord, planned: Decision) -> bool:
    """Whether Bulk Email says no for another reason than the opt-out, which ends for all records at once (P-02)."""
    return _refuses(record, planned) and planned.binding.mail_status is not MailStatus.OPTED_OUT_HERE

"""Keeps which records use a Spotler contact, and what each of them says about mail."""

from dataclasses import replace

from shared.domain.mapping.reading import DO_NOT_EMAIL
from shared.domain.merging.dataverse_changes import NOTHING
from shared.domain.planning.binding import MailStatus
from shared.domain.planning.conditions import refuses_bulk
from shared.domain.planning.decisions import Decision, Rest, Write
from shared.domain.planning.plan_input import BaseState
from shared.domain.records.outcomes import HELD_BACK, Outcome, Reason, Result
from shared.domain.records.records import PersonRecord, RecordKey
from shared.engine.bindings.contact_documents import Consent, HeldContact
from shared.engine.record_context import RecordContext

ENDS = {Reason.DELETED, Reason.INACTIVE, Reason.MERGED, Reason.NO_EMAIL, Reason.FILTERED}
"""Reasons for which a record no longer needs its Spotler contact."""

_UNSENT = {Reason.INVALID_VALUE, Reason.REFUSED}
"""Reasons for which nothing but refusals is sent, until a user corrects the record."""

_CLOSED = {
    Reason.OPTED_OUT,
    Reason.DEACTIVATED,
    Reason.HARD_BOUNCE,
    Reason.SOFT_BOUNCE,
    Reason.NO_ACTIVE_CHANNEL,
    Reason.PERHAPS_OPTED_OUT,
}
"""Reasons for which nothing is sent to a contact that cannot be mailed."""


def with_users(context: RecordContext, planned: Decision, outcome: Outcome) -> HeldContact:
    """Return the contact with the records that use it from now on, and what they say about mail."""
    key, held, record = context.key, context.held, context.record
    users = dict(held.users)
    match outcome.result:
        case Result.ANONYMISED:
            users.clear()
        case Result.KEPT | Result.SKIPPED if _wants_no_contact(context, outcome):
            users[key] = Consent.NO_MAIL
        case Result.KEPT:
            users.pop(key, None)
        case Result.WRITTEN | Result.UNCHANGED if outcome.reason in ENDS:
            users.pop(key, None)
        case Result.SKIPPED if outcome.reason in ENDS and (record is None or not context.origin.is_live):
            users.pop(key, None)
        case Result.WRITTEN | Result.UNCHANGED if outcome.reason is not Reason.ABSENT and record is not None:
            users[key] = Consent.NO_BULK if _refuses(record, planned) else Consent.ALLOWS
        case Result.FAILED if record is not None and (is_unreachable(planned) or outcome.reason in HELD_BACK):
            users[key] = _said(record, planned)  # the contact must keep what it holds of the record
        case Result.FAILED if record is not None and outcome.reason in _UNSENT:
            users = _with_unsent(users, key, _said(record, planned))
        case _:
            pass
    # A contact that is kept may hold what this record wrote last, and the other records did not.
    base_state = BaseState.NOTHING if outcome.result is Result.KEPT else held.base_state
    return replace(held, users=users, base_state=base_state)


def concerns_others(before: HeldContact, context: RecordContext) -> bool:
    """Whether the other records of a contact must be processed, after this record has changed it."""
    users = context.held.users
    is_left_in_doubt = (
        context.held.base_state is BaseState.NOTHING and users.get(context.key, Consent.NO_MAIL) is Consent.NO_MAIL
    )
    return is_left_in_doubt or users.get(context.key, Consent.ALLOWS) is not before.users.get(
        context.key, Consent.ALLOWS
    )


def is_unreachable(planned: Decision) -> bool:
    """Whether nothing is sent because the contact of the record cannot be mailed."""
    return isinstance(planned, Rest) and planned.binding.is_live and planned.reason in _CLOSED


def _with_unsent(users: dict[RecordKey, Consent], key: RecordKey, said: Consent) -> dict[RecordKey, Consent]:
    """Keep what a record says about mail whose data cannot be sent (OPT-02).

    A record that has sent nothing yet does not need the contact of others, but its refusal counts there.
    """
    others = {user: consent for user, consent in users.items() if user != key}
    if users.get(key, Consent.NO_MAIL) is not Consent.NO_MAIL:
        return {**others, key: said}
    return {**others, key: Consent.NO_MAIL} if others and said is not Consent.ALLOWS else others


def _wants_no_contact(context: RecordContext, outcome: Outcome) -> bool:
    """Whether a record refuses all mail that used a contact which others keep, or which is gone from Spotler."""
    if context.record is None or not context.record.values.get(DO_NOT_EMAIL):
        return False
    return outcome.result is Result.KEPT or (
        outcome.reason is Reason.DO_NOT_EMAIL and context.key in context.held.users
    )


def _said(record: PersonRecord, planned: Decision) -> Consent:
    """Return what a record says about mail, if its contact stays although it is closed, or its end is held."""
    if record.values.get(DO_NOT_EMAIL):
        return Consent.NO_MAIL
    return Consent.NO_BULK if _refuses_by_itself(record, planned) else Consent.ALLOWS


def _refuses(record: PersonRecord, planned: Decision) -> bool:
    """Whether the record refuses bulk mail, after the changes from Spotler were written to it."""
    changes = planned.dataverse_changes if isinstance(planned, Write | Rest) else NOTHING
    return refuses_bulk(record) if changes.refuses_bulk is None else changes.refuses_bulk


def _refuses_by_itself(record: PersonRecord, planned: Decision) -> bool:
    """Whether Bulk Email is no for another reason than the opt-out, which ends for all records at once (P-02)."""
    return _refuses(record, planned) and planned.binding.mail_status is not MailStatus.OPTED_OUT_HERE

"""What to remember after a plan was carried out: the binding, who uses the contact, and whom it concerns as well."""

from __future__ import annotations

from shared.core.identity import Leave, Stay
from shared.core.mapping.reading import DO_NOT_EMAIL
from shared.core.outcomes import Outcome, Reason, Result
from shared.core.plan import Binding, Plan, Trust, refuses_bulk
from shared.core.retry import Done
from shared.errors import ConnectorError
from shared.sync.apply import Applied
from shared.sync.ledger import Consent
from shared.sync.seating import references_to
from shared.sync.seats import Round, Seat
from shared.sync.work import Finished, Verdicts

_ENDS = {Reason.DELETED, Reason.INACTIVE, Reason.MERGED, Reason.NO_EMAIL, Reason.FILTERED}
"""Why a record needs its Spotler contact no longer."""


def conclude(seat: Seat, planned: Plan, applied: Applied, done: Round, verdicts: Verdicts) -> None:
    """Enter into the round how one seat ended."""
    unit, held = seat.unit, seat.held
    if isinstance(applied, ConnectorError):
        held.trust = Trust.NOTHING
        done.finished.append(verdicts.failed(unit, applied, seat.record))
        return
    if applied.result in {Result.WRITTEN, Result.ANONYMISED}:
        held.trust = Trust.BASE
    _hand_over(seat, done)
    _settle_users(seat, applied, done)
    binding = _binding(seat, planned, applied)
    if seat.origin.address and seat.origin.address != binding.address and not seat.neighbours.keys:
        done.forgotten.append(seat.origin.address)
    done.saved[seat.key] = (binding, applied, unit.correlation)
    match seat.identity:
        case Leave():
            done.again.append(unit)
        case Stay():
            external_id = binding.external_id if binding.is_live else ""
            done.finished.append(Finished(unit, applied, Done(), seat.record, planned, external_id))


def _binding(seat: Seat, planned: Plan, outcome: Outcome) -> Binding:
    if outcome.result is Result.FAILED:
        return seat.origin
    return planned.binding


def _hand_over(seat: Seat, done: Round) -> None:
    """Put an heir in its lead's place."""
    if seat.heir_of is None:
        return
    seat.held.users[seat.key] = seat.held.users.pop(seat.heir_of, Consent.ALLOWS)
    outcome = Outcome(seat.heir_of, Result.SKIPPED, Reason.LEAD_QUALIFIED)
    done.saved[seat.heir_of] = (Binding(str(seat.heir_of.id)), outcome, seat.unit.correlation)


def _settle_users(seat: Seat, outcome: Outcome, done: Round) -> None:
    """Keep the list of who uses the contact and what they say about mail; tell the others when that changes."""
    key, users, record = seat.key, seat.held.users, seat.record
    before = users.get(key, Consent.ALLOWS)
    match outcome.result:
        case Result.ANONYMISED:
            users.clear()
        case Result.KEPT if record is not None and record.values.get(DO_NOT_EMAIL):
            users[key] = Consent.NO_MAIL
        case Result.KEPT:
            users.pop(key, None)
        case Result.WRITTEN | Result.UNCHANGED if outcome.reason in _ENDS:
            users.pop(key, None)
        case Result.SKIPPED if outcome.reason in _ENDS and (record is None or not seat.origin.is_live):
            users.pop(key, None)
        case Result.WRITTEN | Result.UNCHANGED if outcome.reason is not Reason.ABSENT and record is not None:
            users[key] = Consent.NO_BULK if refuses_bulk(record) else Consent.ALLOWS
        case _:
            pass
    if outcome.result is Result.KEPT:
        seat.held.trust = Trust.NOTHING  # it may hold what this record wrote last, and the others did not
    is_left_in_doubt = seat.held.trust is Trust.NOTHING and users.get(key, Consent.NO_MAIL) is Consent.NO_MAIL
    if is_left_in_doubt or users.get(key, Consent.ALLOWS) is not before:
        done.follow_ups += references_to(seat.neighbours.keys, seat.unit)

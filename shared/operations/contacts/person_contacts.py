"""Finds the contacts of the people of jobs; a record without a contact is synchronised first."""

from collections.abc import Collection, Sequence

from shared.domain.records.outcomes import TEXTS, Outcome, Reason, Result
from shared.domain.records.records import RecordKey
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.domain.wording.causes.work_causes import WorkCause
from shared.engine.report import is_success
from shared.errors import ConflictError, ConnectorError, DataError, TransientError, UnknownOutcomeError
from shared.operations.model.operation import Failed, Later, Unknown
from shared.operations.model.services import JobServices
from shared.ports.queue import QueueName

Contact = str | Failed | Later
"""The external id of a person's contact, or the end of a job that needs a contact."""


async def eligible_contacts(
    people: Collection[RecordKey], services: JobServices, *, lane: QueueName = QueueName.LIVE
) -> dict[RecordKey, Contact]:
    """Find the contacts of the records that meet the conditions of synchronisation (VAL-01..VAL-04).

    A record without a contact is synchronised first; its retries stay in `lane`.
    """
    known = await services.contacts.known(people)
    found: dict[RecordKey, Contact] = {}
    records = await services.crm.read_people(list(known)) if known else {}
    for key, contact in known.items():
        unmet = next(services.contacts.unmet(key, records.get(key)), None)
        found[key] = contact if unmet is None else Failed(unmet, _refusal(TEXTS[unmet]))
    return found | await _synchronise([key for key in dict.fromkeys(people) if key not in found], services, lane)


async def synchronise_again(
    people: Collection[RecordKey], services: JobServices, *, lane: QueueName = QueueName.LIVE
) -> dict[RecordKey, Contact]:
    """Synchronise records whose contact is missing in the platform: everything is sent, as for a new contact."""
    entries = await services.ledger.entries(people)
    doubted = await services.contacts.doubt([entry.binding.external_id for entry in entries.values()])
    free = [key for key, entry in entries.items() if entry.binding.external_id in doubted]
    busy = Later(ConflictError(WorkCause.CONTACT_HELD()))
    return dict.fromkeys(entries, busy) | await _synchronise(free, services, lane)


def failure(error: ConnectorError) -> Failed | Unknown | Later:
    """Return the end of a job, or its retry, for the error of a call."""
    match error:
        case UnknownOutcomeError():
            return Unknown()
        case DataError():
            return Failed(error.code or str(error.status or Reason.REFUSED), f"{error.summary}. {error.detail}".strip())
        case _:
            return Later(error)


async def _synchronise(people: Sequence[RecordKey], services: JobServices, lane: QueueName) -> dict[RecordKey, Contact]:
    ends = await services.contacts.synchronise(people, lane=lane)
    return {key: _contact(ends[key].outcome, ends[key].external_id) for key in people}


def _contact(outcome: Outcome, external_id: str) -> Contact:
    if is_success(outcome) and external_id:
        return external_id
    if outcome.result is Result.WAITING:
        return Later(TransientError(SpotlerCause.PERSON_UNSENT(), code=outcome.reason))
    return Failed(outcome.reason, _refusal(outcome.text))


def _refusal(text: str) -> str:
    return f"The person may not be reached in Spotler. {text}"

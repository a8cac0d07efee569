"""Set Contact Field on an option that has a row in Dataverse: the job writes the row, the synchronisation sends it.

A direct write to the platform would look like the person's own act at the next poll.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.domain.consent.job_consent import ConsentRequest, refusal_of_yes, rows_to_write
from shared.domain.consent.suppression import NOTHING_REFUSED, Suppression
from shared.domain.merging.agreement import YES
from shared.domain.records.jobs import JobResult
from shared.domain.records.marketing_contact import ContactWrite, SetOption
from shared.domain.records.outcomes import Result
from shared.domain.records.records import ConsentOrder, PersonRecord, RecordKey, Reference, Why
from shared.domain.values.fields import option_name
from shared.domain.values.mapped_fields import MappedField
from shared.engine.bindings.binding_documents import Entry
from shared.engine.bindings.claim_deadline import has_time
from shared.engine.report import is_success
from shared.errors import ConnectorError, NotFoundError
from shared.operations.contacts.person_contacts import Contact, eligible_contacts, failure
from shared.operations.model.operation import Failed, JobOutcome, JobOutcomes, Later, Succeeded, Task
from shared.operations.model.services import JobServices
from shared.operations.running.calls_per_job import NO_TIME, SIDE_BY_SIDE, person_of
from shared.ports.queue import QueueName
from shared.ports.writeback import Writeback

_AT_ONCE = 100
"""Jobs whose contacts are read one by one, and whose rows are written and synchronised together."""


@dataclass(frozen=True, slots=True)
class ConsentTask:
    """A job that sets one option to yes or no; `name` is the name for people."""

    task: Task[Any]
    name: str
    one: MappedField
    answer: bool

    @property
    def person(self) -> RecordKey:
        """The person."""
        return person_of(self.task)

    @property
    def option(self) -> str:
        """The name of the option in the ledger: `permissions:4`."""
        return option_name(self.one.definition.name, self.one.bit or 0)

    @property
    def order(self) -> ConsentOrder:
        """The order that the reference to the record has."""
        return ConsentOrder(self.option, self.answer, self.task.job.id)


async def write_consents(tasks: Sequence[ConsentTask], services: JobServices) -> JobOutcomes:
    """Carry out the jobs, those of one person in order. Jobs that there is no time for are retried."""
    ends: JobOutcomes = {}
    waiting = list(tasks)
    while waiting:
        if ends and not has_time():
            return ends | {one.task.job.id: NO_TIME for one in waiting}
        first = {one.person: one for one in reversed(waiting)}
        turn = [one for one in waiting if one is first[one.person]][:_AT_ONCE]
        begun = {one.task.job.id for one in turn}
        waiting = [one for one in waiting if one.task.job.id not in begun]
        ends |= await _write_once(turn, services)
    return ends


async def _write_once(tasks: Sequence[ConsentTask], services: JobServices) -> JobOutcomes:
    """Carry out jobs of different people: check refusals, write rows, synchronise, and read the result."""
    givers = {one.person for one in tasks if one.answer}
    contacts: dict[RecordKey, Contact] = await eligible_contacts(givers, services) if givers else {}
    contacts |= await services.contacts.known([one.person for one in tasks if not one.answer])
    people = [one.person for one in tasks]
    records, entries = await services.crm.read_people(people), await services.ledger.entries(people)
    refused, slots = await _refused_at(records, services), asyncio.Semaphore(SIDE_BY_SIDE)

    async def object_to(one: ConsentTask, record: PersonRecord) -> JobOutcome | None:
        async with slots:
            return await _objection(one, record, entries[one.person], refused, services)

    ends: JobOutcomes = {}
    going: list[tuple[ConsentTask, PersonRecord]] = []
    for one in tasks:
        record, contact = records.get(one.person), contacts.get(one.person)
        if isinstance(contact, Failed | Later):
            ends[one.task.job.id] = contact
        elif record is None:
            ends[one.task.job.id] = Failed(JobResult.NOT_VALID, f"{JobResult.NOT_VALID} The person's record is gone.")
        else:
            going.append((one, record))
    objections = await asyncio.gather(*(object_to(one, record) for one, record in going))
    ends |= {one.task.job.id: end for (one, _), end in zip(going, objections, strict=True) if end is not None}
    return ends | await _write([both for both in going if both[0].task.job.id not in ends], services)


async def _refused_at(records: dict[RecordKey, PersonRecord], services: JobServices) -> dict[RecordKey, Suppression]:
    """Read the refusals at the addresses of people."""
    mapping, fingerprints = services.rules.mapping, services.rules.fingerprints
    addresses: dict[RecordKey, str] = {}
    for key, record in records.items():
        column = mapping.email_column(key.table)
        if column is not None and (email := str(record.values.get(column) or "")):
            addresses[key] = fingerprints.address(email)
    known = await services.suppressions.at(set(addresses.values()))
    return {key: known[address] for key, address in addresses.items()}


async def _objection(
    one: ConsentTask, record: PersonRecord, entry: Entry, refused: dict[RecordKey, Suppression], services: JobServices
) -> JobOutcome | None:
    """Return the end of a job that may not give this consent; None if it may."""
    if not one.answer:
        return None
    if not one.one.row.direction.reaches_platform:
        text = f"{one.name} comes from Spotler (mapped with <-): only there it can be given."
        return Failed(JobResult.CONSENT_REFUSED, f"{JobResult.CONSENT_REFUSED} {text}")
    try:
        contact = await services.platform.contact(entry.binding.external_id)
    except NotFoundError:
        contact = None
    except ConnectorError as error:
        return failure(error)
    request = ConsentRequest(
        record, one.one, _is_agreed(one, entry, services, YES), contact, refused.get(one.person, NOTHING_REFUSED)
    )
    why = refusal_of_yes(request)
    return None if why is None else Failed(JobResult.CONSENT_REFUSED, f"{JobResult.CONSENT_REFUSED} {one.name}: {why}")


async def _write(tasks: Sequence[tuple[ConsentTask, PersonRecord]], services: JobServices) -> JobOutcomes:
    """Write the rows, then let the engine synchronise the records."""
    ends: JobOutcomes = {}
    writebacks = [
        Writeback(one.person, "", subscriptions=rows_to_write(one.one, record, answer=one.answer))
        for one, record in tasks
    ]
    written: list[ConsentTask] = []
    for (one, _), result in zip(
        tasks, await services.writebacks.write_back(writebacks) if writebacks else (), strict=True
    ):
        if result.error is not None:
            ends[one.task.job.id] = failure(result.error)
        elif result.problems:
            ends[one.task.job.id] = Failed(JobResult.NOT_VALID, f"{JobResult.NOT_VALID} {result.problems[0].expected}")
        elif (error := await _withdraw_on_platform(one, services)) is not None:
            ends[one.task.job.id] = failure(error)
        else:
            written.append(one)
    return ends | await _synchronise(written, services)


async def _withdraw_on_platform(one: ConsentTask, services: JobServices) -> ConnectorError | None:
    """Write a no to the platform as well if the mapping does not send the rows (`<-`)."""
    if one.one.row.direction.reaches_platform or one.one.bit is None:
        return None
    contact = (await services.contacts.known([one.person])).get(one.person)
    if contact is None:
        return None
    off = {one.one.definition.name: (SetOption(one.one.bit, enabled=False),)}
    try:
        await services.platform.update(ContactWrite(contact, off))
    except NotFoundError:
        return None
    except ConnectorError as error:
        return error
    return None


async def _synchronise(tasks: Sequence[ConsentTask], services: JobServices) -> JobOutcomes:
    if not tasks:
        return {}
    references = [
        Reference(one.person, Why.JOB, one.task.correlation or str(one.task.job.id), consent=one.order)
        if one.one.row.direction.reaches_platform
        else Reference(one.person, Why.PLATFORM, one.task.correlation or str(one.task.job.id), consent=one.order)
        for one in tasks
    ]
    finished = {one.item.key: one for one in await services.people.handle(references, lane=QueueName.LIVE)}
    entries = await services.ledger.entries([one.person for one in tasks])
    ends: JobOutcomes = {}
    for one in tasks:
        outcome, is_agreed = finished[one.person].outcome, _is_agreed(one, entries[one.person], services, one.answer)
        state = "on" if one.answer else "off"
        if is_agreed and (is_success(outcome) or not one.answer):
            ends[one.task.job.id] = Succeeded(f"{one.name} is {state} in Dataverse and in Spotler.")
        elif outcome.result is Result.WAITING or (not one.answer and outcome.result is not Result.FAILED):
            ends[one.task.job.id] = Succeeded(f"{one.name} is {state} in Dataverse; Spotler follows. {outcome.text}")
        else:
            text = f"{one.name} is not {state} in Spotler. {outcome.text}"
            ends[one.task.job.id] = Failed(
                outcome.reason if not is_success(outcome) else JobResult.CONSENT_REFUSED, text
            )
    return ends


def _is_agreed(one: ConsentTask, entry: Entry, services: JobServices, answer: bool) -> bool:  # noqa: FBT001  # a value
    binding = entry.binding
    fingerprint = services.rules.fingerprints.value(binding.external_id, one.option, answer)
    return binding.is_live and binding.base.get(one.option) == fingerprint

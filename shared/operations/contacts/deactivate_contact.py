"""Deactivate Contact (JOB-12): makes the Spotler contact inactive. It stays, and the API cannot activate it again.

Afterwards the contact looks like one that has opted out. The ledger stores that a job asked for it, so neither Bulk
Email nor the suppression list changes (C-15).
"""

from collections.abc import Sequence
from dataclasses import replace

from shared.domain.records.access_rights import AccessRight
from shared.domain.records.jobs import JobResult, Operation
from shared.domain.records.marketing_contact import Ending
from shared.domain.records.outcomes import TEXTS, Reason
from shared.domain.wording.causes.work_causes import WorkCause
from shared.engine.bindings.contact_documents import Consent, HeldContact
from shared.errors import ConflictError
from shared.operations.contacts.person_operation import PersonParameters
from shared.operations.model.operation import Failed, JobOperation, JobOutcomes, Succeeded, Task
from shared.operations.model.services import JobServices
from shared.operations.running.calls_per_job import call_for_known


class DeactivateContact(JobOperation[PersonParameters]):
    """Refused while another record needs the contact: no call can activate the contact again."""

    operation = Operation.DEACTIVATE_CONTACT
    parameters = PersonParameters
    needs = AccessRight.WRITE
    failures = (Reason.STILL_USED, JobResult.NOT_ALLOWED, Reason.MASS_ERASURE)

    async def run(self, tasks: Sequence[Task[PersonParameters]], services: JobServices) -> JobOutcomes:
        """Call once per person."""
        absent = Succeeded("Nothing to deactivate: the person is not in Spotler.")

        async def deactivate(task: Task[PersonParameters], contact: str) -> Succeeded | Failed:
            held = (await services.ledger.claim([contact])).get(contact)
            if held is None:
                raise ConflictError(WorkCause.CONTACT_HELD())
            try:
                needed = {user for user, consent in held.users.items() if consent is not Consent.NO_MAIL}
                if needed - {task.parameters.person}:
                    return Failed(Reason.STILL_USED, TEXTS[Reason.STILL_USED])
                held = await _noted(held, services)
                match await services.platform.inactivate(held.external_id):
                    case Ending.DONE:
                        (request,) = self.requests([task])
                        return Succeeded("The contact is inactive in Spotler.", post=request.text)
                    case Ending.GONE | Ending.ABSENT:
                        held = replace(held, deactivated_on=None)
                        return absent
            finally:
                await services.ledger.release([held])

        return await call_for_known(tasks, services, deactivate, absent=absent)


async def _noted(held: HeldContact, services: JobServices) -> HeldContact:
    """Note that a job makes a contact inactive, unless it is already: then the person may have opted out."""
    seen = await services.platform.contact(held.external_id)
    if seen is None or seen.is_unreachable:
        return held
    noted = await services.ledger.note_deactivation(held)
    if noted is None:
        raise ConflictError(WorkCause.CONTACT_TAKEN())
    return noted

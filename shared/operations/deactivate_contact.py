"""Deactivate Contact (JOB-12): makes the Spotler contact inactive. It stays, and the API cannot activate it again."""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.jobs import Operation
from shared.core.marketing import Ending
from shared.core.outcomes import TEXTS, Reason
from shared.operations.each import take_each
from shared.operations.operation import Failed, JobOperation, JobOutcome, Succeeded, Task
from shared.operations.person_operation import PersonParameters
from shared.operations.services import JobServices
from shared.sync.contact_documents import Consent


class DeactivateContact(JobOperation[PersonParameters]):
    """Not while another record needs the contact: there is no way back for that one either."""

    operation = Operation.DEACTIVATE_CONTACT
    parameters = PersonParameters
    failures = (Reason.STILL_USED,)

    async def run(self, tasks: Sequence[Task[PersonParameters]], services: JobServices) -> Sequence[JobOutcome]:
        """Call once per person."""
        absent = Succeeded("Nothing to deactivate: the person is not in Spotler.")

        async def deactivate(task: Task[PersonParameters], contact: str) -> Succeeded | Failed:
            users = await services.ledger.users_of(contact)
            needed = {user for user, consent in users.items() if consent is not Consent.NO_MAIL}
            if needed - {task.parameters.person}:
                return Failed(Reason.STILL_USED, TEXTS[Reason.STILL_USED])
            match await services.platform.inactivate(contact):
                case Ending.DONE:
                    return Succeeded("The contact is inactive in Spotler.")
                case Ending.GONE | Ending.ABSENT:
                    return absent

        return await take_each(tasks, services, deactivate, absent=absent)

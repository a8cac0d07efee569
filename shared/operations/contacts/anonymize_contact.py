"""Anonymize Contact (JOB-15, ANON-08..ANON-10): erases the Spotler contact; the record itself stays as it is."""

from shared.domain.records.access_rights import AccessRight
from shared.domain.records.jobs import JobResult, Operation
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import Intent
from shared.operations.contacts.person_operation import PersonOperation


class AnonymizeContact(PersonOperation):
    """The result code is 410 if the contact was erased now, 404 if it did not exist."""

    operation = Operation.ANONYMIZE_CONTACT
    intent = Intent.ANONYMIZE
    needs = AccessRight.DELETE
    successes = ("410", "404")
    failures = (JobResult.NOT_ALLOWED, Reason.MASS_ERASURE)

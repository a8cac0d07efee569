"""Purge Contact (JOB-14, PURGE-03): clears the Spotler contact's data. Deprecated: use Anonymize Contact."""

from shared.domain.records.access_rights import AccessRight
from shared.domain.records.jobs import JobResult, Operation
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import Intent
from shared.operations.contacts.person_operation import PersonOperation


class PurgeContact(PersonOperation):
    """Clears the data; the next synchronisation fills the contact again."""

    operation = Operation.PURGE_CONTACT
    intent = Intent.PURGE
    needs = AccessRight.WRITE
    failures = (JobResult.NOT_ALLOWED, Reason.MASS_ERASURE)

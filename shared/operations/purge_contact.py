"""Purge Contact (JOB-14, PURGE-03): clears the Spotler contact's data. Deprecated: use Anonymize Contact."""

from shared.core.access_rights import AccessRight
from shared.core.jobs import JobResult, Operation
from shared.core.outcomes import Reason
from shared.core.records import Intent
from shared.operations.person_operation import PersonOperation


class PurgeContact(PersonOperation):
    """The next synchronisation fills the contact again."""

    operation = Operation.PURGE_CONTACT
    intent = Intent.PURGE
    needs = AccessRight.WRITE
    failures = (JobResult.NOT_ALLOWED, Reason.MASS_ERASURE)

"""Purge Contact (JOB-14, PURGE-03): clears the Spotler contact's data. Deprecated: use Anonymize Contact."""

from shared.core.jobs import Operation
from shared.core.records import Intent
from shared.operations.person_operation import PersonOperation


class PurgeContact(PersonOperation):
    """The next synchronisation fills the contact again."""

    operation = Operation.PURGE_CONTACT
    intent = Intent.PURGE

"""Purge Contact (JOB-14, PURGE-03): clears the Spotler contact's data. Deprecated: use Anonymize Contact."""

from shared.core.jobs import Operation
from shared.core.records import Intent
from shared.operations.person_operation import PersonOperation

PURGE_CONTACT = PersonOperation(Operation.PURGE_CONTACT, Intent.PURGE)

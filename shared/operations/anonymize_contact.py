"""Anonymize Contact (JOB-15, ANON-08..ANON-10): erases the Spotler contact; the record itself stays as it is."""

from shared.core.jobs import Operation
from shared.core.records import Intent
from shared.operations.person_operation import PersonOperation

ANONYMIZE_CONTACT = PersonOperation(Operation.ANONYMIZE_CONTACT, Intent.ANONYMIZE)

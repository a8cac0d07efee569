"""Sync Contact (JOB-13): makes Spotler agree with the record, as every save of the record does."""

from shared.core.jobs import Operation
from shared.core.records import Intent
from shared.operations.person_operation import PersonOperation

SYNC_CONTACT = PersonOperation(Operation.SYNC_CONTACT, Intent.SYNC)

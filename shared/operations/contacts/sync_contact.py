"""Sync Contact (JOB-13): makes Spotler agree with the record, as every save of the record does."""

from shared.domain.records.jobs import Operation
from shared.domain.records.records import Intent
from shared.operations.contacts.person_operation import PersonOperation


class SyncContact(PersonOperation):
    """Asks for nothing special."""

    operation = Operation.SYNC_CONTACT
    intent = Intent.SYNC

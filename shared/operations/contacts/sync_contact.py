"""Sync Contact (JOB-13): synchronises the record with its contact, as every save does."""

from shared.domain.records.jobs import Operation
from shared.domain.records.records import Intent
from shared.operations.contacts.person_operation import PersonOperation


class SyncContact(PersonOperation):
    """Synchronises the record."""

    operation = Operation.SYNC_CONTACT
    intent = Intent.SYNC

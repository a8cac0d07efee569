"""Anonymize Contact (JOB-15, ANON-08..ANON-10): erases the Spotler contact; the record itself stays as it is."""

from shared.core.jobs import Operation
from shared.core.records import Intent
from shared.operations.person_operation import PersonOperation


class AnonymizeContact(PersonOperation):
    """Answers 410 when the contact is gone now, 404 when it was gone before."""

    operation = Operation.ANONYMIZE_CONTACT
    intent = Intent.ANONYMIZE
    successes = ("410", "404")

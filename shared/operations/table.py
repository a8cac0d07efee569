"""Which operation a job's option value stands for."""

from __future__ import annotations

from collections.abc import Mapping

from shared.core.jobs import Operation
from shared.operations.anonymize_contact import ANONYMIZE_CONTACT
from shared.operations.operation import JobOperation
from shared.operations.purge_contact import PURGE_CONTACT
from shared.operations.sync_contact import SYNC_CONTACT

OPERATIONS: Mapping[Operation, JobOperation] = {
    one.operation: one for one in (SYNC_CONTACT, PURGE_CONTACT, ANONYMIZE_CONTACT)
}
"""The operations that this version runs; a job with another one is refused with that reason."""

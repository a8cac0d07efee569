"""Clear Contact Field (JOB-23, FLD-11, FLD-12): empties one Spotler property that is no list."""

from __future__ import annotations

from shared.core.contact_field import Target, cleared_value
from shared.core.jobs import Operation
from shared.core.marketing import PropertyValue
from shared.operations.contact_field import ContactFieldOperation, ContactFieldParameters


class ClearContactField(ContactFieldOperation[ContactFieldParameters]):
    """Items of lists are switched off by Set Contact Field."""

    operation = Operation.CLEAR_CONTACT_FIELD
    parameters = ContactFieldParameters

    def value(self, target: Target, _parameters: ContactFieldParameters) -> PropertyValue:
        """Empty it."""
        return cleared_value(target)

    def told(self, target: Target) -> str:
        """Say what was done."""
        return f"{target.name} emptied in Spotler."

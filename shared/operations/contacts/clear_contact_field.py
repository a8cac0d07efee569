"""Clear Contact Field (JOB-23, FLD-11, FLD-12): empties one Spotler property that is no list."""

from datetime import tzinfo
from typing import Any

from pydantic import model_validator

from shared.domain.features.contact_field import Target, cleared_value
from shared.domain.records.jobs import Operation
from shared.domain.records.marketing_contact import PropertyValue
from shared.operations.contacts.contact_field import ContactFieldOperation, ContactFieldParameters
from shared.operations.model.parameters import broken


class ClearContactFieldParameters(ContactFieldParameters):
    """The person and the field. A job with a value is refused: it does not mean to empty the field."""

    @model_validator(mode="before")
    @classmethod
    def _no_value(cls, job: Any) -> Any:
        if job.parameter_value.strip():
            raise broken("empties a field and takes no value: to write one, choose Set Contact Field")
        return job


class ClearContactField(ContactFieldOperation[ClearContactFieldParameters]):
    """Empties a property; Set Contact Field switches off an item of a list."""

    operation = Operation.CLEAR_CONTACT_FIELD
    parameters = ClearContactFieldParameters

    def value(self, target: Target, _parameters: ClearContactFieldParameters, _zone: tzinfo) -> PropertyValue:
        """Return the empty value."""
        return cleared_value(target)

    def report_text(self, target: Target) -> str:
        """Report the result."""
        return f"{target.name} emptied in Spotler."

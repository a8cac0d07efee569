"""Set Contact Field (JOB-22, FLD-02..FLD-10): writes one value to one property that the mapping does not fill."""

from datetime import tzinfo
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.domain.features.contact_field import Target, set_value
from shared.domain.records.jobs import JobResult, Operation
from shared.domain.records.marketing_contact import PropertyValue
from shared.operations.contacts.contact_field import ContactFieldOperation, ContactFieldParameters
from shared.operations.model.parameters import broken


def _given(text: str) -> str:
    if not text.strip():
        raise broken("needs a value in Parameter Value; to empty a field, choose Clear Contact Field")
    return text


class SetContactFieldParameters(ContactFieldParameters):
    """The person, the field, and its value; an item of a list is named `field:item`."""

    parameter_value: Annotated[
        str,
        AfterValidator(_given),
        Field(description="Parameter Value: the field's value; for `field:item` true, ja, 1 or false, nee, 0"),
    ]


class SetContactField(ContactFieldOperation[SetContactFieldParameters]):
    """Never sends a value that does not fit the property (FLD-06)."""

    operation = Operation.SET_CONTACT_FIELD
    parameters = SetContactFieldParameters
    failures = (JobResult.CONSENT_REFUSED,)

    def value(self, target: Target, parameters: SetContactFieldParameters, zone: tzinfo) -> PropertyValue:
        """Convert the typed value."""
        return set_value(target, parameters.parameter_value, zone)

    def report_text(self, target: Target) -> str:
        """Report the result."""
        return f"{target.name} set in Spotler."

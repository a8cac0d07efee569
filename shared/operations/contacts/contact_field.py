"""Set Contact Field and Clear Contact Field: both write one property of one contact, outside the mapping.

Set Contact Field (JOB-22, FLD-02..FLD-10) writes one value to a property that the mapping does not fill. Clear Contact
Field (JOB-23, FLD-11, FLD-12) empties a property that is no list.

The ledger does not change: the value of a job is nothing that both sides agreed on (FLD-01). Consent that has a row in
Dataverse is written there instead (`consent_field`).
"""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import tzinfo
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, model_validator

from shared.domain.features.contact_field import ContactFieldError, Target, cleared_value, find_target, set_value
from shared.domain.records.jobs import JobResult, Operation
from shared.domain.records.marketing_contact import ContactWrite, PropertyCatalogue, PropertyValue
from shared.domain.values.fields import option_name
from shared.domain.values.mapped_fields import MappedField, mapped_fields
from shared.operations.contacts.consent_field import ConsentTask, write_consents
from shared.operations.model.operation import Failed, JobOperation, JobOutcomes, Succeeded, Task, invalid
from shared.operations.model.parameters import FieldName, Parameters, Someone, broken
from shared.operations.model.services import JobServices
from shared.operations.running.calls_per_job import call_for_eligible


class ContactFieldParameters(Parameters):
    """The person and the field."""

    person: Someone
    parameter_name: FieldName


ParametersT = TypeVar("ParametersT", bound=ContactFieldParameters)


class ContactFieldOperation(JobOperation[ParametersT]):
    """Finds the property in the account and writes the value of the operation."""

    @abstractmethod
    def value(self, target: Target, parameters: ParametersT, zone: tzinfo) -> PropertyValue:
        """Return the new value; `zone` is the mapping's time zone. ContactFieldError."""

    @abstractmethod
    def report_text(self, target: Target) -> str:
        """Report the result, without the value."""

    async def run(self, tasks: Sequence[Task[ParametersT]], services: JobServices) -> JobOutcomes:
        """Check all jobs against the account's properties, then write once per job."""
        catalogue = await services.platform.properties()
        prepared = {task.job.id: self._prepare(task.parameters, catalogue, services) for task in tasks}
        consents = [
            ConsentTask(task, ready[0].name, one, _answer(ready[1]))
            for task in tasks
            if not isinstance(ready := prepared[task.job.id], Failed)
            and (one := self._consent(task, ready[0], catalogue, services)) is not None
        ]
        consent_jobs = {one.task.job.id for one in consents}
        going = [
            task for task in tasks if not isinstance(prepared[task.job.id], Failed) and task.job.id not in consent_jobs
        ]

        async def write(task: Task[ParametersT], contact: str) -> Succeeded | Failed:
            match prepared[task.job.id]:
                case Failed() as failed:
                    return failed
                case target, value:
                    await services.platform.update(ContactWrite(contact, {target.definition.name: value}))
                    return Succeeded(self.report_text(target))

        failed = {job: end for job, end in prepared.items() if isinstance(end, Failed)}
        return await call_for_eligible(going, services, write) | failed | await write_consents(consents, services)

    def _consent(
        self, task: Task[ParametersT], target: Target, catalogue: PropertyCatalogue, services: JobServices
    ) -> MappedField | None:
        """Return the mapped option of a target whose value lives in rows of Dataverse; otherwise None."""
        if target.entry is None:
            return None
        table = task.parameters.person.table
        fields = mapped_fields(services.rules.mapping.for_table(table), table, catalogue)
        one = fields.get(option_name(target.definition.name, target.entry.bit))
        return one if one is not None and one.option_source is not None else None

    def _prepare(
        self, parameters: ParametersT, catalogue: PropertyCatalogue, services: JobServices
    ) -> tuple[Target, PropertyValue] | Failed:
        mapping = services.rules.mapping
        rows = mapping.for_table(parameters.person.table)
        try:
            target = find_target(parameters.parameter_name, catalogue, rows)
            return target, self.value(target, parameters, mapping.zone)
        except ContactFieldError as error:
            return invalid(str(error))


def _answer(value: PropertyValue) -> bool:
    return isinstance(value, tuple) and all(option.enabled for option in value)


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

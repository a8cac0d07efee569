"""What Set and Clear Contact Field have in common: one property of one contact is written, outside the mapping.

The ledger is left alone: what both sides agreed on is not what a job writes (FLD-01).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import tzinfo
from typing import TypeVar

from shared.core.contact_field import ContactFieldError, Target, find_target
from shared.core.marketing import ContactWrite, PropertyCatalogue, PropertyValue
from shared.operations.each import give_each
from shared.operations.operation import Failed, JobOperation, JobOutcome, Succeeded, Task, invalid
from shared.operations.parameters import FieldName, Parameters, Someone
from shared.operations.services import JobServices


class ContactFieldParameters(Parameters):
    """Whose field."""

    person: Someone
    parameter_name: FieldName


ParametersT = TypeVar("ParametersT", bound=ContactFieldParameters)


class ContactFieldOperation(JobOperation[ParametersT]):
    """Finds the property in the account, and writes what the operation makes of it."""

    @abstractmethod
    def value(self, target: Target, parameters: ParametersT, zone: tzinfo) -> PropertyValue:
        """Return the new value; `zone` is the mapping's time zone. ContactFieldError."""

    @abstractmethod
    def told(self, target: Target) -> str:
        """Say what was done, without the value."""

    async def run(self, tasks: Sequence[Task[ParametersT]], services: JobServices) -> Sequence[JobOutcome]:
        """Check all against the account's properties, then write once per job."""
        catalogue = await services.platform.properties()
        prepared = {task.job.id: self._prepare(task.parameters, catalogue, services) for task in tasks}
        going = [task for task in tasks if not isinstance(prepared[task.job.id], Failed)]

        async def write(task: Task[ParametersT], contact: str) -> Succeeded | Failed:
            match prepared[task.job.id]:
                case Failed() as failed:
                    return failed
                case target, value:
                    await services.platform.update(ContactWrite(contact, {target.definition.name: value}))
                    return Succeeded(self.told(target))

        written = await give_each(going, services, write)
        ends: dict[object, JobOutcome] = {task.job.id: end for task, end in zip(going, written, strict=True)}
        ends |= {job: end for job, end in prepared.items() if isinstance(end, Failed)}
        return [ends[task.job.id] for task in tasks]

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

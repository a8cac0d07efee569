"""Start Automation (JOB-08, AUT-09..AUT-21): starts an automation or campaign for a person, once per job."""

from collections.abc import Sequence
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from shared.domain.features.automation_fields import AutomationFieldsError, field_values, parse
from shared.domain.features.automations import FieldValue, NotStarted, Started, StartRefusal
from shared.domain.records.jobs import Operation
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.errors import NotFoundError
from shared.operations.automations.automation_target import AutomationParameters, AutomationTarget, automation_targets
from shared.operations.model.operation import Failed, HarmfulOperation, JobOutcomes, Succeeded, Task, invalid
from shared.operations.model.parameters import Someone, broken
from shared.operations.model.services import JobServices
from shared.operations.running.calls_per_job import call_for_eligible_once


def _well_formed(text: str) -> str:
    try:
        parse(text)
    except AutomationFieldsError as error:
        raise broken(f"cannot read Automation Fields: {str(error).removesuffix('.')}") from None
    return text


AutomationFields = Annotated[
    str, AfterValidator(_well_formed), Field(description="Automation Fields: name=value, by semicolon or line")
]


class StartAutomationParameters(AutomationParameters):
    """The person, the automation, and the personal fields."""

    person: Someone
    automation_fields: AutomationFields

    @model_validator(mode="after")
    def _names_an_automation(self) -> Self:
        if self.automation is None and not self.parameter_name:
            raise broken("needs an Automation, or its trigger code in Parameter Name")
        return self


_Task = Task[StartAutomationParameters]


class StartAutomation(HarmfulOperation[StartAutomationParameters]):
    """A start is sent once. If its answer was lost, the job reports that and is not repeated."""

    operation = Operation.START_AUTOMATION
    parameters = StartAutomationParameters
    failures = tuple(StartRefusal)

    async def run(self, tasks: Sequence[_Task], services: JobServices) -> JobOutcomes:
        """Look up the automations, then call once per job."""
        ends: JobOutcomes = {}
        ready: dict[UUID, tuple[AutomationTarget, tuple[FieldValue, ...]]] = {}
        for task, target in zip(
            tasks, await automation_targets([task.parameters for task in tasks], services), strict=True
        ):
            match _prepared(task, target):
                case Failed() as failed:
                    ends[task.job.id] = failed
                case prepared:
                    ready[task.job.id] = prepared

        async def start(task: _Task, contact: str) -> Succeeded | Failed:
            target, fields = ready[task.job.id]
            match await services.automations.start(target.kind, target.code, contact, fields):
                case Started(runs):
                    text = f"{target} started in Spotler."
                    return Succeeded(text, post=text, runs=runs)
                case NotStarted(StartRefusal.CONTACT_UNKNOWN):
                    raise NotFoundError(SpotlerCause.CONTACT_UNKNOWN(), code=StartRefusal.CONTACT_UNKNOWN)
                case NotStarted(refusal, detail):
                    return Failed(refusal, f"{target} was not started: {_REFUSALS[refusal]} {detail}".strip())

        return ends | await call_for_eligible_once([task for task in tasks if task.job.id in ready], services, start)

    def describe(self, _task: _Task) -> Succeeded:
        """Report the start without the name, which is not stored."""
        text = "The automation was started in Spotler."
        return Succeeded(text, post=text)


_REFUSALS = {
    StartRefusal.TRIGGER_UNKNOWN: "Spotler does not know its trigger code. Refresh the automations.",
    StartRefusal.CONTACT_UNKNOWN: "Spotler does not know the person.",
    StartRefusal.INACTIVE: "it is not published.",
    StartRefusal.LIMIT_REACHED: "the person has taken part as often as it allows.",
    StartRefusal.NOT_TRIGGERED: "Spotler started nothing.",
    StartRefusal.INVALID_STATE: "it is inactive, or the person is in it already.",
}


def _prepared(
    task: _Task, target: AutomationTarget | Failed
) -> tuple[AutomationTarget, tuple[FieldValue, ...]] | Failed:
    if isinstance(target, Failed):
        return target
    if not target.is_published:
        return invalid(f"{target} is not published in Spotler any more. Publish it and refresh the automations.")
    try:
        return target, field_values(task.parameters.automation_fields, target.fields)
    except AutomationFieldsError as error:
        return invalid(f"Automation Fields, {error}")

"""Stop Automation (JOB-09, AUT-22..AUT-24): stops single runs, or all runs of a person in an automation."""

import asyncio
from collections.abc import Sequence
from typing import Self
from uuid import UUID

from pydantic import model_validator

from shared.domain.features.automations import StopResult
from shared.domain.records.jobs import Operation
from shared.errors import ConnectorError
from shared.operations.automations.automation_target import AutomationParameters, AutomationTarget, automation_targets
from shared.operations.contacts.person_contacts import failure
from shared.operations.model.operation import (
    Failed,
    JobOperation,
    JobOutcome,
    JobOutcomes,
    Later,
    Succeeded,
    Task,
    Unknown,
    invalid,
)
from shared.operations.model.parameters import RunIds, broken
from shared.operations.model.services import JobServices
from shared.operations.running.calls_per_job import call_for_known

_UNKNOWN = "unknown-in-spotler"


class StopAutomationParameters(AutomationParameters):
    """Single runs, or a person and an automation. If both are given, the runs count: they are more exact."""

    automation_contact_id: RunIds

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        has_automation = self.automation is not None or bool(self.parameter_name)
        if not self.automation_contact_id and not (self.person and has_automation):
            raise broken("needs AutomationContactId, or a Customer or Lead together with an Automation")
        return self


_Task = Task[StopAutomationParameters]


class StopAutomation(JobOperation[StopAutomationParameters]):
    """A run that has ended already is no error."""

    operation = Operation.STOP_AUTOMATION
    parameters = StopAutomationParameters
    failures = (_UNKNOWN,)

    async def run(self, tasks: Sequence[_Task], services: JobServices) -> JobOutcomes:
        """Stop runs one by one, and all runs of a person with one call."""
        single = [task for task in tasks if task.parameters.automation_contact_id]
        personal = [task for task in tasks if not task.parameters.automation_contact_id]
        ends = await _stop_all(personal, services)
        stopped = await asyncio.gather(*(_stop_runs(task, services) for task in single))
        return ends | {task.job.id: end for task, end in zip(single, stopped, strict=True)}


async def _stop_runs(task: _Task, services: JobServices) -> JobOutcome:
    """Stop several runs at once; the text of the job has the result of each."""
    runs = task.parameters.automation_contact_id
    results = await asyncio.gather(*(_stop_run(run, services) for run in runs))
    for result in results:
        if isinstance(result, Later):
            return result
    text = "; ".join(f"{run}: {_result_text(result)}" for run, result in zip(runs, results, strict=True))
    failed = next((result for result in results if isinstance(result, Failed | Unknown)), None)
    if failed is not None:
        return Failed(failed.code, text)
    return Failed(_UNKNOWN, text) if StopResult.UNKNOWN in results else Succeeded(text)


async def _stop_run(run: str, services: JobServices) -> StopResult | Failed | Unknown | Later:
    try:
        return await services.automations.stop_run(run)
    except ConnectorError as error:
        return failure(error)


def _result_text(result: StopResult | Failed | Unknown | Later) -> str:
    match result:
        case StopResult.STOPPED:
            return "stopped"
        case StopResult.NOT_RUNNING:
            return "was not running"
        case StopResult.UNKNOWN:
            return "Spotler does not know it"
        case Failed(text=text) | Unknown(text=text):
            return text
        case Later(error):
            return error.summary


async def _stop_all(tasks: Sequence[_Task], services: JobServices) -> JobOutcomes:
    found = await automation_targets([task.parameters for task in tasks], services)
    ends: JobOutcomes = {}
    ready: dict[UUID, AutomationTarget] = {}
    for task, target in zip(tasks, found, strict=True):
        match target:
            case Failed():
                ends[task.job.id] = target
            case AutomationTarget(platform_id=""):
                ends[task.job.id] = invalid("Nobody knows this trigger code: refresh the automations, then choose one.")
            case AutomationTarget():
                ready[task.job.id] = target

    async def stop(task: _Task, contact: str) -> Succeeded | Failed:
        target = ready[task.job.id]
        match await services.automations.stop(target.kind, target.platform_id, contact):
            case StopResult.STOPPED:
                return Succeeded(f"{target} stopped for the person.")
            case StopResult.NOT_RUNNING:
                return Succeeded(f"{target} did not run for the person.")
            case StopResult.UNKNOWN:
                return Failed(_UNKNOWN, f"Spotler does not know {target}, or the person.")

    going = [task for task in tasks if task.job.id in ready]
    absent = Succeeded("Nothing to stop: the person is not in Spotler.")
    return ends | await call_for_known(going, services, stop, absent=absent)

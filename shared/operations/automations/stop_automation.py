"""Stop Automation (JOB-09, AUT-22..AUT-24): stops single runs, or all of somebody's runs of a journey."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Self
from uuid import UUID

from pydantic import model_validator

from shared.domain.features.automations import StopResult
from shared.domain.records.jobs import Operation
from shared.errors import ConnectorError
from shared.operations.automations.automation_target import AutomationTarget, journeys
from shared.operations.contacts.person_contacts import failure
from shared.operations.model.operation import Failed, JobOperation, JobOutcome, Later, Succeeded, Task, Unknown, invalid
from shared.operations.model.parameters import Anyone, AutomationCode, AutomationId, Parameters, RunIds, broken
from shared.operations.model.services import JobServices
from shared.operations.running.each import take_each

_UNKNOWN = "unknown-in-spotler"


class StopAutomationParameters(Parameters):
    """Which runs; or whom, in what. Runs go first: they say it more exactly."""

    person: Anyone
    automation: AutomationId
    parameter_name: AutomationCode
    automation_contact_id: RunIds

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        has_journey = self.automation is not None or bool(self.parameter_name)
        if not self.automation_contact_id and not (self.person and has_journey):
            raise broken("needs AutomationContactId, or a Customer or Lead together with an Automation")
        return self


_Task = Task[StopAutomationParameters]


class StopAutomation(JobOperation[StopAutomationParameters]):
    """What does not run (any more) is fine."""

    operation = Operation.STOP_AUTOMATION
    parameters = StopAutomationParameters
    failures = (_UNKNOWN,)

    async def run(self, tasks: Sequence[_Task], services: JobServices) -> Sequence[JobOutcome]:
        """Stop runs one by one, and all runs of a person with one call."""
        single = [task for task in tasks if task.parameters.automation_contact_id]
        personal = [task for task in tasks if not task.parameters.automation_contact_id]
        ends = await _stop_all(personal, services)
        stopped = await asyncio.gather(*(_stop_runs(task, services) for task in single))
        ends |= {task.job.id: end for task, end in zip(single, stopped, strict=True)}
        return [ends[task.job.id] for task in tasks]


async def _stop_runs(task: _Task, services: JobServices) -> JobOutcome:
    """Stop several runs at once; the result of each stands on the job."""
    runs = task.parameters.automation_contact_id
    results = await asyncio.gather(*(_stop_run(run, services) for run in runs))
    for result in results:
        if isinstance(result, Later):
            return result
    told = "; ".join(f"{run}: {_told(result)}" for run, result in zip(runs, results, strict=True))
    troubled = next((result for result in results if isinstance(result, Failed | Unknown)), None)
    if troubled is not None:
        return Failed(troubled.code, told)
    return Failed(_UNKNOWN, told) if StopResult.UNKNOWN in results else Succeeded(told)


async def _stop_run(run: str, services: JobServices) -> StopResult | Failed | Unknown | Later:
    try:
        return await services.automations.stop_run(run)
    except ConnectorError as error:
        return failure(error)


def _told(result: StopResult | Failed | Unknown | Later) -> str:
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


async def _stop_all(tasks: Sequence[_Task], services: JobServices) -> dict[UUID, JobOutcome]:
    found = await journeys([task.parameters for task in tasks], services)
    ends: dict[UUID, JobOutcome] = {}
    ready: dict[UUID, AutomationTarget] = {}
    for task, journey in zip(tasks, found, strict=True):
        match journey:
            case Failed():
                ends[task.job.id] = journey
            case AutomationTarget(platform_id=""):
                ends[task.job.id] = invalid("Nobody knows this trigger code: refresh the automations, then choose one.")
            case AutomationTarget():
                ready[task.job.id] = journey

    async def stop(task: _Task, contact: str) -> Succeeded | Failed:
        journey = ready[task.job.id]
        match await services.automations.stop(journey.kind, journey.platform_id, contact):
            case StopResult.STOPPED:
                return Succeeded(f"{journey} stopped for the person.")
            case StopResult.NOT_RUNNING:
                return Succeeded(f"{journey} did not run for the person.")
            case StopResult.UNKNOWN:
                return Failed(_UNKNOWN, f"Spotler does not know {journey}, or the person.")

    going = [task for task in tasks if task.job.id in ready]
    absent = Succeeded("Nothing to stop: the person is not in Spotler.")
    results = await take_each(going, services, stop, absent=absent)
    return ends | {task.job.id: end for task, end in zip(going, results, strict=True)}

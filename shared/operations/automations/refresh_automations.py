"""Refresh Automations (JOB-11, AUT-06): updates the rows of automations and campaigns now."""

from collections.abc import Sequence

from shared.domain.records.jobs import Operation
from shared.operations.model.operation import JobOperation, JobOutcomes, Succeeded, Task
from shared.operations.model.parameters import NoParameters
from shared.operations.model.services import JobServices


class RefreshAutomations(JobOperation[NoParameters]):
    """Several jobs at once are one refresh."""

    operation = Operation.REFRESH_AUTOMATIONS
    parameters = NoParameters

    async def run(self, tasks: Sequence[Task[NoParameters]], services: JobServices) -> JobOutcomes:
        """Refresh."""
        changes = await services.automation_refresh.refresh()
        return {task.job.id: Succeeded(str(changes)) for task in tasks}

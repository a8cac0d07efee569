"""Refresh Automations (JOB-11, AUT-06): brings the choice of automations and campaigns up to date now."""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.jobs import Operation
from shared.operations.operation import JobOperation, JobOutcome, Succeeded, Task
from shared.operations.parameters import NoParameters
from shared.operations.services import JobServices


class RefreshAutomations(JobOperation[NoParameters]):
    """Several jobs at once are one refresh."""

    operation = Operation.REFRESH_AUTOMATIONS
    parameters = NoParameters

    async def run(self, tasks: Sequence[Task[NoParameters]], services: JobServices) -> Sequence[JobOutcome]:
        """Refresh."""
        changes = await services.automation_refresh.refresh()
        return [Succeeded(str(changes))] * len(tasks)

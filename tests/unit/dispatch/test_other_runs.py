"""The runs from Spotler and of mailings are changed by name, in the console, over HTTP and in the terminal alike."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.dispatch.other_runs import OtherRun, OtherRuns, RunAct
from shared.errors import ConflictError
from tests.connector_twin import ConnectorTwin


@pytest.mark.parametrize("run", OtherRun)
async def test_a_run_is_paused_resumed_and_stopped(run: OtherRun) -> None:
    twin = ConnectorTwin()
    runs = OtherRuns(twin.comparison, twin.engagement)
    for act in RunAct:
        with pytest.raises(ConflictError):  # nothing is under way
            await runs.change(run, act)
    await twin.comparison.since(twin.clock.now() - timedelta(days=1))
    await twin.engagement.begin_initial(None)

    await runs.change(run, RunAct.PAUSE)
    with pytest.raises(ConflictError):
        await runs.change(run, RunAct.PAUSE)
    await runs.change(run, RunAct.RESUME)
    await runs.change(run, RunAct.STOP)

    with pytest.raises(ConflictError):
        await runs.change(run, RunAct.RESUME)

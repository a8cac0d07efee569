"""Timers of Spotler Jobs: automations, the permissions variable, missed jobs, stuck jobs.

The host logs a failed run; the next run repeats its work.
"""

from __future__ import annotations

import azure.functions as func

from shared.composition import app
from shared.triggers.queues.consuming import timed
from shared.triggers.timers.schedules import schedule

blueprint = func.Blueprint()


@blueprint.function_name("refresh_automations")
@blueprint.timer_trigger(arg_name="timer", schedule=schedule("automations_schedule"))
@timed("refresh_automations")
async def refresh_automations(timer: func.TimerRequest) -> None:
    """Bring the rows of Spotler Automation up to date (AUT-05, SCH-03)."""
    await (await app.services()).automation_refresh.refresh()


@blueprint.function_name("update_permissions_variable")
@blueprint.timer_trigger(arg_name="timer", schedule=schedule("permissions_schedule"))
@timed("update_permissions_variable")
async def update_permissions_variable(timer: func.TimerRequest) -> None:
    """Write Spotler's permissions into the environment variable (ENV-05, SCH-04)."""
    await (await app.services()).permissions_variable.update()


@blueprint.function_name("sweep_jobs")
@blueprint.timer_trigger(arg_name="timer", schedule=schedule("job_sweep_schedule"))
@timed("sweep_jobs")
async def sweep_jobs(timer: func.TimerRequest) -> None:
    """Enqueue jobs whose messages did not arrive."""
    await (await app.connector()).job_sweep.sweep()


@blueprint.function_name("warn_of_stuck_jobs")
@blueprint.timer_trigger(arg_name="timer", schedule=schedule("stuck_jobs_schedule"))
@timed("warn_of_stuck_jobs")
async def warn_of_stuck_jobs(timer: func.TimerRequest) -> None:
    """Log jobs that take too long (JOB-28, C-23)."""
    await (await app.connector()).job_sweep.warn_of_stuck()

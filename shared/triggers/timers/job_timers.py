"""Timers of Spotler Jobs: automations, the permissions variable, missed jobs, stuck jobs.

The host logs a failed run; the next run repeats its work.
"""

import azure.functions as func

from shared.composition import app
from shared.triggers.timers.timer_function import timer_function

blueprint = func.Blueprint()


@timer_function(blueprint, "automations_schedule")
async def refresh_automations(timer: func.TimerRequest) -> None:
    """Bring the rows of Spotler Automation up to date (AUT-05, SCH-03)."""
    await (await app.services()).automation_refresh.refresh()


@timer_function(blueprint, "permissions_schedule")
async def update_permissions_variable(timer: func.TimerRequest) -> None:
    """Write Spotler's permissions into the environment variable (ENV-05, SCH-04)."""
    await (await app.services()).permissions_variable.update()


@timer_function(blueprint, "job_sweep_schedule")
async def sweep_jobs(timer: func.TimerRequest) -> None:
    """Enqueue jobs whose messages did not arrive."""
    await (await app.connector()).job_sweep.sweep()


@timer_function(blueprint, "stuck_jobs_schedule")
async def warn_of_stuck_jobs(timer: func.TimerRequest) -> None:
    """Log jobs that take too long (JOB-28, C-23)."""
    await (await app.connector()).job_sweep.warn_of_stuck()

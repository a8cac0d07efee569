"""The timers of consent, permissions, Spotler Jobs, drift and the monitor.

The host logs a failed run; the next run repeats its work.
"""

# ruff: noqa: PLC0415  # the functions are found without what they call
import logging

import azure.functions as func

from shared.composition import app
from shared.errors import ConnectorError
from shared.triggers.timers.timer_function import timer_function

log = logging.getLogger(__name__)

blueprint = func.Blueprint()


@timer_function(blueprint, "housekeeping_schedule")
async def forget_old_consent(timer: func.TimerRequest) -> None:
    """Delete changes of consent that are older than CONSENT_RETENTION_DAYS."""
    if count := await (await app.services()).consent.forget_old():
        log.info("%d changes of consent were too old to be kept", count)


@timer_function(blueprint, "housekeeping_schedule")
async def tidy_state(timer: func.TimerRequest) -> None:
    """Drop documents that nothing needs any more, and dead letters, after STATE_RETENTION_DAYS."""
    await (await app.administration()).housekeeping.tidy()
    from shared.console.access.audit import AuditLog
    from shared.console.pages.problems.put_back import PutBackLog

    services = await app.services()
    await services.activity.tidy()
    await (await app.administration()).round_trip.tidy()
    for log_ in (AuditLog, PutBackLog):
        await log_(services.store, services.clock, services.settings.environment).tidy()


@timer_function(blueprint, "housekeeping_schedule")
async def tend_erased_consent(timer: func.TimerRequest) -> None:
    """Replace ids of erased records by pseudonyms; delete their consent after ERASED_CONSENT_RETENTION_DAYS."""
    taken_over, forgotten = await (await app.services()).erased_consent.maintain()
    if taken_over or forgotten:
        log.info("Consent of %d erased records got a pseudonym, that of %d was deleted", taken_over, forgotten)


@timer_function(blueprint, "housekeeping_schedule")
async def tend_bounces(timer: func.TimerRequest) -> None:
    """Write tasks about bounces that could not be written when they were due."""
    await (await app.connector()).bounces.maintain()


@timer_function(blueprint, "housekeeping_schedule")
async def look_at_permission_names(timer: func.TimerRequest) -> None:
    """Find permissions that were renamed or removed in Spotler (PERM-21, PERM-22)."""
    await (await app.connector()).permission_names.check()


@timer_function(blueprint, "job_sweep_schedule")
async def rename_permissions(timer: func.TimerRequest) -> None:
    """Rename the rows of renamed permissions, for two minutes at most; without any it costs one read."""
    await (await app.connector()).permission_names.continue_renames()


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
    """Log jobs that take too long (JOB-28, C-23). In shadow mode all jobs wait, on purpose."""
    if not await app.is_shadow():
        await (await app.connector()).job_sweep.warn_of_stuck()


@timer_function(blueprint, "drift_schedule")
async def look_for_drift(timer: func.TimerRequest) -> None:
    """Log and store what was renamed, deleted or retyped on either side, before it affects a record."""
    await (await app.administration()).drift.check()


@timer_function(blueprint, "watch_schedule", use_monitor=False)
async def watch(timer: func.TimerRequest) -> None:
    """Measure what the work itself does not report: a queue without a reader, a service that is down.

    Services are called only if metrics are exported. Messages that the queues have dead-lettered are always collected.
    """
    from shared.telemetry.signals import is_exported

    await (await app.intake()).collect_dead_lettered()
    if is_exported():
        await (await app.administration()).monitor.measure()
    await _keep_figures()


@timer_function(blueprint, "round_trip_schedule")
async def measure_round_trip(timer: func.TimerRequest) -> None:
    """Write the marked record, and read it back in Spotler; off without ROUND_TRIP_RECORD."""
    await (await app.administration()).round_trip.measure()


async def _keep_figures() -> None:
    """Write what the overview of the console shows; a failure costs figures, no record."""
    administration = await app.administration()
    try:
        await administration.monitor.note_freshness()
        await administration.standings.count()
    except ConnectorError as error:
        log.warning("people are counted later: %s", error)
    await app.keep_activity(at_once=True)

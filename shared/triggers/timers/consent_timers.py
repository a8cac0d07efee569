"""Timers of consent, bounces and names of permissions. The next run repeats the work of a failed one."""

import logging

import azure.functions as func

from shared.composition import app
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

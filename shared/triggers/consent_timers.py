"""Timers around consent: what is too old is forgotten. A run that fails is made up for by the next one."""

from __future__ import annotations

import logging

import azure.functions as func

from shared import app
from shared.triggers.schedules import schedule

log = logging.getLogger(__name__)

blueprint = func.Blueprint()


@blueprint.function_name("forget_old_consent")
@blueprint.timer_trigger(arg_name="timer", schedule=schedule("retention_schedule"))
async def forget_old_consent(timer: func.TimerRequest) -> None:
    """Delete changes of consent that are older than CONSENT_RETENTION_DAYS."""
    if count := await (await app.services()).consent.forget_old():
        log.info("%d changes of consent were too old to be kept", count)

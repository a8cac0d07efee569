"""Registers the blueprints with Azure Functions, nothing else."""

import azure.functions as func

from shared.triggers.queues import events, lanes
from shared.triggers.routes import (
    brake_api,
    capabilities_api,
    consent_api,
    lists_api,
    mapping_api,
    people_api,
    reviews_api,
    suppressions_api,
)
from shared.triggers.routes import records_api as api
from shared.triggers.timers import consent_timers, job_timers, mapping_timers, polling
from shared.triggers.timers import monitor_timer as watch_timer

app = func.FunctionApp()
for module in (
    events,
    lanes,
    api,
    lists_api,
    capabilities_api,
    mapping_api,
    reviews_api,
    brake_api,
    suppressions_api,
    people_api,
    consent_api,
    job_timers,
    mapping_timers,
    watch_timer,
    consent_timers,
    polling,
):
    app.register_functions(module.blueprint)

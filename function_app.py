"""Registers the blueprints with Azure Functions, nothing else."""

import azure.functions as func

from shared.triggers import (
    api,
    brake_api,
    capabilities_api,
    consent_api,
    consent_timers,
    events,
    job_timers,
    lanes,
    lists_api,
    mapping_api,
    mapping_timers,
    people_api,
    polling,
    reviews_api,
    suppressions_api,
    watch_timer,
)

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

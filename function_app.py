"""Registers the blueprints with Azure Functions, nothing else."""

import azure.functions as func

from shared.triggers.queues import events, lanes
from shared.triggers.routes import (
    brake_api,
    capabilities_api,
    consent_api,
    console_pages,
    lists_api,
    mapping_api,
    mode_api,
    people_api,
    records_api,
    reviews_api,
    runs_api,
    suppressions_api,
)
from shared.triggers.timers import engagement_timers, polling, timers

app = func.FunctionApp()
for module in (
    events,
    lanes,
    records_api,
    lists_api,
    capabilities_api,
    mapping_api,
    mode_api,
    reviews_api,
    runs_api,
    brake_api,
    suppressions_api,
    people_api,
    consent_api,
    console_pages,
    timers,
    polling,
    engagement_timers,
):
    app.register_functions(module.blueprint)

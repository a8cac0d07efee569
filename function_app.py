"""Registers the blueprints with Azure Functions, nothing else."""

import azure.functions as func

from shared.triggers import api, capabilities_api, events, job_timers, lanes

app = func.FunctionApp()
for blueprint in (events.blueprint, lanes.blueprint, api.blueprint, capabilities_api.blueprint, job_timers.blueprint):
    app.register_functions(blueprint)

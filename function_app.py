"""Registers the blueprints with Azure Functions, nothing else."""

import azure.functions as func

from shared.triggers import api, events, lanes

app = func.FunctionApp()
for blueprint in (events.blueprint, lanes.blueprint, api.blueprint):
    app.register_functions(blueprint)

"""Registers the functions with Azure Functions, nothing else."""

import azure.functions as func

from shared.triggers.http import registration
from shared.triggers.queues import queue_functions
from shared.triggers.timers import engagement_timers, inbound_timers, timers

app = func.FunctionApp()
for module in (queue_functions, registration, timers, inbound_timers, engagement_timers):
    app.register_functions(module.blueprint)

"""A function app of the connector's shape: every kind of trigger that it uses, none of its work."""

from __future__ import annotations

from typing import List  # noqa: UP035  # the worker refuses list[...] as a type of messages

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.service_bus_queue_trigger(
    arg_name="messages",
    queue_name="dataverse-events",
    connection="ServiceBus",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
async def on_dataverse_event(messages: List[func.ServiceBusMessage]) -> None:  # noqa: UP006  # see above
    """Receive a batch whose bodies are bytes."""


@app.service_bus_queue_trigger(
    arg_name="messages", queue_name="sync-live", connection="ServiceBus", cardinality=func.Cardinality.MANY
)
async def on_sync_live(messages: List[func.ServiceBusMessage]) -> None:  # noqa: UP006  # see above
    """Receive a batch whose bodies are text."""


@app.service_bus_queue_trigger(arg_name="message", queue_name="sync-bulk", connection="ServiceBus")
async def on_sync_bulk(message: func.ServiceBusMessage) -> None:
    """Receive one message."""


@app.timer_trigger(arg_name="timer", schedule="0 */5 * * * *")
async def on_poll(timer: func.TimerRequest) -> None:
    """Run every five minutes."""


@app.route(route="records/{table}/{id?}", methods=["POST"])
async def resync(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Answer with the ids of the call."""
    return func.HttpResponse(f"{req.route_params['table']} {context.function_name}", status_code=202)

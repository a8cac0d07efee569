"""Lets Microsoft's worker library index an app and decode every kind of trigger, beside our host doing the same.

Runs under Python 3.13 in an environment of its own: `python probe.py APP_FOLDER RESULT_FILE`. The functions themselves
are replaced by one that writes down what it was given.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

APP = Path(sys.argv[1]).resolve()
PROJECT = Path(__file__).parents[4]
sys.path[:0] = [str(APP), str(PROJECT)]

import azure.functions as func  # noqa: E402  # after the paths
import azure_functions_runtime as worker  # noqa: E402
from azure_functions_runtime import handle_event  # noqa: E402
from wire import Json, Longs, Message, Protos, to_rpc  # noqa: E402

from shared.local.functions_host import decode  # noqa: E402
from shared.local.functions_host.index import HttpTrigger, QueueTrigger, TimerTrigger, index_functions, load_app  # noqa: E402
from shared.ports.queue import ReceivedMessage  # noqa: E402

ENQUEUED = datetime(2026, 5, 1, 12, 30, 15, 250000, tzinfo=UTC)
MESSAGES = [
    ReceivedMessage(
        body='{"name": "Jürgen"}'.encode(),
        content_type="application/json",
        properties={"attempt": "2", "first-seen": "2026-05-01T12:00:00Z"},
        message_id="m-1",
        correlation_id="",
        delivery_count=3,
        enqueued_at=ENQUEUED,
        sequence_number=41,
        settlement="lock-1",
    ),
    ReceivedMessage(
        body=b"second",
        content_type="",
        properties={},
        message_id="m-2",
        correlation_id="c-2",
        delivery_count=1,
        enqueued_at=ENQUEUED.replace(microsecond=0),
        sequence_number=2**40,
        settlement="lock-2",
    ),
]
TIMER = decode.ScheduleStatus(last=None, next=ENQUEUED, last_updated=ENQUEUED)
REQUEST: dict[str, Any] = {
    "method": "POST",
    "url": "http://localhost:7071/api/records/contact/7?why=test",
    "headers": {"content-type": "application/json", "x-trace": "a,b"},
    "query": {"why": "test"},
    "params": {"table": "contact", "id": "7"},
    "body": b'{"ids": ["\xc3\xbc"]}',
}


def _times(moments: Sequence[datetime]) -> Json:
    """.NET's `DateTime[]` of unspecified kind, as Newtonsoft writes it."""
    return Json(json.dumps([moment.replace(tzinfo=None).isoformat() for moment in moments]))


def batch_metadata(messages: Sequence[ReceivedMessage]) -> dict[str, Message]:
    """`AddBindingData` of many messages, without their expiry; what a message lacks is null."""
    properties = [dict(message.properties) for message in messages]
    nothing: list[str | None] = [None for _ in messages]
    columns: dict[str, object] = {
        "DeliveryCount": [message.delivery_count for message in messages],
        "DeadLetterSource": nothing,
        "LockToken": [message.settlement for message in messages],
        "EnqueuedTimeUtc": _times([message.enqueued_at for message in messages]),
        "MessageId": [message.message_id for message in messages],
        "ContentType": [message.content_type or None for message in messages],
        "ReplyTo": nothing,
        "SequenceNumber": Longs(message.sequence_number for message in messages),
        "To": nothing,
        "Subject": nothing,
        "Label": nothing,
        "CorrelationId": [message.correlation_id or None for message in messages],
        "ApplicationProperties": properties,
        "UserProperties": properties,
        "SessionId": nothing,
        "ReplyToSessionId": nothing,
        "PartitionKey": nothing,
        "TransactionPartitionKey": nothing,
    }
    return {f"{name}Array": to_rpc(value) for name, value in columns.items()}


def single_metadata(message: ReceivedMessage) -> dict[str, Message]:
    """`AddBindingData` of one message, without its expiry."""
    values: dict[str, object] = {
        "DeliveryCount": message.delivery_count,
        "DeadLetterSource": None,
        "LockToken": message.settlement,
        "EnqueuedTimeUtc": Json(json.dumps(message.enqueued_at.replace(tzinfo=None).isoformat())),
        "MessageId": message.message_id,
        "ContentType": message.content_type or None,
        "ReplyTo": None,
        "SequenceNumber": message.sequence_number,
        "To": None,
        "Subject": None,
        "CorrelationId": message.correlation_id or None,
        "ApplicationProperties": dict(message.properties),
        "UserProperties": dict(message.properties),
        "SessionId": None,
        "PartitionKey": None,
    }
    return {name: to_rpc(value) for name, value in values.items()}


def host_sends(binding: dict[str, Any]) -> tuple[Message, dict[str, Message]]:
    """Make the data and the trigger metadata of an invocation."""
    match binding:
        case {"type": "serviceBusTrigger", "cardinality": "MANY"}:
            bodies = [message.body for message in MESSAGES]
            data = bodies if binding.get("dataType") == "BINARY" else [body.decode() for body in bodies]
            return to_rpc(data), batch_metadata(MESSAGES)
        case {"type": "serviceBusTrigger"}:
            body = MESSAGES[0].body
            return to_rpc(body if binding.get("dataType") == "BINARY" else body.decode()), single_metadata(MESSAGES[0])
        case {"type": "timerTrigger"}:
            status = {"Last": "0001-01-01T00:00:00", "Next": ENQUEUED.isoformat(), "LastUpdated": ENQUEUED.isoformat()}
            timer = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": True}
            return to_rpc(timer), {}
        case {"type": "httpTrigger"}:
            return Message(http=Message(**{**REQUEST, "body": to_rpc(REQUEST["body"])})), {}
        case _:
            raise LookupError(f"no sample for {binding}")


def our_argument(trigger: HttpTrigger | QueueTrigger | TimerTrigger) -> object:
    """Make the same argument with the code under test."""
    match trigger:
        case QueueTrigger(batch=True):
            return decode.decode_batch(MESSAGES, binary=trigger.binary)
        case QueueTrigger():
            return decode.decode_message(MESSAGES[0], binary=trigger.binary)
        case TimerTrigger():
            return decode.decode_timer(past_due=True, status=TIMER)
        case HttpTrigger():
            return decode.decode_request(
                method=REQUEST["method"],
                url=REQUEST["url"],
                headers=[("Content-Type", "application/json"), ("X-Trace", "a"), ("X-Trace", "b")],
                query=[("why", "test"), ("empty", "")],
                route_parameters=REQUEST["params"],
                body=REQUEST["body"],
            )


def rendered(argument: Any) -> Any:
    """Write down everything that a function can ask of its argument."""
    match argument:
        case list():
            return [rendered(one) for one in argument]
        case func.HttpRequest():
            names = ["method", "url", "headers", "params", "route_params"]
            return {name: _plain(getattr(argument, name)) for name in names} | {
                "body": argument.get_body().decode(),
                "json": argument.get_json(),
            }
        case func.ServiceBusMessage():
            # `metadata` is the wire itself, `force_persistence` is not implemented by the package.
            public = {name for name in dir(type(argument)) if isinstance(getattr(type(argument), name), property)}
            names = sorted(public - {"metadata", "force_persistence"})
            return {name: _plain(getattr(argument, name)) for name in names} | {"body": argument.get_body().decode()}
        case func.TimerRequest():
            return {name: getattr(argument, name) for name in ("past_due", "schedule_status", "schedule")}
        case _:
            raise LookupError(f"{type(argument).__name__} is no argument of a function")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return dict(value) if hasattr(value, "keys") else value


def answer() -> func.HttpResponse:
    """Make what the recording function answers with."""
    headers = {"Location": "/there", "Set-Cookie": "a=1; Path=/"}
    return func.HttpResponse('{"a": 1}', status_code=202, mimetype="application/json", headers=headers)


def rendered_answer(response: Message | decode.EncodedResponse) -> dict[str, Any]:
    """Write down an answer as it leaves the worker or our host."""
    if isinstance(response, decode.EncodedResponse):
        cookies = [cookie.split("=")[0] for cookie in response.cookies]
        return {
            "status": str(response.status),
            "headers": dict(response.headers),
            "cookies": cookies,
            "body": response.body.decode(),
        }
    http = response.http  # type: ignore[attr-defined]  # a stand-in for a protobuf message
    return {
        "status": http.status_code,
        "headers": http.headers,
        "cookies": [cookie.name for cookie in http.cookies],
        "body": http.body.bytes.decode(),
    }


async def ask(handler: Any, **content: Message) -> Message:
    """Send one request of the protocol to the worker library, as its proxy does."""
    request = Message(request=Message(**content), properties={"host": "127.0.0.1", "protos": Protos()})
    response: Message = await handler(request)
    result = getattr(response, "result", None)
    if result is not None and result.status != Protos.StatusResult.Success:
        raise RuntimeError(f"{result.exception.message}\n{result.exception.stack_trace}")
    return response


async def probe() -> dict[str, Any]:
    """Index and call everything; returns both sides of each comparison."""
    await ask(
        worker.worker_init_request,
        worker_init_request=Message(capabilities={}, function_app_directory=str(APP)),
    )
    metadata = await ask(worker.functions_metadata_request, functions_metadata_request=Message())
    ours = {function.name: function for function in index_functions(load_app(APP))}
    findings: dict[str, Any] = {"ours": sorted(ours), "functions": {}}
    for function in metadata.function_metadata_results:  # type: ignore[attr-defined]  # as above
        bindings = [json.loads(raw) for raw in function.raw_bindings]
        [trigger] = [binding for binding in bindings if binding["type"].endswith("Trigger")]
        theirs, response = await _invoke(function, trigger)
        finding = {
            "trigger": trigger["type"],
            "theirs": theirs,
            "ours": rendered(our_argument(ours[function.name].trigger)),
        }
        if trigger["type"] == "httpTrigger":
            finding["their_answer"] = rendered_answer(response.return_value)  # type: ignore[attr-defined]
            finding["our_answer"] = rendered_answer(decode.encode_response(answer()))
        findings["functions"][function.name] = finding
    return findings


async def _invoke(function: Any, trigger: dict[str, Any]) -> tuple[Any, Message]:
    received: list[Any] = []

    async def record(**arguments: Any) -> func.HttpResponse | None:
        received.append(rendered(arguments[trigger["name"]]))
        return answer() if trigger["type"] == "httpTrigger" else None

    await ask(worker.function_load_request, function_load_request=Message(function_id=function.function_id))
    registry = handle_event._functions._functions
    registry[function.function_id] = registry[function.function_id]._replace(func=record, is_async=True)
    data, trigger_metadata = host_sends(trigger)
    response = await ask(
        worker.invocation_request,
        invocation_request=Message(
            invocation_id=str(uuid.uuid4()),
            function_id=function.function_id,
            input_data=[Message(name=trigger["name"], data=data)],
            trigger_metadata=trigger_metadata,
            trace_context=Message(trace_parent="", trace_state="", attributes={}),
            retry_context=Message(retry_count=0, max_retry_count=0, exception=None),
        ),
    )
    return received[0], response


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(asyncio.run(probe())), encoding="utf-8")

"""Builds the arguments of functions from messages, requests and timers, with the converters of `azure-functions`.

In Azure the data passes from the Functions host to the Python worker over gRPC. The rules of that interface are
reproduced here, so that a function behaves locally as in Azure:

- text collections lose their empty entries, so that the n-th correlation id need not be that of the n-th message
  (`ToRpcStringArray` in Azure/azure-functions-host; the Python worker does not ask for the entries to be kept);
- times of a message carry no zone (`EnqueuedTime.DateTime` in `ServiceBusTriggerBindingStrategy`); they are in UTC;
- empty query parameters are left out (`ToRpcHttp`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum

from shared.ports.queue import ReceivedMessage

# .NET's DateTime.MinValue.
NEVER = "0001-01-01T00:00:00"

Metadata = Mapping[str, Datum | None]


@dataclass(frozen=True, slots=True)
class CollectionString:
    """The protobuf message of the same name."""

    string: Sequence[str]


@dataclass(frozen=True, slots=True)
class CollectionBytes:
    """The protobuf message of the same name."""

    bytes: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class CollectionSInt64:
    """The protobuf message of the same name."""

    sint64: Sequence[int]


@dataclass(frozen=True, slots=True)
class ScheduleStatus:
    """The last and next run of a timer. `last` is None before the first run."""

    last: datetime | None
    next: datetime
    last_updated: datetime


@dataclass(frozen=True, slots=True)
class EncodedResponse:
    """The answer of an HTTP function. `cookies` are values of Set-Cookie headers."""

    status: int
    headers: Mapping[str, str]
    cookies: Sequence[str]
    body: bytes


def converter(binding: str) -> Any:
    """Return the converter of a binding type; LookupError for an unknown one."""
    found = func.get_binding_registry().get(binding)
    if found is None:
        raise LookupError(f"azure-functions knows no converter for {binding}")
    return found


def decode_message(message: ReceivedMessage, *, binary: bool) -> func.ServiceBusMessage:
    """Make the argument of a Service Bus function with cardinality one; UnicodeDecodeError if a text body is none."""
    body = Datum(message.body, "bytes") if binary else Datum(message.body.decode(), "string")
    properties = _json(dict(message.properties))
    metadata: Metadata = {
        "DeliveryCount": _json(message.delivery_count),
        "LockToken": _text(message.settlement),
        "EnqueuedTimeUtc": _json(_without_zone(message.enqueued_at)),
        "EnqueuedTime": _json(message.enqueued_at.isoformat()),
        "MessageId": _text(message.message_id),
        "ContentType": _text(message.content_type),
        "SequenceNumber": _json(message.sequence_number),
        "CorrelationId": _text(message.correlation_id),
        "ApplicationProperties": properties,
        "UserProperties": properties,
    }
    decoded: func.ServiceBusMessage = converter("serviceBusTrigger").decode(body, trigger_metadata=metadata)
    return decoded


def decode_batch(messages: Sequence[ReceivedMessage], *, binary: bool) -> list[func.ServiceBusMessage]:
    """Make the argument of a Service Bus function with cardinality many; UnicodeDecodeError as above.

    A text batch with an empty body fails with an IndexError, as it does in Azure.
    """
    bodies = (
        Datum(CollectionBytes([message.body for message in messages]), "collection_bytes")
        if binary
        else _texts(message.body.decode() for message in messages)
    )
    properties = _json([dict(message.properties) for message in messages])
    metadata: Metadata = {
        "DeliveryCountArray": _json([message.delivery_count for message in messages]),
        "LockTokenArray": _texts(message.settlement for message in messages),
        "EnqueuedTimeUtcArray": _json([_without_zone(message.enqueued_at) for message in messages]),
        "EnqueuedTimeArray": _json([message.enqueued_at.isoformat() for message in messages]),
        "MessageIdArray": _texts(message.message_id for message in messages),
        "ContentTypeArray": _texts(message.content_type for message in messages),
        "SequenceNumberArray": Datum(
            CollectionSInt64([message.sequence_number for message in messages]), "collection_sint64"
        ),
        "CorrelationIdArray": _texts(message.correlation_id for message in messages),
        "ApplicationPropertiesArray": properties,
        "UserPropertiesArray": properties,
    }
    decoded: list[func.ServiceBusMessage] = converter("serviceBusTrigger").decode(bodies, trigger_metadata=metadata)
    return decoded


def decode_request(
    *,
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]],
    query: Iterable[tuple[str, str]],
    route_parameters: Mapping[str, str],
    body: bytes,
) -> func.HttpRequest:
    """Make the argument of an HTTP function. Repeated headers and parameters are joined by commas."""
    parameters = {name: value for name, value in _joined(query).items() if value}
    request = {
        "method": Datum(method, "string"),
        "url": Datum(url, "string"),
        "headers": _strings(_joined((name.lower(), value) for name, value in headers)),
        "body": Datum(body, "bytes"),
        "params": _strings(route_parameters),
        "query": _strings(parameters),
    }
    decoded: func.HttpRequest = converter("httpTrigger").decode(Datum(request, "http"), trigger_metadata={})
    return decoded


def decode_timer(*, past_due: bool, status: ScheduleStatus) -> func.TimerRequest:
    """Make the argument of a timer function."""
    information = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": {
            "Last": status.last.isoformat() if status.last else NEVER,
            "Next": status.next.isoformat(),
            "LastUpdated": status.last_updated.isoformat(),
        },
        "IsPastDue": past_due,
    }
    decoded: func.TimerRequest = converter("timerTrigger").decode(_json(information), trigger_metadata={})
    return decoded


def encode_response(result: object) -> EncodedResponse:
    """Read what an HTTP function returned; TypeError if it is neither text nor an HttpResponse."""
    try:
        datum = converter("http").encode(result, expected_type=None)
    except NotImplementedError:
        raise TypeError(f"an HTTP function cannot answer with {type(result).__name__}") from None
    if datum.type == "string":
        return EncodedResponse(200, {"content-type": "text/plain; charset=utf-8"}, (), datum.value.encode())
    jars: Sequence[SimpleCookie] = datum.value["cookies"] or ()
    return EncodedResponse(
        status=int(datum.value["status_code"].value),
        headers={name: header.value for name, header in datum.value["headers"].items()},
        cookies=tuple(cookie.OutputString() for jar in jars for cookie in jar.values()),
        body=datum.value["body"].value,
    )


def _json(value: object) -> Datum:
    return Datum(json.dumps(value), "json")


def _text(value: str) -> Datum | None:
    """Return an optional property; the Azure host sends null for an absent one, which arrives as None."""
    return Datum(value, "string") if value else None


def _texts(values: Iterable[str]) -> Datum:
    return Datum(CollectionString([value for value in values if value]), "collection_string")


def _strings(values: Mapping[str, str]) -> Mapping[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _without_zone(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat()

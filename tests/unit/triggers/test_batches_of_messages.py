"""A batch of Service Bus messages is decoded as the library does it, with its metadata parsed once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import pytest
from azure.functions.meta import Datum
from azure.functions.servicebus import ServiceBusMessageInConverter

from shared.local.functions_host.decode import CollectionBytes, CollectionSInt64, CollectionString
from shared.triggers.queues.decoding import _ARRAYS, _of_library, decode_batch

BODIES = Datum(CollectionBytes([b'{"a": 1}', b"\xff"]), "collection_bytes")
TIMES = ("2026-05-01T12:30:15.250000", "2026-05-01T12:30:15")
WITH_ZONE = ("2026-05-01T12:30:15.2500001Z", "2026-05-01T12:30:15+00:00")


def metadata(*, times: tuple[str | None, str | None] = TIMES) -> dict[str, Datum]:
    """The arrays of two messages, of which one has no correlation id."""
    properties = [{"claim": "a.crm4.dynamics.com"}, {}]
    return {
        "DeliveryCountArray": Datum(json.dumps([3, 1]), "json"),
        "LockTokenArray": Datum(CollectionString(["lock-1", "lock-2"]), "collection_string"),
        "EnqueuedTimeUtcArray": Datum(json.dumps(times), "json"),
        "MessageIdArray": Datum(CollectionString(["m-1", "m-2"]), "collection_string"),
        "ContentTypeArray": Datum(json.dumps(["application/json", None]), "json"),
        "SequenceNumberArray": Datum(CollectionSInt64([41, 2**40]), "collection_sint64"),
        "CorrelationIdArray": Datum(CollectionString(["c-1"]), "collection_string"),
        "ApplicationPropertiesArray": Datum(json.dumps(properties), "json"),
        "UserPropertiesArray": Datum(json.dumps(properties), "json"),
    }


def members(message: func.ServiceBusMessage) -> dict[str, Any]:
    return {name: getattr(message, name) for name in _ARRAYS} | {"body": message.get_body()}


@pytest.mark.parametrize("times", [TIMES, WITH_ZONE, (None, TIMES[1])])
def test_every_member_is_what_the_library_makes_of_it(times: tuple[str | None, str | None]) -> None:
    arrays = metadata(times=times)

    ours = decode_batch(BODIES, trigger_metadata=arrays)

    assert [members(one) for one in ours] == [members(one) for one in _of_library(BODIES, trigger_metadata=arrays)]


def test_a_time_in_another_form_is_unknown_and_stops_no_message() -> None:
    first, second = decode_batch(BODIES, trigger_metadata=metadata(times=("yesterday", WITH_ZONE[1])))

    assert (first.enqueued_time_utc, first.message_id) == (None, "m-1")
    assert second.enqueued_time_utc == datetime(2026, 5, 1, 12, 30, 15, tzinfo=UTC)


def test_the_metadata_of_a_batch_is_parsed_once() -> None:
    parsed: list[Datum] = []

    class Counted(Datum):
        @property
        def python_value(self) -> Any:
            parsed.append(self)
            return super().python_value

    arrays = {name: Counted(datum.value, datum.type) for name, datum in metadata().items()}

    decode_batch(BODIES, trigger_metadata=arrays)

    assert len(parsed) == len(arrays)


def test_a_batch_of_texts_is_left_to_the_library() -> None:
    texts = Datum(CollectionString(["first", "second"]), "collection_string")

    assert [one.get_body() for one in decode_batch(texts, trigger_metadata=metadata())] == [b"first", b"second"]


def test_the_functions_of_the_app_receive_batches_from_it() -> None:
    import function_app  # noqa: F401, PLC0415  # registers the functions, as the worker does

    registry: Mapping[str, Any] = func.get_binding_registry()

    assert registry.get("serviceBusTrigger") is ServiceBusMessageInConverter
    assert ServiceBusMessageInConverter.decode_multiple_messages is decode_batch

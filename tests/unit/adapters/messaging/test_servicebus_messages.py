"""Translation to and from Service Bus, through the bytes that AMQP puts on the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError
from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage
from azure.servicebus import exceptions as service_bus

# The client publishes a decoder (`from_bytes`) but no encoder: these two are what its sender itself uses.
from azure.servicebus._pyamqp._encode import encode_payload
from azure.servicebus._transport._pyamqp_transport import PyamqpTransport
from azure.servicebus.amqp import AmqpAnnotatedMessage, AmqpMessageHeader

from shared.adapters.messaging.servicebus import ServiceBusQueue
from shared.adapters.messaging.servicebus_errors import from_service_bus as translated_error
from shared.adapters.messaging.servicebus_messages import (
    from_dead_letter_copy,
    from_native_dead_letter,
    from_service_bus,
    oldest_due,
    to_dead_letter_copy,
    to_service_bus,
)
from shared.domain.wording.letters import LetterText
from shared.domain.wording.phrase import Phrase
from shared.errors import ConfigurationError, ConnectorError, DataError, Service, ThrottledError, TransientError
from shared.ports.queue import DeadLetter, OutgoingMessage, QueueName

ENQUEUED = datetime(2026, 3, 1, 8, 0, 0, 250_000, tzinfo=UTC)
LOCK = UUID("6d81597f-0f2c-4d32-9f3c-0a5b6e1c9d11")


def delivered(message: AmqpAnnotatedMessage, *, failed_deliveries: int | None = 0) -> ServiceBusReceivedMessage:
    """What a client reads after the broker has added its own annotations."""
    message.annotations = {
        b"x-opt-sequence-number": 42,
        b"x-opt-enqueued-time": int(ENQUEUED.timestamp() * 1000),
    }
    message.delivery_annotations = {b"x-opt-lock-token": LOCK}
    if failed_deliveries is not None:
        message.header = AmqpMessageHeader(delivery_count=failed_deliveries)
    wire = bytearray()
    encode_payload(wire, PyamqpTransport.to_outgoing_amqp_message(message))
    return ServiceBusReceivedMessage.from_bytes(bytes(wire))


def sent(message: ServiceBusMessage) -> ServiceBusReceivedMessage:
    return delivered(message.raw_amqp_message)


def test_a_message_arrives_as_it_was_sent() -> None:
    outgoing = OutgoingMessage(
        b"\x00\xff {}",
        content_type="text/plain",
        properties={"attempt": "2", "é": "€"},
        message_id="m-1",
        correlation_id="c-1",
    )
    message = from_service_bus(sent(to_service_bus(outgoing)))
    assert (message.body, message.content_type) == (outgoing.body, "text/plain")
    assert message.properties == {"attempt": "2", "é": "€"}
    assert (message.message_id, message.correlation_id) == ("m-1", "c-1")
    assert (message.sequence_number, message.enqueued_at) == (42, ENQUEUED)
    assert message.settlement == str(LOCK)


def test_a_message_without_ids_gets_an_id_and_no_correlation() -> None:
    first, second = (from_service_bus(sent(to_service_bus(OutgoingMessage(b"x")))) for _ in range(2))
    assert first.message_id
    assert second.message_id not in {"", first.message_id}
    assert first.correlation_id == ""


@pytest.mark.parametrize(("failed", "count"), [(None, 1), (0, 1), (1, 2), (9, 10)])
def test_the_delivery_count_includes_this_delivery(failed: int | None, count: int) -> None:
    raw = delivered(AmqpAnnotatedMessage(data_body=b"x"), failed_deliveries=failed)
    assert from_service_bus(raw).delivery_count == count


def test_a_schedule_is_told_to_the_broker_in_utc() -> None:
    due = datetime(2026, 3, 1, 10, 0, tzinfo=timezone(timedelta(hours=2)))
    message = to_service_bus(OutgoingMessage(b"x", not_before=due))
    assert message.scheduled_enqueue_time_utc == datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
    assert to_service_bus(OutgoingMessage(b"x")).scheduled_enqueue_time_utc is None


@pytest.mark.parametrize(
    "message",
    [
        AmqpAnnotatedMessage(data_body=b'{"a":1}'),
        AmqpAnnotatedMessage(data_body=[b'{"a"', b":1}"]),
        AmqpAnnotatedMessage(value_body='{"a":1}'),
        AmqpAnnotatedMessage(value_body=b'{"a":1}'),
    ],
    ids=["one section", "two sections", "text value", "binary value"],
)
def test_the_body_is_read_whatever_the_sender_wrapped_it_in(message: AmqpAnnotatedMessage) -> None:
    assert from_service_bus(delivered(message)).body == b'{"a":1}'


def test_a_message_with_nothing_but_a_body_is_readable() -> None:
    message = from_service_bus(delivered(AmqpAnnotatedMessage(data_body=b"x")))
    assert (message.content_type, message.properties, message.message_id, message.correlation_id) == ("", {}, "", "")


def test_a_dead_letter_copy_has_its_queue_and_reason() -> None:
    copy = to_dead_letter_copy(QueueName.BULK, b"id:1", reason="Poison", description="no record", correlation_id="c-1")
    assert from_dead_letter_copy(sent(copy), identifier="dead-letters/42") == DeadLetter(
        id="dead-letters/42",
        queue=QueueName.BULK,
        reason="Poison",
        description="no record",
        body=b"id:1",
        correlation_id="c-1",
        dead_since=ENQUEUED,
    )


@pytest.mark.parametrize(
    "changed",
    [{}, {b"wording": b"{"}, {b"wording": b"[1]"}, {b"wording": b'{"wording": "LetterText.NONE", "values": {}}'}],
    ids=["an earlier version", "no JSON", "a list", "a later version"],
)
def test_a_copy_without_a_template_of_this_version_keeps_its_english_description(changed: dict[bytes, bytes]) -> None:
    properties = {b"origin": b"sync-bulk", b"reason": b"gave-up", b"description": b"walk: no answer", **changed}
    copy = delivered(AmqpAnnotatedMessage(data_body=b"id:1", application_properties=properties))
    letter = from_dead_letter_copy(copy, identifier="dead-letters/42")
    assert letter.description == Phrase.untranslated("walk: no answer")
    assert isinstance(letter.description, Phrase)
    assert letter.description.wording is None


def test_a_very_long_description_leaves_its_template_behind() -> None:
    """All properties of a message share 64 KB."""
    described = LetterText.ABOUT(what="walk", text="x" * 8_000)
    copy = to_dead_letter_copy(QueueName.BULK, b"", reason="gave-up", description=described, correlation_id="")
    assert copy.application_properties is not None
    assert copy.application_properties.keys() == {"origin", "reason", "description"}


def test_a_message_that_service_bus_dead_lettered_is_redacted() -> None:
    raw = delivered(
        AmqpAnnotatedMessage(
            data_body=b"anna@example.org",
            application_properties={
                "DeadLetterReason": "MaxDeliveryCountExceeded",
                "DeadLetterErrorDescription": "could not be consumed after 10 attempts",
            },
        )
    )
    letter = from_native_dead_letter(
        QueueName.EVENTS,
        raw,
        identifier="dataverse-events/42",
        redact=lambda queue, _body: queue.value.encode(),
    )
    assert (letter.id, letter.queue) == ("dataverse-events/42", QueueName.EVENTS)
    assert (letter.reason, letter.body) == ("MaxDeliveryCountExceeded", b"dataverse-events")
    assert letter.description == "could not be consumed after 10 attempts"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (service_bus.ServiceBusServerBusyError(), ThrottledError),
        (service_bus.ServiceBusQuotaExceededError(), ThrottledError),
        (service_bus.ServiceBusAuthenticationError(), ConfigurationError),
        (service_bus.ServiceBusAuthorizationError(), ConfigurationError),
        (service_bus.MessagingEntityNotFoundError(), ConfigurationError),
        (service_bus.MessagingEntityDisabledError(), ConfigurationError),
        (service_bus.MessageSizeExceededError(), DataError),
        (service_bus.ServiceBusConnectionError(), TransientError),
        (service_bus.ServiceBusCommunicationError(), TransientError),
        (service_bus.OperationTimeoutError(), TransientError),
        (service_bus.ServiceBusError("anything else"), TransientError),
        (ClientAuthenticationError("no token"), ConfigurationError),
        (ServiceRequestError("no route"), TransientError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_each_error_says_what_to_do_next(error: AzureError, kind: type[ConnectorError]) -> None:
    translated = translated_error(error)
    assert type(translated) is kind
    assert translated.service is Service.QUEUE
    assert error.message not in str(translated)


def test_the_oldest_due_message_is_found_behind_scheduled_ones() -> None:
    message = ServiceBusMessage(b"x").raw_amqp_message
    scheduled = delivered(ServiceBusMessage(b"y").raw_amqp_message)
    assert scheduled.raw_amqp_message.annotations is not None
    scheduled.raw_amqp_message.annotations[b"x-opt-message-state"] = 2

    assert oldest_due([scheduled]) is None
    assert oldest_due([scheduled, delivered(message)]) == ENQUEUED
    assert oldest_due([]) is None


@pytest.mark.parametrize("text", ["", "Endpoint=sb://x/;SharedAccessKey=secret", "secret"])
def test_a_malformed_connection_string_is_told_without_quoting_it(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ServiceBusQueue.from_connection_string(text, redact=lambda _queue, body: body)
    assert "secret" not in str(caught.value)

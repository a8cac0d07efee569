"""Messages of the connector as messages of Service Bus, and back. No I/O."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from azure.servicebus import ServiceBusMessage, ServiceBusMessageState, ServiceBusReceivedMessage
from azure.servicebus.amqp import AmqpMessageBodyType

from shared.domain.values.texts import bounded_id
from shared.domain.wording.phrase import Phrase
from shared.domain.wording.stored import from_json, to_json
from shared.ports.queue import DeadLetter, OutgoingMessage, QueueName, ReceivedMessage

# The queue for copies: a function that receives batches cannot dead-letter one message of the batch natively.
DEAD_LETTERS = "dead-letters"

_ORIGIN = "origin"
_REASON = "reason"
_DESCRIPTION = "description"
_WORDING = "wording"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# The minimum of Service Bus; a difference between clocks must not make a lock look shorter.
_SHORTEST_LOCK = timedelta(seconds=5)


def to_service_bus(message: OutgoingMessage) -> ServiceBusMessage:
    """Translate a message to send."""
    properties: dict[str | bytes, int | float | bytes | bool | str | UUID] = {}  # what the client's type allows
    properties.update(message.properties)
    return ServiceBusMessage(
        message.body,
        content_type=message.content_type,
        application_properties=properties,
        message_id=message.message_id or uuid4().hex,
        correlation_id=message.correlation_id or None,
        scheduled_enqueue_time_utc=message.not_before and message.not_before.astimezone(UTC),
    )


def from_service_bus(message: ServiceBusReceivedMessage) -> ReceivedMessage:
    """Translate a locked message."""
    now = datetime.now(UTC)  # the client compares the broker's times with this clock, too
    return ReceivedMessage(
        body=body_of(message),
        content_type=message.content_type or "",
        properties=properties_of(message),
        message_id=bounded_id(message.message_id),
        correlation_id=bounded_id(message.correlation_id),
        # The header counts failed deliveries (AMQP 1.0, 3.2.1); Azure Functions also counts the current one.
        delivery_count=(message.delivery_count or 0) + 1,
        enqueued_at=message.enqueued_time_utc or _EPOCH,
        sequence_number=message.sequence_number or 0,
        settlement=str(message.lock_token),
        locked_for=max((message.locked_until_utc or now) - now, _SHORTEST_LOCK),
    )


def to_dead_letter_copy(
    queue: QueueName, body: bytes, *, reason: str, description: str, correlation_id: str
) -> ServiceBusMessage:
    """Write a copy for the queue `dead-letters`; the broker's enqueued time is the time of the dead-lettering."""
    properties = {_ORIGIN: queue.value, _REASON: reason, _DESCRIPTION: str(description)}
    if wording := to_json(description):
        properties[_WORDING] = wording
    return to_service_bus(OutgoingMessage(body, properties=properties, correlation_id=correlation_id))


def as_copy(letter: DeadLetter) -> ServiceBusMessage:
    """Write a copy of a message that Service Bus dead-lettered itself."""
    return to_dead_letter_copy(
        letter.queue,
        letter.body,
        reason=letter.reason,
        description=letter.description,
        correlation_id=letter.correlation_id,
    )


def from_dead_letter_copy(message: ServiceBusReceivedMessage, *, identifier: str) -> DeadLetter:
    """Read a message of `to_dead_letter_copy`; ValueError for any other message."""
    properties = properties_of(message)
    return DeadLetter(
        id=identifier,
        queue=QueueName(properties.get(_ORIGIN, "")),
        reason=properties.get(_REASON, ""),
        description=from_json(properties.get(_DESCRIPTION, ""), properties.get(_WORDING, "")),
        body=body_of(message),
        correlation_id=bounded_id(message.correlation_id),
        dead_since=message.enqueued_time_utc or _EPOCH,
    )


def from_native_dead_letter(
    queue: QueueName,
    message: ServiceBusReceivedMessage,
    *,
    identifier: str,
    redact: Callable[[QueueName, bytes], bytes],
) -> DeadLetter:
    """Read a message that Service Bus dead-lettered itself.

    Its body is the original one, hence `redact`, and so is its enqueued time: no other time is recorded.
    """
    return DeadLetter(
        id=identifier,
        queue=queue,
        reason=message.dead_letter_reason or "",
        description=Phrase.untranslated(message.dead_letter_error_description or ""),
        body=redact(queue, body_of(message)),
        correlation_id=bounded_id(message.correlation_id),
        dead_since=message.enqueued_time_utc or _EPOCH,
    )


def body_of(message: ServiceBusReceivedMessage) -> bytes:
    """Return the body: bytes as they are, the text of an AMQP value in UTF-8."""
    if message.body_type == AmqpMessageBodyType.DATA:
        return b"".join(message.body)
    return message.body if isinstance(message.body, bytes) else str(message.body).encode()


def properties_of(message: ServiceBusReceivedMessage) -> dict[str, str]:
    """Return the application properties as text: the client returns names and texts as bytes."""
    return {_text(name): _text(value) for name, value in (message.application_properties or {}).items()}


def oldest_due(messages: Sequence[ServiceBusReceivedMessage]) -> datetime | None:
    """Return since when the oldest of these messages is due; scheduled messages are not due."""
    due = [message.enqueued_time_utc for message in messages if message.state is not ServiceBusMessageState.SCHEDULED]
    return min((moment for moment in due if moment is not None), default=None)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)

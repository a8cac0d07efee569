"""Messages as sections of bytes: what the sender wrote stays as it is, what the broker knows is put around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from tests.broker.wire import Described, Int, Reader, Symbol, Timestamp, UInt, encode

BATCH_FORMAT = 0x80013700
"""Message format of a transfer whose data sections are messages of their own."""

_SCHEDULE = "x-opt-scheduled-enqueue-time"


class Section(IntEnum):
    """Descriptors of the sections (part 3.2 of the standard)."""

    HEADER = 0x70
    DELIVERY_ANNOTATIONS = 0x71
    MESSAGE_ANNOTATIONS = 0x72
    PROPERTIES = 0x73
    APPLICATION_PROPERTIES = 0x74
    DATA = 0x75
    SEQUENCE = 0x76
    VALUE = 0x77
    FOOTER = 0x78


@dataclass(frozen=True, slots=True)
class Message:
    """What a sender sent. `bare` are the bytes from the properties on, application properties left out."""

    annotations: Mapping[str, Any]
    properties: tuple[Any, ...]
    application: Mapping[str, Any]
    body: bytes
    value: Any = None
    payloads: tuple[bytes, ...] = field(default=())

    @classmethod
    def read(cls, data: bytes) -> Message:
        """Take a message apart; ValueError if it is none."""
        annotations: dict[str, Any] = {}
        properties: tuple[Any, ...] = ()
        application: dict[str, Any] = {}
        body = b""
        value: Any = None
        payloads: list[bytes] = []
        reader = Reader(data)
        while not reader.is_done:
            start = reader.at
            section = reader.value()
            if not isinstance(section, Described):
                raise ValueError("no section of a message")  # noqa: TRY004  # the content is wrong, not the call
            match Section(section.code):
                case Section.MESSAGE_ANNOTATIONS:
                    annotations = section.value
                case Section.PROPERTIES:
                    properties = tuple(section.value)
                case Section.APPLICATION_PROPERTIES:
                    application = section.value
                case Section.HEADER | Section.DELIVERY_ANNOTATIONS:
                    pass
                case kind:
                    body += data[start : reader.at]
                    value = section.value if kind is Section.VALUE else value
                    payloads += [section.value] if kind is Section.DATA else []
        return cls(annotations, properties, application, body, value, tuple(payloads))

    @property
    def scheduled_for(self) -> int:
        """When it shall come, in milliseconds since 1970; 0 if at once."""
        return int(self.annotations.get(_SCHEDULE, 0))

    @property
    def identifier(self) -> Any:
        """The message id."""
        return self.properties[0] if self.properties else None

    def dead_lettered(self, reason: str, description: str) -> Message:
        """Return it with the reason, as the dead-letter sub-queue holds it."""
        added = {"DeadLetterReason": reason, "DeadLetterErrorDescription": description}
        return replace(self, application={**self.application, **added})

    def delivered(
        self, *, sequence: int, enqueued: int, failed_deliveries: int, locked_until: int = 0, state: int = 0
    ) -> bytes:
        """Write it as a receiver gets it."""
        annotations = {
            **self.annotations,
            Symbol("x-opt-enqueued-time"): Timestamp(enqueued),
            Symbol("x-opt-sequence-number"): sequence,
            Symbol("x-opt-message-state"): Int(state),
        }
        if locked_until:
            annotations[Symbol("x-opt-locked-until")] = Timestamp(locked_until)
        sections = [
            Described(Section.HEADER, [None, None, None, None, UInt(failed_deliveries)]),
            Described(Section.MESSAGE_ANNOTATIONS, annotations),
        ]
        if self.properties:
            sections.append(Described(Section.PROPERTIES, list(self.properties)))
        if self.application:
            sections.append(Described(Section.APPLICATION_PROPERTIES, dict(self.application)))
        return b"".join(map(encode, sections)) + self.body


def messages_in(data: bytes, message_format: int) -> Iterator[Message]:
    """Return the one message of a transfer, or those of a batch."""
    message = Message.read(data)
    if message_format != BATCH_FORMAT:
        yield message
        return
    for payload in message.payloads:
        yield Message.read(payload)


def reply(to: Any, properties: Mapping[str, Any], value: Any) -> bytes:
    """Write the answer to a request."""
    sections = [
        Described(Section.PROPERTIES, [None, None, None, None, None, to]),
        Described(Section.APPLICATION_PROPERTIES, dict(properties)),
        Described(Section.VALUE, value),
    ]
    return b"".join(map(encode, sections))

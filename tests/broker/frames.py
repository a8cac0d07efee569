"""Frames of AMQP 1.0 (parts 2 and 5.3 of the standard), and where their fields stand."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from tests.broker.wire import Described, Reader, Symbol, encode

AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
SASL_HEADER = b"AMQP\x03\x01\x00\x00"
MAX_FRAME = 65_536


class Performative(IntEnum):
    """Descriptors of frame bodies."""

    OPEN = 0x10
    BEGIN = 0x11
    ATTACH = 0x12
    FLOW = 0x13
    TRANSFER = 0x14
    DISPOSITION = 0x15
    DETACH = 0x16
    END = 0x17
    CLOSE = 0x18
    SASL_MECHANISMS = 0x40
    SASL_INIT = 0x41
    SASL_OUTCOME = 0x44


class Outcome(IntEnum):
    """Descriptors of what became of a delivery (part 3.4)."""

    ACCEPTED = 0x24
    REJECTED = 0x25
    RELEASED = 0x26
    MODIFIED = 0x27


ERROR, SOURCE, TARGET = 0x1D, 0x28, 0x29


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that came in; fields that were left out are None."""

    channel: int
    kind: Performative
    fields: list[Any]
    payload: bytes

    def __getitem__(self, index: int) -> Any:
        return self.fields[index] if index < len(self.fields) else None


def written(channel: int, kind: Performative, fields: list[Any], payload: bytes = b"") -> bytes:
    """Write a frame."""
    body = encode(Described(kind, fields)) + payload
    return struct.pack(">IBBH", len(body) + 8, 2, 1 if kind >= Performative.SASL_MECHANISMS else 0, channel) + body


async def read(reader: asyncio.StreamReader) -> Frame | None:
    """Read the next frame; None for one without a body, which only says that the client lives."""
    size, offset, _, channel = struct.unpack(">IBBH", await reader.readexactly(8))
    data = (await reader.readexactly(size - 8))[offset * 4 - 8 :]
    if not data:
        return None
    body = Reader(data)
    performative = body.value()
    return Frame(channel, Performative(performative.code), performative.value, body.rest)


def error(condition: str, description: str) -> Described:
    """Write an error."""
    return Described(ERROR, [Symbol(condition), description, None])


def outcome(kind: Outcome, *fields: Any) -> Described:
    """Write what became of a delivery."""
    return Described(kind, list(fields))

"""The types of AMQP 1.0 as bytes, and back (part 1 of the standard).

Written from the standard and not taken from the client: an echo of the client's own mistakes would prove nothing. What
Python has no type for is a subclass of what it has: a symbol is text, a timestamp a number.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID


class Symbol(str):
    """Text from a constrained domain: names of errors, of annotations."""

    __slots__ = ()


class UByte(int):
    """A number of one byte."""


class UShort(int):
    """A number of two bytes, not negative."""


class UInt(int):
    """A number of four bytes, not negative."""


class ULong(int):
    """A number of eight bytes, not negative."""


class Int(int):
    """A number of four bytes; a plain `int` travels as a long."""


class Timestamp(int):
    """Milliseconds since 1970."""


class Array(list[Any]):
    """Values of one type."""


@dataclass(frozen=True, slots=True)
class Described:
    """A value and what it is: performatives, sections, outcomes, errors."""

    code: int
    value: Any


def encode(value: object) -> bytes:  # noqa: C901, PLR0911, PLR0912  # one line to a type reads best
    """Write one value; a Python type that AMQP has no word for is a mistake of the caller."""
    match value:
        case None:
            return b"\x40"
        case bool():
            return b"\x41" if value else b"\x42"
        case Described():
            # Short, as the service writes it: the client reads descriptors of frames in no other form.
            return bytes((0x00, 0x53, value.code)) + encode(value.value)
        case UByte():
            return struct.pack(">BB", 0x50, value)
        case UShort():
            return struct.pack(">BH", 0x60, value)
        case UInt():
            return struct.pack(">BI", 0x70, value)
        case ULong():
            return struct.pack(">BQ", 0x80, value)
        case Int():
            return struct.pack(">Bi", 0x71, value)
        case Timestamp():
            return struct.pack(">Bq", 0x83, value)
        case int():
            return struct.pack(">Bq", 0x81, value)
        case float():
            return struct.pack(">Bd", 0x82, value)
        case UUID():
            return b"\x98" + value.bytes
        case Symbol():
            return _variable(0xA3, value.encode("ascii"))
        case str():
            return _variable(0xA1, value.encode())
        case bytes() | bytearray() | memoryview():
            return _variable(0xA0, bytes(value))
        case Array():
            return _array(value)
        case list() | tuple():
            return _compound(0xD0, [encode(item) for item in value])
        case dict():
            return _compound(0xD1, [encode(part) for pair in value.items() for part in pair])
    raise TypeError(f"{type(value).__name__} is no AMQP type")


def _variable(code: int, content: bytes) -> bytes:
    if len(content) < 256:  # what one byte can count
        return bytes((code, len(content))) + content
    return struct.pack(">BI", code + 0x10, len(content)) + content


def _compound(code: int, parts: list[bytes]) -> bytes:
    content = b"".join(parts)
    return struct.pack(">BII", code, len(content) + 4, len(parts)) + content


def _array(items: Array) -> bytes:
    encoded = [encode(item) for item in items] or [b"\x40"]
    # The type stands there once for all: texts need the size that fits each of them.
    wide = [bytes((item[0] + 0x10, 0, 0, 0)) + item[1:] if item[0] >> 4 == 0xA else item for item in encoded]
    content = wide[0][:1] + b"".join(item[1:] for item in wide if items)
    return struct.pack(">BII", 0xF0, len(content) + 4, len(items)) + content


class Reader:
    """Reads values one after another."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self.at = 0

    @property
    def is_done(self) -> bool:
        """Whether everything has been read."""
        return self.at >= len(self._data)

    @property
    def rest(self) -> bytes:
        """What has not been read yet."""
        return bytes(self._data[self.at :])

    def value(self) -> Any:
        """Read one value."""
        return self._of(self._take(1)[0])

    def _of(self, code: int) -> Any:
        if code == 0:
            descriptor = self.value()
            return Described(int(descriptor), self.value())
        if code in _FIXED:
            size, make = _FIXED[code]
            return make(self._take(size))
        if code >> 4 in {0xA, 0xB}:
            return _VARIABLE[code & 0x0F](bytes(self._take(self._size(wide=code >= 0xB0))))
        return self._compound(code)

    def _compound(self, code: int) -> Any:
        wide = code >> 4 in {0xD, 0xF}
        self._size(wide=wide)
        count = self._size(wide=wide)
        if code >= 0xE0:  # an array names the type of its values once
            constructor = self._take(1)[0]
            return Array(self._of(constructor) for _ in range(count))
        items = [self.value() for _ in range(count)]
        return dict(zip(items[::2], items[1::2], strict=True)) if code & 0x0F == 1 else items

    def _size(self, *, wide: bool) -> int:
        return int.from_bytes(self._take(4 if wide else 1), "big")

    def _take(self, size: int) -> memoryview:
        if self.at + size > len(self._data):
            raise ValueError("an AMQP value ends early")
        self.at += size
        return self._data[self.at - size : self.at]


def decode(data: bytes | memoryview) -> Any:
    """Read the one value that `data` holds."""
    return Reader(data).value()


def _number(kind: Callable[[int], Any], *, signed: bool = False) -> Callable[[memoryview], Any]:
    return lambda data: kind(int.from_bytes(data, "big", signed=signed))


def _constant(value: object) -> Callable[[memoryview], Any]:
    return lambda _: value


_FIXED: dict[int, tuple[int, Callable[[memoryview], Any]]] = {
    0x40: (0, _constant(None)),
    0x41: (0, _constant(value=True)),
    0x42: (0, _constant(value=False)),
    0x43: (0, _constant(UInt(0))),
    0x44: (0, _constant(ULong(0))),
    0x45: (0, lambda _: []),
    0x50: (1, _number(UByte)),
    0x51: (1, _number(int, signed=True)),
    0x52: (1, _number(UInt)),
    0x53: (1, _number(ULong)),
    0x54: (1, _number(Int, signed=True)),
    0x55: (1, _number(int, signed=True)),
    0x56: (1, lambda data: bool(data[0])),
    0x60: (2, _number(UShort)),
    0x61: (2, _number(int, signed=True)),
    0x70: (4, _number(UInt)),
    0x71: (4, _number(Int, signed=True)),
    0x72: (4, lambda data: struct.unpack(">f", data)[0]),
    0x80: (8, _number(ULong)),
    0x81: (8, _number(int, signed=True)),
    0x82: (8, lambda data: struct.unpack(">d", data)[0]),
    0x83: (8, _number(Timestamp, signed=True)),
    0x98: (16, lambda data: UUID(bytes=bytes(data))),
}

_VARIABLE: dict[int, Callable[[bytes], Any]] = {0x0: bytes, 0x1: bytes.decode, 0x3: lambda data: Symbol(data.decode())}

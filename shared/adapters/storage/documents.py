"""The JSON text of documents, and the checks of keys, for both backends."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.ports.state import DocumentKey

_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def encode_body(body: Mapping[str, Any]) -> str:
    """Write compact JSON in ASCII, so that one character is one byte; ValueError for NaN and infinity."""
    return _ENCODER.encode(dict(body))


def decode_body(text: str) -> dict[str, Any]:
    """Read what `encode_body` wrote."""
    body: dict[str, Any] = json.loads(text)
    return body


def require_printable(keys: Iterable[DocumentKey]) -> None:
    """Raise ValueError if a key is not printable ASCII: stores treat other characters differently."""
    for key in keys:
        text = key.partition + key.row
        if not (text.isascii() and text.isprintable()):
            raise ValueError("a key is not printable ASCII")


def require_distinct(keys: Sequence[DocumentKey]) -> None:
    """Raise ValueError if a key occurs twice: the order of two changes of one document would decide the result."""
    if len(set(keys)) != len(keys):
        raise ValueError("a key occurs twice in one write")

"""Damage of samples: bytes are changed, and values within JSON are replaced by values of another shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.property.hostile_input.readers import Reader

_ODD = st.sampled_from(
    [
        *(b"\0", b"\xff", b"[" * 3000, b'{"a":' * 3000, b"<a>" * 3000, b"9" * 5000, b"1e999", b"NaN", b"null"),
        *(b"\\ud800", b"\r\n", b"\xed\xa0\x80", b"http://[", b"%", b'"', b"{", b"}", b"&#0;", b"<!DOCTYPE x>"),
        b"-" * 36,
    ]
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([10**30, -(10**18), "/Date(99999999999999999)/", "http://[", "9999-12-31T23:59:59Z", "x" * 400])
    | st.sampled_from(["0001-01-01T00:00:00+14:00", "2026-03-01T12:00:00", "-" * 36, "\ud800", {"__type": "Entity:x"}]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["__type", "__value", "Id", "Entities", "Attributes", "key", "value"]), inner)
        | st.sampled_from(["EntityCollection:x", "Entity:x", "EntityReference:x", "AliasedValue:x", "Money:x"]).flatmap(
            lambda kind: st.fixed_dictionaries({"__type": st.just(kind), "Entities": inner, "Value": inner})
        )
    ),
    max_leaves=6,
)


def changed_bytes(sample: bytes) -> st.SearchStrategy[bytes]:
    """Cut pieces out of a sample and put others in, up to four times."""
    cut = st.tuples(st.integers(0, len(sample)), st.integers(0, 12), st.binary(max_size=4) | _ODD)

    def cuts(pieces: list[tuple[int, int, bytes]]) -> bytes:
        content = sample
        for begin, length, piece in pieces:
            content = content[:begin] + piece + content[begin + length :]
        return content

    return st.lists(cut, min_size=1, max_size=4).map(cuts)


def changed_values(sample: bytes) -> st.SearchStrategy[bytes]:
    """Put another value in the place of any one in a JSON sample."""
    document = json.loads(sample)
    places = list(_places(document))
    return st.builds(
        lambda place, value: json.dumps(_replaced(document, place, value)).encode(), st.sampled_from(places), _VALUES
    )


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    match value:
        case dict():
            for key, inner in value.items():
                yield from _places(inner, (*at, key))
        case list():
            for index, inner in enumerate(value):
                yield from _places(inner, (*at, index))


def _replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    step, *rest = place
    copy = value.copy()
    copy[step] = _replaced(value[step], tuple(rest), new)
    return copy


def _is_json(sample: bytes) -> bool:
    try:
        return isinstance(json.loads(sample), dict | list)
    except ValueError:
        return False


def damaged(reader: Reader) -> st.SearchStrategy[bytes]:
    """Whatever could come in the place of a sample."""
    changes = [changed_bytes(sample) for sample in reader.samples]
    changes += [changed_values(sample) for sample in reader.samples if _is_json(sample)]
    return st.one_of(*changes, st.binary(max_size=60))

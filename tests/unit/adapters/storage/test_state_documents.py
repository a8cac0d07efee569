"""Documents of the state store: changed with their version, scanned page by page, written and read by a codec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import pytest

from shared.domain.records.records import PersonTable, RecordKey
from shared.domain.wording.causes.state_causes import StateCause
from shared.errors import ConflictError
from shared.ports.documents import Codec, documents, pages, read_one, update
from shared.ports.state import DocumentKey, Put
from tests.twins import TwinStore

A, B = DocumentKey("p", "a"), DocumentKey("p", "b")
AT = datetime(2026, 11, 7, 10, tzinfo=UTC)
BUSY = StateCause.DOCUMENT_CHANGES()
ANN = RecordKey(PersonTable.CONTACT, UUID(int=1))


class Contended(TwinStore):
    """Another worker changes document A before each of the first `times` writes."""

    times = 0

    async def write(self, changes: Any) -> list[str | None]:
        if self.times:
            self.times -= 1
            await super().write([Put(A, {"count": 10})])
        return await super().write(changes)


def increased(_: DocumentKey, body: Mapping[str, Any] | None) -> dict[str, int]:
    return {"count": (body or {"count": 0})["count"] + 1}


async def test_an_update_inserts_and_replaces_with_one_write() -> None:
    store = TwinStore()
    await store.write([Put(A, {"count": 4})])
    store.calls.clear()

    await update(store, [A, B, A], increased, contended=BUSY)

    assert store.calls == {"read": 1, "write": 1}
    assert [one.body["count"] async for one in documents(store, "p")] == [5, 1]


async def test_an_update_that_lost_is_repeated_for_the_lost_document_only() -> None:
    store = Contended()
    store.times = 1

    await update(store, [A, B], increased, contended=BUSY)

    assert [one.body["count"] async for one in documents(store, "p")] == [11, 1]


async def test_an_update_gives_up_after_five_attempts() -> None:
    store = Contended()
    store.times = 5

    with pytest.raises(ConflictError, match=BUSY):
        await update(store, [A], increased, contended=BUSY)


async def test_an_update_without_a_change_writes_nothing() -> None:
    store = TwinStore()

    await update(store, [A], lambda *_: None, contended=BUSY)
    await update(store, [], increased, contended=BUSY)

    assert store.calls == {"read": 1}
    assert await read_one(store, A) is None


async def test_pages_continue_behind_a_row() -> None:
    store = TwinStore()
    await store.write([Put(DocumentKey("p", row), {}) for row in ("x1", "x2", "x3", "y1")])

    found = [[one.key.row for one in page] async for page in pages(store, "p", prefix="x", after="x1", limit=1)]

    assert [row for page in found for row in page] == ["x2", "x3"]


@dataclass(frozen=True, slots=True)
class Part:
    """A nested value."""

    is_on: bool = False


_PART = Codec(Part, names={"is_on": "on"})


@dataclass(frozen=True, slots=True)
class Whole:
    """A value with fields of every kind."""

    id: str
    at: datetime
    span: timedelta
    part: Annotated[Part, _PART]
    names: frozenset[str] = frozenset()
    by_record: Mapping[RecordKey, UUID] | None = None
    parts: tuple[Annotated[Part, _PART], ...] = ()


WHOLE = Whole("i", AT, timedelta(minutes=1), Part(is_on=True), frozenset("ba"), {ANN: UUID(int=2)}, (Part(),))
BODY = {
    "at": "2026-11-07T10:00:00+00:00",
    "seconds": 60.0,
    "part": {"on": True},
    "names": ["a", "b"],
    "by_record": {str(ANN): str(UUID(int=2))},
    "parts": [{"on": False}],
}


def test_a_codec_reads_what_it_wrote() -> None:
    codec = Codec(Whole, outside={"id"}, names={"span": "seconds"})

    assert codec.body(WHOLE) == BODY
    assert codec.read(BODY, id="i") == WHOLE


def test_a_codec_omits_defaults_and_ignores_unknown_members() -> None:
    codec = Codec(Whole, outside={"id"}, omits_defaults=True)
    plain = Whole("i", AT, timedelta(), Part())

    assert codec.body(plain).keys() == {"at", "span", "part"}
    assert codec.read({**codec.body(plain), "newer": 1}, id="i") == plain


def test_a_codec_refuses_a_body_without_a_required_member() -> None:
    with pytest.raises(ValueError, match="at"):
        Codec(Whole).read({"id": "i"})

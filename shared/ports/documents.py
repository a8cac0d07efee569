"""What repositories do with documents of the state store: read one, change it with its version, scan, encode."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema

from shared.domain.wording.phrase import Phrase
from shared.errors import ConflictError, Service
from shared.ports.state import Document, DocumentKey, Insert, Replace, StateStore

Value = TypeVar("Value")
Body = Mapping[str, Any]

_ATTEMPTS = 5


async def read_one(store: StateStore, key: DocumentKey) -> Document | None:
    """Return a document; None if there is none."""
    return (await store.read([key])).get(key)


def versioned(key: DocumentKey, body: Body, etag: str | None) -> Insert | Replace:
    """Return the change that replaces the version `etag`, or inserts where there was none ("" or None)."""
    return Replace(key, body, etag) if etag else Insert(key, body)


async def update(
    store: StateStore,
    keys: Iterable[DocumentKey],
    change: Callable[[DocumentKey, Body | None], Body | None],
    *,
    contended: Phrase,
) -> None:
    """Change documents with their versions, and try again those that another worker changed meanwhile.

    `change` maps a body (None: no document) to the new body; None leaves the document as it is. Raises ConflictError
    with the text `contended` after five attempts.
    """
    waiting = list(dict.fromkeys(keys))
    for _ in range(_ATTEMPTS):
        found = await store.read(waiting) if waiting else {}
        writes: list[Insert | Replace] = []
        for key in waiting:
            document = found.get(key)
            body = change(key, document.body if document else None)
            if body is not None:
                writes.append(versioned(key, body, document.etag if document else None))
        etags = await store.write(writes) if writes else []
        waiting = [write.key for write, etag in zip(writes, etags, strict=True) if etag is None]
        if not waiting:
            return
    raise ConflictError(contended, service=Service.STATE)


async def pages(
    store: StateStore, partition: str, *, prefix: str = "", after: str | None = None, limit: int = 1000
) -> AsyncIterator[Sequence[Document]]:
    """Yield the documents of a partition page by page, in the order of rows, behind `after`."""
    while True:
        page = await store.scan(partition, prefix=prefix, after=after, limit=limit)
        yield page.documents
        if (after := page.after) is None:
            return


async def documents(
    store: StateStore, partition: str, *, prefix: str = "", limit: int = 1000
) -> AsyncIterator[Document]:
    """Yield the documents of a partition one by one, in the order of rows."""
    async for page in pages(store, partition, prefix=prefix, limit=limit):
        for document in page:
            yield document


class Codec(Generic[Value]):
    """Reads and writes a frozen dataclass as the JSON object of a document.

    As an annotation (`Annotated[ListRun, _RUN]`) a codec serves a field of another dataclass.
    """

    def __init__(
        self,
        shape: type[Value],
        *,
        outside: Collection[str] = (),
        names: Mapping[str, str] | None = None,
        omits_defaults: bool = False,
    ) -> None:
        """`outside` are fields that the body does not hold, such as those of the key; `read` takes them as arguments.

        `names` maps fields to members that have another name. `omits_defaults` leaves out members with their default.
        """
        self._adapter = TypeAdapter(shape)
        self._outside = set(outside)
        self._members = dict(names or {})
        self._fields = {member: name for name, member in self._members.items()}
        self._omits_defaults = omits_defaults

    def body(self, value: Value) -> dict[str, Any]:
        """Write a value as JSON: times in ISO 8601, spans in seconds, sets sorted."""
        fields = self._adapter.dump_python(value, exclude=self._outside, exclude_defaults=self._omits_defaults)
        return {self._members.get(name, name): _plain(one) for name, one in fields.items()}

    def read(self, body: Body, **outside: Any) -> Value:
        """Read what `body` wrote. Unknown members are ignored; missing ones have the field's default."""
        fields = {self._fields.get(member, member): one for member, one in body.items()}
        return self._adapter.validate_python(fields | outside)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic use this codec for a field."""
        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(self.body)
        )


_PLAIN_ALREADY = frozenset((str, int, float, bool, type(None)))


def _plain(value: Any) -> Any:
    if type(value) in _PLAIN_ALREADY:  # nearly every value; a subclass of `str` is not
        return value
    if isinstance(value, str):
        return str(value)
    match value:
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case set() | frozenset():
            return sorted(_plain(one) for one in value)
        case _:
            return _plain_leaf(value)


def _plain_leaf(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case None | bool() | int() | float():
            return value
        case _:
            return str(value)

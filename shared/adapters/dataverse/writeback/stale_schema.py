"""Repeats writes that Dataverse refused because a table was changed after its columns were read."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.web_api.faults import UNDECLARED_MEMBER, UNKNOWN_MEMBER
from shared.errors import ConnectorError

_STALE = frozenset({UNKNOWN_MEMBER, UNDECLARED_MEMBER})


class _Result(Protocol):
    @property
    def error(self) -> ConnectorError | None: ...


Item = TypeVar("Item")
ResultT = TypeVar("ResultT", bound=_Result)


async def written_with_current_schema(
    schema: SchemaCache, write: Callable[[Sequence[Item]], Awaitable[Sequence[ResultT]]], items: Sequence[Item]
) -> Sequence[ResultT]:
    """Write; write those once more whose table was changed meanwhile. Returns one result per item, in order."""
    results = list(await write(items))
    stale = [index for index, one in enumerate(results) if one.error is not None and one.error.code in _STALE]
    if stale:
        schema.forget()
        again = await write([items[index] for index in stale])
        for index, one in zip(stale, again, strict=True):
            results[index] = one
    return results

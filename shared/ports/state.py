"""The port of the state store: versioned documents with optimistic concurrency."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


class DocumentKey(NamedTuple):
    """The key of a document. `partition` groups what one transaction may change; both parts are printable ASCII."""

    partition: str
    row: str


@dataclass(frozen=True, slots=True)
class Document:
    """A small JSON object with a version. `body` holds ids, codes, hashes and times, never values of people."""

    key: DocumentKey
    body: Mapping[str, Any]
    etag: str


@dataclass(frozen=True, slots=True)
class Insert:
    """Write only if there is no document."""

    key: DocumentKey
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Replace:
    """Write only if the version is still `etag`."""

    key: DocumentKey
    body: Mapping[str, Any]
    etag: str


@dataclass(frozen=True, slots=True)
class Put:
    """Write unconditionally."""

    key: DocumentKey
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove. With an `etag` only if the version is still that one; without, a missing document is no error."""

    key: DocumentKey
    etag: str | None = None


Change = Insert | Replace | Put | Delete


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """A page of a scan; `after` is the start of the next page, None at the end."""

    documents: Sequence[Document]
    after: str | None


class StateStore(Protocol):
    """Versioned documents with optimistic concurrency. Two backends, one contract (`tests/contract`)."""

    async def read(self, keys: Sequence[DocumentKey]) -> dict[DocumentKey, Document]:
        """Return the documents that exist."""

    async def write(self, changes: Sequence[Change]) -> list[str | None]:
        """Apply each change only if its own condition holds: a version, or the absence of the document.

        Returns one result per change, in order: the new etag, "" for a delete, None if the condition failed. A failed
        condition does not affect the other changes. No key may occur twice in one call (ValueError).
        """

    async def scan(
        self, partition: str, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> DocumentPage:
        """Read a page of a partition in the order of rows, at most `limit` documents."""

    async def ping(self) -> None:
        """Raise a ConnectorError if the store cannot be used."""

    async def close(self) -> None:
        """Release connections."""


class WholeStore(StateStore, Protocol):
    """A state store that can be read as a whole, for backups."""

    def everything(self) -> AsyncIterator[Sequence[Document]]:
        """Yield pages of all documents of all partitions. What is written meanwhile may be among them or not."""

"""A twin of the state store: versioned documents in a dictionary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.ports.state import Change, Delete, Document, DocumentKey, DocumentPage, Insert, Put, Replace
from tests.twins.faults import Faults, Twin
from tests.twins.numbers import Numbers


class TwinStore(Twin):
    """Versioned documents in a dictionary."""

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.documents: dict[DocumentKey, Document] = {}
        self._etags = Numbers(1)

    async def read(self, keys: Sequence[DocumentKey]) -> dict[DocumentKey, Document]:
        await self._begin("read")
        return {key: self.documents[key] for key in keys if key in self.documents}

    async def write(self, changes: Sequence[Change]) -> list[str | None]:
        if len({change.key for change in changes}) < len(changes):
            raise ValueError("a key occurs twice")
        await self._begin("write")
        results = [self._apply(change) for change in changes]
        await self.faults.pass_by()
        return results

    def _apply(self, change: Change) -> str | None:
        current = self.documents.get(change.key)
        match change:
            case Insert() if current is not None:
                return None
            case Replace(etag=etag) if current is None or current.etag != etag:
                return None
            case Delete(etag=str(etag)) if current is None or current.etag != etag:
                return None
            case Delete():
                self.documents.pop(change.key, None)
                return ""
            case Insert(body=body) | Replace(body=body) | Put(body=body):
                etag = str(next(self._etags))
                self.documents[change.key] = Document(change.key, body, etag)
                return etag

    async def scan(
        self, partition: str, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> DocumentPage:
        behind = after or ""
        chosen = [
            document
            for key, document in self.documents.items()
            if key.partition == partition and key.row.startswith(prefix) and key.row > behind
        ]
        chosen.sort(key=lambda document: document.key.row)
        return DocumentPage(chosen[:limit], chosen[limit - 1].key.row if len(chosen) > limit else None)


def bodies(documents: Mapping[DocumentKey, Document]) -> str:
    """Everything that the state store holds, as one text."""
    return "\n".join(f"{key} {document.body}" for key, document in documents.items())

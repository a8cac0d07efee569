"""A state store whose fingerprints are encrypted with the current key, invisibly to its callers.

While a key changes, documents whose row is a fingerprint are read under every version, and moved to the current one.
So refusals by address are always found. In a deployment that has never changed its key, documents are not encrypted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.adapters.storage.keys.key_register import KeyRegister
from shared.adapters.storage.keys.key_ring import FIRST, KeyRing
from shared.domain.records.fingerprint_places import Body, FingerprintPlace
from shared.domain.wording.causes.state_causes import StateCause
from shared.errors import ConflictError, Service
from shared.ports.state import Change, Delete, Document, DocumentKey, DocumentPage, Insert, Put, Replace, StateStore

_ATTEMPTS = 5


class SealedStore:
    """Implements the port `StateStore` over another store. `places` describes documents with fingerprints."""

    def __init__(self, store: StateStore, register: KeyRegister, places: Mapping[str, FingerprintPlace]) -> None:
        self._store = store
        self._register = register
        self._places = places

    async def read(self, keys: Sequence[DocumentKey]) -> dict[DocumentKey, Document]:
        """Return the documents that exist, and move those of a former version."""
        ring = await self._register.ring()
        if ring.version == FIRST or not keys:
            return await self._store.read(keys)
        names = {key: self.names(ring, key) for key in keys}
        found = await self._store.read([name for several in names.values() for name in several])
        documents: dict[DocumentKey, Document] = {}
        for key, several in names.items():
            if any(name in found for name in several[1:]):
                if (moved := await self.move(ring, key)) is not None:
                    documents[key] = moved
            elif several[0] in found:
                documents[key] = self._opened(ring, key, found[several[0]])
        return documents

    async def write(self, changes: Sequence[Change]) -> list[str | None]:
        """Apply each change on its own condition, with the current version."""
        ring = await self._register.ring()
        if ring.version == FIRST:
            return await self._store.write(changes)
        former = [
            Delete(name)
            for change in changes
            if isinstance(change, Put) or (isinstance(change, Delete) and change.etag is None)
            for name in self.names(ring, change.key)[1:]
        ]
        if former:
            await self._store.write(former)
        return await self._store.write([self._sealed(ring, change) for change in changes])

    async def scan(
        self, partition: str, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> DocumentPage:
        """Read one page; if rows are fingerprints, in the order of their stored form, and without `prefix`."""
        ring = await self._register.ring()
        page = await self._store.scan(partition, prefix=prefix, after=after, limit=limit)
        if ring.version == FIRST or partition not in self._places:
            return page
        return replace(page, documents=[self._opened(ring, self._key(ring, one.key), one) for one in page.documents])

    async def ping(self) -> None:
        """Raise a ConnectorError if the store cannot be used."""
        await self._store.ping()

    async def close(self) -> None:
        """Release connections."""
        await self._store.close()

    # ------------------------------------------------------------------------------------------------------ versions

    def names(self, ring: KeyRing, key: DocumentKey) -> list[DocumentKey]:
        """Return the keys under which a document may be stored, the current one first."""
        if (place := self._places.get(key.partition)) is None or place.join is None:
            return [key]
        return list(dict.fromkeys(DocumentKey(key.partition, name) for name in ring.names(key.row)))

    async def move(self, ring: KeyRing, key: DocumentKey) -> Document | None:
        """Move a document to the current version, despite concurrent changes; None if it does not exist.

        The copy is written before the original is deleted: after a crash both exist, and the next move joins them.
        """
        names = self.names(ring, key)
        for _ in range(_ATTEMPTS):
            found = await self._store.read(names)
            stored = [found[name] for name in reversed(names) if name in found]
            if not stored:
                return None
            opened = [self._opened(ring, key, one).body for one in stored]
            body = opened[0]
            for other in opened[1:]:
                body = self._joined(key.partition, body, other)
            current = found.get(names[0])
            change: Change = Insert(key, body) if current is None else Replace(key, body, current.etag)
            (etag,) = await self._store.write([self._sealed(ring, change)])
            former = [Delete(one.key, one.etag) for one in stored if one.key != names[0]]
            if etag is not None and None not in (await self._store.write(former) if former else []):
                return Document(key, body, etag)
        raise ConflictError(StateCause.DOCUMENT_CHANGES(), service=Service.STATE)

    def _joined(self, partition: str, older: Body, newer: Body) -> Body:
        join = self._places[partition].join
        return newer if join is None else join(older, newer)

    def _key(self, ring: KeyRing, stored: DocumentKey) -> DocumentKey:
        place = self._places[stored.partition]
        return stored if place.join is None else DocumentKey(stored.partition, ring.open(stored.row))

    def _opened(self, ring: KeyRing, key: DocumentKey, document: Document) -> Document:
        place = self._places.get(key.partition)
        body = document.body if place is None or place.rewrite is None else place.rewrite(document.body, ring.open)
        return Document(key, body, document.etag)

    def _sealed(self, ring: KeyRing, change: Change) -> Change:
        if (place := self._places.get(change.key.partition)) is None:
            return change
        key = self.names(ring, change.key)[0]
        if isinstance(change, Delete):
            return replace(change, key=key)
        body = change.body if place.rewrite is None else place.rewrite(change.body, ring.seal)
        return replace(change, key=key, body=body)

"""The embedded state store: versioned documents in one SQLite file."""

import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from shared.adapters.backends.sqlite_file import SqliteFile
from shared.adapters.storage.documents import decode_body, encode_body, require_distinct, require_printable
from shared.errors import Service
from shared.ports.clock import Clock
from shared.ports.state import Change, Delete, Document, DocumentKey, DocumentPage, Insert, Put, Replace

# `written_at` corresponds to Timestamp of Azure Tables: for investigations only.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    partition  TEXT NOT NULL,
    row        TEXT NOT NULL,
    body       TEXT NOT NULL,
    etag       TEXT NOT NULL,
    written_at TEXT NOT NULL,
    PRIMARY KEY (partition, row)
) WITHOUT ROWID;
"""

# One statement for any number of keys: they arrive as a JSON array of pairs. CROSS JOIN fixes the order of the loops.
_AMONG = """
FROM json_each(?) AS wanted CROSS JOIN documents
WHERE partition = json_extract(wanted.value, '$[0]') AND row = json_extract(wanted.value, '$[1]')
"""
_READ = f"SELECT partition, row, body, etag {_AMONG}"
_VERSIONS = f"SELECT partition, row, etag {_AMONG}"
_UPSERT = "INSERT OR REPLACE INTO documents (partition, row, body, etag, written_at) VALUES (?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM documents WHERE partition = ? AND row = ?"
_SCAN = """
SELECT row, body, etag FROM documents
WHERE partition = ? AND row >= ? AND row < ?
ORDER BY row LIMIT ?
"""
_EVERYTHING = """
SELECT partition, row, body, etag FROM documents
WHERE (partition, row) > (?, ?)
ORDER BY partition, row LIMIT 1000
"""
_BEYOND_ASCII = "\u0080"


class SqliteStateStore:
    """Implements the port `StateStore` with SQLite. Several processes may use the file at once."""

    def __init__(self, path: Path, *, clock: Clock) -> None:
        """The file is created at first use."""
        self._file = SqliteFile(path, schema=_SCHEMA, service=Service.STATE)
        self._clock = clock

    async def read(self, keys: Sequence[DocumentKey]) -> dict[DocumentKey, Document]:
        """Return the documents that exist, with one statement for all."""
        require_printable(keys)
        async with self._file.reading() as connection:
            rows = await connection.execute_fetchall(_READ, (_pairs(keys),))
        documents: dict[DocumentKey, Document] = {}
        for partition, row, body, etag in rows:
            key = DocumentKey(partition, row)
            documents[key] = Document(key, decode_body(body), etag)
        return documents

    async def write(self, changes: Sequence[Change]) -> list[str | None]:
        """Apply all changes whose condition holds, in one transaction."""
        if not changes:
            return []
        keys = [change.key for change in changes]
        require_printable(keys)
        require_distinct(keys)
        bodies = {change.key: encode_body(change.body) for change in changes if not isinstance(change, Delete)}
        now = self._clock.now().isoformat()
        upserts: list[tuple[str, str, str, str, str]] = []
        deletes: list[tuple[str, str]] = []
        results: list[str | None] = []
        async with self._file.writing() as connection:
            rows = await connection.execute_fetchall(_VERSIONS, (_pairs(keys),))
            versions = {DocumentKey(partition, row): etag for partition, row, etag in rows}
            for change in changes:
                key = change.key
                if not _holds(change, versions):
                    results.append(None)
                elif isinstance(change, Delete):
                    deletes.append((key.partition, key.row))
                    results.append("")
                else:
                    # Random, so that a document that was deleted and created again never gets an earlier etag.
                    etag = secrets.token_hex(8)
                    upserts.append((key.partition, key.row, bodies[key], etag, now))
                    results.append(etag)
            # Each statement wakes the thread of the file, which waits for its turn beside what is being computed.
            if upserts:
                await connection.executemany(_UPSERT, upserts)
            if deletes:
                await connection.executemany(_DELETE, deletes)
        return results

    async def scan(
        self, partition: str, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> DocumentPage:
        """Read one page in the order of rows."""
        first = prefix if after is None else max(prefix, after + "\0")  # the least row that follows `after`
        async with self._file.reading() as connection:
            rows = list(await connection.execute_fetchall(_SCAN, (partition, first, prefix + _BEYOND_ASCII, limit + 1)))
        documents = [Document(DocumentKey(partition, row), decode_body(body), etag) for row, body, etag in rows[:limit]]
        return DocumentPage(documents, documents[-1].key.row if len(rows) > limit else None)

    async def everything(self) -> AsyncIterator[Sequence[Document]]:
        """Yield pages of all documents, in the order of keys."""
        last = DocumentKey("", "")
        while True:
            async with self._file.reading() as connection:
                rows = await connection.execute_fetchall(_EVERYTHING, (last.partition, last.row))
            page = [Document(DocumentKey(where, row), decode_body(body), etag) for where, row, body, etag in rows]
            if not page:
                return
            yield page
            last = page[-1].key

    async def ping(self) -> None:
        """Open the file."""
        async with self._file.reading() as connection:
            await connection.execute_fetchall("SELECT 1 FROM documents LIMIT 1")

    async def close(self) -> None:
        """Close the file; a later call opens it again."""
        await self._file.close()


def _pairs(keys: Sequence[DocumentKey]) -> str:
    return json.dumps([(key.partition, key.row) for key in keys])


def _holds(change: Change, versions: Mapping[DocumentKey, str]) -> bool:
    current = versions.get(change.key)
    match change:
        case Insert():
            return current is None
        case Replace(etag=etag):
            return current == etag
        case Put() | Delete(etag=None):
            return True
        case Delete(etag=etag):
            return current == etag

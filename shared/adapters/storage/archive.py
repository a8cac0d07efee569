"""A state store as a file: one line of JSON for each document, as it is stored, so fingerprints stay what they are.

The first line names the format, the last one the number of documents: a file that was cut off is recognised. A file is
brought back into an empty store alone, so two states are never mixed; the app is pointed to that store afterwards.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from shared.errors import ConfigurationError
from shared.ports.state import Delete, DocumentKey, Insert, Put, WholeStore

_FORMAT = "spotler-connector-state-1"
_BATCH = 1000
_MARK = DocumentKey("state-import", "unfinished")
"""A document that says which file is being brought back; while it is there, the store is not complete."""


async def export_state(store: WholeStore, file: Path) -> int:
    """Write all documents to a file that only this user reads; return how many. An existing file is kept till the end.

    ConfigurationError if an import into the store has not ended.
    """
    count = 0
    with _replaced(file) as lines:
        _write(lines, {"format": _FORMAT})
        async for page in store.everything():
            for one in page:
                if one.key == _MARK:
                    raise ConfigurationError("An import into this state store has not ended: finish it first")
                _write(lines, {"partition": one.key.partition, "row": one.key.row, "body": dict(one.body)})
            count += len(page)
        _write(lines, {"documents": count})
    return count


async def import_state(
    store: WholeStore, file: Path, finish: Callable[[Collection[str]], Sequence[Put]] = lambda _partitions: ()
) -> int:
    """Bring the documents of a file into an empty store; return how many. A killed import is finished by the next.

    `finish` returns what is written last, by the partitions of the file. ConfigurationError if the file is no complete
    export, or the store holds anything else.
    """
    count, digest, partitions = _checked(file)
    await _require_empty(store, digest)
    await store.write([Put(_MARK, {"file": digest})])
    documents = _documents(file)
    while some := list(islice(documents, _BATCH)):
        await store.write(some)  # documents that are there already were written by a killed import of the same file
    if last := finish(partitions):
        await store.write(last)
    await store.write([Delete(_MARK)])
    return count


async def _require_empty(store: WholeStore, digest: str) -> None:
    if (mark := (await store.read([_MARK])).get(_MARK)) is not None:
        if mark.body.get("file") != digest:
            raise ConfigurationError("An import of another file into this state store has not ended: finish that one")
        return
    async for page in store.everything():
        if page:
            raise ConfigurationError(
                "The state store is not empty, and two states must not be mixed: name a new table in STATE_TABLE, "
                "import into it, and give the app the same STATE_TABLE"
            )


def _documents(file: Path) -> Iterator[Insert]:
    return (
        Insert(DocumentKey(one["partition"], one["row"]), one["body"]) for one in _lines(file) if "partition" in one
    )


def _checked(file: Path) -> tuple[int, str, frozenset[str]]:
    """Return the number of documents of a complete export, its SHA-256, and its partitions."""
    lines = _lines(file)
    if next(lines, {}).get("format") != _FORMAT:
        raise ConfigurationError(f"{file} is no export of a state store")
    count, last, digest, partitions = 0, {}, hashlib.sha256(), set[str]()
    for last in lines:
        if "partition" in last:
            count += 1
            partitions.add(last["partition"])
        digest.update(json.dumps(last, sort_keys=True).encode())
    if last.get("documents") != count:
        raise ConfigurationError(f"{file} is not complete: it ends after {count} documents")
    return count, digest.hexdigest(), frozenset(partitions)


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield dict(json.loads(line))
            except (ValueError, TypeError):
                raise ConfigurationError(f"{file} cannot be read from line {number} on") from None


@contextmanager
def _replaced(file: Path) -> Iterator[TextIO]:
    """Write beside a file, and take its place when all is written."""
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    with part.open("w", encoding="ascii") as lines:
        yield lines
    part.replace(file)


def _write(lines: TextIO, value: dict[str, Any]) -> None:
    lines.write(json.dumps(value, separators=(",", ":")) + "\n")

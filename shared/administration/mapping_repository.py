"""Stores the mapping: every version that was ever live, and which one is live now.

Two kinds of documents in the partition `<environment>-mapping`:

- `version:000007`: the text (canonical YAML), when, by which role or id, why, and the number of the version before it;
- `live`: the number of the live version. It is changed with its etag: of two administrators who apply at the same time,
  one gets a conflict.

A version is written before the pointer moves. A crash in between leaves a version that was never live: the history
follows `replaces` from the live version and does not contain it.
"""

import contextlib
import json
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.domain.wording.causes.work_causes import WorkCause
from shared.domain.wording.errors import ErrorText
from shared.domain.wording.phrase import Phrase
from shared.domain.wording.refused_acts import MappingRefusal
from shared.domain.wording.stored import from_data, template_data
from shared.errors import ConfigurationError, ConflictError, DataError, NotFoundError
from shared.ports.clock import Clock
from shared.ports.documents import Codec, documents, read_one, versioned
from shared.ports.state import Delete, Document, DocumentKey, Insert, StateStore

FIRST_ACTIVATION = "first-activation"
"""The actor of the first version: no person (C-41)."""

_LIVE = "live"
_VERSION = "version:"
_TEMPLATE = "commentTemplate"
"""The member with template and values of a comment that the connector wrote."""
_ACTOR = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_COMMENT = 200
_MOST_CHARACTERS = 400_000
"""Of the text as JSON in ASCII: a document must fit an entity of Azure Tables, 1 MiB of UTF-16."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the mapping. `replaces` is 0 for the first; `by` is a role or an id, never a person's name.

    `comment` is a person's, or a phrase where the connector wrote it.
    """

    number: int
    replaces: int
    at: datetime
    by: str
    comment: str
    text: str


_CODEC = Codec(Version, outside={"number"})


@dataclass(frozen=True, slots=True)
class Pointer:
    """The number of the live version. `etag` changes with it, and is cheap to compare."""

    number: int
    etag: str


class MappingRepository:
    """Keeps the versions of one environment's mapping."""

    def __init__(self, store: StateStore, clock: Clock, environment: str) -> None:
        self._store = store
        self._clock = clock
        self._partition = f"{environment}-mapping"

    async def pointer(self) -> Pointer | None:
        """Return the pointer to the live version; None before the first activation. One small read."""
        found = await read_one(self._store, self._key(_LIVE))
        return Pointer(found.body["number"], found.etag) if found else None

    async def activate(self, text: str) -> Pointer:
        """Store the first version if there is none yet; a live version stays live (C-41)."""
        if pointer := await self.pointer():
            return pointer
        with contextlib.suppress(ConflictError):  # another process was faster: its version is live
            await self._add(text, None, by=FIRST_ACTIVATION, comment="")
        activated = await self.pointer()
        assert activated is not None, "a pointer is never deleted"
        return activated

    async def version(self, number: int) -> Version:
        """Return one version; NotFoundError if there is no such version."""
        found = await read_one(self._store, self._key(_row(number)))
        if found is None:
            raise NotFoundError(ErrorText.NO_VERSION(number=str(number)))
        return _read(found)

    async def apply(self, text: str, *, by: str, comment: str = "", base: int | None = None) -> Version:
        """Make `text` the live version.

        `base` is the number of the version that was changed, None for the live one. ConflictError if another version is
        live; DataError if `by`, `comment` or `text` cannot be kept.
        """
        pointer = await self._required_pointer()
        if base not in {None, pointer.number}:
            raise ConflictError(MappingRefusal.OTHER_LIVE(live=str(pointer.number), base=str(base)))
        return await self._add(text, pointer, by=by, comment=comment)

    async def history(self) -> list[Version]:
        """Return every version that was live, newest first."""
        pointer = await self._required_pointer()
        found = documents(self._store, self._partition, prefix=_VERSION)
        versions = {version.number: version async for version in (_read(one) async for one in found)}
        past: list[Version] = []
        number = pointer.number
        while (version := versions.get(number)) is not None:
            past.append(version)
            number = version.replaces
        return past

    # -------------------------------------------------------------------------------------------------------- writing

    async def _add(self, text: str, pointer: Pointer | None, *, by: str, comment: str) -> Version:
        _require_keepable(text, by, comment)
        version = await self._insert(pointer.number if pointer else 0, text, by=by, comment=comment)
        change = versioned(self._key(_LIVE), {"number": version.number}, pointer.etag if pointer else "")
        (etag,) = await self._store.write([change])
        if etag is None:
            await self._store.write([Delete(self._key(_row(version.number)))])
            raise ConflictError(MappingRefusal.SOMEBODY_ELSE())
        return version

    async def _insert(self, base: int, text: str, *, by: str, comment: str) -> Version:
        """Write the version under the next free number: a crash may have left an unused version."""
        version = Version(base + 1, base, self._clock.now(), by, comment, text)
        while True:
            (etag,) = await self._store.write([Insert(self._key(_row(version.number)), _body(version))])
            if etag is not None:
                return version
            version = replace(version, number=version.number + 1)

    # -------------------------------------------------------------------------------------------------------- reading

    async def _required_pointer(self) -> Pointer:
        pointer = await self.pointer()
        if pointer is None:
            raise ConfigurationError(WorkCause.NO_MAPPING())
        return pointer

    def _key(self, row: str) -> DocumentKey:
        return DocumentKey(self._partition, row)


def _row(number: int) -> str:
    return f"{_VERSION}{number:06d}"


def _body(version: Version) -> dict[str, Any]:
    template = template_data(version.comment) if isinstance(version.comment, Phrase) else {}
    return _CODEC.body(version) | ({_TEMPLATE: template} if template else {})


def _read(document: Document) -> Version:
    version = _CODEC.read(document.body, number=document.key.row.removeprefix(_VERSION))
    return replace(version, comment=from_data(version.comment, document.body.get(_TEMPLATE, {})))


def _require_keepable(text: str, by: str, comment: str) -> None:
    if not _ACTOR.fullmatch(by):
        raise DataError(ErrorText.ACTOR())
    if len(comment) > _LONGEST_COMMENT:
        raise DataError(ErrorText.LONG_COMMENT(most=_LONGEST_COMMENT))
    if len(json.dumps(text)) > _MOST_CHARACTERS:
        raise DataError(ErrorText.LARGE_MAPPING())

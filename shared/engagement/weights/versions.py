"""Stores every file of weights that was ever live. Before the first one, the weights of the release are live.

| document | key | holds |
|---|---|---|
| `engagement-weights` | `live` | number, text, when, by which role or id, why |
| `engagement-weights` | `version:000007` | the same, for good |

A version is written before it becomes live. The number is the one in the file: each file must have a higher one.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from shared.domain.engagement.weights import (
    PACKAGED_VERSION,
    Preset,
    Weights,
    packaged_text,
    read_version,
    read_weights,
)
from shared.domain.wording.causes.work_causes import WorkCause
from shared.domain.wording.errors import ErrorText
from shared.errors import ConflictError, DataError
from shared.ports.clock import Clock
from shared.ports.documents import Codec, documents, read_one, versioned
from shared.ports.state import DocumentKey, Put, StateStore

_ACTOR = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_COMMENT = 200
_LIVE = "live"


@dataclass(frozen=True, slots=True)
class WeightsVersion:
    """One file of weights. `by` is a role or an id, never a person's name; `etag` that of the live document."""

    number: int
    text: str
    at: datetime
    by: str
    comment: str = ""
    etag: str = ""


_CODEC = Codec(WeightsVersion, outside={"etag"})


class WeightsVersions:
    """The versions of one environment."""

    def __init__(self, store: StateStore, clock: Clock, environment: str) -> None:
        self._store = store
        self._clock = clock
        self._partition = f"{environment}-engagement-weights"
        self._by_mark: dict[str, Weights | None] = {}

    async def live(self) -> WeightsVersion | None:
        """Return the live version; None while the weights of the release are live. One small read."""
        found = await read_one(self._store, self._key(_LIVE))
        return _CODEC.read(found.body, etag=found.etag) if found else None

    async def apply(self, text: str, *, by: str, comment: str) -> WeightsVersion:
        """Make a file live. DataError for a number that is not higher, or for a name instead of a role.

        ConflictError if somebody else has applied one at the same time.
        """
        live, number = await self.live(), read_version(text)
        last = live.number if live else PACKAGED_VERSION
        if number <= last:
            raise DataError(WorkCause.WEIGHTS_NUMBER(last=str(last), next=str(last + 1)))
        if not _ACTOR.fullmatch(by):
            raise DataError(WorkCause.WEIGHTS_ACTOR())
        if len(comment) > _LONGEST_COMMENT:
            raise DataError(ErrorText.LONG_COMMENT(most=_LONGEST_COMMENT))
        version = WeightsVersion(number, text, self._clock.now(), by, comment)
        await self._store.write([Put(self._version_key(number), _CODEC.body(version))])
        change = versioned(self._key(_LIVE), _CODEC.body(version), live.etag if live else "")
        (etag,) = await self._store.write([change])
        if etag is None:
            raise ConflictError(WorkCause.WEIGHTS_ELSE())
        return version

    async def history(self) -> list[WeightsVersion]:
        """Return every stored version, newest first."""
        found = documents(self._store, self._partition, prefix="version:")
        return [_CODEC.read(one.body) async for one in found][::-1]

    async def marked(self, mark: str) -> Weights | None:
        """Return the weights of a mark, read once; None if this release does not have or cannot read them."""
        if mark not in self._by_mark:
            self._by_mark[mark] = await self._find(mark)
        return self._by_mark[mark]

    async def _find(self, mark: str) -> Weights | None:
        number, _, preset = mark.partition("-")
        try:
            text = await self._text(int(number))
            return None if text is None else read_weights(text)[Preset(preset)]
        except ValueError:
            return None

    async def _text(self, number: int) -> str | None:
        if number == PACKAGED_VERSION:
            return packaged_text()
        found = await read_one(self._store, self._version_key(number))
        return _CODEC.read(found.body).text if found else None

    def _version_key(self, number: int) -> DocumentKey:
        return self._key(f"version:{number:06d}")

    def _key(self, row: str) -> DocumentKey:
        return DocumentKey(self._partition, row)

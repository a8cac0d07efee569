"""The mode of an environment: `live`, or `shadow`, in which everything is read and planned and nothing is written.

One document, changed by an administrator; each process reads it again after ten seconds.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.ports.clock import Clock
from shared.ports.documents import Codec, read_one
from shared.ports.state import DocumentKey, Put, StateStore

RESTORED = "state-import"
"""Who chose shadow mode after a restore: going live waits until the refusals since the backup were recovered."""

LIFETIME = timedelta(seconds=10)
"""The longest time until a process notices that the mode was changed."""


class Mode(StrEnum):
    """What the connector does with its plans."""

    LIVE = "live"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class ModeChange:
    """The mode, since when, and who chose it (an id); without a time it was never changed."""

    mode: Mode = Mode.LIVE
    since: datetime | None = None
    by: str = ""

    @property
    def awaits_recovery(self) -> bool:
        """Whether the state was restored, and refusals since the backup were not recovered yet."""
        return self.mode is Mode.SHADOW and self.by == RESTORED


_CODEC = Codec(ModeChange)


def restored(environment: str, at: datetime) -> Put:
    """Return the document with which a restored environment begins: nothing is written until somebody goes live."""
    return Put(_key(environment), _CODEC.body(ModeChange(Mode.SHADOW, at, RESTORED)))


def _key(environment: str) -> DocumentKey:
    return DocumentKey(f"{environment}-mode", "mode")


@dataclass(slots=True)
class Modes:
    """Keeps the mode of one environment."""

    store: StateStore
    clock: Clock
    environment: str
    _known: ModeChange = field(default_factory=ModeChange, init=False)
    _read_at: datetime | None = field(default=None, init=False)

    async def current(self) -> ModeChange:
        """Return the mode, at most ten seconds old. Raises ConnectorErrors: without the state nothing is written."""
        now = self.clock.now()
        if self._read_at is None or now - self._read_at >= LIFETIME:
            found = await read_one(self.store, self._key)
            self._known = _CODEC.read(found.body) if found else ModeChange()
            self._read_at = now
        return self._known

    async def change(self, mode: Mode, *, by: str) -> None:
        """Choose the mode."""
        change = ModeChange(mode, self.clock.now(), by)
        await self.store.write([Put(self._key, _CODEC.body(change))])
        self._known, self._read_at = change, self.clock.now()

    @property
    def _key(self) -> DocumentKey:
        return _key(self.environment)

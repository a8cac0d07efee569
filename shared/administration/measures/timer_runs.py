"""The last run of each timer: when, how long, how it ended, and when the next one is due. One document per function."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.ports.documents import Codec
from shared.ports.state import DocumentKey, Put, StateStore

_MOST = 100


class RunResult(StrEnum):
    """How a run ended."""

    OK = "ok"
    FAILED = "failed"
    RESTED = "rested"
    """In shadow mode a timer that writes does nothing."""


@dataclass(frozen=True, slots=True)
class TimerRun:
    """The last run of a function; `setting` has its schedule, `following` is None where that cannot be read."""

    name: str
    setting: str
    begun: datetime
    seconds: float
    result: RunResult
    following: datetime | None = None


_CODEC = Codec(TimerRun, outside={"name"})


@dataclass(frozen=True, slots=True)
class TimerRuns:
    """Keeps the last runs of one environment. Its methods raise ConnectorErrors."""

    store: StateStore
    environment: str

    async def note(self, run: TimerRun) -> None:
        """Write the last run of a function."""
        await self.store.write([Put(DocumentKey(self._partition, run.name), _CODEC.body(run))])

    async def latest(self) -> Sequence[TimerRun]:
        """Return the last run of each function that has run."""
        page = await self.store.scan(self._partition, limit=_MOST)
        return [_CODEC.read(one.body, name=one.key.row) for one in page.documents]

    @property
    def _partition(self) -> str:
        return f"{self.environment}-timer"

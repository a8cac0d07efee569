"""What the last nights found: of how many records that were compared, how many differed. One document a night."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.records.records import PersonTable
from shared.domain.wording.causes.state_causes import StateCause
from shared.ports.clock import Clock
from shared.ports.documents import Body, Codec, documents, update
from shared.ports.state import Delete, DocumentKey, StateStore

NIGHTS = 30
_KEPT = timedelta(days=NIGHTS + 1)


@dataclass(frozen=True, slots=True)
class Night:
    """The counts of a night by table. `day` is when the comparison ended, as an ISO date."""

    day: str
    compared: Mapping[str, int]
    differed: Mapping[str, int]

    @property
    def rate(self) -> float | None:
        """The share of the records that differed; None if none was compared."""
        compared = sum(self.compared.values())
        return sum(self.differed.values()) / compared if compared else None


_NIGHT = Codec(Night, outside={"day"})


@dataclass(frozen=True, slots=True)
class Nights:
    """Keeps the nights of one environment. All methods raise ConnectorErrors."""

    store: StateStore
    clock: Clock
    environment: str

    async def note(self, table: PersonTable, compared: int, differed: int) -> None:
        """Note the end of the comparison of a table, and delete nights that are over for a month."""

        def noted(_: DocumentKey, body: Body | None) -> Body:
            known = _NIGHT.read(body, day="") if body else Night("", {}, {})
            return _NIGHT.body(Night("", {**known.compared, table: compared}, {**known.differed, table: differed}))

        now = self.clock.now()
        key = DocumentKey(self._partition, now.date().isoformat())
        await update(self.store, [key], noted, contended=StateCause.NIGHT_CHANGES())
        oldest = (now - _KEPT).date().isoformat()
        old = [one.key async for one in documents(self.store, self._partition) if one.key.row < oldest]
        await self.store.write([Delete(one) for one in old])

    async def latest(self) -> Sequence[Night]:
        """Return the nights of the last month, oldest first."""
        return [_NIGHT.read(one.body, day=one.key.row) async for one in documents(self.store, self._partition)]

    @property
    def _partition(self) -> str:
        return f"{self.environment}-nights"

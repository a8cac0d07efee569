"""The round trip of a marked record: written in Dataverse, read back in the marketing platform, end to end.

The write counts as a user's, so that it goes through the service endpoint, the queue, the engine and the platform. Off
unless ROUND_TRIP_RECORD names a record: each measurement costs a write on both sides and some reads.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shared.domain.mapping.language.expression import Column
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.records.records import PersonTable, RecordKey
from shared.domain.wording.causes.state_causes import StateCause
from shared.domain.wording.causes.work_causes import WorkCause
from shared.engine.bindings.ledger import Ledger
from shared.errors import ConfigurationError, ConnectorError
from shared.ports.clock import Clock
from shared.ports.documents import Body, Codec, documents, update
from shared.ports.marketing_platform import MarketingPlatform
from shared.ports.state import Delete, DocumentKey, StateStore
from shared.telemetry.signals import ROUND_TRIP, record

log = logging.getLogger(__name__)

LATE = timedelta(seconds=60)
"""As the alarm: a save that has not arrived by then is late."""

LONGEST = timedelta(seconds=90)
"""How long a measurement waits; after that the mark counts as not arrived."""

_PAUSE = timedelta(seconds=1)
_KEPT = timedelta(days=31)

Sleep = Callable[[float], Awaitable[None]]


class MarkedRecords(Protocol):
    """Writes a column of a record so that the connector notices it as the write of a user."""

    async def mark(self, key: RecordKey, column: str, text: str) -> None:
        """Write a text; NotFoundError if there is no such record."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One measurement: when it began, and after how many seconds the mark was read. None: it did not arrive in time."""

    at: datetime
    seconds: float | None


@dataclass(frozen=True, slots=True)
class _Day:
    """The measurements of a day."""

    trips: tuple[Trip, ...] = ()


_DAY = Codec(_Day)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """Measures the round trip of one record."""

    marked: MarkedRecords
    platform: MarketingPlatform
    ledger: Ledger
    mapping: FieldMapping
    store: StateStore
    clock: Clock
    environment: str
    record: RecordKey | None
    column: str
    sleep: Sleep = asyncio.sleep

    @property
    def is_on(self) -> bool:
        """Whether there is a record for it."""
        return self.record is not None

    async def measure(self, longest: timedelta = LONGEST) -> Trip | None:
        """Write a mark, and wait until the platform has it. None if it is off. Raises ConnectorErrors."""
        if self.record is None:
            return None
        name, begun = self._property(self.record.table), self.clock.now()
        mark = f"Spotler Connector {begun.isoformat(timespec='milliseconds')}"
        await self.marked.mark(self.record, self.column, mark)
        while not await self._has_arrived(self.record, name, mark):
            if self.clock.now() - begun >= longest:
                log.warning("the marked record has not arrived within %d s", longest.total_seconds())
                return await self._keep(Trip(begun, None), longest)
            await self.sleep(_PAUSE.total_seconds())
        took = self.clock.now() - begun
        return await self._keep(Trip(begun, round(took.total_seconds(), 1)), took)

    async def trips(self, span: timedelta) -> Sequence[Trip]:
        """Return the measurements of the last days, oldest first."""
        since = self.clock.now() - span
        days = [_DAY.read(one.body) async for one in documents(self.store, self._partition)]
        return [trip for day in days for trip in day.trips if trip.at >= since]

    async def tidy(self) -> None:
        """Delete the measurements of the month before the last."""
        oldest = _row(self.clock.now() - _KEPT)
        old = [one.key async for one in documents(self.store, self._partition) if one.key.row < oldest]
        await self.store.write([Delete(key) for key in old])

    def _property(self, table: PersonTable) -> str:
        """Return the property of the platform that the column fills; ConfigurationError if it fills none."""
        for row in self.mapping.for_table(table):
            if row.sources.get(table) == Column(self.column) and row.direction.reaches_platform:
                return row.property_name
        raise ConfigurationError(WorkCause.TRIP_NOT_SENT(column=self.column, table=table))

    async def _has_arrived(self, key: RecordKey, name: str, mark: str) -> bool:
        external_id = (await self.ledger.entries([key]))[key].binding.external_id
        try:
            contact = await self.platform.contact(external_id)
        except ConnectorError as error:  # it may answer before the time is over
            log.warning("the marked record cannot be read in Spotler: %s", error)
            return False
        return contact is not None and contact.properties.get(name) == mark

    async def _keep(self, trip: Trip, took: timedelta) -> Trip:
        record(ROUND_TRIP, took.total_seconds())

        def added(_: DocumentKey, body: Body | None) -> Body:
            known = _DAY.read(body) if body else _Day()
            return _DAY.body(_Day((*known.trips, trip)))

        key = DocumentKey(self._partition, _row(trip.at))
        await update(self.store, [key], added, contended=StateCause.MEASUREMENTS_CHANGE())
        return trip

    @property
    def _partition(self) -> str:
        return f"{self.environment}-round-trip"


def _row(moment: datetime) -> str:
    return moment.date().isoformat()

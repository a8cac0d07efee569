"""Compares every record once a night, so that a change without an event is found within a day (C-05).

It finds lost messages, changes that caused no event, and changes of related rows. Every enabled table is walked on the
bulk lane, and the contact of each record must exist in Spotler. Records with a live binding that no page contained were
deleted, and are handled afterwards. The comparison reads Spotler's changes since yesterday and a slice of the account
(`comparison.py`). Divergences are counted, and health reports them.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from shared.domain.merging.divergence import Divergence
from shared.domain.planning.binding import MassChange
from shared.domain.planning.rules import Rules
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import PersonTable, RecordKey, Reference, Why
from shared.engine.bindings.ledger import Ledger
from shared.engine.guards.brake import Brake
from shared.engine.work_items import ItemResult
from shared.inbound.comparison import Comparison
from shared.inbound.night_results import Nights
from shared.messages.lane_messages import Lanes, Walk
from shared.ports.clock import Clock
from shared.ports.documents import read_one
from shared.ports.queue import QueueName
from shared.ports.state import DocumentKey, Put, StateStore
from shared.telemetry.signals import DIVERGENCES, record

log = logging.getLogger(__name__)

_ENDED = "reconciliation of %s: %d compared, %d differed, %d were missing in Spotler, %d were deleted"
_TOO_MANY = (
    "%d of table %s are in Spotler, and Dataverse does not show them (MASS_MISSING_LIMIT): they are held. Look at the "
    "role of the connector's user; if they were deleted, release the brake"
)


@dataclass(frozen=True, slots=True)
class WalkCounts:
    """The counts of the last walk over a table. Times are ISO texts, `finished` and `page` empty if there is none.

    `differed` counts records that did not agree, `missing` those of them without a contact in Spotler. `gone` counts
    records that are bound to a contact and do not exist. `held`: these were so many that the brake holds them.
    """

    begun: str
    looked_at: int = 0
    differed: int = 0
    missing: int = 0
    gone: int = 0
    held: bool = False
    finished: str = ""
    page: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the counts as JSON."""
        return {
            "begun": self.begun,
            "finished": self.finished or None,
            "lookedAt": self.looked_at,
            "differed": self.differed,
            "missing": self.missing,
            "gone": self.gone,
            "held": self.held,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Begins the nightly comparison, and counts its divergences; `Resync` walks."""

    lanes: Lanes
    comparison: Comparison
    ledger: Ledger
    brake: Brake
    store: StateStore
    clock: Clock
    rules: Rules
    environment: str

    @property
    def nights(self) -> Nights:
        """What the last nights found."""
        return Nights(self.store, self.clock, self.environment)

    async def begin(self, *, pause: timedelta | None = None) -> None:
        """Send the messages of the walks, and begin the comparison of Spotler, after a pause. ConnectorErrors."""
        if not self.rules.environment_is_on:
            return
        await self.brake.tidy(self.ledger)
        begun = self.clock.now()
        correlation = f"reconcile-{uuid4()}"
        tables = sorted(self.rules.enabled_tables)
        records = sum(one["lookedAt"] for one in (await self.state()).values())
        tally = asdict(WalkCounts(begun.isoformat(timespec="seconds")))
        await self.store.write([Put(self._key(table), tally) for table in tables])
        walks = [Walk(table=table, why=Why.RECONCILE, correlation=correlation) for table in tables]
        if pause is None:
            await self.lanes.send(QueueName.BULK, *walks)
        else:
            for walk in walks:
                await self.lanes.send_later(QueueName.BULK, walk, begun + pause)
        await self.comparison.night(records=records, pause=pause)

    async def count_page(self, step: Walk, finished: Sequence[ItemResult], *, is_last: bool) -> None:
        """Count a page. A page that is repeated after a crash counts once; its writes count both times."""
        if step.why is not Why.RECONCILE or (tally := await self._read(step.table)) is None:
            return
        page = step.after or "first"
        if missing := sum(1 for one in finished if one.outcome.reason is Reason.CREATED):
            record(DIVERGENCES, missing, kind=Divergence.MISSING)
        tally = replace(
            tally,
            looked_at=tally.looked_at + (0 if tally.page == page else len(finished)),
            differed=tally.differed + sum(1 for one in finished if _has_differed(one)),
            missing=tally.missing + missing,
            page=page,
        )
        if is_last:
            tally = await self._finish(step, tally)
        await self.store.write([Put(self._key(step.table), asdict(tally))])

    async def state(self) -> dict[str, Any]:
        """Return as JSON, by table, the counts of the last reconciliation; empty before the first one."""
        keys = {self._key(table): table for table in sorted(self.rules.enabled_tables)}
        found = await self.store.read(list(keys))
        return {str(table): WalkCounts(**found[key].body).as_json() for key, table in keys.items() if key in found}

    async def _finish(self, step: Walk, tally: WalkCounts) -> WalkCounts:
        gone = [key async for key in self.ledger.not_seen_since(step.table, datetime.fromisoformat(tally.begun))]
        held = await self._hold(step.table, gone)
        if gone:
            await self.lanes.send_references(QueueName.BULK, _references(gone, step.correlation))
        tally = replace(tally, gone=len(gone), held=held, finished=self.clock.now().isoformat(timespec="seconds"))
        await self.nights.note(step.table, tally.looked_at, tally.differed)
        level = logging.WARNING if tally.differed or tally.gone else logging.INFO
        log.log(level, _ENDED, step.table, tally.looked_at, tally.differed, tally.missing, tally.gone)
        return tally

    async def _hold(self, table: PersonTable, gone: Sequence[RecordKey]) -> bool:
        """Let the brake hold all missing records if there are too many, except released ones; whether any is held."""
        limit = self.brake.limits.missing
        if not limit or len(gone) <= limit:
            return False
        held = await self.brake.keep(MassChange.ERASURE, map(str, gone))
        if held:
            log.error(_TOO_MANY, len(held), table)
        return bool(held)

    async def _read(self, table: PersonTable) -> WalkCounts | None:
        found = await read_one(self.store, self._key(table))
        return None if found is None else WalkCounts(**found.body)

    def _key(self, table: PersonTable) -> DocumentKey:
        return DocumentKey(f"{self.environment}-reconcile", str(table))


def _references(keys: Iterable[RecordKey], correlation: str) -> list[Reference]:
    return [Reference(key, Why.RECONCILE, correlation) for key in keys]


def _has_differed(one: ItemResult) -> bool:
    """Whether one side lacked something that the other side had."""
    return one.outcome.result in {Result.WRITTEN, Result.ANONYMISED} or one.outcome.reason is Reason.RETURNED

"""Releases the brake and replays what it held, page by page; progress lives in the messages (decisions 12, 20)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid4

from shared.domain.planning.binding import MassChange
from shared.domain.records.records import RecordKey, Reference, Why
from shared.engine.guards.brake import Brake
from shared.errors import ConnectorError
from shared.messages.lane_messages import Lanes, Replay
from shared.messages.redelivery import Redelivery
from shared.ports.clock import Clock
from shared.ports.queue import QueueName


class ListSyncs(Protocol):
    """Starts synchronisations of marketing lists."""

    async def begin(self, identifier: UUID, jobs: tuple[UUID, ...], correlation: str) -> object:
        """Start one, unless one is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Lets held records pass, on behalf of an administrator."""

    brake: Brake
    lists: ListSyncs
    lanes: Lanes
    redelivery: Redelivery
    clock: Clock

    async def begin(self, kinds: Collection[MassChange], hours: int) -> datetime:
        """Release these kinds for some hours, send held records to the bulk lane, and return the end of the release.

        A record that is held by now passes even after that end. After a crash in between, call again. Raises
        ConnectorErrors.
        """
        until = self.clock.now() + timedelta(hours=hours)
        correlation = f"release-{uuid4()}"
        for kind in sorted(kinds):
            await self.brake.release(kind, until)
        await self.lanes.send(QueueName.BULK, *(Replay(change=kind, correlation=correlation) for kind in sorted(kinds)))
        return until

    async def replay(self, step: Replay, *, lane: QueueName) -> None:
        """Process one page of held records again, then send the message of the next: a crash repeats a page."""
        try:
            names, after = await self.brake.held_page(step.change, step.after)
            if step.change is MassChange.LIST_REMOVAL:
                for name in names:  # each stays held until its synchronisation finds that it was released
                    await self.lists.begin(UUID(name), (), step.correlation)
            else:
                references = [Reference(RecordKey.parse(name), Why.RETRY, step.correlation) for name in names]
                await self.lanes.send_references(lane, references)
        except ConnectorError as error:
            await self.redelivery.postpone(lane, step, error)
            return
        if after is not None:
            await self.lanes.send(lane, step.model_copy(update={"after": after, "attempt": 1}))
        if step.change is not MassChange.LIST_REMOVAL:
            await self.brake.settled({step.change: names})

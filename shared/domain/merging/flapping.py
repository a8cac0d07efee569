"""Detects a field that flaps: each side keeps changing what the other side wrote.

People edit a field a few times; a flow that rewrites what the connector writes does so for ever. After six changes of
direction within an hour, the field stays as it is on both sides until they agree, or for a day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from shared.domain.merging.merge import MergeDecision

TURNS = 6
WITHIN = timedelta(hours=1)
REST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Move:
    """The last change of a field: its direction, its time, and how many changes of direction led to it."""

    to_dataverse: bool
    turns: int
    at: datetime

    def __str__(self) -> str:
        return f"{'<-' if self.to_dataverse else '->'} {self.turns} {self.at.isoformat(timespec='seconds')}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote; ValueError otherwise."""
        arrow, turns, at = text.split(" ")
        return cls(to_dataverse=arrow == "<-", turns=int(turns), at=datetime.fromisoformat(at))


def settle(decision: MergeDecision, last: Move | None, now: datetime) -> tuple[MergeDecision, Move | None]:
    """Return the decision, FROZEN if the field has changed direction too often, and the move to store."""
    if last is not None and last.turns >= TURNS and now - last.at < REST:
        return (decision, None) if decision is MergeDecision.AGREED else (MergeDecision.FROZEN, last)
    if not (decision.reaches_dataverse or decision.reaches_platform):
        return decision, last if last is not None and now - last.at < WITHIN else None
    is_turn = last is not None and last.to_dataverse is not decision.reaches_dataverse and now - last.at < WITHIN
    turns = last.turns + 1 if last is not None and is_turn else 1
    return decision, Move(to_dataverse=decision.reaches_dataverse, turns=turns, at=now)

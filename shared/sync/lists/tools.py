"""What the use cases of marketing lists work with."""

from __future__ import annotations

from dataclasses import dataclass

from shared.ports import Clock, MarketingLists
from shared.sync.brake import Brake
from shared.sync.lanes import Lanes
from shared.sync.lists.members import Members
from shared.sync.lists.memory import ListMemory
from shared.sync.lists.places import Places
from shared.sync.lists.report import ListReporter
from shared.sync.patience import Patience


@dataclass(frozen=True, slots=True)
class ListTools:
    """Both sides of a list, what is remembered of it, and who is told."""

    lists: MarketingLists
    places: Places
    memory: ListMemory
    members: Members
    lanes: Lanes
    patience: Patience
    reporter: ListReporter
    clock: Clock
    brake: Brake

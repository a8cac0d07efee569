"""The collaborators of the use cases of marketing lists."""

from dataclasses import dataclass

from shared.engine.guards.brake import Brake
from shared.lists.list_state_repository import ListStateRepository
from shared.lists.list_targets import ListTargets
from shared.lists.members import Members
from shared.lists.report import ListReporter
from shared.messages.lane_messages import Lanes
from shared.messages.redelivery import Redelivery
from shared.ports.clock import Clock
from shared.ports.dataverse import MarketingLists


@dataclass(frozen=True, slots=True)
class ListTools:
    """Both sides of a list, its state, and the reports."""

    lists: MarketingLists
    targets: ListTargets
    states: ListStateRepository
    members: Members
    lanes: Lanes
    redelivery: Redelivery
    reporter: ListReporter
    clock: Clock
    brake: Brake

"""The same histories over both sandboxes, through the adapters that talk to the services."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.histories.machine import TwoWayHistories
from tests.histories.sandbox_world import SandboxWorld
from tests.histories.world import World, rules


class SandboxHistories(TwoWayHistories):
    """Real adapters, simulated services."""

    def open_world(self) -> World:
        return SandboxWorld(rules())


TestSandboxHistories = SandboxHistories.TestCase
TestSandboxHistories.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)

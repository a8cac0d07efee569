"""The same histories over both sandboxes, through the adapters that talk to the services."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.histories.machine import TwoWayHistories
from tests.histories.sandbox_world import SandboxWorld
from tests.histories.world import World, rules


class SandboxHistories(TwoWayHistories):
    """Real adapters, simulated services."""

    def open_world(self) -> World:
        return SandboxWorld(rules())


class NightlySandboxHistories(SandboxHistories):
    """More of them, and longer: some ten minutes (`make slow`)."""


TestNightlySandboxHistories = pytest.mark.slow(NightlySandboxHistories.TestCase)
TestNightlySandboxHistories.settings = settings(
    max_examples=2000, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)

TestSandboxHistories = SandboxHistories.TestCase
TestSandboxHistories.settings = settings(
    max_examples=8,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

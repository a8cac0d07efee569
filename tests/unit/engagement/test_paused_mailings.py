"""The initial synchronisation of mailings is paused, resumed and stopped by a person (INI-05, INI-10)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import ConflictError
from tests.unit.engagement.engagement_world import EngagementWorld
from tests.unit.engagement.test_reading_mailings import open_world

DAY = timedelta(days=1)


async def begun() -> EngagementWorld:
    world = await open_world()
    for _ in range(3):
        world.spotler.send(world.people)
        world.pass_by(50 * DAY)
    await world.twin.engagement.begin_initial(None)
    return world


async def test_a_paused_run_looks_at_no_month_and_goes_on_where_it_was() -> None:
    world = await begun()
    engagement = world.twin.engagement
    await engagement.initial.pause()
    await world.twin.quiet()
    state = await engagement.initial.as_json()
    assert state is not None
    assert (state["paused"], state["finished"], state["percentListed"]) == (True, None, 0)
    with pytest.raises(ConflictError, match="it is paused"):
        await engagement.initial.pause()

    await engagement.resume_initial()
    await world.twin.quiet()

    state = await engagement.initial.as_json()
    assert state is not None
    assert (state["paused"], state["mailings"], state["percentListed"]) == (False, 3, 100)
    assert state["finished"] is not None


async def test_a_stopped_run_is_over_for_good() -> None:
    world = await begun()
    initial = world.twin.engagement.initial
    await initial.stop()
    await world.twin.quiet()

    state = await initial.as_json()
    assert state is not None
    assert (state["stopped"], state["percentListed"]) == (True, 0)
    with pytest.raises(ConflictError, match="no such run"):
        await world.twin.engagement.resume_initial()

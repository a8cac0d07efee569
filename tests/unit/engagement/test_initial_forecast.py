"""Before the initial synchronisation of mailings: how many are read and left out, how long, how many calls (INI-05)."""

from __future__ import annotations

from datetime import timedelta

from tests.unit.engagement.engagement_world import open_world

DAY = timedelta(days=1)


async def test_the_forecast_counts_the_mailings_that_the_run_reads_and_begins_nothing() -> None:
    world = await open_world()
    too_old = world.spotler.send(world.people)
    world.pass_by(400 * DAY)
    world.spotler.send(world.people)
    world.pass_by(40 * DAY)
    world.spotler.send([])
    world.spotler.send(world.people)
    world.pass_by(DAY)
    initial = world.twin.engagement.initial

    forecast = await initial.forecast(None)

    assert (forecast.mailings, forecast.nothing_sent, forecast.messages) == (2, 1, 6)
    assert await initial.progress() is None
    assert world.spotler.calls.total() == world.spotler.calls["between"] == 1

    await world.twin.engagement.begin_initial(None)
    await world.twin.quiet()
    known = {one.handle async for one in world.twin.engagement.known.all()}
    assert too_old not in known
    assert len(known) == forecast.mailings


async def test_the_estimates_grow_with_the_size_of_a_mailing() -> None:
    world = await open_world()
    world.spotler.send(f"reader{number}" for number in range(20_000))
    world.pass_by(DAY)

    forecast = await world.twin.engagement.initial.forecast(None)

    assert 300 <= forecast.spotler_calls <= 360  # docs/performance.md: 320 were measured
    assert 79 <= forecast.dataverse_calls <= 120

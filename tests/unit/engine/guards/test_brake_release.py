"""An administrator releases the brake; and records that are missing at night, which it holds as well."""

from __future__ import annotations

from datetime import timedelta

from shared.domain.planning.binding import MassChange
from tests.connector_twin import ConnectorTwin, person
from tests.twins import CrashError
from tests.unit.engine.guards.brake_acts import (
    LIMIT,
    crowd,
    deactivate,
    ended,
    erasures,
    held,
    night,
)

# ------------------------------------------------------------------------------------------------------------- release


async def test_a_release_replays_what_was_held() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await ended(twin, 8)
    twin.clock.advance(timedelta(hours=3))

    await twin.release.begin([MassChange.ERASURE], hours=1)
    await twin.quiet()

    assert len(twin.platform.erased) == 8
    assert held(twin, people) == []
    assert (await erasures(twin))["held"] == 0


async def test_erasures_held_before_a_release_follow_even_after_its_hours() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    await ended(twin, 8)
    twin.clock.advance(timedelta(hours=3))
    await twin.release.begin([MassChange.ERASURE], hours=1)
    twin.clock.advance(timedelta(hours=2))  # the queue stood still

    await twin.quiet()

    assert len(twin.platform.erased) == 8


async def test_a_release_whose_worker_dies_anywhere_loses_nobody() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    await ended(twin, 8)
    await twin.release.begin([MassChange.ERASURE], hours=1)
    for step in range(40):
        twin.faults.plan(step, CrashError())

    await twin.quiet()

    assert len(twin.platform.erased) == 8


async def test_a_release_of_something_else_leaves_erasures_held() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    await ended(twin, 5)

    await twin.release.begin([MassChange.UNSUBSCRIPTION], hours=1)
    await twin.quiet()

    assert len(twin.platform.erased) == LIMIT


async def test_erasures_pass_while_they_are_released_and_are_counted_afterwards() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    await twin.release.begin([MassChange.ERASURE], hours=1)
    await ended(twin, 5)
    assert len(twin.platform.erased) == 5
    twin.clock.advance(timedelta(hours=1, minutes=1))

    assert (await erasures(twin))["releasedUntil"] is None
    others = [twin.crm.create(**person(emailaddress1=f"other{number}@example.com")) for number in range(5)]
    await twin.sync(*others)
    deactivate(twin, *others)
    await twin.sync(*others)
    assert len(twin.platform.erased) == 5 + LIMIT


# -------------------------------------------------------------------------------------------- records that are missing


async def test_very_many_missing_records_are_held_with_the_same_release() -> None:
    twin = ConnectorTwin(missing_limit=2)
    people = await crowd(twin, 3)
    for key in people:
        twin.crm.delete(key)

    await night(twin)
    await night(twin)

    assert twin.platform.erased == []
    assert (await erasures(twin))["held"] == 3
    await twin.release.begin([MassChange.ERASURE], hours=1)
    await twin.quiet()
    assert len(twin.platform.erased) == 3


async def test_missing_records_that_can_be_read_again_are_held_no_longer() -> None:
    twin = ConnectorTwin(missing_limit=2)
    people = await crowd(twin, 3)
    records = {key: twin.crm.people[key] for key in people}
    for key in people:
        twin.crm.delete(key)
    await night(twin)
    twin.crm.people.update(records)

    await night(twin)

    assert twin.platform.erased == []
    assert (await erasures(twin))["held"] == 0

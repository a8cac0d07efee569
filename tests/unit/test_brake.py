"""The brake on mass erasures: an erasure cannot be taken back, so very many at once wait for an administrator."""

from __future__ import annotations

from datetime import timedelta

from shared.core.records import Intent, RecordKey, SyncStatus
from tests.connector_twin import ConnectorTwin, person

LIMIT = 3


async def crowd(twin: ConnectorTwin, size: int) -> list[RecordKey]:
    """People whom Spotler knows."""
    keys = [twin.crm.create(**person(emailaddress1=f"person{number}@example.com")) for number in range(size)]
    await twin.sync(*keys)
    return keys


def deactivate(twin: ConnectorTwin, *keys: RecordKey) -> None:
    for key in keys:
        twin.crm.edit(key, statecode=1)


async def test_beyond_the_limit_of_an_hour_erasures_wait_and_say_so() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, 5)
    deactivate(twin, *people)

    await twin.sync(*people)

    assert len(twin.platform.erased) == LIMIT
    assert len(twin.platform.contacts) == 2
    held = [key for key in people if twin.status_of(key) == (SyncStatus.FAILED, "mass-erasure")]
    assert len(held) == 2
    assert {letter.reason for letter in twin.queue.dead} == {"mass-erasure"}
    assert await twin.brake.state() == {"limit": LIMIT, "thisHour": LIMIT, "releasedUntil": None}
    assert twin.claims() == []


async def test_who_changes_and_does_not_end_passes_meanwhile() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, 6)
    deactivate(twin, *people[:5])
    twin.crm.edit(people[5], firstname="Anna")

    await twin.sync(*people)

    assert twin.contact_of("person5@example.com").values["firstName"] == "Anna"


async def test_a_released_brake_lets_the_replayed_erasures_pass() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, 5)
    deactivate(twin, *people)
    await twin.sync(*people)

    await twin.brake.release(hours=1)
    await twin.queue.replay([letter.id for letter in await twin.queue.dead_letters()])
    await twin.quiet()

    assert len(twin.platform.erased) == 5


async def test_a_brake_that_was_released_is_on_again_after_its_hours() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    await twin.brake.release(hours=1)
    twin.clock.advance(timedelta(hours=1, minutes=1))

    assert (await twin.brake.state())["releasedUntil"] is None


async def test_the_next_hour_has_a_count_of_its_own() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, 6)
    deactivate(twin, *people[:3])
    await twin.sync(*people[:3])
    twin.clock.advance(timedelta(hours=1))
    deactivate(twin, *people[3:])

    await twin.sync(*people[3:])

    assert len(twin.platform.erased) == 6


async def test_what_jobs_ask_for_one_by_one_is_not_held() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, 5)

    await twin.look(*people, intent=Intent.ANONYMIZE)

    assert len(twin.platform.erased) == 5


async def test_workers_side_by_side_share_one_count() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, 6)
    deactivate(twin, *people)
    await twin.sync(*people[:3])
    twin.worker = twin.start_worker()

    await twin.sync(*people[3:])

    assert len(twin.platform.erased) == LIMIT

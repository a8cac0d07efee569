"""The round trip of a marked record: written as a user would, read back in the platform, kept for a month."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from shared.administration.measures.round_trip import RoundTrip
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import ConfigurationError, TransientError
from shared.telemetry.signals import ROUND_TRIP
from tests.connector_twin import ConnectorTwin, person
from tests.telemetry import Telemetry, listening


@pytest.fixture
def heard() -> Iterator[Telemetry]:
    with listening() as telemetry:
        yield telemetry


class Marked:
    """A user's write: the connector hears of it after some seconds, unless nothing gets through."""

    def __init__(self, twin: ConnectorTwin, *, gets_through: bool = True) -> None:
        self._twin = twin
        self._gets_through = gets_through
        self.marks: list[str] = []

    async def mark(self, key: RecordKey, column: str, text: str) -> None:
        self.marks.append(text)
        self._twin.crm.edit(key, **{column: text})
        self._twin.clock.advance(timedelta(seconds=2))
        if self._gets_through:
            await self._twin.sync(key)


def trip_of(twin: ConnectorTwin, key: RecordKey | None, column: str = "firstname", **marked: bool) -> RoundTrip:
    async def sleep(seconds: float) -> None:
        twin.clock.advance(timedelta(seconds=seconds))

    return RoundTrip(
        marked=Marked(twin, **marked),
        platform=twin.platform,
        ledger=twin.ledger,
        mapping=twin.rules.mapping,
        store=twin.store,
        clock=twin.clock,
        environment="test",
        record=key,
        column=column,
        sleep=sleep,
    )


async def test_the_time_from_the_write_until_spotler_has_it_is_measured(heard: Telemetry) -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    measure = trip_of(twin, ann)

    first = await measure.measure()
    second = await measure.measure()

    assert first is not None
    assert second is not None
    assert (first.seconds, second.seconds) == (2.0, 2.0)
    assert await measure.trips(timedelta(days=1)) == [first, second]
    assert heard.values(ROUND_TRIP)[-1] == 2.0
    assert twin.contact_of("ann@example.com").values["firstName"].startswith("Spotler Connector 20")


@pytest.mark.parametrize("is_away", [False, True])
async def test_a_mark_that_does_not_arrive_has_no_time_and_raises_the_alarm(heard: Telemetry, *, is_away: bool) -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    if is_away:
        twin.platform.broken["contact"] = TransientError("Spotler is away")

    trip = await trip_of(twin, ann, gets_through=False).measure()

    assert trip is not None
    assert trip.seconds is None
    assert heard.values(ROUND_TRIP) == [90]


async def test_without_a_record_nothing_is_written_or_read() -> None:
    twin = ConnectorTwin()

    assert await trip_of(twin, None).measure() is None
    assert not twin.store.documents


async def test_a_column_that_the_mapping_does_not_send_is_refused_before_anything_is_written() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    measure = trip_of(twin, ann, "lastname")

    with pytest.raises(ConfigurationError, match="ROUND_TRIP_COLUMN is lastname"):
        await measure.measure()

    assert measure.marked.marks == []  # type: ignore[attr-defined]  # of the twin


async def test_measurements_are_kept_for_a_month() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(PersonTable.CONTACT, **person())
    measure = trip_of(twin, ann)
    await measure.measure()
    twin.clock.advance(timedelta(days=33))
    await measure.tidy()

    assert await measure.trips(timedelta(days=60)) == []

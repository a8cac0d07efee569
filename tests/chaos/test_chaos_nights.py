"""Days and nights over twins: clocks that change, subscribers who break the connector, lists of Spotler that repeat."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.composition.settings import Settings
from shared.domain.mapping.reading import DO_NOT_BULK_EMAIL
from shared.domain.records.records import RecordKey
from shared.errors import ConnectorError, TransientError
from shared.local.functions_host.schedule import parse_schedule
from tests.connector_twin import ConnectorTwin, person
from tests.contract.clocks import ManualClock
from tests.examples import thinned
from tests.histories.twin_world import POISON, TwinImport, TwinWorld
from tests.unit.inbound.two_way.exchanging import two_way, value

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
QUARTER = timedelta(minutes=15)
_PEOPLE = 60


class _Skewed(ManualClock):
    """A clock that differs from another one."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.clock = clock
        self.by = timedelta()

    def now(self) -> datetime:
        return self.clock.now() + self.by


class _Days:
    """A connector that runs by its default schedules, in Amsterdam."""

    def __init__(self, begin: datetime, *, days: int) -> None:
        self.twin = ConnectorTwin(two_way(), clock=ManualClock(begin), days=days)
        self.spotler = _Skewed(self.twin.clock)
        self.twin.platform.clock = self.spotler
        self.twin.platform.page_size = 10
        self.night = parse_schedule(Settings.model_fields["reconcile_schedule"].default)
        self.nights = 0
        self.failures: list[ConnectorError] = []
        self.cursors: list[datetime] = []

    async def begin(self) -> list[RecordKey]:
        keys = [self.twin.crm.create(**person(emailaddress1=f"p{one}@example.com")) for one in range(_PEOPLE)]
        await self.twin.sync(*keys)
        await self.twin.poll()
        world = TwinWorld.__new__(TwinWorld)
        world.twin = self.twin
        self.hosts = TwinImport(world, lambda _: None)
        self.twin.new_subscribers = self.hosts  # type: ignore[assignment]
        self.twin.worker = self.twin.start_worker()
        return keys

    async def pass_quarter(self) -> None:
        """A quarter of an hour, with its poll and, if its time has come, the night."""
        local = self.twin.clock.now().astimezone(AMSTERDAM).replace(tzinfo=UTC)
        self.twin.clock.advance(QUARTER)
        later = self.twin.clock.now().astimezone(AMSTERDAM).replace(tzinfo=UTC)
        if local < self.night.next_after(local) <= later:
            self.nights += 1
            await self.twin.reconciliation.begin()
        with contextlib.suppress(ConnectorError):
            try:
                await self.twin.poller.poll()
            except ConnectorError as error:
                self.failures.append(error)
                raise
        await self.twin.quiet()
        until = await self.twin.poller.cursor()
        assert until is not None
        self.cursors.append(until)


@pytest.mark.parametrize(
    "begin",
    thinned(
        [
            datetime(2026, 10, 23, 10, tzinfo=UTC),  # clocks go back on the 25th
            datetime(2027, 3, 26, 10, tzinfo=UTC),  # and forward on the 28th
        ]
    ),
)
async def test_days_on_which_everything_odd_happens(begin: datetime) -> None:
    days = _Days(begin, days=3)
    keys = await days.begin()
    twin = days.twin
    edited: dict[RecordKey, str] = {}
    for quarter in range(5 * 24 * 4):
        days.spotler.by = timedelta(seconds=(quarter * 37) % 240 - 120)
        if quarter % 16 == 3:
            twin.platform.sign_up(f"{POISON}{quarter}@example.com")
        if quarter % 20 == 7:
            twin.platform.repeated_cursors = 1
            for number in range(30):
                twin.platform.touch(twin.contact_of(f"p{number}@example.com"))
        if quarter % 24 == 5:  # no feed of changes ever shows it
            key = keys[quarter // 24]
            city = edited[key] = f"City{quarter}"
            twin.contact_of(f"p{quarter // 24}@example.com").values["city"] = city
        if quarter % 50 == 11:
            number = 59 - quarter // 50
            twin.platform.opt_out(twin.contact_of(f"p{number}@example.com"))
            await days.pass_quarter()
            if twin.platform.repeated_cursors == 0:
                await days.pass_quarter()
            assert twin.crm.people[keys[number]].values[DO_NOT_BULK_EMAIL], (
                "an opt-out is written back with the next polls"
            )
        await days.pass_quarter()
    for _ in range(4 * 24 * 4):
        await days.pass_quarter()

    assert days.nights == (twin.clock.now().astimezone(AMSTERDAM).date() - begin.date()).days
    assert days.cursors == sorted(days.cursors), "the cursor moved back"
    assert all(isinstance(one, TransientError) for one in days.failures)
    assert {key: value(twin, key, "address1_city") for key in edited} == edited
    poisons = {one.encrypted_id for one in twin.platform.contacts if one.email.startswith(POISON)}
    assert poisons == days.hosts.refused
    assert twin.queue.dead == []

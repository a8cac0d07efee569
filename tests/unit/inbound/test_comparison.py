"""INI-04, C-05: a comparison from a moment on runs independently of the poll."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.domain.features.subscriber_import import ImportResult
from shared.domain.mapping.reading import DO_NOT_BULK_EMAIL
from shared.domain.records.marketing_contact import MarketingContact
from shared.domain.records.records import RecordKey
from shared.domain.values.moments import EARLIEST
from shared.errors import ConfigurationError, TransientError
from shared.ports.queue import QueueName
from tests.connector_twin import ConnectorTwin, TwinSubscriberRecords
from tests.twins import CrashError
from tests.unit.inbound.comparing import DAY, bound, calls, one_step, unseen
from tests.unit.inbound.two_way.exchanging import two_way, value


async def test_a_fresh_opt_out_is_written_back_by_the_next_poll_while_the_past_is_compared() -> None:
    twin = ConnectorTwin()
    ann, *_ = await bound(twin, 3)
    before = await twin.poller.cursor()
    await twin.comparison.since(twin.clock.now() - 300 * DAY)
    twin.platform.opt_out(twin.contact_of("p0@example.com"))

    assert await twin.poller.cursor() == before
    polled = await twin.poller.poll()  # nothing of the comparison has been delivered yet

    assert twin.crm.people[ann].values[DO_NOT_BULK_EMAIL]
    assert polled.until == twin.clock.now()
    assert (await twin.comparison.state())["since"]["finished"] is None
    await twin.quiet()
    assert (await twin.comparison.state())["since"]["finished"] is not None
    assert await twin.poller.cursor() == polled.until


async def test_a_change_that_the_polls_missed_is_written_back() -> None:
    twin = ConnectorTwin(two_way())
    ann, *_ = await bound(twin, 2)
    changed = twin.clock.now() - 100 * DAY
    unseen(twin.contact_of("p0@example.com"), city="Gouda")
    twin.contact_of("p0@example.com").last_changed = changed

    await twin.comparison.since(changed - DAY)
    await twin.quiet()

    assert value(twin, ann, "address1_city") == "Gouda"
    assert (await twin.comparison.state())["since"]["found"] == {"fields-differ": 1}


async def test_years_without_a_change_cost_a_few_calls() -> None:
    twin = ConnectorTwin()
    await bound(twin, 3)
    before = calls(twin)

    await twin.comparison.since(EARLIEST)
    await twin.quiet()

    assert calls(twin) - before < 10


@pytest.mark.parametrize("is_ordered", [pytest.param(True, marks=pytest.mark.slow), False])
async def test_a_span_with_very_many_changes_is_compared_in_parts(
    is_ordered: bool,  # noqa: FBT001  # a parameter of the test
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each part is a message: a message that holds too much would outlive its lock."""
    twin = ConnectorTwin()
    begun = twin.clock.now()
    for number in range(4_500):
        twin.clock.advance(timedelta(seconds=number % 3))
        twin.platform.sign_up(f"s{number}@example.com", external_id=str(uuid4()))
    twin.clock.advance(DAY)
    feed, largest = twin.platform.updated_contacts, 0

    async def counted(start: datetime, end: datetime) -> AsyncIterator[Sequence[MarketingContact]]:
        nonlocal largest
        contacts = [one async for page in feed(start, end) for one in page]
        read = 0
        for first in range(0, len(contacts), 100):
            page = contacts[first : first + 100]
            read += len(page)
            largest = max(largest, read)
            yield page if is_ordered else [*page[50:], *page[:50]]

    monkeypatch.setattr(twin.platform, "updated_contacts", counted)
    await twin.comparison.since(begun - DAY)
    await twin.quiet()

    told = (await twin.comparison.state())["since"]
    assert told["finished"]
    assert told["contacts"] >= 4_500
    assert told["found"]["unknown-to-dataverse"] == told["contacts"]
    assert largest <= 2_100


async def test_a_comparison_continues_after_a_restart() -> None:
    twin = ConnectorTwin(two_way())
    keys = await bound(twin, 3)
    for number in range(3):
        unseen(twin.contact_of(f"p{number}@example.com"), city="Gouda")
    await twin.comparison.since(twin.clock.now() - 30 * DAY)
    for step in range(60):  # a worker dies at every step, until none does
        twin.faults.plan(step, CrashError())

    await twin.quiet()

    assert {value(twin, key, "address1_city") for key in keys} == {"Gouda"}
    assert (await twin.comparison.state())["since"]["finished"]


async def test_a_step_that_is_delivered_twice_at_once_dead_letters_no_contact() -> None:
    twin = ConnectorTwin(two_way())
    keys = await bound(twin, 3)
    for number in range(3):
        unseen(twin.contact_of(f"p{number}@example.com"), city="Gouda")
    await twin.comparison.since(twin.clock.now() - 30 * DAY)
    twin.faults.interleaves = True
    while twin.queue.waiting:
        await asyncio.gather(one_step(twin), one_step(twin))
        twin.clock.advance(timedelta(seconds=5))

    assert {value(twin, key, "address1_city") for key in keys} == {"Gouda"}
    assert not twin.queue.dead


async def test_while_spotler_is_out_of_reach_it_waits() -> None:
    twin = ConnectorTwin(two_way())
    ann, *_ = await bound(twin, 1)
    unseen(twin.contact_of("p0@example.com"), city="Gouda")
    await twin.comparison.since(twin.clock.now() - 30 * DAY)
    twin.platform.broken["updates"] = TransientError("down")
    await one_step(twin)
    twin.platform.broken.clear()

    await twin.quiet()

    assert value(twin, ann, "address1_city") == "Gouda"


async def test_a_second_comparison_replaces_the_first_and_includes_its_rest() -> None:
    twin = ConnectorTwin(two_way())
    ann, *_ = await bound(twin, 1)
    unseen(twin.contact_of("p0@example.com"), city="Gouda")
    first = await twin.comparison.since(twin.clock.now() - 30 * DAY)
    second = await twin.comparison.since(twin.clock.now() - timedelta(minutes=1))

    await twin.quiet()

    assert second.since == first.since
    assert value(twin, ann, "address1_city") == "Gouda"
    assert twin.queue.waiting == []


async def test_new_subscribers_of_that_time_are_imported() -> None:
    twin = ConnectorTwin()
    twin.platform.sign_up("new@example.com")
    twin.clock.advance(30 * DAY)
    await twin.poll()
    assert twin.new_subscribers.seen == []

    await twin.comparison.since(twin.clock.now() - 60 * DAY)
    await twin.quiet()

    assert [one.properties["email"] for one in twin.new_subscribers.seen] == ["new@example.com"]


async def test_while_the_environment_is_off_nothing_is_compared() -> None:
    twin = ConnectorTwin(two_way())
    await bound(twin, 1)
    before = calls(twin)
    twin.rules = twin.rules.__class__(twin.rules.mapping, twin.rules.fingerprints, environment_is_on=False)
    twin.worker = twin.start_worker()

    await twin.comparison.since(twin.clock.now() - 30 * DAY)
    await twin.quiet()

    assert calls(twin) == before


async def test_new_subscribers_of_that_time_that_cannot_be_imported_follow_later_and_others_do_not_wait() -> None:
    twin = ConnectorTwin(two_way())
    ann, *_ = await bound(twin, 1)
    twin.platform.sign_up("new@example.com").last_changed = twin.clock.now() - 60 * DAY
    unseen(twin.contact_of("p0@example.com"), city="Gouda")

    class _Closed(TwinSubscriberRecords):
        is_closed = True

        async def import_page(
            self, contacts: Sequence[MarketingContact], *, correlation: str
        ) -> Sequence[ImportResult]:
            if self.is_closed:
                raise ConfigurationError("SYNC_TABLES does not have lead")
            return await super().import_page(contacts, correlation=correlation)

    hosts = twin.new_subscribers = _Closed()
    twin.worker = twin.start_worker()
    await twin.comparison.since(twin.clock.now() - 90 * DAY)
    await twin.quiet()

    assert value(twin, ann, "address1_city") == "Gouda"
    assert (await twin.comparison.state())["since"]["finished"]
    with pytest.raises(ConfigurationError):
        await twin.poll()
    hosts.is_closed = False
    await twin.poll()
    assert [one.properties["email"] for one in hosts.seen] == ["new@example.com"]


@pytest.mark.parametrize("is_ordered", [pytest.param(True, marks=pytest.mark.slow), False])
async def test_a_window_whose_handling_takes_too_long_is_handled_in_parts(
    is_ordered: bool,  # noqa: FBT001  # a parameter of the test
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A function has five minutes, and messages are locked for as long."""
    twin = ConnectorTwin(two_way())
    await bound(twin, 1)
    for number in range(1_000):
        contact = twin.platform.sign_up(f"s{number}@example.com", external_id=str(uuid4()))
        contact.last_changed = twin.clock.now() - 50 * DAY + timedelta(minutes=number)
    feed = twin.platform.updated_contacts
    read_people = twin.crm.read_people

    async def unordered(start: datetime, end: datetime) -> AsyncIterator[Sequence[MarketingContact]]:
        async for page in feed(start, end):
            yield page if is_ordered else [*page[50:], *page[:50]]

    async def slow(keys: Sequence[RecordKey]) -> Any:
        twin.clock.advance(timedelta(seconds=40))
        return await read_people(keys)

    monkeypatch.setattr(twin.platform, "updated_contacts", unordered)
    monkeypatch.setattr(twin.crm, "read_people", slow)
    await twin.comparison.since(twin.clock.now() - 60 * DAY)
    longest = timedelta()
    while any(one.lane is QueueName.BULK for one in twin.queue.due()):
        before = twin.clock.now()
        await one_step(twin)
        longest = max(longest, twin.clock.now() - before)

    assert longest < timedelta(minutes=4)
    assert (await twin.comparison.state())["since"]["contacts"] >= 1_000

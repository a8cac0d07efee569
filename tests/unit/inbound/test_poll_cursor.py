"""The cursor of the poll: one poll at a time, never ahead of the clock, and health reports when it stands (C-12)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import pytest

from shared.domain.mapping.reading import DO_NOT_BULK_EMAIL
from shared.domain.records.marketing_contact import MarketingContact
from shared.domain.records.records import RecordKey, SyncStatus
from shared.errors import ConflictError, TransientError
from shared.inbound.page_counts import ChangeKind
from shared.inbound.poll_cursor import PollCursor
from tests.connector_twin import ConnectorTwin, person
from tests.twins import CrashError
from tests.unit.inbound.two_way.exchanging import two_way, value

HOUR = timedelta(hours=1)


async def started(count: int = 1) -> tuple[ConnectorTwin, list[RecordKey]]:
    twin = ConnectorTwin(two_way())
    keys = [twin.crm.create(**person(emailaddress1=f"p{number}@example.com")) for number in range(count)]
    await twin.sync(*keys)
    await twin.poll()
    twin.clock.advance(HOUR)
    await twin.poll()
    return twin, keys


def cursor(twin: ConnectorTwin) -> PollCursor:
    return PollCursor(twin.store, "test", "contacts")


# -------------------------------------------------------------------------------------------------- one poll at a time


async def test_of_two_polls_at_once_one_works_and_the_other_one_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    twin, _ = await started()
    twin.platform.touch(twin.contact_of("p0@example.com"))
    feed = twin.platform.updated_contacts

    async def slow(start: datetime, end: datetime) -> AsyncIterator[Sequence[MarketingContact]]:
        async for page in feed(start, end):
            for _ in range(20):
                await asyncio.sleep(0)
            yield page

    monkeypatch.setattr(twin.platform, "updated_contacts", slow)
    reads = twin.crm.calls["read_people"]

    ends = await asyncio.gather(twin.poller.poll(), twin.poller.poll(), return_exceptions=True)

    assert [type(one) for one in ends if isinstance(one, Exception)] == [ConflictError]
    assert twin.crm.calls["read_people"] == reads, "the other one took it for a poll that had died"
    assert await twin.poller.cursor() == twin.clock.now()


async def test_two_very_first_polls_at_once_leave_one_cursor() -> None:
    twin = ConnectorTwin()

    ends = await asyncio.gather(*(twin.poller.poll() for _ in range(3)), return_exceptions=True)

    assert sum(isinstance(one, ConflictError) for one in ends) < 3
    assert await twin.poller.cursor() == twin.clock.now()


async def test_a_poll_that_died_keeps_others_away_no_longer_than_its_claims() -> None:
    twin, (ann,) = await started()
    twin.platform.edit(twin.contact_of("p0@example.com"), city="Gouda")
    twin.faults.plan(6, CrashError())
    with pytest.raises(CrashError):
        await twin.poller.poll()
    twin.worker = twin.start_worker()
    with pytest.raises(ConflictError):
        await twin.poller.poll()
    twin.clock.advance(twin.claim_time + timedelta(seconds=1))

    await twin.poller.poll()
    await twin.quiet()

    assert value(twin, ann, "address1_city") == "Gouda"


async def test_a_poll_that_failed_lets_the_next_one_begin_at_once() -> None:
    twin, _ = await started()
    twin.platform.broken["updates"] = TransientError("down")
    twin.platform.touch(twin.contact_of("p0@example.com"))
    with pytest.raises(TransientError):
        await twin.poller.poll()
    twin.platform.broken.clear()

    assert (await twin.poller.poll()).until == twin.clock.now()


# -------------------------------------------------------------------------------------------------------------- echoes


async def test_after_a_page_that_failed_the_pages_before_it_still_count_as_echoes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin, keys = await started(150)
    for contact in twin.platform.contacts:
        twin.platform.touch(contact)
    feed, fails = twin.platform.updated_contacts, True

    async def breaks_off(start: datetime, end: datetime) -> AsyncIterator[Sequence[MarketingContact]]:
        async for page in feed(start, end):
            yield page
            if fails:
                raise TransientError("down")

    monkeypatch.setattr(twin.platform, "updated_contacts", breaks_off)
    with pytest.raises(TransientError):
        await twin.poller.poll()
    fails = False

    polled = await twin.poller.poll()

    assert polled.seen == {ChangeKind.ECHO: len(keys)}


@pytest.mark.parametrize("moment", range(0, 30, 3))
async def test_after_a_crash_only_the_contacts_under_way_are_handled_again(moment: int) -> None:
    """A binding saved and not reported before a crash is reported; contacts without changes are echoes."""
    twin, keys = await started(30)
    changed = twin.contact_of("p7@example.com")
    twin.platform.edit(changed, city="Gouda")
    for contact in twin.platform.contacts:
        twin.platform.touch(contact)
    twin.faults.plan(moment, CrashError())
    try:
        await twin.poller.poll()
    except CrashError:
        twin.faults.planned.clear()
        twin.worker = twin.start_worker()
        twin.clock.advance(twin.claim_time + timedelta(seconds=1))
        polled = await twin.poller.poll()
        assert polled.seen[ChangeKind.ECHO] >= 29
    await twin.quiet()

    assert value(twin, keys[7], "address1_city") == "Gouda"
    assert twin.status_of(keys[7])[0] is SyncStatus.SUCCEEDED


async def test_a_window_under_way_of_an_earlier_version_is_handled_in_full() -> None:
    twin, _ = await started()
    (key,) = [one for one in twin.store.documents if one.row == "contacts"]
    document = twin.store.documents[key]
    body = {"until": document.body["until"], "seconds": 3600.0, "open": True}
    twin.store.documents[key] = document.__class__(key, body, document.etag)
    twin.platform.touch(twin.contact_of("p0@example.com"))

    polled = await twin.poll()

    assert polled.seen == {ChangeKind.CHANGED: 1}
    twin.platform.touch(twin.contact_of("p0@example.com"))
    assert (await twin.poll()).seen == {ChangeKind.ECHO: 1}


# ------------------------------------------------------------------------------------------------------------ reading


async def test_contacts_that_leave_the_window_while_it_is_handled_do_not_hide_those_behind_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Cursors may be offsets: a contact that is written to has changed a moment later, and the pages behind move up."""
    twin, keys = await started(250)

    async def by_offset(start: datetime, end: datetime) -> AsyncIterator[Sequence[MarketingContact]]:
        first = 0
        while True:
            changed = [one for one in twin.platform.contacts if one.last_changed and start <= one.last_changed <= end]
            changed.sort(key=lambda one: (one.last_changed, one.encrypted_id))
            if first >= len(changed):
                return
            yield [one.seen(twin.platform.catalogue) for one in changed[first : first + 100]]
            first += 100

    monkeypatch.setattr(twin.platform, "updated_contacts", by_offset)
    for key in keys:
        twin.crm.edit(key, firstname="Anna")  # no event: the poll writes it to Spotler
    for contact in twin.platform.contacts:
        twin.platform.edit(contact, city="Gouda")
    begun = twin.clock.now()
    writes = twin.platform.before_write
    twin.platform.before_write = lambda: (writes(), twin.clock.advance(timedelta(seconds=1)))[0]

    await twin.poller.poll()

    assert twin.clock.now() > begun
    assert {value(twin, key, "address1_city") for key in keys} == {"Gouda"}


async def test_after_a_month_of_standstill_empty_windows_are_joined() -> None:
    twin, (ann,) = await started()
    twin.clock.advance(timedelta(days=45))
    twin.platform.opt_out(twin.contact_of("p0@example.com"))
    before = sum(twin.platform.calls.values())

    polled = await twin.poller.poll()

    assert polled.until == twin.clock.now()
    assert twin.crm.people[ann].values[DO_NOT_BULK_EMAIL]
    assert sum(twin.platform.calls.values()) - before < 40


# -------------------------------------------------------------------------------------------------------- the clock


async def test_a_cursor_ahead_of_the_clock_heals_and_nothing_is_lost() -> None:
    twin, (ann,) = await started()
    stood = await twin.poller.cursor()
    await cursor(twin).start_over(datetime.fromisoformat("2062-11-01T00:00:00+00:00"))
    assert not (await twin.poller.state())["ok"]
    twin.platform.opt_out(twin.contact_of("p0@example.com"))
    twin.clock.advance(timedelta(minutes=30))

    polled = await twin.poller.poll()

    assert twin.crm.people[ann].values[DO_NOT_BULK_EMAIL]
    assert stood is not None
    assert polled.until == twin.clock.now()
    assert (await twin.poller.state())["ok"]


async def test_records_are_written_although_the_cursor_is_ahead_of_the_clock() -> None:
    """Before a batch is written, changes since the cursor are read."""
    twin, keys = await started(10)
    calls = twin.platform.calls["upsert"]
    await cursor(twin).start_over(datetime.fromisoformat("2062-11-01T00:00:00+00:00"))
    for key in keys:
        twin.crm.edit(key, firstname="Anna")

    await twin.sync(*keys)

    assert {one.values["firstName"] for one in twin.platform.contacts} == {"Anna"}
    assert twin.platform.calls["upsert"] == calls + 1, "the batch broke, and was halved"


async def test_a_clock_that_is_a_little_behind_never_moves_the_cursor_back() -> None:
    twin, (ann,) = await started()
    ahead = twin.clock.now() + timedelta(seconds=40)
    await cursor(twin).start_over(ahead)
    twin.platform.opt_out(twin.contact_of("p0@example.com"))

    await twin.poller.poll()

    assert await twin.poller.cursor() == ahead
    assert twin.crm.people[ann].values[DO_NOT_BULK_EMAIL]


# -------------------------------------------------------------------------------------------------------------- health


async def test_health_is_red_when_polls_do_not_move_the_cursor() -> None:
    twin, _ = await started()
    twin.platform.broken["bounces"] = TransientError("down")
    for _ in range(5):
        assert (await twin.poller.state())["ok"]
        with pytest.raises(TransientError):
            await twin.poll()
    twin.clock.advance(timedelta(minutes=15))

    told = await twin.poller.state()

    assert not told["ok"]
    assert "POST /api/poll reports why" in told["cause"]
    twin.platform.broken.clear()
    await twin.poll()
    assert (await twin.poller.state())["ok"]


async def test_health_is_red_when_no_poll_begins_for_more_than_a_day() -> None:
    twin, _ = await started()
    twin.clock.advance(timedelta(hours=25))
    assert (await twin.poller.state())["ok"]
    twin.clock.advance(timedelta(hours=2))

    assert "poll_spotler" in (await twin.poller.state())["cause"]


async def test_before_the_first_poll_health_is_not_red() -> None:
    assert (await ConnectorTwin().poller.state())["ok"]


async def test_the_time_of_known_bounces_never_moves_back() -> None:
    """Opt-outs that are handled meanwhile would look like bounces."""
    twin, _ = await started()
    known = await twin.bounces.are_known_until()

    await twin.comparison.since(twin.clock.now() - timedelta(days=90))
    await twin.reconciliation.begin()
    await twin.quiet()
    await twin.bounces.known_until(twin.clock.now() - timedelta(days=30))

    assert known is not None
    assert await twin.bounces.are_known_until() == known

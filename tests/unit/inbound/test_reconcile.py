"""C-05: a change without an event is found the following night, counted and corrected."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import TransientError
from shared.inbound.poll_cursor import PollCursor
from tests.connector_twin import ConnectorTwin, person, rules
from tests.twins import CrashError
from tests.unit.inbound.two_way.exchanging import two_way, value


async def bound(count: int, twin: ConnectorTwin) -> list[RecordKey]:
    """Create so many records with a contact."""
    keys = [twin.crm.create(**person(emailaddress1=f"p{number}@example.com")) for number in range(count)]
    await twin.sync(*keys)
    twin.clock.advance(timedelta(days=1))
    return keys


async def night(twin: ConnectorTwin) -> dict[str, Any]:
    """Reconcile; returns what health reports about contacts."""
    await twin.reconciliation.begin()
    await twin.quiet()
    contacts: dict[str, Any] = (await twin.reconciliation.state())["contact"]
    return contacts


async def test_a_night_on_which_all_agree_writes_nothing() -> None:
    twin = ConnectorTwin(two_way())
    await bound(3, twin)
    writes = len(twin.platform.writes)

    told = await night(twin)

    assert (told["lookedAt"], told["differed"], told["gone"], told["held"]) == (3, 0, 0, False)
    assert told["finished"]
    assert len(twin.platform.writes) == writes


async def test_a_save_without_an_event_is_found_and_counted() -> None:
    twin = ConnectorTwin(two_way())
    ann, *_ = await bound(3, twin)
    twin.crm.edit(ann, firstname="Anna")

    told = await night(twin)

    assert twin.contact_of("p0@example.com").values["firstName"] == "Anna"
    assert (told["lookedAt"], told["differed"]) == (3, 1)
    assert (await night(twin))["differed"] == 0


async def test_a_record_without_an_event_is_sent_to_spotler() -> None:
    twin = ConnectorTwin(two_way())
    twin.crm.create(**person())

    assert (await night(twin))["differed"] == 1
    assert twin.contact_of("ann@example.com").values["firstName"] == "Ann"


async def test_a_deletion_without_an_event_has_its_effect() -> None:
    twin = ConnectorTwin(two_way())
    ann, _ = await bound(2, twin)
    twin.crm.delete(ann)

    told = await night(twin)

    assert told["gone"] == 1
    assert twin.platform.having("p0@example.com") == []
    assert len(twin.platform.having("p1@example.com")) == 1
    twin.clock.advance(timedelta(days=1))
    assert (await night(twin))["gone"] == 0


async def test_a_table_that_seems_empty_erases_no_contact() -> None:
    twin = ConnectorTwin(two_way(), missing_limit=2)
    for key in await bound(3, twin):
        twin.crm.delete(key)

    told = await night(twin)

    assert (told["gone"], told["held"]) == (3, True)
    assert len(twin.platform.having("p0@example.com")) == 1


async def test_a_change_in_spotler_that_polls_missed_is_written_back() -> None:
    twin = ConnectorTwin(two_way())
    ann, *_ = await bound(1, twin)
    twin.platform.edit(twin.contact_of("p0@example.com"), city="Gouda")
    twin.clock.advance(timedelta(hours=20))
    await PollCursor(twin.store, "test", "contacts").start_over(twin.clock.now())  # the polls missed the change

    await night(twin)

    assert value(twin, ann, "address1_city") == "Gouda"


async def test_a_page_that_is_handled_twice_is_counted_once() -> None:
    twin = ConnectorTwin(two_way())
    ann, *_ = await bound(2, twin)
    twin.crm.edit(ann, firstname="Anna")
    await twin.reconciliation.begin()
    for step in range(40):  # a worker dies at every step of the page, until none does
        twin.faults.plan(step, CrashError())
    await twin.quiet()

    told = (await twin.reconciliation.state())["contact"]

    assert told["lookedAt"] == 2
    assert told["finished"]
    assert twin.contact_of("p0@example.com").values["firstName"] == "Anna"


async def test_a_page_that_cannot_be_read_is_tried_later() -> None:
    twin = ConnectorTwin(two_way())
    await bound(2, twin)
    await twin.reconciliation.begin()
    twin.crm.broken["people_page"] = TransientError("down")
    (first, *_) = twin.queue.due()
    await twin.receive([first])
    twin.crm.broken.clear()

    await twin.quiet()

    assert all(told["finished"] for told in (await twin.reconciliation.state()).values())


async def test_while_the_environment_is_off_nothing_is_compared() -> None:
    twin = ConnectorTwin(replace(rules(), environment_is_on=False))

    await twin.reconciliation.begin()

    assert twin.queue.waiting == []
    assert await twin.reconciliation.state() == {}


async def test_tables_that_are_not_enabled_are_left_out() -> None:
    twin = ConnectorTwin(rules(enabled_tables=frozenset({PersonTable.LEAD})))

    await twin.reconciliation.begin()
    await twin.quiet()

    assert set(await twin.reconciliation.state()) == {"lead"}

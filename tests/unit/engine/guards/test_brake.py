"""The brake on mass changes: very many erasures at once are held until an administrator releases them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.planning.binding import MassChange
from shared.domain.records.records import Intent, Reference, SyncStatus, Why
from shared.engine.bindings.binding_documents import read_binding, write_binding
from shared.errors import TransientError
from shared.ports.queue import QueueName
from shared.ports.state import DocumentKey, Put
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person, rules
from tests.twins import CrashError
from tests.unit.engine.guards.brake_acts import (
    FAILED,
    LIMIT,
    crowd,
    deactivate,
    ended,
    erasures,
    held,
    night,
    resync,
)

# ----------------------------------------------------------------------------------------------------------- the limit


async def test_beyond_the_limit_erasures_are_held_and_the_record_says_so() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)

    people = await ended(twin, 5)

    assert len(twin.platform.erased) == LIMIT
    assert len(twin.platform.contacts) == 2
    assert len(held(twin, people)) == 2
    assert twin.claims() == []
    state = await erasures(twin)
    assert (state["limit"], state["counted"], state["held"], state["releasedUntil"]) == (LIMIT, LIMIT, 2, None)
    assert state["heldSince"] is not None


async def test_records_that_change_and_do_not_end_pass_meanwhile() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, 6)
    deactivate(twin, *people[:5])
    twin.crm.edit(people[5], firstname="Anna")

    await twin.sync(*people)

    assert twin.contact_of("person5@example.com").values["firstName"] == "Anna"


async def test_the_window_slides() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, 6)
    twin.clock.advance(timedelta(minutes=59 - twin.clock.now().minute))  # the last minute of a clock hour
    deactivate(twin, *people)
    await twin.sync(*people[:3])
    twin.clock.advance(timedelta(minutes=2))

    await twin.sync(*people[3:])

    assert len(twin.platform.erased) == LIMIT


async def test_erasures_of_more_than_an_hour_ago_count_no_longer() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, 6)
    deactivate(twin, *people[:3])
    await twin.sync(*people[:3])
    twin.clock.advance(timedelta(minutes=62))
    deactivate(twin, *people[3:])

    await twin.sync(*people[3:])

    assert len(twin.platform.erased) == 6


async def test_a_repeated_erasure_is_counted_once() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, 4)
    deactivate(twin, *people)
    twin.platform.broken["anonymize"] = TransientError("down")
    await twin.look(people[0])
    await twin.look(people[0])
    await twin.look(people[0])
    twin.platform.broken.clear()

    await twin.sync(*people[:3])

    assert len(twin.platform.erased) == 3


async def test_an_erasure_that_a_job_was_admitted_for_is_not_held_again() -> None:
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


async def test_the_count_is_one_document_of_at_most_the_limit() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, 8)
    for number, key in enumerate(people):
        deactivate(twin, key)
        await twin.sync(key)
        twin.clock.advance(timedelta(minutes=25 + number))

    windows = [one for one in twin.store.documents.values() if one.key.row.startswith("window-")]
    assert [len(one.body["counted"]) <= LIMIT for one in windows] == [True]


async def test_counters_of_older_versions_are_removed_at_night() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    await twin.store.write([Put(DocumentKey("test-brake", "2025-12-31T23"), {"count": 3})])

    await night(twin)

    assert [key.row for key in twin.store.documents if key.row.startswith("2025-")] == []


# --------------------------------------------------------------------------------- a hold outlives whoever looks again


@pytest.mark.parametrize("again", [night, resync])
async def test_a_held_record_is_not_erased_by_a_walk(again: Any) -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await ended(twin, 8)

    for _ in range(3):
        twin.clock.advance(timedelta(hours=5))
        await again(twin)

    assert len(twin.platform.erased) == LIMIT
    assert len(held(twin, people)) == 5
    assert (await erasures(twin))["held"] == 5


async def test_a_held_record_is_not_erased_by_another_save() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await ended(twin, 5)
    twin.clock.advance(timedelta(hours=2))

    await twin.sync(*people)

    assert len(twin.platform.erased) == LIMIT


async def test_a_hold_is_told_once_and_makes_no_dead_letters() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await ended(twin, 5)
    await twin.sync(*people)  # what was erased has no contact any more, which is told as well
    reports = twin.crm.calls["status written"]

    await night(twin)
    await resync(twin)
    await twin.sync(*people)

    assert twin.crm.calls["status written"] == reports
    assert twin.queue.dead == []


async def test_a_held_record_that_is_deleted_meanwhile_stays_held() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await ended(twin, 5)
    for key in held(twin, people):
        twin.crm.delete(key)

    await night(twin)

    assert len(twin.platform.erased) == LIMIT


async def test_a_record_that_is_entered_anew_takes_over_a_held_contact() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    twin.crm.clock = twin.clock
    people = await crowd(twin, 4)
    for key in people:
        twin.crm.delete(key)
    await twin.sync(*people)
    (contact,) = twin.platform.contacts
    twin.clock.advance(timedelta(minutes=1))

    again = twin.crm.create(**person(emailaddress1=contact.email))
    await twin.sync(again)
    await night(twin)

    assert len(twin.platform.erased) == LIMIT
    assert twin.platform.contacts == [contact]
    assert (await erasures(twin))["held"] == 0


async def test_a_record_that_lives_again_loses_its_hold() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await ended(twin, 4)
    (waiting,) = held(twin, people)
    twin.crm.edit(waiting, statecode=0, firstname="Anna")
    await twin.sync(waiting)

    assert twin.status_of(waiting)[0] == SyncStatus.SUCCEEDED
    assert (await erasures(twin))["held"] == 0
    twin.clock.advance(timedelta(hours=2))
    deactivate(twin, waiting)
    await twin.sync(waiting)
    assert len(twin.platform.erased) == 4


async def test_a_hold_survives_a_worker_that_dies_anywhere() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, 6)
    deactivate(twin, *people)
    await twin.lanes.send_references(QueueName.LIVE, [Reference(key, Why.SAVED) for key in people])
    for step in range(60):
        twin.faults.plan(step, CrashError())

    await twin.quiet()
    await night(twin)

    assert len(twin.platform.erased) == LIMIT
    assert (await erasures(twin))["held"] == 3


async def test_synchronisation_that_is_off_for_a_while_does_not_lift_a_hold() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await ended(twin, 4)
    twin.rules, on = rules(enabled_tables=frozenset()), twin.rules
    twin.worker = twin.start_worker()
    await twin.sync(*people)
    twin.rules = on
    twin.worker = twin.start_worker()
    twin.clock.advance(timedelta(hours=2))

    await twin.sync(*people)

    assert len(twin.platform.erased) == LIMIT


# ---------------------------------------------------------------------------------------- refusals travel all the same


async def test_a_refusal_of_all_mail_switches_permissions_off_while_its_erasure_is_held() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, 5, permissions={"Newsletter": True})
    for key in people:
        twin.crm.edit(key, donotemail=True)

    await twin.sync(*people)

    assert len(twin.platform.erased) == LIMIT
    assert [contact.options[NEWSLETTER] for contact in twin.platform.contacts] == [False, False]
    assert len(held(twin, people)) == 2
    writes = len(twin.platform.writes)
    await night(twin)
    assert len(twin.platform.writes) == writes


async def test_a_permission_that_is_withdrawn_while_an_erasure_is_held_travels() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, 4, permissions={"Newsletter": True})
    deactivate(twin, *people)
    await twin.sync(*people)
    (waiting,) = held(twin, people)

    twin.crm.permit(waiting, Newsletter=False)
    await twin.look(waiting, why=Why.PERMISSION)

    assert [contact.options[NEWSLETTER] for contact in twin.platform.contacts] == [False]
    assert twin.status_of(waiting) == FAILED


# -------------------------------------------------------------------------------------------------- what is remembered


def test_a_binding_of_an_older_version_is_read_and_a_hold_is_read_back() -> None:
    since = datetime(2026, 11, 29, 12, 30, tzinfo=UTC)
    old = {"contact": "c", "live": True, "base": {}, "address": "a"}

    assert read_binding(old).held_since == {}
    held = replace(read_binding(old), held_since={MassChange.ERASURE: since})
    assert read_binding(write_binding(held)) == held

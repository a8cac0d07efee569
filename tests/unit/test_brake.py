"""The brake on mass changes: very many erasures at once are held until an administrator releases them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.core.mapping.expression import Column, Home, MapTo
from shared.core.mapping.model import Direction, MappingRow
from shared.core.mass_changes import recast_properties
from shared.core.plan import EndAction
from shared.core.records import Intent, PermissionRow, PersonTable, RecordKey, Reference, SyncStatus, Why
from shared.core.situation import MassChange
from shared.errors import TransientError
from shared.ports import DocumentKey, Put, QueueName
from shared.sync.binding_documents import read_binding, write_binding
from tests.connector_twin import MAPPING, NEWSLETTER, ConnectorTwin, person, rules
from tests.twins import CrashError

LIMIT = 3
FAILED = (SyncStatus.FAILED, "mass-erasure")


async def crowd(twin: ConnectorTwin, size: int, **values: Any) -> list[RecordKey]:
    """People whom Spotler knows."""
    keys = [twin.crm.create(**person(emailaddress1=f"person{number}@example.com", **values)) for number in range(size)]
    await twin.sync(*keys)
    return keys


def deactivate(twin: ConnectorTwin, *keys: RecordKey) -> None:
    for key in keys:
        twin.crm.edit(key, statecode=1)


async def ended(twin: ConnectorTwin, size: int) -> list[RecordKey]:
    """People who were deactivated at once, and looked at."""
    people = await crowd(twin, size)
    deactivate(twin, *people)
    await twin.sync(*people)
    return people


async def night(twin: ConnectorTwin, *, after: timedelta = timedelta(days=1)) -> None:
    twin.clock.advance(after)
    await twin.reconciliation.begin()
    await twin.quiet()


async def resync(twin: ConnectorTwin) -> None:
    await twin.resync.table(PersonTable.CONTACT, QueueName.BULK, correlation="c-2")
    await twin.quiet()


def held(twin: ConnectorTwin, people: list[RecordKey]) -> list[RecordKey]:
    return [key for key in people if twin.crm.people[key].status is not None and twin.status_of(key) == FAILED]


async def erasures(twin: ConnectorTwin) -> dict[str, Any]:
    state: dict[str, Any] = (await twin.brake.state())["erasure"]
    return state


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


async def test_what_was_held_before_a_release_is_erased_even_after_its_hours() -> None:
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


# ------------------------------------------------------------------------------------------------ ends without erasure


async def test_very_many_ends_that_only_unsubscribe_are_held_as_such() -> None:
    twin = ConnectorTwin(rules(on_inactive=EndAction.PERMISSIONS_OFF), change_limit=2)
    people = await crowd(twin, 4, permissions={"Newsletter": True})
    deactivate(twin, *people)

    await twin.sync(*people)
    await night(twin)

    assert [contact.options[NEWSLETTER] for contact in twin.platform.contacts].count(True) == 2
    assert [twin.status_of(key)[1] for key in people].count("mass-unsubscription") == 2
    await twin.release.begin([MassChange.UNSUBSCRIPTION], hours=1)
    await twin.quiet()
    assert [contact.options[NEWSLETTER] for contact in twin.platform.contacts].count(True) == 0


# ------------------------------------------------------------------------------------- permissions that nobody refuses

CHANGES = 2


async def subscribers(twin: ConnectorTwin, size: int = 5) -> list[RecordKey]:
    """People with a permission that both sides have agreed on."""
    people = await crowd(twin, size, permissions={"Newsletter": True})
    await twin.poll()
    return people


def subscribed(twin: ConnectorTwin) -> int:
    return [contact.options.get(NEWSLETTER) for contact in twin.platform.contacts].count(True)


async def remove_rows(twin: ConnectorTwin, *people: RecordKey) -> None:
    for key in people:
        twin.crm.people[key] = replace(twin.crm.people[key], permissions=())


async def test_permissions_whose_rows_are_missing_from_very_many_records_are_held() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await subscribers(twin)
    await remove_rows(twin, *people)

    await night(twin)
    await night(twin)

    assert subscribed(twin) == len(people) - CHANGES
    assert (await twin.brake.state())["unsubscription"]["held"] == 3


async def test_what_else_changes_in_such_a_record_is_sent_and_the_record_says_what_is_held() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await subscribers(twin)
    await remove_rows(twin, *people)
    await twin.sync(*people)

    for number, key in enumerate(people):
        twin.crm.edit(key, firstname=f"Anna{number}")
    await twin.sync(*people)

    assert {contact.values["firstName"] for contact in twin.platform.contacts} == {f"Anna{n}" for n in range(5)}
    told = [twin.crm.people[key].status for key in people]
    assert sum("an administrator must decide" in one.reason for one in told if one) == 3


@pytest.mark.parametrize("change", [{"emailaddress1": "no address"}, {"statecode": 1}])
async def test_missing_rows_of_records_that_are_not_sent_are_held_as_well(change: dict[str, Any]) -> None:
    twin = ConnectorTwin(rules(on_inactive=EndAction.NOTHING), change_limit=CHANGES)
    people = await subscribers(twin)
    await remove_rows(twin, *people)
    for key in people:
        twin.crm.edit(key, **change)

    for _ in range(3):
        await night(twin)

    assert subscribed(twin) == len(people) - CHANGES
    assert (await twin.brake.state())["unsubscription"]["held"] == 3


async def test_rows_that_are_there_again_lift_the_hold() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await subscribers(twin)
    records = dict(twin.crm.people)
    await remove_rows(twin, *people)
    await twin.sync(*people)
    twin.crm.people.update(records)

    await twin.sync(*people)

    assert (await twin.brake.state())["unsubscription"]["held"] == 0


async def test_missing_rows_that_are_released_switch_the_permissions_off() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await subscribers(twin)
    await remove_rows(twin, *people)
    await twin.sync(*people)

    await twin.release.begin([MassChange.UNSUBSCRIPTION], hours=1)
    await twin.quiet()

    assert subscribed(twin) == 0


async def test_a_list_that_is_kept_as_a_permission_and_is_suddenly_empty_unsubscribes_nobody_beyond_the_limit() -> None:
    rows = tuple(row for row in MAPPING.rows if row.spotler != "permissions")
    listed = MappingRow("permissions", dict.fromkeys(PersonTable, MapTo(Home.LIST)), Direction.BOTH)
    twin = ConnectorTwin(rules(mapping=replace(MAPPING, rows=(*rows, listed))), change_limit=CHANGES)
    people = await crowd(twin, 5)
    for key in people:
        twin.crm.people[key] = replace(twin.crm.people[key], lists=(PermissionRow("Newsletter", subscribed=True),))
    await twin.sync(*people)
    assert subscribed(twin) == 5
    for key in people:
        twin.crm.people[key] = replace(twin.crm.people[key], lists=(PermissionRow("Newsletter", subscribed=False),))

    await twin.sync(*people)
    await night(twin)

    assert subscribed(twin) == 3


async def test_rows_that_say_no_travel_however_many_they_are() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await subscribers(twin)
    for key in people:
        twin.crm.permit(key, Newsletter=False)

    await twin.sync(*people)

    assert subscribed(twin) == 0


async def test_do_not_bulk_email_travels_however_many_they_are() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await subscribers(twin)
    for key in people:
        twin.crm.edit(key, donotbulkemail=True)

    await twin.sync(*people)

    assert subscribed(twin) == 0


async def test_do_not_bulk_email_travels_while_missing_rows_are_held() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await subscribers(twin)
    await remove_rows(twin, *people)
    await twin.sync(*people)
    for key in people:
        twin.crm.edit(key, donotbulkemail=True)

    await twin.sync(*people)

    assert subscribed(twin) == 0
    assert (await twin.brake.state())["unsubscription"]["held"] == 0


# ------------------------------------------------------------------------------- values that a new mapping would empty


async def test_values_that_a_changed_row_of_the_mapping_empties_are_held() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await crowd(twin, 5, address1_city="Gouda")
    other = [
        replace(row, sources=dict.fromkeys(PersonTable, Column("nickname"))) if row.spotler == "city" else row
        for row in MAPPING.rows
    ]
    mapping = replace(MAPPING, rows=tuple(other))
    twin.rules = rules(mapping=mapping, recast=recast_properties(MAPPING, mapping))
    twin.worker = twin.start_worker()
    for key in people:
        twin.crm.edit(key, nickname=None)

    await resync(twin)
    await night(twin)

    assert [contact.values.get("city") for contact in twin.platform.contacts].count("Gouda") == 3
    await twin.release.begin([MassChange.BLANKING], hours=1)
    await twin.quiet()
    assert [contact.values.get("city") for contact in twin.platform.contacts].count("Gouda") == 0


async def test_values_that_users_empty_are_sent_however_many_they_are() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await crowd(twin, 5, address1_city="Gouda")
    for key in people:
        twin.crm.edit(key, address1_city=None)

    await twin.sync(*people)

    assert [contact.values.get("city") for contact in twin.platform.contacts].count("Gouda") == 0


def test_a_property_is_recast_that_another_row_or_none_fills() -> None:
    fewer = replace(MAPPING, rows=MAPPING.rows[:-1])
    commented = replace(MAPPING, rows=tuple(replace(row, comment="why") for row in MAPPING.rows))

    assert recast_properties(MAPPING, fewer) == {"permissions"}
    assert recast_properties(MAPPING, commented) == frozenset()


# -------------------------------------------------------------------------------------------------- what is remembered


def test_a_binding_of_an_older_version_is_read_and_a_hold_is_read_back() -> None:
    since = datetime(2026, 11, 29, 12, 30, tzinfo=UTC)
    old = {"contact": "c", "live": True, "base": {}, "address": "a"}

    assert read_binding(old).held_since == {}
    held = replace(read_binding(old), held_since={MassChange.ERASURE: since})
    assert read_binding(write_binding(held)) == held

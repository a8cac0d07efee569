"""Changes in Spotler are written back: the engine and the poll, over honest twins."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.consent.permission_defaults import PermissionDefault
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.planning.rules import Rules
from shared.domain.records.records import PersonTable, RecordKey, SyncStatus, Why
from shared.errors import DataError, TransientError
from shared.inbound.page_counts import ChangeKind
from tests.connector_twin import RULES, ConnectorTwin, person
from tests.twins import CrashError

CITY, HOBBY, NAME = "city", "hobby", "firstName"


def two_way(**rows: dict[str, Any]) -> Rules:
    """First name to Spotler; hobby from Spotler; city and permissions both ways. `rows` change a row by its name."""
    documents: dict[str, dict[str, Any]] = {
        "email": {"spotler": "email", "contact": "emailaddress1", "lead": "emailaddress1"},
        "firstName": {"spotler": "firstName", "contact": "firstname"},
        "city": {"spotler": "city", "contact": "address1_city", "direction": "<->"},
        "hobby": {"spotler": "hobby", "contact": "new_hobby", "direction": "<-"},
        "permissions": {
            "spotler": "permissions",
            "contact": "@map(permissions)",
            "lead": "@map(permissions)",
            "direction": "<->",
        },
    }
    for name, changes in rows.items():
        documents[name] = documents[name] | changes
    return replace(RULES, mapping=read_mapping({"version": 1, "rows": list(documents.values())}))


async def met(rules: Rules | None = None, **values: Any) -> tuple[ConnectorTwin, RecordKey]:
    """A connector, and a person whom both sides have."""
    twin = ConnectorTwin(rules or two_way())
    ann = twin.crm.create(
        **person(address1_city="Delft", new_hobby=None, permissions={"Newsletter": True, "Events": False}, **values)
    )
    await twin.sync(ann)
    return twin, ann


def value(twin: ConnectorTwin, key: RecordKey, column: str) -> Any:
    return twin.crm.people[key].values.get(column)


def subscribed(twin: ConnectorTwin, key: RecordKey) -> dict[str, bool]:
    return {row.name: row.subscribed for row in twin.crm.people[key].permissions}


async def ping_pong(twin: ConnectorTwin) -> int:
    """Count the writes of the next two polls."""
    before = (len(twin.platform.writes), len(twin.writebacks.written))
    await twin.poll()
    await twin.poll()
    return len(twin.platform.writes) + len(twin.writebacks.written) - sum(before)


async def test_s2d_02_a_two_way_field_changed_in_spotler_is_written_back() -> None:
    twin, ann = await met()
    twin.platform.edit(twin.contact_of("ann@example.com"), city="Gouda", firstName="Anna", hobby="chess")

    polled = await twin.poll()

    assert polled.seen[ChangeKind.CHANGED] == 1
    assert value(twin, ann, "address1_city") == "Gouda"
    assert value(twin, ann, "new_hobby") == "chess"
    assert value(twin, ann, "firstname") == "Ann"  # one way: Spotler's value does not count
    assert await ping_pong(twin) == 0


async def test_s2d_03_an_echo_costs_no_request_to_dataverse() -> None:
    twin, ann = await met()
    twin.crm.edit(ann, address1_city="Leiden")
    await twin.sync(ann)
    twin.crm.calls.clear()

    polled = await twin.poll()

    assert polled.seen == {ChangeKind.ECHO: 1}
    assert twin.crm.calls.total() == 0


@pytest.mark.parametrize(
    ("policy", "dataverse", "spotler"),
    [("crm", "Leiden", "Leiden"), ("spotler", "Gouda", "Gouda"), ("ask", "Leiden", "Gouda")],
)
async def test_both_sides_changed_the_policy_of_the_row_decides(policy: str, dataverse: str, spotler: str) -> None:
    twin, ann = await met(two_way(city={"conflict": policy}))
    twin.platform.edit(twin.contact_of("ann@example.com"), city="Gouda")
    twin.crm.edit(ann, address1_city="Leiden")

    await twin.sync(ann)
    await twin.poll()

    assert value(twin, ann, "address1_city") == dataverse
    assert twin.contact_of("ann@example.com").values["city"] == spotler
    explained = await twin.explain.record(ann)
    assert (
        explained["merged"]
        == {"crm": {"city": "dataverse-won"}, "spotler": {"city": "spotler-won"}, "ask": {"city": "asked"}}[policy]
    )
    assert await ping_pong(twin) == 0


async def test_perm_06_a_permission_withdrawn_in_spotler_is_withdrawn_in_dataverse_and_one_given_is_given() -> None:
    twin, ann = await met()
    twin.platform.edit(twin.contact_of("ann@example.com"), options={"permissions:1": False, "permissions:2": True})

    await twin.poll()

    assert subscribed(twin, ann) == {"Newsletter": False, "Events": True}
    assert await ping_pong(twin) == 0


async def test_perm_15_a_record_without_rows_gets_rows_of_spotlers_permissions_and_the_defaults() -> None:
    twin = ConnectorTwin(two_way())
    twin.defaults = (PermissionDefault("Newsletter", subscribed=False), PermissionDefault("Events", subscribed=True))
    known = twin.platform.sign_up("ann@example.com")
    twin.platform.edit(known, options={"permissions:1": True})
    twin.clock.advance(timedelta(days=1))
    ann = twin.crm.create(**person(address1_city=None, new_hobby=None))

    await twin.sync(ann)

    assert subscribed(twin, ann) == {"Newsletter": True, "Events": False}  # an existing contact keeps its answers
    assert twin.contact_of("ann@example.com").options == {"permissions:1": True}


async def test_env_12_a_new_person_gets_the_permissions_with_their_defaults() -> None:
    twin = ConnectorTwin(two_way())
    twin.defaults = (PermissionDefault("Newsletter", subscribed=False), PermissionDefault("Events", subscribed=True))
    ann = twin.crm.create(**person(address1_city=None, new_hobby=None))

    await twin.sync(ann)

    assert subscribed(twin, ann) == {"Newsletter": False, "Events": True}
    assert twin.contact_of("ann@example.com").options == {"permissions:2": True}
    assert await ping_pong(twin) == 0


async def test_opt_07_an_opt_out_in_spotler_becomes_do_not_allow_and_opt_out() -> None:
    twin, ann = await met()
    twin.platform.opt_out(twin.contact_of("ann@example.com"))

    await twin.poll()

    assert value(twin, ann, "donotbulkemail") is True
    assert twin.status_of(ann)[0] == SyncStatus.OPT_OUT
    twin.crm.edit(ann, address1_city="Leiden")
    writes = len(twin.platform.writes)
    await twin.sync(ann)
    assert len(twin.platform.writes) == writes  # OPT-08
    assert await ping_pong(twin) == 0


async def test_opt_07_a_refused_save_finds_an_opt_out() -> None:
    twin, ann = await met()
    twin.platform.opt_out(twin.contact_of("ann@example.com"))
    twin.crm.edit(ann, firstname="Anna")

    await twin.sync(ann)

    assert value(twin, ann, "donotbulkemail") is True
    assert twin.status_of(ann)[0] == SyncStatus.OPT_OUT


async def test_opt_09_a_returned_person_is_synchronised_again() -> None:
    twin, ann = await met()
    twin.platform.opt_out(twin.contact_of("ann@example.com"))
    await twin.poll()
    twin.platform.sign_up("ann@example.com")

    await twin.poll()

    assert value(twin, ann, "donotbulkemail") is False
    assert twin.status_of(ann)[0] == SyncStatus.SUCCEEDED
    assert await ping_pong(twin) == 0


async def test_refusal_of_bulk_mail_in_dataverse_survives_a_return_in_spotler() -> None:
    twin, ann = await met()
    twin.crm.edit(ann, donotbulkemail=True)
    await twin.sync(ann)
    twin.platform.opt_out(twin.contact_of("ann@example.com"))
    await twin.poll()
    twin.platform.sign_up("ann@example.com")

    await twin.poll()

    assert value(twin, ann, "donotbulkemail") is True
    assert not any(twin.contact_of("ann@example.com").options.values())


async def test_bnc_09_a_hard_bounce_is_reported_on_the_record_until_the_address_changes() -> None:
    twin, ann = await met()
    twin.platform.bounce(twin.contact_of("ann@example.com"))

    await twin.poll()

    assert twin.status_of(ann) == (SyncStatus.FAILED, "hard-bounce")
    assert twin.bounce_tasks.open_tasks() == [ann]
    assert not value(twin, ann, "donotbulkemail")

    twin.crm.edit(ann, emailaddress1="ann@new.example.com")
    await twin.sync(ann)

    assert twin.status_of(ann)[0] == SyncStatus.SUCCEEDED
    assert twin.bounce_tasks.open_tasks() == []  # BNC-11
    assert twin.contact_of("ann@new.example.com").external_id == str(ann.id)


async def test_c_15_a_bounced_contact_that_was_changed_since_is_not_opened_by_a_new_address() -> None:
    twin, ann = await met()
    contact = twin.contact_of("ann@example.com")
    twin.platform.bounce(contact)
    await twin.poll()
    twin.platform.opt_out(contact)  # by the link in an older mail
    await twin.poll()
    assert twin.status_of(ann) == (SyncStatus.FAILED, "hard-bounce")

    twin.crm.edit(ann, emailaddress1="ann@new.example.com")
    await twin.sync(ann)

    assert twin.status_of(ann) == (SyncStatus.FAILED, "perhaps-opted-out")
    assert (contact.email, contact.is_inactive) == ("ann@example.com", True)
    assert not value(twin, ann, "donotbulkemail"), "nobody knows"

    twin.platform.sign_up("ann@example.com")
    await twin.poll()
    assert twin.status_of(ann)[0] == SyncStatus.SUCCEEDED
    assert contact.email == "ann@new.example.com"


async def test_unreachable_contact_is_reported_as_a_bounce_at_once() -> None:
    twin, ann = await met()
    await twin.poll()
    twin.clock.advance(timedelta(minutes=1))
    twin.platform.bounce(twin.contact_of("ann@example.com"))

    await twin.look(ann, why=Why.PLATFORM)

    assert twin.status_of(ann) == (SyncStatus.FAILED, "hard-bounce")
    assert not value(twin, ann, "donotbulkemail")
    await twin.poll()
    assert twin.status_of(ann) == (SyncStatus.FAILED, "hard-bounce")


async def test_a_record_that_changed_meanwhile_is_read_and_merged_again() -> None:
    twin, ann = await met()
    twin.platform.edit(twin.contact_of("ann@example.com"), city="Gouda")
    reads = 0

    def edit_after_the_read() -> None:
        nonlocal reads
        reads += 1
        if reads == 2:  # the engine has read, and is about to write: its etag is old
            twin.crm.edit(ann, firstname="Anna")

    twin.crm.before_read = edit_after_the_read
    await twin.poll()

    assert value(twin, ann, "address1_city") == "Gouda"


async def test_refusal_of_dataverse_is_reported_and_retried_with_the_next_change() -> None:
    twin, ann = await met()
    twin.writebacks.refused[ann] = DataError("a business rule", detail="Hobby is required")
    twin.platform.edit(twin.contact_of("ann@example.com"), hobby="chess")

    await twin.poll()

    assert twin.status_of(ann) == (SyncStatus.FAILED, "refused-by-dataverse")
    twin.writebacks.refused.clear()
    twin.platform.touch(twin.contact_of("ann@example.com"))
    await twin.poll()
    assert value(twin, ann, "new_hobby") == "chess"


async def test_a_poll_that_dies_goes_on_where_it_was() -> None:
    twin, ann = await met()
    twin.platform.edit(twin.contact_of("ann@example.com"), city="Gouda")
    twin.clock.advance(timedelta(minutes=15))
    twin.faults.plan(5, CrashError())
    with pytest.raises(CrashError):
        await twin.poller.poll()
    twin.worker = twin.start_worker()

    await twin.poll()

    assert value(twin, ann, "address1_city") == "Gouda"


async def test_unavailable_dataverse_postpones_the_write_back() -> None:
    twin, ann = await met()
    twin.platform.edit(twin.contact_of("ann@example.com"), city="Gouda")
    twin.writebacks.broken["write_back"] = TransientError("down")
    twin.clock.advance(timedelta(minutes=15))
    await twin.poller.poll()
    assert value(twin, ann, "address1_city") == "Delft"

    twin.writebacks.broken.clear()
    await twin.quiet()

    assert value(twin, ann, "address1_city") == "Gouda"


async def test_a_deleted_permission_row_withdraws_the_permission() -> None:
    twin, ann = await met()
    record = twin.crm.people[ann]
    twin.crm.people[ann] = replace(record, permissions=tuple(row for row in record.permissions if row.name == "Events"))

    await twin.sync(ann)

    assert twin.contact_of("ann@example.com").options["permissions:1"] is False
    assert await ping_pong(twin) == 0


async def test_flapping_field_is_frozen_and_reported() -> None:
    twin, ann = await met()
    contact = twin.contact_of("ann@example.com")
    for number in range(8):  # a flow rewrites what is written back, and a person insists
        twin.platform.edit(contact, city=f"Spotler {number}")
        twin.clock.advance(timedelta(minutes=1))
        await twin.poller.poll()
        twin.crm.edit(ann, address1_city=f"Dynamics {number}")
        await twin.sync(ann)

    assert (await twin.explain.record(ann))["merged"] == {"city": "frozen"}
    assert await ping_pong(twin) == 0


async def test_s2d_09_a_contact_without_our_kind_of_id_is_a_new_subscriber() -> None:
    twin, _ = await met()
    twin.platform.sign_up("form@example.com")
    twin.platform.sign_up("shop@example.com", external_id="CUSTOMER-12")

    polled = await twin.poll()

    assert polled.seen[ChangeKind.NEW_SUBSCRIBER] == 2
    assert len(twin.new_subscribers.seen) == 2


async def test_a_contact_whose_binding_was_lost_is_found_by_its_id() -> None:
    twin, ann = await met()
    twin.store.documents.clear()
    twin.platform.edit(twin.contact_of("ann@example.com"), hobby="chess")

    await twin.poll()

    assert value(twin, ann, "new_hobby") == "chess"
    assert PersonTable.CONTACT is ann.table


@pytest.mark.parametrize(
    ("before", "edited", "stored", "left"),
    [
        ("B-1000", {"postalCode": "3511 AB"}, "3511 AB", {"postalCode": "3511 AB"}),
        ("3511 AB", {"foreignPostalCode": "B-1000"}, "B-1000", {"foreignPostalCode": "B-1000"}),
        ("B-1000", {"foreignPostalCode": "F-75001"}, "F-75001", {"foreignPostalCode": "F-75001"}),
        ("B-1000", {"postalCode": "3511 AB", "foreignPostalCode": ""}, "3511 AB", {"postalCode": "3511 AB"}),
        ("B-1000", {"postalCode": "3511 AB", "foreignPostalCode": "F-75001"}, "3511 AB", {"postalCode": "3511 AB"}),
        ("B-1000", {"foreignPostalCode": ""}, None, {}),
        ("3511 AB", {"postalCode": ""}, None, {}),
    ],
)
async def test_val_07_of_a_dutch_and_a_foreign_value_the_one_that_the_person_gives_stays(
    before: str, edited: dict[str, str], stored: str | None, left: dict[str, str]
) -> None:
    row = {"spotler": "postalCode", "contact": "address1_postalcode", "foreign": "foreignPostalCode"}
    rules = two_way(city=row | {"direction": "<->"})
    twin = ConnectorTwin(rules)
    ann = twin.crm.create(**person(address1_postalcode=before, new_hobby=None, permissions={"Newsletter": True}))
    await twin.sync(ann)
    await twin.poll()
    twin.platform.edit(twin.contact_of("ann@example.com"), **edited)

    await twin.poll()

    assert (value(twin, ann, "address1_postalcode") or None) == stored
    has = twin.contact_of("ann@example.com").values
    assert {name: has[name] for name in ("postalCode", "foreignPostalCode") if has.get(name)} == left
    assert await ping_pong(twin) == 0

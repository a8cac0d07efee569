"""From references to Spotler: what a look at some records costs and does."""

from __future__ import annotations

from datetime import timedelta

from shared.domain.records.records import Reference, Why
from shared.ports.queue import QueueName
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person
from tests.twins import TwinContact


async def test_a_new_record_becomes_a_contact_with_the_records_id() -> None:  # CS-15
    twin = ConnectorTwin()
    ann = twin.crm.create(**person(permissions={"Newsletter": True}))

    await twin.sync(ann)

    contact = twin.contact_of("ann@example.com")
    assert contact.external_id == str(ann.id)
    assert contact.values == {"email": "ann@example.com", "firstName": "Ann", "customerType": "contact"}
    assert contact.options == {NEWSLETTER: True}
    assert twin.status_of(ann) == ("Succeeded", "created")


async def test_many_records_cost_one_read_a_call_per_hundred_and_one_report() -> None:
    twin = ConnectorTwin()
    keys = [twin.crm.create(emailaddress1=f"p{number}@example.com") for number in range(250)]

    await twin.look(*keys)

    assert twin.crm.calls["read_people"] == 1
    assert twin.platform.calls["insert"] == 3
    assert twin.crm.calls["report"] == 1
    assert twin.crm.largest_report == 250
    assert len(twin.platform.contacts) == 250


async def test_references_to_one_record_are_one_look() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())

    changes = [Reference(ann, Why.SAVED, correlation) for correlation in ("c-1", "c-2", "c-3")]

    (finished,) = await twin.people.handle(changes, lane=QueueName.LIVE)

    assert len(twin.platform.writes) == 1
    assert [one.correlation for one in finished.item.references] == ["c-1", "c-2", "c-3"]


async def test_copies_of_one_reference_count_once() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    first, again = twin.clock.now(), twin.clock.now() + timedelta(minutes=1)
    copies = [
        Reference(ann, Why.SAVED, "c-1", attempt=2, first_seen=again),
        Reference(ann, Why.SAVED, "c-1", attempt=3, first_seen=first),
        Reference(ann, Why.SAVED, "c-1"),
    ]

    (finished,) = await twin.people.handle(copies, lane=QueueName.LIVE)

    assert finished.item.references == (Reference(ann, Why.SAVED, "c-1", attempt=3, first_seen=first),)


async def test_a_second_look_writes_nothing_anywhere() -> None:  # C-44
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)

    await twin.sync(ann)

    assert len(twin.platform.writes) == 1
    assert twin.crm.calls["report"] == 1


async def test_an_address_changes_with_its_contact() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.edit(ann, emailaddress1="ann@new.example.com")

    await twin.sync(ann)

    assert [contact.external_id for contact in twin.platform.contacts] == [str(ann.id)]
    assert twin.contact_of("ann@new.example.com").values["firstName"] == "Ann"


async def test_a_record_that_was_never_synced_is_deleted_without_a_call() -> None:  # C-35
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.crm.delete(ann)

    await twin.sync(ann)

    assert twin.platform.calls["anonymize"] == 0


async def test_a_deleted_record_is_erased_and_its_address_is_free() -> None:  # DEL-04
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.delete(ann)
    await twin.sync(ann)
    assert twin.platform.contacts == []

    again = twin.crm.create(**person())
    await twin.sync(again)

    assert twin.contact_of("ann@example.com").external_id == str(again.id)


async def test_a_record_that_is_active_again_is_created_again_with_its_permissions() -> None:  # C-03, DEL-07, DEL-08
    twin = ConnectorTwin()
    ann = twin.crm.create(**person(permissions={"Newsletter": True}))
    await twin.sync(ann)
    twin.crm.edit(ann, statecode=1)
    await twin.sync(ann)
    assert twin.platform.contacts == []
    twin.crm.edit(ann, statecode=0)

    await twin.sync(ann)

    assert twin.contact_of("ann@example.com").options == {NEWSLETTER: True}


async def test_a_contact_that_spotler_knows_by_its_address_is_taken_over() -> None:  # DUP-01, DUP-02
    twin = ConnectorTwin()
    twin.platform.contacts.append(TwinContact("made-by-a-form", {"email": "ann@example.com", "hobby": "chess"}))
    ann = twin.crm.create(**person())

    await twin.sync(ann)

    contact = twin.contact_of("ann@example.com")
    assert contact.external_id == str(ann.id)
    assert contact.values["hobby"] == "chess"


async def test_an_address_that_a_form_brought_to_spotler_first_is_moved_to() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.platform.contacts.append(TwinContact("made-by-a-form", {"email": "ann@new.example.com", "hobby": "chess"}))
    twin.crm.edit(ann, emailaddress1="ann@new.example.com")

    await twin.sync(ann)

    (contact,) = twin.platform.contacts
    assert contact.values["hobby"] == "chess"
    assert contact.values["firstName"] == "Ann"

"""From a reference to Spotler: what one look at some records costs and does."""

from __future__ import annotations

from tests.connector_twin import ConnectorTwin, person


async def test_a_new_record_becomes_a_contact_with_the_records_id() -> None:  # CS-15
    twin = ConnectorTwin()
    ann = twin.crm.create(**person(permissions={"Newsletter": True}))

    await twin.sync(ann)

    contact = twin.contact_of("ann@example.com")
    assert contact.external_id == str(ann.id)
    assert contact.values == {"email": "ann@example.com", "firstName": "Ann", "customerType": "contact"}
    assert contact.options == {"permissions:1": True}
    assert twin.status_of(ann) == ("Succeeded", "created")

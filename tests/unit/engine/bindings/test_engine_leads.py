"""A qualified lead hands its contact on, in every order of messages; a merge leaves the master its own."""

from __future__ import annotations

import pytest

from shared.domain.records.records import PersonTable
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person

LEAD = PersonTable.LEAD


@pytest.mark.parametrize("order", ["lead first", "contact first", "lead alone late", "together", "together, reversed"])
async def test_a_qualified_lead_hands_its_contact_on_in_every_order_of_messages(order: str) -> None:  # CS-29
    twin = ConnectorTwin()
    lead = twin.crm.create(LEAD, **person(permissions={"Newsletter": True}))
    await twin.sync(lead)
    contact = twin.crm.qualify(lead)

    match order:
        case "lead first":
            await twin.sync(lead)
            await twin.sync(contact)
        case "contact first":
            await twin.sync(contact)
            await twin.sync(lead)
        case "lead alone late":
            await twin.sync(contact)
            await twin.sync(contact)
            await twin.sync(lead)
        case "together":
            await twin.sync(lead, contact)
        case _:
            await twin.sync(contact, lead)

    (one,) = twin.platform.contacts
    assert one.external_id == str(lead.id)
    assert one.values["customerType"] == "contact"
    assert one.options == {NEWSLETTER: True}
    assert twin.users() == {str(lead.id): {str(contact): "ok"}}
    assert twin.platform.calls["anonymize"] == 0


async def test_deleting_the_lead_afterwards_does_not_touch_the_contact() -> None:
    twin = ConnectorTwin()
    lead = twin.crm.create(LEAD, **person())
    await twin.sync(lead)
    contact = twin.crm.qualify(lead)
    await twin.sync(lead, contact)
    twin.crm.delete(lead)

    await twin.sync(lead)

    assert len(twin.platform.contacts) == 1


async def test_deleting_the_lead_before_anybody_saw_the_contact_does_not_erase_it() -> None:
    twin = ConnectorTwin()
    lead = twin.crm.create(LEAD, **person())
    await twin.sync(lead)
    twin.crm.qualify(lead)
    twin.crm.delete(lead)

    await twin.look(lead)

    assert twin.platform.calls["anonymize"] == 0


async def test_a_contact_that_refuses_mail_at_qualification_is_erased() -> None:  # ANON-05
    twin = ConnectorTwin()
    lead = twin.crm.create(LEAD, **person())
    await twin.sync(lead)
    contact = twin.crm.qualify(lead, donotemail=True)

    await twin.sync(lead, contact)

    assert twin.platform.contacts == []


async def test_a_qualified_lead_whose_contact_has_the_address_of_another_joins_that_one() -> None:
    twin = ConnectorTwin()
    ben = twin.crm.create(**person(emailaddress1="ben@example.com"))
    lead = twin.crm.create(LEAD, **person())
    await twin.sync(ben, lead)
    contact = twin.crm.qualify(lead, emailaddress1="ben@example.com")

    await twin.sync(lead, contact)

    assert twin.users() == {str(ben.id): {str(ben): "ok", str(contact): "ok"}}
    assert twin.platform.erased == ["ann@example.com"]


async def test_a_lead_that_is_opened_again_keeps_a_place() -> None:
    twin = ConnectorTwin()
    lead = twin.crm.create(LEAD, **person())
    await twin.sync(lead)
    contact = twin.crm.qualify(lead, donotemail=True)
    twin.crm.edit(lead, statecode=0)

    await twin.sync(contact, lead)

    assert twin.platform.erased == []
    assert twin.users()[str(lead.id)] == {str(lead): "ok"}


# ------------------------------------------------------------------------------------------------------------- merges


@pytest.mark.parametrize("same_address", [True, False])
async def test_a_merge_erases_only_what_the_master_does_not_use(*, same_address: bool) -> None:
    twin = ConnectorTwin()
    master = twin.crm.create(**person())
    address = "ann@example.com" if same_address else "old@example.com"
    subordinate = twin.crm.create(**person(emailaddress1=address, firstname="Old"))
    await twin.sync(master, subordinate)
    twin.crm.merge(master, subordinate)

    await twin.sync(subordinate, master)

    (contact,) = twin.platform.contacts
    assert contact.values["firstName"] == "Ann"
    assert twin.platform.erased == ([] if same_address else ["old@example.com"])

"""A lead whose synchronisation a person has disabled is qualified: the contact is not synchronised either (STA-05)."""

from __future__ import annotations

import pytest

from shared.domain.records.outcomes import Reason
from shared.domain.records.records import PersonTable, RecordKey, SyncStatus
from shared.errors import TransientError
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person

LEAD = PersonTable.LEAD
DISABLED = (SyncStatus.DISABLED, "lead-sync-disabled")


async def disabled_lead(*, was_in_spotler: bool = True) -> tuple[ConnectorTwin, RecordKey]:
    twin = ConnectorTwin()
    lead = twin.crm.create(LEAD, **person(permissions={"Newsletter": True}))
    if was_in_spotler:
        await twin.sync(lead)
    twin.crm.set_status(lead, SyncStatus.DISABLED)
    twin.crm.edit(lead, firstname="Secret")
    await twin.sync(lead)
    return twin, lead


@pytest.mark.parametrize("was_in_spotler", [True, False])
@pytest.mark.parametrize("order", ["lead first", "contact first", "contact twice", "together", "together, reversed"])
async def test_sta_05_cs_29_the_wish_carries_on_to_the_contact_in_every_order_of_messages(
    order: str,
    was_in_spotler: bool,  # noqa: FBT001
) -> None:
    twin, lead = await disabled_lead(was_in_spotler=was_in_spotler)
    contact = twin.crm.qualify(lead)

    match order:
        case "lead first":
            await twin.sync(lead)
            await twin.sync(contact)
        case "contact first":
            await twin.sync(contact)
            await twin.sync(lead)
        case "contact twice":
            await twin.sync(contact)
            twin.crm.edit(contact, firstname="Sequel")
            await twin.sync(contact)
        case "together":
            await twin.sync(lead, contact)
        case _:
            await twin.sync(contact, lead)

    assert twin.status_of(contact) == DISABLED
    assert [one.values["firstName"] for one in twin.platform.contacts] == (["Ann"] if was_in_spotler else [])
    assert twin.platform.calls["anonymize"] == 0


async def test_spotler_info_says_why_and_what_to_do() -> None:
    twin, lead = await disabled_lead()
    contact = twin.crm.qualify(lead)
    await twin.sync(contact)
    status = twin.crm.people[contact].status
    assert status is not None
    assert "disabled synchronisation for the lead" in status.reason
    assert "Activate" in status.reason


@pytest.mark.parametrize("was_in_spotler", [True, False])
async def test_activating_the_contacts_spotler_info_synchronises_it_with_the_leads_spotler_contact(
    was_in_spotler: bool,  # noqa: FBT001
) -> None:
    twin, lead = await disabled_lead(was_in_spotler=was_in_spotler)
    contact = twin.crm.qualify(lead)
    await twin.sync(contact, lead)

    twin.crm.set_status(contact, SyncStatus.PROCESSING)
    await twin.sync(contact)

    (one,) = twin.platform.contacts
    assert one.values["firstName"] == "Secret"
    assert one.external_id == str(lead.id if was_in_spotler else contact.id)
    assert twin.status_of(contact)[0] == SyncStatus.SUCCEEDED
    twin.crm.edit(contact, firstname="Anna")
    await twin.sync(contact)
    assert twin.contact_of("ann@example.com").values["firstName"] == "Anna"


async def test_a_change_in_spotler_does_not_come_home_to_the_contact_before_that() -> None:
    twin, lead = await disabled_lead()
    contact = twin.crm.qualify(lead)
    await twin.sync(contact)
    before = len(twin.writebacks.written)
    twin.platform.edit(twin.contact_of("ann@example.com"), city="Gouda")
    await twin.poll()
    assert len(twin.writebacks.written) == before
    assert twin.status_of(contact) == DISABLED


async def test_a_report_that_did_not_get_through_is_made_up_for() -> None:
    twin, lead = await disabled_lead()
    contact = twin.crm.qualify(lead)
    twin.crm.broken["report"] = TransientError("down")
    await twin.look(contact)
    twin.crm.broken.clear()
    await twin.quiet()
    assert twin.status_of(contact) == DISABLED
    assert twin.contact_of("ann@example.com").values["firstName"] == "Ann"


async def test_a_lead_that_is_disabled_after_the_contact_has_a_status_of_its_own_changes_nothing() -> None:
    twin = ConnectorTwin()
    lead = twin.crm.create(LEAD, **person())
    await twin.sync(lead)
    contact = twin.crm.qualify(lead)
    await twin.sync(contact)
    twin.crm.set_status(lead, SyncStatus.DISABLED)
    twin.crm.edit(contact, firstname="Anna")
    await twin.sync(lead, contact)
    assert twin.status_of(contact)[0] == SyncStatus.SUCCEEDED
    assert twin.contact_of("ann@example.com").values["firstName"] == "Anna"


async def test_explain_tells_of_it_before_anybody_has_looked() -> None:
    twin, lead = await disabled_lead()
    contact = twin.crm.qualify(lead)
    answer = await twin.explain.record(contact)
    assert answer["plan"]["reason"] == Reason.LEAD_SYNC_DISABLED
    assert answer["spotlerContact"] == str(lead.id)


async def test_opt_02_a_refusal_of_the_contact_reaches_the_leads_spotler_contact_all_the_same() -> None:
    twin, lead = await disabled_lead()
    contact = twin.crm.qualify(lead, donotbulkemail=True)
    await twin.sync(contact)
    assert twin.status_of(contact) == DISABLED
    assert twin.contact_of("ann@example.com").options[NEWSLETTER] is False
    assert twin.contact_of("ann@example.com").values["firstName"] == "Ann"

"""Records with one address: who shares a contact with whom, who parts, and whose data it then has."""

from __future__ import annotations

import pytest

from shared.domain.planning.rules import EndAction
from shared.domain.records.records import PersonTable, RecordKey
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person, rules

LEAD = PersonTable.LEAD


async def couple(twin: ConnectorTwin) -> tuple[RecordKey, RecordKey]:
    """A contact and a lead with one address; the lead came last."""
    ann = twin.crm.create(**person(address1_city="Delft", permissions={"Newsletter": True}))
    lead = twin.crm.create(LEAD, **person(firstname="Annie", permissions={"Newsletter": True}))
    await twin.sync(ann)
    await twin.sync(lead)
    assert len(twin.platform.contacts) == 1
    return ann, lead


async def test_two_records_with_one_address_share_a_contact() -> None:  # DUP-03
    twin = ConnectorTwin()
    ann, lead = await couple(twin)

    assert set(twin.users()[str(ann.id)]) == {str(ann), str(lead)}
    assert twin.contact_of("ann@example.com").values["firstName"] == "Annie"


async def test_two_new_records_with_one_address_in_one_batch_share_a_contact() -> None:
    twin = ConnectorTwin()
    ann, lead = twin.crm.create(**person()), twin.crm.create(LEAD, **person())

    await twin.sync(lead, ann)

    assert len(twin.platform.contacts) == 1
    assert set(*twin.users().values()) == {str(ann), str(lead)}


async def test_a_new_and_an_old_user_of_a_contact_can_come_in_one_batch() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    lead = twin.crm.create(LEAD, **person(firstname="Annie"))
    twin.crm.edit(ann, firstname="Anna")

    finished = await twin.look(lead, ann)

    assert {one.outcome.result for one in finished.values()} == {"written"}
    assert len(twin.platform.contacts) == 1


async def test_an_edit_of_one_reaches_the_shared_contact() -> None:
    twin = ConnectorTwin()
    ann, _ = await couple(twin)
    twin.crm.edit(ann, firstname="Anna")

    await twin.sync(ann)

    assert twin.contact_of("ann@example.com").values["firstName"] == "Anna"


@pytest.mark.parametrize("action", [EndAction.ANONYMIZE, EndAction.BLANK, EndAction.PERMISSIONS_OFF])
@pytest.mark.parametrize("leaver", [0, 1])
async def test_when_one_is_deleted_the_contact_is_kept_with_the_data_of_the_other(
    action: EndAction, leaver: int
) -> None:
    twin = ConnectorTwin(rules(on_delete=action))
    both = await couple(twin)
    gone, left = both[leaver], both[1 - leaver]
    twin.crm.delete(gone)

    await twin.sync(gone)

    contact = twin.contact_of("ann@example.com")
    assert contact.values["firstName"] == twin.crm.people[left].values["firstname"]
    assert contact.values.get("city") == twin.crm.people[left].values.get("address1_city")
    assert contact.options == {NEWSLETTER: True}
    assert list(twin.users()[contact.external_id]) == [str(left)]


async def test_when_both_are_deleted_the_contact_is_erased_once() -> None:
    twin = ConnectorTwin()
    ann, lead = await couple(twin)
    twin.crm.delete(ann)
    twin.crm.delete(lead)

    await twin.sync(ann, lead)

    assert twin.platform.contacts == []
    assert twin.platform.calls["anonymize"] == 1
    assert twin.users() == {}


async def test_when_one_refuses_bulk_mail_the_contact_gets_none() -> None:  # OPT-11
    twin = ConnectorTwin()
    ann, lead = await couple(twin)
    twin.crm.edit(ann, donotbulkemail=True)
    await twin.sync(ann)
    assert twin.contact_of("ann@example.com").options[NEWSLETTER] is False

    twin.crm.edit(lead, firstname="Anneke")
    await twin.sync(lead)

    assert twin.contact_of("ann@example.com").options[NEWSLETTER] is False


async def test_when_one_refuses_all_mail_the_other_stays_without_permissions() -> None:
    twin = ConnectorTwin()
    ann, lead = await couple(twin)
    twin.crm.edit(ann, donotemail=True)

    await twin.sync(ann)

    contact = twin.contact_of("ann@example.com")
    assert contact.options[NEWSLETTER] is False
    assert contact.values["firstName"] == "Annie"
    assert twin.users()[contact.external_id] == {str(ann): "no-mail", str(lead): "ok"}


async def test_a_refusal_outlives_the_record_that_made_it() -> None:
    twin = ConnectorTwin()
    ann, lead = await couple(twin)
    twin.crm.edit(ann, donotemail=True)
    await twin.sync(ann)
    twin.crm.delete(ann)

    await twin.sync(ann)

    contact = twin.contact_of("ann@example.com")
    assert contact.options[NEWSLETTER] is False
    assert twin.users()[contact.external_id] == {str(lead): "ok"}


@pytest.mark.parametrize("mover", [0, 1])
async def test_a_shared_contact_splits_when_one_changes_its_address(mover: int) -> None:
    twin = ConnectorTwin()
    both = await couple(twin)
    flap_history, stays = both[mover], both[1 - mover]
    twin.crm.edit(flap_history, emailaddress1="elsewhere@example.com")

    await twin.sync(flap_history)

    left, moved = twin.contact_of("ann@example.com"), twin.contact_of("elsewhere@example.com")
    assert left.values["firstName"] == twin.crm.people[stays].values["firstname"]
    assert moved.values["firstName"] == twin.crm.people[flap_history].values["firstname"]
    assert left.external_id == str(both[0].id)
    assert twin.platform.calls["anonymize"] == 0


async def test_a_record_that_parts_from_others_never_gets_a_contact_that_somebody_uses() -> None:
    """Ben once had a contact of his own; Ann shared it with him and has it to herself when he comes back."""
    twin = ConnectorTwin()
    ann, ben, cas = (twin.crm.create(**person(firstname=name)) for name in ("Ann", "Ben", "Cas"))
    await twin.sync(ann, ben, cas)
    for key in (ben, ann):
        twin.crm.edit(key, emailaddress1="elsewhere@example.com")
        await twin.sync(key)
    twin.crm.edit(ben, statecode=1)
    await twin.sync(ben)
    twin.crm.edit(ann, emailaddress1="third@example.com")
    twin.crm.edit(ben, statecode=0)

    await twin.sync(ann, ben)

    for address, name in (("third", "Ann"), ("elsewhere", "Ben"), ("ann", "Cas")):
        assert twin.contact_of(f"{address}@example.com").values["firstName"] == name


async def test_a_record_that_moves_to_the_address_of_another_contact_joins_it() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    ben = twin.crm.create(**person(emailaddress1="ben@example.com", firstname="Ben"))
    await twin.sync(ann, ben)
    twin.crm.edit(ann, emailaddress1="Ben@Example.com")

    await twin.sync(ann)

    (contact,) = twin.platform.contacts
    assert contact.external_id == str(ben.id)
    assert twin.platform.erased == ["ann@example.com"]
    assert set(twin.users()[str(ben.id)]) == {str(ann), str(ben)}


async def test_two_records_can_swap_their_addresses() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    ben = twin.crm.create(**person(emailaddress1="ben@example.com", firstname="Ben"))
    await twin.sync(ann, ben)
    twin.crm.edit(ann, emailaddress1="ben@example.com")
    twin.crm.edit(ben, emailaddress1="ann@example.com")

    await twin.sync(ann, ben)

    assert twin.contact_of("ann@example.com").values["firstName"] == "Ben"
    assert twin.contact_of("ben@example.com").values["firstName"] == "Ann"
    assert twin.queue.calls["send"] < 10, "they must not keep each other busy"


async def test_two_records_can_swap_places_in_two_shared_contacts() -> None:
    twin = ConnectorTwin()
    ann, ben = twin.crm.create(**person()), twin.crm.create(**person(emailaddress1="ben@example.com"))
    stays = [twin.crm.create(LEAD, **person()), twin.crm.create(LEAD, **person(emailaddress1="ben@example.com"))]
    await twin.sync(ann, ben, *stays)
    twin.crm.edit(ann, emailaddress1="ben@example.com")
    twin.crm.edit(ben, emailaddress1="ann@example.com")

    finished = await twin.look(ann, ben)

    assert {one.outcome.result for one in finished.values()} <= {"written", "unchanged"}
    assert twin.users() == {
        str(ann.id): {str(ben): "ok", str(stays[0]): "ok"},
        str(ben.id): {str(ann): "ok", str(stays[1]): "ok"},
    }


async def test_a_survivor_of_a_merge_gets_the_contact_of_its_new_address_while_its_old_one_waits_for_another() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(LEAD, **person())
    ben = twin.crm.create(LEAD, **person(firstname="Ben", emailaddress1="ben@example.com"))
    await twin.sync(ann, ben)
    contact = twin.contact_of("ben@example.com")
    merged = twin.crm.qualify(ben)
    survivor = twin.crm.qualify(ann)
    twin.crm.merge(survivor, merged)
    twin.crm.edit(survivor, emailaddress1="ben@example.com")
    new_subscriber = twin.crm.create(**person(firstname="Annie"))

    await twin.sync(merged, survivor, new_subscriber)

    assert twin.contact_of("ben@example.com") is contact
    assert twin.users()[contact.external_id] == {str(survivor): "ok"}

"""From references to Spotler: what a look at some records costs and does, and who shares a contact with whom."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.core.marketing import WriteCode, WriteVerdict
from shared.core.plan import EndAction
from shared.core.records import Intent, PersonTable, RecordKey, Reference, SyncStatus, Why
from shared.ports import QueueName
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person, rules
from tests.twins import TwinContact

LEAD = PersonTable.LEAD


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
    assert twin.platform.calls["upsert"] == 3
    assert twin.crm.calls["report"] == 1
    assert twin.crm.largest_report == 250
    assert len(twin.platform.contacts) == 250


async def test_references_to_one_record_are_one_look() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())

    finished = await twin.look(ann, ann, ann)

    assert len(twin.platform.writes) == 1
    assert len(finished[ann].unit.references) == 3


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


# --------------------------------------------------------------------------------------------- two records, one address


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


async def test_a_newcomer_and_an_old_user_of_a_contact_can_come_in_one_batch() -> None:
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


async def test_a_refusal_ends_with_the_record_that_made_it() -> None:  # PERM-24
    twin = ConnectorTwin()
    ann, lead = await couple(twin)
    twin.crm.edit(ann, donotemail=True)
    await twin.sync(ann)
    twin.crm.delete(ann)

    await twin.sync(ann)

    contact = twin.contact_of("ann@example.com")
    assert contact.options[NEWSLETTER] is True
    assert twin.users()[contact.external_id] == {str(lead): "ok"}


@pytest.mark.parametrize("mover", [0, 1])
async def test_a_shared_contact_splits_when_one_changes_its_address(mover: int) -> None:
    twin = ConnectorTwin()
    both = await couple(twin)
    moves, stays = both[mover], both[1 - mover]
    twin.crm.edit(moves, emailaddress1="elsewhere@example.com")

    await twin.sync(moves)

    left, moved = twin.contact_of("ann@example.com"), twin.contact_of("elsewhere@example.com")
    assert left.values["firstName"] == twin.crm.people[stays].values["firstname"]
    assert moved.values["firstName"] == twin.crm.people[moves].values["firstname"]
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


# ------------------------------------------------------------------------------------------------ before it is erased


async def test_before_a_contact_is_erased_others_with_its_address_are_looked_at() -> None:
    """The event of the duplicate is still on its way when the original is deleted."""
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.create(**person(firstname="Annie"))
    twin.crm.delete(ann)

    await twin.look(ann)

    assert twin.platform.calls["anonymize"] == 0
    assert twin.contact_of("ann@example.com").external_id == str(ann.id)


async def test_the_second_look_asks_spotler_for_an_address_that_the_record_no_longer_has() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.create(**person(firstname="Annie"))
    twin.crm.edit(ann, emailaddress1="another@example.com", statecode=1)

    await twin.look(ann)

    assert twin.platform.erased == []


async def test_the_erasure_waits_while_the_other_record_cannot_be_looked_at() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.create(**person(firstname="Annie"))
    twin.crm.delete(ann)
    twin.platform.answers["ann@example.com"] = WriteVerdict(WriteCode.ERROR)

    finished = await twin.look(ann)
    assert finished[ann].outcome.result == "waiting"
    assert twin.platform.erased == []

    twin.platform.answers.clear()
    await twin.quiet()
    assert twin.contact_of("ann@example.com").values["firstName"] == "Annie"


async def test_a_record_that_may_not_be_in_spotler_does_not_hold_up_the_erasure() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    disabled = twin.crm.create(**person(firstname="Annie"))
    twin.crm.set_status(disabled, SyncStatus.DISABLED)
    twin.crm.delete(ann)

    await twin.look(ann)

    assert twin.platform.erased == ["ann@example.com"]


# --------------------------------------------------------------------------------------------------------------- leads


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


async def test_who_refuses_mail_when_the_lead_is_qualified_is_erased() -> None:  # ANON-05
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


# -------------------------------------------------------------------------------------------------------------- merges


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


# -------------------------------------------------------------------------------------------------- blanked, purged


async def test_a_blanked_contact_leaves_its_address_to_others() -> None:  # DEL-03
    twin = ConnectorTwin(rules(on_inactive=EndAction.BLANK))
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.edit(ann, statecode=1)
    await twin.sync(ann)
    ben = twin.crm.create(**person(firstname="Ben"))
    await twin.sync(ben)

    assert twin.contact_of("ann@example.com").external_id == str(ben.id)

    twin.crm.delete(ben)
    await twin.sync(ben)
    assert twin.platform.erased == ["ann@example.com"], "who was blanked does not need the contact"


async def test_a_purged_contact_is_filled_again_by_the_next_synchronisation() -> None:  # PURGE-03
    twin = ConnectorTwin()
    ann = twin.crm.create(**person(permissions={"Newsletter": True}))
    await twin.sync(ann)

    await twin.look(ann, intent=Intent.PURGE)
    (contact,) = twin.platform.contacts
    assert (contact.values, contact.options) == ({}, {})

    await twin.sync(ann)
    assert contact.values["firstName"] == "Ann"
    assert contact.options == {NEWSLETTER: True}


async def test_of_several_wishes_for_one_record_the_erasure_has_the_last_word() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.edit(ann, firstname="Anna")

    await twin.people.handle(
        [Reference(ann, Why.JOB, intent=Intent.ANONYMIZE), Reference(ann, Why.SAVED)], lane=QueueName.LIVE
    )
    assert twin.platform.contacts == []

    await twin.sync(ann)
    assert len(twin.platform.contacts) == 1, "an erasure is no ban (ANON-11)"


# --------------------------------------------------------------------------------------------------- Spotler says no


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (WriteCode.PROPERTY_INVALID, ("Failed", "refused-by-spotler")),
        (WriteCode.NO_ACTIVE_CHANNEL, ("Failed", "no-active-channel")),
        (WriteCode.CONTACT_OPTOUT, ("Opt-out", "opted-out")),  # OPT-07
    ],
)
async def test_a_refusal_is_written_to_the_record_and_not_repeated(code: WriteCode, status: tuple[str, str]) -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.platform.answers["ann@example.com"] = WriteVerdict(code, "said Spotler")

    await twin.sync(ann)

    assert twin.status_of(ann) == status
    assert twin.platform.calls["upsert"] == 1


async def test_nothing_of_an_opted_out_person_is_sent_any_more() -> None:  # OPT-08
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.platform.answers["ann@example.com"] = WriteVerdict(WriteCode.CONTACT_OPTOUT)
    await twin.sync(ann)
    twin.crm.edit(ann, firstname="Anna")

    await twin.sync(ann)

    assert twin.platform.calls["upsert"] == 1
    assert twin.status_of(ann) == ("Opt-out", "opted-out")


async def test_a_refused_newcomer_is_no_user_of_the_contact_it_wanted_to_share() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    lead = twin.crm.create(LEAD, **person(firstname="Annie"))
    twin.platform.answers["ann@example.com"] = WriteVerdict(WriteCode.PROPERTY_INVALID)
    await twin.sync(lead)
    twin.platform.answers.clear()
    twin.crm.delete(ann)
    twin.crm.edit(lead, donotemail=True)
    await twin.sync(ann)
    assert twin.platform.erased == ["ann@example.com"]

    twin.crm.edit(lead, donotemail=False)
    await twin.sync(lead)

    assert twin.contact_of("ann@example.com").values["customerType"] == "lead", "it is written in full"


async def test_one_refused_record_does_not_hold_up_its_neighbours() -> None:  # VAL-05
    twin = ConnectorTwin()
    keys = [twin.crm.create(emailaddress1=f"p{number}@example.com") for number in range(3)]
    twin.platform.answers["p1@example.com"] = WriteVerdict(WriteCode.PROPERTY_INVALID)

    await twin.sync(*keys)

    assert [twin.status_of(key)[0] for key in keys] == ["Succeeded", "Failed", "Succeeded"]


# -------------------------------------------------------------------------------------------------------------- claims


async def test_a_record_whose_contact_another_worker_holds_comes_back_in_a_moment() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    other = twin.ledger
    await other.claim([str(ann.id)])

    finished = await twin.look(ann)

    assert (finished[ann].outcome.result, finished[ann].outcome.reason) == ("waiting", "busy")
    assert twin.platform.calls["upsert"] == 0
    assert ann not in {key for key, record in twin.crm.people.items() if record.status}, "a moment is no news"
    await twin.quiet()
    assert twin.status_of(ann) == ("Succeeded", "created")


async def test_after_an_expired_claim_everything_is_written() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    await twin.ledger.claim([str(ann.id)])
    twin.contact_of("ann@example.com").values["firstName"] = "written by a worker that died"
    twin.clock.advance(timedelta(minutes=3))

    await twin.sync(ann)

    assert twin.contact_of("ann@example.com").values["firstName"] == "Ann"
    assert twin.claims() == []


async def test_no_call_begins_when_its_claim_could_run_out_before_it_ends() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())

    twin.crm.before_read = lambda: twin.clock.advance(timedelta(seconds=100))

    finished = await twin.look(ann)

    assert finished[ann].outcome.result == "waiting"
    assert twin.platform.calls["upsert"] == 0


async def test_what_was_written_under_an_expired_claim_is_not_remembered_as_agreed() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.platform.before_write = lambda: twin.clock.advance(timedelta(minutes=3))

    finished = await twin.look(ann)

    assert finished[ann].outcome.result == "waiting"
    entry = (await twin.ledger.entries([ann]))[ann]
    assert not entry.binding.is_live
    twin.platform.before_write = lambda: None
    await twin.quiet()
    assert twin.status_of(ann)[0] == "Succeeded"


async def test_an_account_without_an_address_property_is_a_matter_of_configuration() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    definitions = tuple(one for one in twin.platform.catalogue.definitions if one.name != "email")
    twin.platform.catalogue = type(twin.platform.catalogue)(definitions)

    finished = await twin.look(ann)

    assert (finished[ann].outcome.result, finished[ann].outcome.reason) == ("waiting", "misconfigured")
    assert twin.claims() == []

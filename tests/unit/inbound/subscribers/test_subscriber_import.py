"""New subscribers of Spotler become records (NEW-01..NEW-09), with twins of both sides."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.features.subscriber_import import ImportOutcome, ImportResult, ImportTarget, row_id
from shared.domain.records.marketing_contact import MarketingContact
from shared.domain.records.records import PersonTable
from shared.errors import ConfigurationError, DataError, ThrottledError
from shared.inbound.reviews import ReviewReason
from shared.inbound.subscriber_import import ImportPolicy
from tests.import_setup import DOCUMENT, ImportSetup, new_subscriber
from tests.twins import bodies

# ----------------------------------------------------------------------------------------------------------- strategies


async def test_new_07_c_07_no_subscriber_is_imported_until_the_import_is_enabled() -> None:
    setup = ImportSetup(ImportPolicy().target)
    assert await setup.import_page(new_subscriber(1)) == [ImportResult("encrypted1", ImportOutcome.OFF)]
    assert setup.crm.people == {}
    assert sum(setup.records.calls.values()) == 0


async def test_new_03_every_new_subscriber_is_a_new_lead_even_if_the_address_is_in_use() -> None:
    setup = ImportSetup(ImportTarget.LEAD)
    setup.crm.create(PersonTable.LEAD, emailaddress1="new1@example.com")
    setup.crm.create(emailaddress1="new1@example.com")
    (one,) = await setup.import_page(new_subscriber(1, firstName="Ann"))
    assert one.outcome is ImportOutcome.CREATED
    assert one.key is not None
    assert one.key.table is PersonTable.LEAD
    assert setup.person(one.key).values["firstname"] == "Ann"
    assert len(setup.crm.people) == 3
    assert setup.records.calls == {"matching": 2, "create": 1}  # a table each, for records that refuse mail


async def test_new_03_a_repetition_makes_no_second_lead_and_leaves_the_first_as_it_is() -> None:
    setup = ImportSetup(ImportTarget.LEAD)
    (first,) = await setup.import_page(new_subscriber(1, firstName="Ann"))
    assert first.key is not None
    setup.crm.edit(first.key, firstname="Anna")
    (second,) = await setup.import_page(new_subscriber(1, firstName="Ann"))
    assert (second.outcome, second.key) == (ImportOutcome.KNOWN, first.key)
    assert setup.person(first.key).values["firstname"] == "Anna"


async def test_new_04_the_contact_with_the_address_is_taken_and_not_written_here() -> None:
    setup = ImportSetup()
    ann = setup.crm.create(emailaddress1="NEW1@example.com", firstname="Anna")
    assert await setup.import_page(new_subscriber(1, firstName="Ann")) == [
        ImportResult("encrypted1", ImportOutcome.MATCHED, ann)
    ]
    assert setup.person(ann).values["firstname"] == "Anna"
    assert setup.records.calls == {"matching": 1}


async def test_new_04_without_such_a_contact_one_is_created() -> None:
    setup = ImportSetup()
    gone = setup.crm.create(emailaddress1="new1@example.com")
    setup.crm.edit(gone, statecode=1)  # a form does not activate an inactive contact
    (one,) = await setup.import_page(new_subscriber(1, firstName="Ann"))
    assert one.outcome is ImportOutcome.CREATED
    assert setup.person(one.key).values["emailaddress1"] == "new1@example.com"
    assert await setup.outcomes(new_subscriber(1)) == [ImportOutcome.MATCHED]
    assert len(setup.crm.people) == 2


@pytest.mark.parametrize(
    ("email", "outcome"),
    [("NEW1@example.com", ImportOutcome.MATCHED), ("new2@example.com", ImportOutcome.OTHER_ADDRESS)],
)
async def test_new_04_two_subscribers_with_the_same_match_criteria_become_one_contact(
    email: str, outcome: ImportOutcome
) -> None:
    setup = ImportSetup(match=("lastname",))
    first, second = await setup.import_page(
        new_subscriber(1, lastName="Proef"), new_subscriber(2, email, lastName="proef")
    )
    assert (first.outcome, second.outcome) == (ImportOutcome.CREATED, outcome)
    assert first.key in {second.key, *second.candidates}
    assert len(setup.crm.people) == 1


async def test_new_05_other_columns_can_match_contacts() -> None:
    setup = ImportSetup(match=("emailaddress1", "lastname"))
    father = setup.crm.create(emailaddress1="new1@example.com", lastname="Senior")
    setup.crm.create(emailaddress1="new1@example.com", lastname="Junior")
    (one,) = await setup.import_page(new_subscriber(1, lastName="senior"))
    assert (one.outcome, one.key) == (ImportOutcome.MATCHED, father)


async def test_new_05_a_column_that_spotler_does_not_fill_cannot_be_used() -> None:
    with pytest.raises(ConfigurationError, match=r"NEW_SUBSCRIBER_MATCH .* contact\.jobtitle"):
        await ImportSetup(match=("jobtitle",)).import_page(new_subscriber(1))


async def test_new_05_another_address_is_a_question_where_it_may_not_be_written_back() -> None:
    setup = ImportSetup(match=("lastname",))
    ann = setup.crm.create(emailaddress1="old@example.com", lastname="Proef")
    (one,) = await setup.import_page(new_subscriber(1, lastName="Proef"))
    assert (one.outcome, one.key, one.candidates) == (ImportOutcome.OTHER_ADDRESS, None, (ann,))
    assert await setup.open_reviews() == [(ReviewReason.OTHER_ADDRESS, (ann,))]


async def test_new_05_and_gets_the_new_address_where_it_may() -> None:
    rows = [{**row, "direction": "<->"} if row["spotler"] == "email" else row for row in DOCUMENT["rows"]]
    setup = ImportSetup(match=("lastname",), document={**DOCUMENT, "rows": rows})
    ann = setup.crm.create(emailaddress1="old@example.com", lastname="Proef")
    (one,) = await setup.import_page(new_subscriber(1, lastName="Proef"))
    assert (one.outcome, one.key) == (ImportOutcome.MATCHED, ann)
    assert setup.person(ann).values["emailaddress1"] == "new1@example.com"


async def test_new_01_if_04_a_membership_entry_is_created_and_a_repetition_updates_it() -> None:
    setup = ImportSetup(ImportTarget.MEMBERSHIP_ENTRY)
    for name in ("Ann", "Anna"):
        (one,) = await setup.import_page(new_subscriber(1, firstName=name))
        assert (one.outcome, one.key) == (ImportOutcome.ENTERED, None)
    assert list(setup.records.entries.values()) == [{"new_name": "Anna", "new_channel": "Website"}]
    assert setup.crm.people == {}


async def test_new_09_the_permissions_are_those_that_spotler_has() -> None:
    setup = ImportSetup()
    (one,) = await setup.import_page(new_subscriber(1, permissions={1: True, 2: False}))
    assert {row.name: row.subscribed for row in setup.person(one.key).permissions} == {"News": True, "Offers": False}


async def test_a_subscriber_without_an_address_is_skipped() -> None:
    setup = ImportSetup(ImportTarget.LEAD)
    contact = MarketingContact("", "encrypted1", {"email": " "})
    assert await setup.import_page(contact) == [ImportResult("encrypted1", ImportOutcome.NO_EMAIL)]
    assert setup.crm.people == {}


@pytest.mark.parametrize("target", [ImportTarget.LEAD, ImportTarget.CONTACT, ImportTarget.MEMBERSHIP_ENTRY])
async def test_new_08_an_unsubscribed_contact_is_no_new_subscriber(target: ImportTarget) -> None:
    setup = ImportSetup(target)
    leaving = replace(new_subscriber(1), channels={"EMAIL": False})
    assert await setup.outcomes(leaving, new_subscriber(2)) != [ImportOutcome.UNREACHABLE] * 2
    assert (await setup.import_page(leaving)) == [ImportResult("encrypted1", ImportOutcome.UNREACHABLE)]
    assert len(setup.crm.people) + len(setup.records.entries) == 1
    back = replace(leaving, channels={"EMAIL": True})
    assert (await setup.outcomes(back))[0] in {ImportOutcome.CREATED, ImportOutcome.ENTERED}


async def test_a_page_costs_one_request_to_find_and_one_to_create() -> None:
    setup = ImportSetup()
    keys = [setup.crm.create(emailaddress1=f"new{number}@example.com") for number in range(50)]
    imported = await setup.import_page(*(new_subscriber(number) for number in range(100)))
    assert [one.encrypted_id for one in imported] == [f"encrypted{number}" for number in range(100)]
    assert [one.key for one in imported[:50]] == keys
    assert setup.records.calls == {"matching": 1, "create": 1}
    assert setup.store.calls["read"] == 1


# ------------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("setup", "text"),
    [
        (ImportSetup(ImportTarget.LEAD, tables=frozenset({PersonTable.CONTACT})), "SYNC_TABLES does not have lead"),
        (
            ImportSetup(
                ImportTarget.LEAD,
                document={"version": 1, "rows": [{"spotler": "email", "contact": "emailaddress1"}]},
            ),
            "no row for the email of a lead",
        ),
        (
            ImportSetup(
                ImportTarget.MEMBERSHIP_ENTRY,
                document={"version": 1, "rows": [{"spotler": "email", "contact": "emailaddress1"}]},
            ),
            "no row of the mapping has an entity column",
        ),
    ],
)
async def test_settings_that_the_mapping_cannot_serve_are_reported_and_lose_no_subscriber(
    setup: ImportSetup, text: str
) -> None:
    with pytest.raises(ConfigurationError, match=text):
        await setup.import_page(new_subscriber(1))


# --------------------------------------------------------------------------------------------------------------- errors


async def test_a_row_that_dataverse_refuses_becomes_a_review_and_does_not_stop_others() -> None:
    setup = ImportSetup(ImportTarget.LEAD)
    refused = row_id(ImportTarget.LEAD, "encrypted1")
    setup.records.refused[refused] = DataError("Dataverse refused the record: lastname", detail="Geheim")
    first, second = await setup.import_page(new_subscriber(1), new_subscriber(2))
    assert (first.outcome, first.text) == (ImportOutcome.REFUSED, "Dataverse refused the record: lastname")
    assert second.outcome is ImportOutcome.CREATED
    assert await setup.open_reviews() == [(ReviewReason.REFUSED, ())]
    assert "Geheim" not in bodies(setup.store.documents)
    setup.records.refused.clear()
    assert await setup.outcomes(new_subscriber(1)) == [ImportOutcome.CREATED]
    assert await setup.open_reviews() == []


async def test_a_passing_error_is_raised_and_the_next_poll_finds_everything_again() -> None:
    setup = ImportSetup(ImportTarget.LEAD)
    waiting = row_id(ImportTarget.LEAD, "encrypted2")
    setup.records.refused[waiting] = ThrottledError("wait", retry_after=timedelta(seconds=5))
    with pytest.raises(ThrottledError):
        await setup.import_page(new_subscriber(1), new_subscriber(2))
    setup.records.refused.clear()
    assert await setup.outcomes(new_subscriber(1), new_subscriber(2)) == [ImportOutcome.KNOWN, ImportOutcome.CREATED]

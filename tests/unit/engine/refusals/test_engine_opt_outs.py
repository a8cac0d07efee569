"""OPT-02, OPT-07..OPT-09, P-02: several records of a person who opts out and returns; refusals without a row."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from shared.domain.mapping.reading import DO_NOT_BULK_EMAIL
from shared.domain.records.records import Intent, PersonTable, RecordKey, SyncStatus
from tests.connector_twin import EVENTS, NEWSLETTER, RULES, ConnectorTwin, person
from tests.twins import TwinContact

ANN = "ann@example.com"


async def opted_out(**permissions: bool) -> tuple[ConnectorTwin, RecordKey, TwinContact]:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person(permissions=permissions))
    await twin.sync(ann)
    await twin.poll()
    twin.clock.advance(timedelta(hours=1))
    contact = twin.contact_of(ANN)
    twin.platform.opt_out(contact)
    twin.clock.advance(timedelta(minutes=1))
    await twin.poll()
    return twin, ann, contact


def refuses(twin: ConnectorTwin, key: RecordKey) -> bool:
    return bool(twin.crm.people[key].values.get(DO_NOT_BULK_EMAIL))


def status(twin: ConnectorTwin, key: RecordKey) -> SyncStatus | None:
    row = twin.crm.people[key].status
    return row.status if row else None


def said(twin: ConnectorTwin, key: RecordKey) -> dict[str, bool]:
    return {row.name: row.subscribed for row in twin.crm.people[key].permissions}


async def test_opt_07_a_record_that_joins_an_opted_out_contact_is_told_as_well() -> None:
    twin, ann, _ = await opted_out(Newsletter=True)
    annie = twin.crm.create(PersonTable.LEAD, **person(permissions={"Newsletter": True}))

    await twin.sync(annie)

    assert [(status(twin, key), refuses(twin, key)) for key in (ann, annie)] == [(SyncStatus.OPT_OUT, True)] * 2


async def test_p_02_a_permission_by_form_reaches_every_record_and_is_never_switched_off_on_the_way() -> None:
    twin, ann, contact = await opted_out()
    annie = twin.crm.create(PersonTable.LEAD, **person())
    await twin.sync(annie)
    twin.clock.advance(timedelta(minutes=1))
    twin.platform.edit(twin.platform.sign_up(ANN), options={NEWSLETTER: True})
    twin.clock.advance(timedelta(minutes=1))

    await twin.poll()

    assert contact.options[NEWSLETTER] is True
    assert [said(twin, key) for key in (ann, annie)] == [{"Newsletter": True}] * 2
    assert [(status(twin, key), refuses(twin, key)) for key in (ann, annie)] == [(SyncStatus.SUCCEEDED, False)] * 2


async def test_p_02_a_form_allows_mail_again_to_a_suppressed_record_without_a_contact() -> None:
    twin, ann, _ = await opted_out(Newsletter=True)
    twin.crm.delete(ann)
    await twin.sync(ann)
    twin.clock.advance(timedelta(minutes=1))
    anew = twin.crm.create(**person())
    await twin.sync(anew)
    assert (status(twin, anew), refuses(twin, anew)) == (SyncStatus.OPT_OUT, True)

    twin.clock.advance(timedelta(minutes=1))
    twin.platform.edit(twin.platform.sign_up(ANN), options={NEWSLETTER: True})
    twin.clock.advance(timedelta(minutes=1))
    await twin.poll()

    contact = twin.contact_of(ANN)
    assert (contact.external_id, contact.options[NEWSLETTER]) == (str(anew.id), True)
    assert (status(twin, anew), refuses(twin, anew), said(twin, anew)) == (
        SyncStatus.SUCCEEDED,
        False,
        {"Newsletter": True},
    )


async def test_purge_03_an_emptied_contact_is_filled_again_with_the_permissions_of_the_record() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person(permissions={"Newsletter": True, "Events": False}))
    await twin.sync(ann)
    twin.clock.advance(timedelta(days=1))
    await twin.look(ann, intent=Intent.PURGE)
    twin.clock.advance(timedelta(minutes=1))

    await twin.poll()

    (contact,) = twin.platform.contacts
    assert (contact.values["firstName"], contact.options.get(NEWSLETTER), contact.options.get(EVENTS, False)) == (
        "Ann",
        True,
        False,
    )
    assert said(twin, ann) == {"Newsletter": True, "Events": False}


async def test_f9_do_not_bulk_email_needs_no_row_of_permissions_in_the_mapping() -> None:
    mapping = RULES.mapping
    without = replace(mapping, rows=tuple(row for row in mapping.rows if row.property_name != "permissions"))
    twin = ConnectorTwin(replace(RULES, mapping=without))
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    contact = twin.contact_of(ANN)
    twin.platform.edit(contact, options={NEWSLETTER: True, EVENTS: True})
    twin.clock.advance(timedelta(minutes=1))

    twin.crm.edit(ann, **{DO_NOT_BULK_EMAIL: True})
    await twin.sync(ann)

    assert contact.options == {NEWSLETTER: False, EVENTS: False}


async def withheld(twin: ConnectorTwin) -> tuple[RecordKey, TwinContact]:
    """A record that shares the contact of one which refused mail, and was deleted since."""
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.edit(ann, **{DO_NOT_BULK_EMAIL: True})
    await twin.sync(ann)
    annie = twin.crm.create(**person(permissions={"Newsletter": True, "Events": True}))
    await twin.sync(annie)
    twin.clock.advance(timedelta(minutes=1))
    twin.crm.delete(ann)
    await twin.sync(ann, annie)
    twin.clock.advance(timedelta(minutes=1))
    contact = twin.contact_of(ANN)
    assert set(contact.options.values()) <= {False}
    return annie, contact


async def test_p_02_a_form_overtakes_the_refusal_of_a_record_that_is_gone_for_what_was_given_only() -> None:
    twin = ConnectorTwin()
    annie, contact = await withheld(twin)
    twin.platform.edit(contact, options={NEWSLETTER: True})
    twin.clock.advance(timedelta(minutes=1))

    for _ in range(2):
        await twin.poll()

    assert (contact.options.get(NEWSLETTER), contact.options.get(EVENTS, False)) == (True, False)
    assert said(twin, annie) == {"Newsletter": True, "Events": False}


async def test_perm_08_another_change_in_spotler_overtakes_no_refusal() -> None:
    twin = ConnectorTwin()
    annie, contact = await withheld(twin)
    twin.platform.edit(contact, hobby="chess")
    twin.crm.edit(annie, firstname="Annie")
    twin.clock.advance(timedelta(minutes=1))

    await twin.sync(annie)
    await twin.poll()

    assert set(contact.options.values()) <= {False}
    assert contact.values["firstName"] == "Annie"


async def test_p_02_a_form_overtakes_no_refusal_of_a_record_that_is_still_there() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    annie = twin.crm.create(PersonTable.LEAD, **person(permissions={"Newsletter": True}))
    await twin.sync(ann, annie)
    twin.crm.edit(ann, **{DO_NOT_BULK_EMAIL: True})
    await twin.sync(ann, annie)
    twin.clock.advance(timedelta(minutes=1))
    contact = twin.contact_of(ANN)
    twin.platform.edit(contact, options={NEWSLETTER: True})
    twin.clock.advance(timedelta(minutes=1))

    await twin.poll()

    assert contact.options[NEWSLETTER] is False


async def test_p_02_a_sign_up_after_the_deletion_of_a_refusing_record_counts_for_a_record_entered_before_the_poll() -> (
    None
):
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.edit(ann, **{DO_NOT_BULK_EMAIL: True})
    await twin.sync(ann)
    twin.crm.delete(ann)
    await twin.sync(ann)
    twin.clock.advance(timedelta(hours=1))
    twin.platform.edit(twin.platform.sign_up(ANN), options={NEWSLETTER: True})
    twin.clock.advance(timedelta(minutes=1))

    annie = twin.crm.create(**person(permissions={"Events": True}))
    await twin.sync(annie)
    await twin.poll()

    assert twin.contact_of(ANN).options.get(NEWSLETTER) is True
    assert not twin.contact_of(ANN).options.get(EVENTS)
    assert said(twin, annie) == {"Newsletter": True, "Events": False}

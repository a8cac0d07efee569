"""The suppression list: who refused at an address is not mailed there, whatever becomes of records and contacts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.consent.changes import BULK_EMAIL, DO_NOT_EMAIL, OPT_OUT, ConsentSource
from shared.domain.consent.suppression import AddressRefusal, Suppression
from shared.domain.planning.rules import EndAction
from shared.domain.records.records import RecordKey, SyncStatus
from tests.connector_twin import NEWSLETTER, RULES, ConnectorTwin, person
from tests.twins import TwinContact, bodies

ANN = "ann@example.com"
YES = {"Newsletter": True}


async def synced(**values: Any) -> tuple[ConnectorTwin, RecordKey]:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person(permissions=YES, **values))
    await twin.sync(ann)
    await twin.poll()
    return twin, ann


async def opted_out() -> tuple[ConnectorTwin, RecordKey]:
    twin, ann = await synced()
    twin.platform.opt_out(twin.contact_of(ANN))
    await twin.poll()
    return twin, ann


async def enter(twin: ConnectorTwin, **values: Any) -> RecordKey:
    twin.clock.advance(timedelta(minutes=1))
    key = twin.crm.create(**person(**{"permissions": YES, **values}))
    await twin.sync(key)
    await twin.poll()
    return key


def contact(twin: ConnectorTwin) -> TwinContact | None:
    return next(iter(twin.platform.having(ANN)), None)


def stays_out(twin: ConnectorTwin, key: RecordKey) -> bool:
    found, record = contact(twin), twin.crm.people[key]
    assert record.status is not None
    is_told = record.status.status is SyncStatus.OPT_OUT and record.values.get("donotbulkemail") is True
    return is_told and (found is None or found.is_inactive)


async def refused(twin: ConnectorTwin) -> frozenset[str]:
    address = RULES.fingerprints.address(ANN)
    return (await twin.suppressions.at([address]))[address].subjects


# ------------------------------------------------------------------------------------------------- opted out in Spotler


@pytest.mark.parametrize("end", ["deleted", "deactivated", "do not email", "another address"])
async def test_an_opted_out_person_who_is_entered_again_stays_out(end: str) -> None:
    twin, ann = await opted_out()
    match end:
        case "deleted":
            twin.crm.delete(ann)
        case "deactivated":
            twin.crm.edit(ann, statecode=1)
        case "do not email":
            twin.crm.edit(ann, donotemail=True)
        case _:
            twin.crm.edit(ann, emailaddress1="new@example.com")
    await twin.sync(ann)

    again = await enter(twin)

    assert stays_out(twin, again)
    assert OPT_OUT in await refused(twin)


async def test_an_opt_out_that_no_poll_has_seen_outlives_the_erasure() -> None:
    twin, ann = await synced()
    twin.platform.opt_out(twin.contact_of(ANN))
    twin.crm.delete(ann)
    await twin.sync(ann)

    assert stays_out(twin, await enter(twin))


@pytest.mark.parametrize("survivor_first", [True, False])
async def test_a_survivor_that_takes_over_an_opted_out_address_stays_out_in_either_order(
    *, survivor_first: bool
) -> None:
    twin, ann = await opted_out()
    ben = twin.crm.create(**person(emailaddress1="ben@example.com", permissions=YES))
    await twin.sync(ben)
    twin.crm.merge(ben, ann)
    twin.crm.edit(ben, emailaddress1=ANN)

    await twin.sync(*((ben, ann) if survivor_first else (ann, ben)))
    await twin.poll()

    assert stays_out(twin, ben)
    assert twin.platform.having("ben@example.com") == []


async def test_a_second_record_at_an_opted_out_address_may_not_be_mailed_either() -> None:
    twin, _ = await opted_out()

    second = await enter(twin, firstname="Annie")

    assert stays_out(twin, second)


async def test_p_02_a_sign_up_form_brings_back_who_was_entered_again() -> None:
    twin, ann = await opted_out()
    twin.crm.delete(ann)
    await twin.sync(ann)
    again = await enter(twin)
    twin.platform.edit(twin.platform.sign_up(ANN), options={NEWSLETTER: True})

    await twin.poll()
    await twin.poll()

    assert twin.status_of(again)[0] == SyncStatus.SUCCEEDED
    assert twin.crm.people[again].values["donotbulkemail"] is False
    found = contact(twin)
    assert found is not None
    assert (found.external_id, found.options[NEWSLETTER]) == (str(again.id), True)
    assert await refused(twin) == frozenset()


async def test_an_administrator_lifts_an_opt_out_with_a_reference_to_the_request() -> None:
    twin, ann = await opted_out()
    twin.crm.delete(ann)
    await twin.sync(ann)
    again = await enter(twin)

    lifted = await twin.refusal_lifting.lift(ANN, [], reference="T-17")
    await twin.quiet()

    assert (lifted.subjects, lifted.records) == ((OPT_OUT,), (again,))
    assert twin.status_of(again)[0] == SyncStatus.SUCCEEDED
    last = [(one.subject, one.new, one.source) for one in await twin.consent.of_record(again)]
    assert (OPT_OUT, "no", "administrator") in last
    assert any(one.correlation == "lift-T-17" for one in await twin.consent.of_record(again))


# ----------------------------------------------------------------------------------------------- refused in Dataverse


@pytest.mark.parametrize(("column", "subject"), [("donotbulkemail", BULK_EMAIL), ("donotemail", DO_NOT_EMAIL)])
async def test_a_refusal_of_a_record_that_is_gone_keeps_permissions_off(column: str, subject: str) -> None:
    twin, ann = await synced()
    twin.crm.edit(ann, **{column: True})
    await twin.sync(ann)
    twin.crm.delete(ann)
    await twin.sync(ann)

    again = await enter(twin)

    found = contact(twin)
    assert found is not None
    assert not any(found.options.values())
    assert subject in await refused(twin)
    twin.crm.edit(again, address1_city="Gouda")
    await twin.sync(again)
    assert not any(found.options.values()), "a later save does not bring it back"


@pytest.mark.parametrize("end", ["deleted", "deactivated", "merged"])
async def test_a_record_that_ends_leaves_its_refusal_to_those_that_share_its_address(end: str) -> None:
    twin, ann = await synced()
    other = await enter(twin, permissions={"Newsletter": True}, firstname="Annie")
    twin.crm.edit(ann, donotbulkemail=True)
    await twin.sync(ann)
    match end:
        case "deleted":
            twin.crm.delete(ann)
        case "deactivated":
            twin.crm.edit(ann, statecode=1)
        case _:
            twin.crm.merge(other, ann)

    await twin.sync(ann)
    await twin.poll()
    twin.clock.advance(timedelta(minutes=1))
    twin.crm.edit(other, address1_city="Gouda")
    twin.crm.permit(other, Newsletter=True)
    await twin.sync(other)

    found = contact(twin)
    assert found is not None
    assert found.values["city"] == "Gouda"
    assert not any(found.options.values())
    await twin.refusal_lifting.lift(ANN, [], reference="T-18")
    await twin.quiet()
    assert found.options[NEWSLETTER] is True


@pytest.mark.parametrize(("column", "subject"), [("donotbulkemail", BULK_EMAIL), ("donotemail", DO_NOT_EMAIL)])
@pytest.mark.parametrize("is_numbered", [True, False])
async def test_an_edit_by_a_colleague_in_spotler_lifts_no_refusal_of_a_record_that_is_gone(
    column: str, subject: str, *, is_numbered: bool
) -> None:
    twin = ConnectorTwin(replace(RULES, on_inactive=EndAction.PERMISSIONS_OFF))
    ann = twin.crm.create(**person(permissions=YES))
    await twin.sync(ann)
    await twin.poll()
    twin.crm.edit(ann, statecode=1, **{column: True})
    await twin.sync(ann)
    left = contact(twin)
    assert left is not None
    assert not any(left.options.values()), "the contact stays, without permissions"
    if not is_numbered:
        left.external_id = ""

    twin.clock.advance(timedelta(hours=1))
    twin.platform.edit(left, city="Gouda")
    await twin.poll()

    assert subject in await refused(twin)


async def test_perm_24_the_record_itself_takes_its_refusal_back() -> None:
    twin, ann = await synced()
    twin.crm.edit(ann, donotbulkemail=True)
    await twin.sync(ann)
    twin.crm.edit(ann, donotbulkemail=False)
    await twin.sync(ann)

    assert twin.contact_of(ANN).options[NEWSLETTER] is True
    assert await refused(twin) == frozenset()


async def test_a_permission_that_was_withdrawn_at_an_address_does_not_come_back_with_an_import() -> None:
    twin, ann = await synced()
    twin.platform.edit(twin.contact_of(ANN), options={NEWSLETTER: False})
    await twin.poll()
    twin.crm.delete(ann)
    await twin.sync(ann)

    again = await enter(twin)

    assert not twin.contact_of(ANN).options.get(NEWSLETTER)
    assert {row.name: row.subscribed for row in twin.crm.people[again].permissions} == {"Newsletter": False}


async def test_what_one_record_withdraws_is_off_when_another_makes_the_erased_contact_anew() -> None:
    """The record that withdraws is disabled before anybody looks, and the contact was erased in Spotler."""
    twin, ann = await synced()
    lead = await enter(twin)
    twin.platform.contacts.remove(twin.contact_of(ANN))
    twin.crm.permit(lead, Newsletter=False)
    twin.crm.set_status(lead, SyncStatus.DISABLED)
    await twin.sync(lead)

    twin.crm.edit(ann, firstname="Anna")
    await twin.sync(ann)

    assert not twin.contact_of(ANN).options.get(NEWSLETTER)


async def test_a_permission_that_a_user_gives_later_is_a_newer_act() -> None:
    twin, ann = await synced()
    twin.crm.permit(ann, Newsletter=False)
    await twin.sync(ann)
    twin.crm.delete(ann)
    await twin.sync(ann)
    again = await enter(twin)
    twin.clock.advance(timedelta(minutes=5))
    twin.crm.permit(again, Newsletter=True)

    await twin.sync(again)
    await twin.poll()

    assert twin.contact_of(ANN).options[NEWSLETTER] is True
    assert NEWSLETTER not in await refused(twin)


async def test_the_list_holds_no_address() -> None:
    twin, _ = await opted_out()
    assert "example.com" not in bodies(twin.store.documents)


_SUBJECTS = st.sampled_from([OPT_OUT, DO_NOT_EMAIL, BULK_EMAIL, NEWSLETTER])
_ACTS = st.lists(st.tuples(st.booleans(), _SUBJECTS, st.sampled_from(["", "contact:1", "contact:2"])), max_size=12)


@given(acts=_ACTS)
def test_a_forgotten_person_leaves_every_refusal_behind_and_no_id(acts: list[tuple[bool, str, str]]) -> None:
    known, at = Suppression(), datetime(2026, 3, 1, tzinfo=UTC)
    for refuses, subject, record in acts:
        at += timedelta(hours=1)
        if refuses:
            known = known.adding([AddressRefusal(subject, at, ConsentSource.DATAVERSE_ROW, record)])
        else:
            known = known.lifting([subject], at, ConsentSource.ADMINISTRATOR, record=record)

    after = known.disowned("contact:1")

    assert after.subjects == known.subjects
    assert "contact:1" not in {one.record for one in after.refusals}
    assert {one for one in after.refusals if one.record == "contact:2"} == {
        one for one in known.refusals if one.record == "contact:2"
    }
    assert after.disowned("contact:1") == after

"""Contacts that an opt-out or a bounce closes in Spotler, and that open again."""

from __future__ import annotations

from datetime import timedelta

from shared.domain.records.records import SyncStatus, Why
from tests.unit.inbound.two_way.exchanging import met, ping_pong, value


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

"""Before a contact is erased, and after: who else needs it, who was blanked, who was purged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.planning.rules import EndAction
from shared.domain.records.marketing_contact import WriteCode, WriteResult
from shared.domain.records.records import Intent, RecordKey, Reference, SyncStatus, Why
from shared.ports.queue import QueueName
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person, rules


async def duplicated(twin: ConnectorTwin) -> RecordKey:
    """A record that was looked at while a duplicate was there, of which nobody has told yet."""
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.create(**person(firstname="Annie"))
    twin.clock.advance(timedelta(seconds=1))
    await twin.sync(ann)
    return ann


async def test_before_a_contact_is_erased_others_with_its_address_are_looked_at() -> None:
    """The event of the duplicate is still on its way when the original is deleted."""
    twin = ConnectorTwin()
    ann = await duplicated(twin)
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
    ann = await duplicated(twin)
    twin.crm.delete(ann)
    twin.platform.answers["ann@example.com"] = WriteResult(WriteCode.ERROR)

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


# ---------------------------------------------------------------------------------------------------- blanked, purged


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


@pytest.mark.parametrize("cause", [{"donotemail": True}, {"statecode": 1}, {"emailaddress1": None}])
async def test_anon_12_and_anon_13_who_is_excluded_for_good_stays_away_whatever_is_saved(cause: dict[str, Any]) -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.edit(ann, **cause)
    await twin.sync(ann)
    assert twin.platform.erased == ["ann@example.com"]

    for name in ("Anna", "Anneke"):
        twin.crm.edit(ann, firstname=name)
        await twin.sync(ann)

    assert twin.platform.contacts == []
    assert len(twin.platform.writes) == 1


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


@pytest.mark.parametrize("deletion_first", [True, False])
async def test_a_person_deleted_and_entered_again_inherits_nothing_whichever_message_comes_first(
    *, deletion_first: bool
) -> None:
    twin = ConnectorTwin()
    old = twin.crm.create(**person(permissions={"Newsletter": True}))
    await twin.sync(old)
    twin.clock.advance(timedelta(seconds=1))
    twin.crm.delete(old)
    new = twin.crm.create(**person())

    await twin.sync(*((old, new) if deletion_first else (new, old)))
    await twin.poll()

    contact = twin.contact_of("ann@example.com")
    assert not contact.options.get("permissions:1")
    assert twin.platform.erased == ["ann@example.com"]
    assert {row.name: row.subscribed for row in twin.crm.people[new].permissions} == {}
    assert twin.users()[contact.external_id] == {str(new): "ok"}

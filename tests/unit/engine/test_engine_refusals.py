"""Spotler says no: what the record shows, what is not repeated, and whom it does not hold up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.domain.records.marketing_contact import ContactWrite, WriteCode, WriteResult
from shared.domain.records.records import PersonTable
from shared.errors import TransientError
from tests.connector_twin import ConnectorTwin, person

LEAD = PersonTable.LEAD


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
    twin.platform.answers["ann@example.com"] = WriteResult(code, "said Spotler")

    await twin.sync(ann)

    assert twin.status_of(ann) == status
    assert twin.platform.calls["insert"] == 1
    assert twin.platform.calls["upsert"] <= 1


async def test_nothing_of_an_opted_out_person_is_sent_any_more() -> None:  # OPT-08
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.platform.answers["ann@example.com"] = WriteResult(WriteCode.CONTACT_OPTOUT)
    await twin.sync(ann)
    twin.crm.edit(ann, firstname="Anna")

    await twin.sync(ann)

    assert twin.platform.calls["insert"] == 1
    assert twin.status_of(ann) == ("Opt-out", "opted-out")


async def test_a_refused_new_record_is_no_user_of_the_contact_it_wanted_to_share() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    lead = twin.crm.create(LEAD, **person(firstname="Annie"))
    twin.platform.answers["ann@example.com"] = WriteResult(WriteCode.PROPERTY_INVALID)
    await twin.sync(lead)
    twin.platform.answers.clear()
    twin.crm.delete(ann)
    twin.crm.edit(lead, donotemail=True)
    await twin.sync(ann)
    assert twin.platform.erased == ["ann@example.com"]

    twin.crm.edit(lead, donotemail=False)
    await twin.sync(lead)

    assert twin.contact_of("ann@example.com").values["customerType"] == "lead", "it is written in full"


async def test_one_refused_record_does_not_hold_up_the_others() -> None:  # VAL-05
    twin = ConnectorTwin()
    keys = [twin.crm.create(emailaddress1=f"p{number}@example.com") for number in range(3)]
    twin.platform.answers["p1@example.com"] = WriteResult(WriteCode.PROPERTY_INVALID)

    await twin.sync(*keys)

    assert [twin.status_of(key)[0] for key in keys] == ["Succeeded", "Failed", "Succeeded"]


async def test_what_spotler_refuses_of_a_record_is_left_out_and_the_rest_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person(address1_city="Gouda"))
    insert = twin.platform.insert

    async def without_city(contacts: Sequence[ContactWrite]) -> dict[str, WriteResult]:
        if any("city" in one.properties for one in contacts):
            return {one.external_id: WriteResult(WriteCode.PROPERTY_INVALID, "city is not valid") for one in contacts}
        return await insert(contacts)

    monkeypatch.setattr(twin.platform, "insert", without_city)
    await twin.sync(ann)

    contact = twin.contact_of("ann@example.com")
    assert contact.values["firstName"] == twin.crm.people[ann].values["firstname"]
    assert "city" not in contact.values
    assert twin.status_of(ann)[0] == "Succeeded"


async def test_a_failed_call_without_the_refused_property_is_retried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person(address1_city="Gouda"))
    twin.platform.answers["ann@example.com"] = WriteResult(WriteCode.PROPERTY_INVALID, "city is not valid")
    insert = twin.platform.insert

    async def busy_at_second(contacts: Sequence[ContactWrite]) -> dict[str, WriteResult]:
        if twin.platform.calls["insert"] == 1:
            twin.platform.answers.clear()
            twin.platform.calls["insert"] += 1
            raise TransientError("Spotler is busy")
        return await insert(contacts)

    monkeypatch.setattr(twin.platform, "insert", busy_at_second)
    await twin.sync(ann)
    twin.clock.advance(timedelta(minutes=5))
    await twin.quiet()

    assert twin.status_of(ann)[0] == "Succeeded"
    assert twin.contact_of("ann@example.com").values["city"] == "Gouda"

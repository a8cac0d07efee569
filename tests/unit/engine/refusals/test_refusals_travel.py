"""Refusals travel by themselves (OPT-02), and only refusals do."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.records.records import RecordKey, SyncStatus
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person
from tests.unit.inbound.two_way.exchanging import two_way


async def disabled(*, newsletter: bool, direction: str = "<->") -> tuple[ConnectorTwin, RecordKey]:
    twin = ConnectorTwin(two_way(permissions={"direction": direction}))
    ann = twin.crm.create(**person(permissions={"Newsletter": newsletter}))
    await twin.sync(ann)
    await twin.poll()
    twin.crm.set_status(ann, SyncStatus.DISABLED)
    return twin, ann


@pytest.mark.parametrize("refusal", [{"donotbulkemail": True}, {"Newsletter": False}])
async def test_a_refusal_reaches_spotler_from_a_record_whose_synchronisation_is_disabled(
    refusal: dict[str, Any],
) -> None:
    twin, ann = await disabled(newsletter=True)
    if "Newsletter" in refusal:
        twin.crm.permit(ann, **refusal)
    else:
        twin.crm.edit(ann, **refusal)
    twin.crm.edit(ann, firstname="Anna")

    await twin.sync(ann)

    contact = twin.contact_of("ann@example.com")
    assert contact.options[NEWSLETTER] is False
    assert contact.values["firstName"] == "Ann", "nothing else of it is sent (STA-05)"


async def test_a_yes_that_the_person_gives_in_spotler_is_not_taken_back_by_a_disabled_record() -> None:
    twin, _ = await disabled(newsletter=False)
    twin.platform.edit(twin.contact_of("ann@example.com"), options={NEWSLETTER: True})

    await twin.poll()

    assert twin.contact_of("ann@example.com").options[NEWSLETTER] is True


@pytest.mark.parametrize("direction", ["<->", "->"])
@pytest.mark.parametrize("is_disabled", [True, False])
async def test_do_not_bulk_email_outweighs_a_yes_that_is_given_in_spotler_later(
    direction: str, *, is_disabled: bool
) -> None:
    twin, ann = await disabled(newsletter=False, direction=direction)
    if not is_disabled:
        twin.crm.set_status(ann, SyncStatus.SUCCEEDED)
    twin.crm.edit(ann, donotbulkemail=True)
    await twin.sync(ann)
    twin.platform.edit(twin.contact_of("ann@example.com"), options={NEWSLETTER: True})

    await twin.poll()

    assert twin.contact_of("ann@example.com").options[NEWSLETTER] is False


@pytest.mark.parametrize("direction", ["<->", "->"])
@pytest.mark.parametrize("is_polled", [True, False])
async def test_do_not_bulk_email_takes_back_a_yes_that_was_given_while_the_record_was_disabled(
    direction: str, *, is_polled: bool
) -> None:
    twin, ann = await disabled(newsletter=False, direction=direction)
    twin.platform.edit(twin.contact_of("ann@example.com"), options={NEWSLETTER: True})
    if is_polled:
        await twin.poll()
    twin.crm.edit(ann, donotbulkemail=True)

    await twin.sync(ann)

    assert twin.contact_of("ann@example.com").options[NEWSLETTER] is False

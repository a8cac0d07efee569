"""Refusals travel by themselves (OPT-02), and only refusals do."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.records import RecordKey, SyncStatus
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person


async def disabled(*, newsletter: bool) -> tuple[ConnectorTwin, RecordKey]:
    twin = ConnectorTwin()
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


async def test_do_not_bulk_email_of_a_disabled_record_outweighs_it() -> None:
    twin, ann = await disabled(newsletter=False)
    twin.crm.edit(ann, donotbulkemail=True)
    await twin.sync(ann)
    twin.platform.edit(twin.contact_of("ann@example.com"), options={NEWSLETTER: True})

    await twin.poll()

    assert twin.contact_of("ann@example.com").options[NEWSLETTER] is False


async def test_do_not_bulk_email_takes_back_a_yes_that_was_given_while_the_record_was_disabled() -> None:
    twin, ann = await disabled(newsletter=False)
    twin.platform.edit(twin.contact_of("ann@example.com"), options={NEWSLETTER: True})
    await twin.poll()
    twin.crm.edit(ann, donotbulkemail=True)

    await twin.sync(ann)

    assert twin.contact_of("ann@example.com").options[NEWSLETTER] is False

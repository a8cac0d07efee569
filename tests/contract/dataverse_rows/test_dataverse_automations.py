"""Rows of Spotler Automation against the sandbox's Web API (AUT-09, AUT-27)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from shared.adapters.dataverse.rows.automations import DataverseAutomations
from shared.domain.features.automations import LONGEST_NAME, AutomationKind, PublishedAutomation
from shared.domain.values.values import clipped
from shared.errors import ConnectorError
from shared.ports.dataverse import AutomationRows, AutomationWrite
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation

WELCOME = PublishedAutomation(AutomationKind.AUTOMATION, "spotler-1", "code-1", "Welcome")
CART = PublishedAutomation(AutomationKind.CAMPAIGN, "CmpCart", "TrgCart", "Abandoned cart")


@pytest.fixture
async def organisation() -> AsyncIterator[DataverseOrganisation]:
    async with open_organisation() as opened:
        yield opened


@pytest.fixture
def rows(organisation: DataverseOrganisation) -> AutomationRows:
    return DataverseAutomations(organisation.client)


def new(automation: PublishedAutomation, fields: str = "") -> AutomationWrite:
    return AutomationWrite(row=None, automation=automation, fields=fields, is_active=True)


async def test_rows_are_created_in_one_request_and_read_back(
    organisation: DataverseOrganisation, rows: AutomationRows
) -> None:
    await rows.write_automations([new(WELCOME, "voucher=<STRING>"), new(CART)])
    assert organisation.sent == ["POST $batch"]
    welcome, cart = sorted(await rows.all_automations(), key=lambda row: row.kind)
    assert (welcome.kind, welcome.code, welcome.platform_id, welcome.name, welcome.fields, welcome.is_active) == (
        AutomationKind.AUTOMATION,
        "code-1",
        "spotler-1",
        "Welcome",
        "voucher=<STRING>",
        True,
    )
    assert await rows.read_automations([cart.id, UUID(int=9)]) == {cart.id: cart}
    assert await rows.read_automations([]) == {}


async def test_the_lookup_shows_the_kind_before_the_name(
    organisation: DataverseOrganisation, rows: AutomationRows
) -> None:
    await rows.write_automations([new(WELCOME), new(CART)])
    shown = await organisation.rows("dh_spotlerautomations", "dh_name", "dh_kind", orderby="dh_kind asc")
    assert [(row["dh_name"], row["dh_kind"]) for row in shown] == [
        ("🚀 Welcome", 480000000),
        ("📢 Abandoned cart", 480000001),
    ]


@pytest.mark.parametrize("name", ["x" * 297, "x" * 298, "x" * 400, "x" * 296 + " yz", "🎉" * 200])
async def test_a_name_is_cut_to_its_column_and_read_back_as_a_refresh_expects_it(
    rows: AutomationRows, name: str
) -> None:
    await rows.write_automations([new(replace(WELCOME, name=name))])
    (row,) = await rows.all_automations()
    assert row.name == clipped(name, LONGEST_NAME)
    assert name.startswith(row.name)


async def test_two_refreshes_at_once_create_a_row_once(rows: AutomationRows) -> None:
    await rows.write_automations([new(WELCOME)])
    await rows.write_automations([new(WELCOME)])
    assert len(await rows.all_automations()) == 1


async def test_a_row_is_deactivated_and_comes_back_with_its_id(rows: AutomationRows) -> None:
    await rows.write_automations([new(WELCOME)])
    (row,) = await rows.all_automations()
    for is_active in (False, True):
        await rows.write_automations([AutomationWrite(row.id, WELCOME, "", is_active=is_active)])
        (now,) = await rows.all_automations()
        assert (now.id, now.is_active) == (row.id, is_active)


async def test_a_row_that_is_gone_is_an_error_after_the_others_are_written(rows: AutomationRows) -> None:
    with pytest.raises(ConnectorError):
        await rows.write_automations([AutomationWrite(UUID(int=9), WELCOME, "", is_active=True), new(CART)])
    assert [row.code for row in await rows.all_automations()] == ["TrgCart"]


async def test_rows_without_a_code_are_left_to_who_made_them(
    organisation: DataverseOrganisation, rows: AutomationRows
) -> None:
    await organisation.client.create("dh_spotlerautomations", {"dh_name": "By hand"})
    assert list(await rows.all_automations()) == []

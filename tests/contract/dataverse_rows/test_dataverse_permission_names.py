"""Spotler Permission rows by name against the sandbox's Web API (PERM-21)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.adapters.dataverse.rows.permission_names import DataversePermissionRows
from shared.ports.dataverse import PermissionRows
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation


def row(number: int, name: str) -> tuple[str, dict[str, Any]]:
    return ("dh_spotlerpermission", {"dh_spotlerpermissionid": str(UUID(int=number)), "dh_name": name})


@pytest.fixture
async def organisation() -> AsyncIterator[DataverseOrganisation]:
    rows = [*(row(number, "O'Brien's news") for number in range(1, 6)), row(6, "o'brien's NEWS"), row(7, "Events")]
    async with open_organisation(rows) as opened:
        yield opened


@pytest.fixture
def rows(organisation: DataverseOrganisation) -> PermissionRows:
    return DataversePermissionRows(organisation.client)


async def test_rows_that_have_their_new_name_are_not_found_again(
    organisation: DataverseOrganisation, rows: PermissionRows
) -> None:
    found: list[int] = []
    more = True
    while more:
        page = await rows.named("O'Brien's news", created_before=None, after=None, limit=2)
        found += [one.id.int for one in page.rows]
        await rows.rename([one.id for one in page.rows], "News")
        more = page.after is not None
    assert sorted(found) == [1, 2, 3, 4, 5, 6]
    names = [one["dh_name"] for one in await organisation.rows("dh_spotlerpermissions", "dh_name")]
    assert sorted(names) == ["Events", *["News"] * 6]


async def test_another_spelling_is_carried_over_page_by_page(
    organisation: DataverseOrganisation, rows: PermissionRows
) -> None:
    after: str | None = None
    more = True
    while more:
        page = await rows.named("O'Brien's news", created_before=None, after=after, limit=2)
        await rows.rename([one.id for one in page.rows], "O'BRIEN'S NEWS")
        more = (after := page.after) is not None
    names = [one["dh_name"] for one in await organisation.rows("dh_spotlerpermissions", "dh_name")]
    assert sorted(names) == ["Events", *["O'BRIEN'S NEWS"] * 6]


async def test_the_search_for_a_permission_finds_only_rows_created_before_the_moment(rows: PermissionRows) -> None:
    now = datetime.now(UTC)
    for moment, count in ((now - timedelta(days=1), 0), (now + timedelta(days=1), 1)):
        page = await rows.named("Events", created_before=moment, after=None, limit=10)
        assert len(page.rows) == count
        assert page.after is None


async def test_renaming_permission_rows_passes_over_a_row_that_is_gone(rows: PermissionRows) -> None:
    await rows.rename([UUID(int=7), UUID(int=99)], "Parties")
    assert await rows.in_use(["Parties", "Events", "O'Brien's news"]) == {"Parties", "O'Brien's news"}
    await rows.rename([], "Nobody's")
    assert await rows.in_use([]) == frozenset()


async def test_rows_that_dataverse_refuses_are_named() -> None:
    keys = {"dh_spotlerpermission": [["dh_name"]]}
    async with open_organisation([row(1, "News"), row(2, "Letters")], alternate_keys=keys) as strict:
        rows = DataversePermissionRows(strict.client)
        assert await rows.rename([UUID(int=1), UUID(int=2)], "News") == {UUID(int=2)}
        assert await rows.rename([UUID(int=2)], "Events") == frozenset()

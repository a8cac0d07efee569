"""Refreshing the rows of Spotler Automation: new, changed, gone, back, and never deleted (AUT-05, AUT-06, SCH-03)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from shared.domain.features.automations import (
    LONGEST_NAME,
    AutomationField,
    AutomationKind,
    AutomationRow,
    FieldType,
    PublishedAutomation,
)
from shared.domain.features.capabilities import CAPABILITY_OFF
from shared.domain.values.values import clipped
from shared.errors import DataError, TransientError
from shared.operations.automations.automation_refresh import AutomationRefresh, Refreshed
from shared.ports.dataverse import AutomationWrite

WELCOME = PublishedAutomation(
    AutomationKind.AUTOMATION, "a1", "code-1", "Welcome", (AutomationField("cart", FieldType.PRODUCTLIST),)
)
CART = PublishedAutomation(AutomationKind.CAMPAIGN, "c1", "TrgCart", "Abandoned cart")


@dataclass
class Spotler:
    """Publishes what it holds; a kind in `refusals` cannot be listed."""

    holds: list[PublishedAutomation]
    refusals: dict[AutomationKind, Exception] = field(default_factory=dict)

    async def published(self, kind: AutomationKind) -> Sequence[PublishedAutomation]:
        if kind in self.refusals:
            raise self.refusals[kind]
        return [one for one in self.holds if one.kind is kind]


@dataclass
class Table:
    """The rows, and how many were written."""

    rows: dict[UUID, AutomationRow] = field(default_factory=dict)
    writes: int = 0

    async def all_automations(self) -> Sequence[AutomationRow]:
        return list(self.rows.values())

    async def write_automations(self, writes: Sequence[AutomationWrite]) -> None:
        for write in writes:
            self.writes += 1
            one, identifier = write.automation, write.row or UUID(int=len(self.rows) + 1)
            self.rows[identifier] = AutomationRow(
                identifier,
                one.kind,
                one.platform_id,
                one.code,
                clipped(one.name, LONGEST_NAME),
                write.fields,
                write.is_active,
            )

    def state(self) -> dict[str, tuple[str, bool]]:
        return {row.code: (row.name, row.is_active) for row in self.rows.values()}


@pytest.fixture
def spotler() -> Spotler:
    return Spotler([WELCOME, CART])


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def refresh(spotler: Spotler, table: Table) -> AutomationRefresh:
    return AutomationRefresh(spotler, table)


async def test_new_automation_gets_a_row_with_its_hints(refresh: AutomationRefresh, table: Table) -> None:
    assert await refresh.refresh() == Refreshed(new=2)
    assert table.state() == {"code-1": ("Welcome", True), "TrgCart": ("Abandoned cart", True)}
    assert table.rows[UUID(int=1)].fields == "cart={<PRODUCTLIST>}"


async def test_unchanged_rows_are_not_written(refresh: AutomationRefresh, table: Table) -> None:
    await refresh.refresh()
    assert await refresh.refresh() == Refreshed(unchanged=2)
    assert table.writes == 2


@pytest.mark.parametrize("name", ["x" * 297, "x" * 298, "x" * 296 + " yz", "🎉" * 200, "x" * 296 + "🎉"])
async def test_a_name_that_is_cut_to_its_column_is_as_before_at_the_next_refresh(
    refresh: AutomationRefresh, spotler: Spotler, table: Table, name: str
) -> None:
    spotler.holds[0] = replace(WELCOME, name=name)
    await refresh.refresh()
    assert await refresh.refresh() == Refreshed(unchanged=2)
    assert table.writes == 2


@pytest.mark.parametrize(
    "change", [{"name": "Hello"}, {"platform_id": "a9"}, {"fields": ()}], ids=["name", "spotler id", "fields"]
)
async def test_changes_are_written(
    refresh: AutomationRefresh, spotler: Spotler, table: Table, change: dict[str, object]
) -> None:
    await refresh.refresh()
    spotler.holds[0] = replace(WELCOME, **change)
    assert await refresh.refresh() == Refreshed(changed=1, unchanged=1)
    assert table.writes == 3


async def test_removed_automation_is_deactivated_once_and_keeps_its_row(
    refresh: AutomationRefresh, spotler: Spotler, table: Table
) -> None:
    await refresh.refresh()
    spotler.holds.remove(WELCOME)
    assert await refresh.refresh() == Refreshed(gone=1, unchanged=1)
    assert table.state()["code-1"] == ("Welcome", False)
    assert await refresh.refresh() == Refreshed(unchanged=1)


async def test_returned_automation_is_activated_in_its_old_row(
    refresh: AutomationRefresh, spotler: Spotler, table: Table
) -> None:
    await refresh.refresh()
    spotler.holds.remove(WELCOME)
    await refresh.refresh()
    spotler.holds.append(replace(WELCOME, name="Welcome 2"))
    assert await refresh.refresh() == Refreshed(back=1, unchanged=1)
    assert table.rows[UUID(int=1)].is_active
    assert table.state()["code-1"] == ("Welcome 2", True)


async def test_a_code_of_both_kinds_is_two_rows(refresh: AutomationRefresh, spotler: Spotler, table: Table) -> None:
    spotler.holds[:] = [WELCOME, replace(CART, code=WELCOME.code)]
    assert await refresh.refresh() == Refreshed(new=2)
    assert await refresh.refresh() == Refreshed(unchanged=2)


async def test_a_kind_that_cannot_be_asked_for_is_left_alone(
    refresh: AutomationRefresh, spotler: Spotler, table: Table
) -> None:
    await refresh.refresh()
    spotler.refusals[AutomationKind.AUTOMATION] = DataError("off", code=CAPABILITY_OFF)
    spotler.holds.clear()
    refreshed = await refresh.refresh()
    assert refreshed == Refreshed(gone=1, unlisted=(AutomationKind.AUTOMATION,))
    assert table.state() == {"code-1": ("Welcome", True), "TrgCart": ("Abandoned cart", False)}
    assert "connection check" in str(refreshed)


async def test_a_list_that_does_not_come_changes_nothing(
    refresh: AutomationRefresh, spotler: Spotler, table: Table
) -> None:
    await refresh.refresh()
    spotler.refusals[AutomationKind.CAMPAIGN] = TransientError("down")
    spotler.holds.clear()
    with pytest.raises(TransientError):
        await refresh.refresh()
    assert table.writes == 2


def test_the_result_reads_as_a_sentence() -> None:
    assert str(Refreshed(new=2, gone=1, unchanged=3)) == "2 new, 1 gone; 3 as before."
    assert str(Refreshed()) == "Nothing changed; 0 as before."

"""MAP-19, SEC-02: the mapping reads the owner's name, which its role does not allow, until it is extended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shared.domain.records.records import SyncStatus
from shared.local.sandbox.addresses import CONNECTOR_CLIENT
from tests.scenario.two_way import open_both_ways
from tests.scenario.world import Contact, Person, World, eventually, permissions

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWNER = "ownerid(systemuser).fullname"


@pytest_asyncio.fixture(loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    rows = ({"spotler": "profileField1", "contact": OWNER},)
    async with open_both_ways(tmp_path_factory.mktemp("refused"), rows=rows) as opened:
        yield opened


async def findings(world: World) -> list[dict[str, Any]]:
    answer = await world.connector.call("POST", "/api/mapping/check")
    assert answer.status_code == 200, answer.text
    return [one for one in answer.json()["findings"] if one["code"] == "related-table-refused"]


async def health(world: World) -> dict[str, Any]:
    answer = await world.connector.call("GET", "/api/health")
    report: dict[str, Any] = answer.json()
    return report


async def says(world: World, person: Person, *, left_out: bool) -> str:
    """Wait until the record's Spotler Status tells that something is left out, or no longer does."""

    async def look() -> str | None:
        row = await world.status_now(person)
        is_told = row is not None and "Left out" in row.text
        return row.text if row is not None and row.status is SyncStatus.SUCCEEDED and is_told is left_out else None

    return await eventually(look, f"a status on {person} that fits")


def lives_in(city: str) -> Any:
    def seen(contact: Contact) -> bool:
        return bool(contact["properties"]["city"] == city)

    return seen


async def test_a_missing_privilege_costs_a_field_and_is_told_until_the_role_is_extended(world: World) -> None:
    await world.dynamics.revoke(CONNECTOR_CLIENT, systemuser=["read"])
    person = await world.synchronised()
    await world.permit(person, "Newsletter")
    await world.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})

    await world.change(person, address1_city="Gouda")
    contact = await world.in_spotler(person, lives_in("Gouda"))
    assert not contact["properties"].get("profileField1")
    text = await says(world, person, left_out=True)
    assert f"{OWNER} (Spotler's profileField1) may not be read" in text
    assert "prvReadUser for systemuser" in text

    (finding,) = await findings(world)
    assert (finding["severity"], finding["table"]) == ("error", "contact")
    assert "prvReadUser" in finding["text"]
    report = await health(world)
    assert (report["healthy"], report["mapping"]["refusedTables"]) == (False, {"systemuser": "prvReadUser"})

    await world.change(person, donotbulkemail=True)
    await world.in_spotler(person, lambda contact: permissions(contact) == set())

    await world.dynamics.grant(CONNECTOR_CLIENT, systemuser=["read"])
    assert await findings(world) == []
    await world.change(person, address1_city="Delft")
    contact = await world.in_spotler(person, lives_in("Delft"))
    assert contact["properties"]["profileField1"]
    await says(world, person, left_out=False)
    report = await health(world)
    assert (report["healthy"], report["mapping"]["refusedTables"]) == (True, {})

"""What happens at night around consent, through the functions host: tasks about bounces, names of permissions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from shared.composition.connections import SystemClock
from shared.consent.audit_ledger import ConsentLedger
from shared.domain.consent.changes import ConsentChange, ConsentSource, ConsentState, permission
from shared.domain.records.records import PersonTable, RecordKey, SyncStatus
from shared.ports.state import DocumentKey, Put
from tests.scenario.world import Person, World, eventually, open_world, permissions

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVERY_SECOND = "* * * * * *"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def night(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world in which it is always night and time to poll; the memory of names is two hours old and knows another."""
    folder = tmp_path_factory.mktemp("night")
    schedules = dict.fromkeys(("HOUSEKEEPING_SCHEDULE", "JOB_SWEEP_SCHEDULE", "POLL_SCHEDULE"), EVERY_SECOND)
    async with open_world(folder, **schedules, CONSENT_RETENTION_DAYS="30", BOUNCE_TASK_LANGUAGE="nl") as opened:
        looked = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
        memory = {"looked": looked, "names": {"permissions:1": "Old news", "permissions:512": "Gone"}}
        await opened.store.write([Put(DocumentKey("default-permissions", "names"), memory)])
        row = {"dh_name": "Old news", "dh_subscribed": True}
        for name in ("Old news", "Gone"):
            await opened.dynamics.bring_in("dh_spotlerpermissions", {**row, "dh_name": name})
        await opened.connector.start()
        yield opened


async def tasks(world: World, person: Person) -> list[dict[str, Any]]:
    columns = "subject,category,statecode,_ownerid_value,_regardingobjectid_value"
    rows = (await world.dynamics.read(f"tasks?$select={columns}"))["value"]
    return [row for row in rows if row["_regardingobjectid_value"] == person.id]


async def test_bnc_09_the_owner_gets_a_task_and_bnc_11_it_is_completed_when_the_address_changes(night: World) -> None:
    person = await night.synchronised()
    await night.spotler.post(f"contact/hard-bounce?email={person.email}")
    await night.status(person, SyncStatus.FAILED, "hard-bounce")

    async def given() -> list[dict[str, Any]]:
        return await tasks(night, person)

    (task,) = await eventually(given, "a task")
    assert (task["subject"], task["category"], task["statecode"]) == (
        "E-mailadres werkt niet: graag corrigeren",
        "Spotler",
        0,
    )
    record = await night.dynamics.read(f"{person.path}?$select=_ownerid_value")
    assert task["_ownerid_value"] == record["_ownerid_value"]
    report = (await night.connector.call("GET", "/api/bounces")).json()["bounces"]
    assert [(row["record"], row["task"]) for row in report] == [(f"contact:{person.id}", task["activityid"])]

    address = night.address()
    await night.change(person, emailaddress1=address)
    await night.in_spotler(address, lambda contact: contact["inactivity"] is None)
    await night.status(person, SyncStatus.SUCCEEDED)

    async def completed() -> bool:
        return [row["statecode"] for row in await tasks(night, person)] == [1]

    await eventually(completed, "the task to be completed")
    assert (await night.connector.call("GET", "/api/bounces")).json()["bounces"] == []


async def test_perm_21_a_renamed_permission_carries_its_rows_along(night: World) -> None:
    async def names() -> list[str]:
        rows = (await night.dynamics.read("dh_spotlerpermissions?$select=dh_name"))["value"]
        found = sorted(row["dh_name"] for row in rows)
        return found if "Old news" not in found else []

    assert "Gone" in await eventually(names, "the new name")
    assert "Newsletter" in await names()


async def test_perm_22_a_removed_permission_is_told_of_in_health(night: World) -> None:
    async def told() -> bool:
        health = (await night.connector.call("GET", "/api/health")).json()
        return bool(
            health["permissions"] == {"renaming": [], "refusedInDataverse": [], "removedInSpotler": ["permissions:512"]}
        )

    await eventually(told, "the removed permission in health")


async def test_changes_of_consent_are_kept_as_long_as_the_setting_says(night: World) -> None:
    key = RecordKey(PersonTable.LEAD, uuid4())
    now = datetime.now(UTC)
    changes = [
        ConsentChange(
            now - timedelta(days=days),
            key,
            "e-1",
            permission(4),
            ConsentState.NO,
            ConsentState.YES,
            ConsentSource.JOB,
            f"c-{days}",
        )
        for days in (1, 29, 31, 400)
    ]
    ledger = ConsentLedger(night.store, SystemClock(), "default")
    await ledger.record(changes)

    async def forgotten() -> bool:
        return list(await ledger.of_record(key)) == changes[:2]

    await eventually(forgotten, "old changes to be forgotten")


async def test_a_tick_in_dynamics_is_in_the_ledger(night: World) -> None:
    person = await night.synchronised()
    await night.permit(person, "Newsletter")
    await night.in_spotler(person, lambda contact: "Newsletter" in permissions(contact))
    key = RecordKey(PersonTable.CONTACT, RecordKey.parse(f"contact:{person.id}").id)

    async def kept() -> bool:
        changes = await ConsentLedger(night.store, SystemClock(), "default").of_record(key)
        return any(one.new is ConsentState.YES and one.source is ConsentSource.DATAVERSE_ROW for one in changes)

    await eventually(kept, "the change in the ledger")

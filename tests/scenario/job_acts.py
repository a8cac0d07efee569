"""What people do with Spotler Jobs, and where they see the effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.adapters.dataverse.records.tables import AUTOMATIONS, JOBS
from shared.domain.records.jobs import Operation
from shared.domain.records.records import PersonTable
from tests.scenario.world import Job, Person, World

_OWNERS = {
    PersonTable.CONTACT: "dh_CustomerId_contact",
    PersonTable.ACCOUNT: "dh_CustomerId_account",
    PersonTable.LEAD: "dh_LeadId",
}


def job_row(operation: Operation, person: Person | None = None, **columns: Any) -> dict[str, Any]:
    """Fill in a Spotler Job; `automation` and `marketing_list` are ids, other columns go by their logical names."""
    row: dict[str, Any] = {"dh_name": "Asked by a flow", "dh_operation": int(operation)}
    if person is not None:
        row[f"{_OWNERS[person.table]}@odata.bind"] = f"/{person.path}"
    if automation := columns.pop("automation", ""):
        row["dh_AutomationId@odata.bind"] = f"/{AUTOMATIONS}({automation})"
    if marketing_list := columns.pop("marketing_list", ""):
        row["dh_ListId@odata.bind"] = f"/lists({marketing_list})"
    return row | columns


async def ask(world: World, operation: Operation, person: Person | None = None, **columns: Any) -> str:
    """Save a Spotler Job and return its id."""
    return await world.dynamics.create(JOBS, job_row(operation, person, **columns))


async def done(world: World, operation: Operation, person: Person | None = None, **columns: Any) -> Job:
    """Save a Spotler Job and wait until it has ended."""
    return await world.ended(await ask(world, operation, person, **columns))


async def posts(world: World, person: Person) -> list[str]:
    """Read the posts in the timeline of a record, oldest first."""
    answer = await world.dynamics.read(f"posts?$filter=_regardingobjectid_value eq {person.id}&$orderby=createdon asc")
    return [row["text"] for row in answer["value"]]


async def automation_rows(world: World) -> Mapping[str, str]:
    """Return the ids of the automations that users may choose, by name."""
    rows = (await world.dynamics.read(f"{AUTOMATIONS}?$select=dh_name&$filter=statecode eq 0"))["value"]
    return {row["dh_name"]: row["dh_spotlerautomationid"] for row in rows}


async def tags(world: World, person: Person) -> dict[str, int]:
    """Return the tags of somebody's contact with their scores."""
    contact = await world.spotler.contact(person.email)
    assert contact is not None
    found: dict[str, int] = contact["tags"]
    return found


async def runs(world: World, person: Person) -> list[dict[str, Any]]:
    """Return somebody's runs of automations, stopped ones too."""
    return [run for run in await look(world, "automation-runs") if run["externalContactId"] == person.id]


async def look(world: World, part: str) -> Any:
    """Look behind Spotler's scenes."""
    return (await world.spotler._http.get(part)).json()

"""What people do with marketing lists, and where they see the effect."""

from __future__ import annotations

from typing import Any

from shared.adapters.dataverse.records.tables import PEOPLE
from shared.domain.records.jobs import JobStatus
from shared.domain.records.records import PersonTable
from tests.scenario.job_acts import look
from tests.scenario.world import Person, World, eventually

OK = (JobStatus.COMPLETED, "OK")
TEMPORARY, STATIC = 480000001, 480000002
_CODES = {PersonTable.ACCOUNT: 1, PersonTable.CONTACT: 2, PersonTable.LEAD: 4}


async def new_list(
    world: World, name: str, *members: Person, table: PersonTable = PersonTable.CONTACT, **columns: Any
) -> str:
    """Save a list (ML-38) and put people into it of whom the connector hears nothing."""
    row = {"listname": name, "createdfromcode": _CODES[table], "type": False, **columns}
    marketing_list = await world.dynamics.create("lists", row)
    for person in members:
        await world.dynamics.bring_in("listmembers", member_row(marketing_list, person))
    return marketing_list


def member_row(marketing_list: str, person: Person) -> dict[str, str]:
    return {
        "listid@odata.bind": f"/lists({marketing_list})",
        f"entityid_{person.table}@odata.bind": f"/{person.path}",
    }


async def in_list(world: World, marketing_list: str, part: str = "audiences") -> list[str] | None:
    members = (await look(world, part)).get(f"list-{marketing_list}")
    return sorted(members) if members is not None else None


async def becomes(world: World, marketing_list: str, *people: Person) -> None:
    wanted = sorted(person.id for person in people)

    async def seen() -> bool:
        return await in_list(world, marketing_list) == wanted

    await eventually(seen, f"{len(wanted)} people in the list")


async def info(world: World, marketing_list: str) -> dict[str, Any]:
    row = await world.dynamics.read(f"lists({marketing_list})?$select=listid&$expand=dh_SpotlerInfo")
    found: dict[str, Any] = row["dh_SpotlerInfo"] or {}
    return found


async def join(world: World, way: str, marketing_list: str, person: Person) -> None:
    """Add somebody: Members > Add on the list, Add to Marketing List on the contact, or a flow."""
    described = {"@odata.type": f"Microsoft.Dynamics.CRM.{person.table}", PEOPLE[person.table].key: person.id}
    the_list = {"@odata.type": "Microsoft.Dynamics.CRM.list", "listid": marketing_list}
    match way:
        case "AddListMembersList":
            await world.dynamics.act(way, {"List": the_list, "Members": [described]})
        case "AddMemberList":
            path = f"lists({marketing_list})/Microsoft.Dynamics.CRM.AddMemberList"
            await world.dynamics.act(path, {"EntityId": person.id})
        case _:
            await world.dynamics.create("listmembers", member_row(marketing_list, person))


async def leave(world: World, marketing_list: str, person: Person) -> None:
    wanted = f"_listid_value eq {marketing_list} and _entityid_value eq {person.id}"
    (row,) = (await world.dynamics.read(f"listmembers?$select=listmemberid&$filter={wanted}"))["value"]
    await world.dynamics.delete("listmembers", row["listmemberid"])


async def overview(world: World, path: str) -> dict[str, Any]:
    answer = await world.connector.call("GET", f"/api/{path}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found

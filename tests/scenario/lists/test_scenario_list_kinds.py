"""C-06, ML-05..ML-10, SEL, P-09..P-15: what a marketing list is in Spotler, and what marketers can do with it there.

Dynamic lists, their editor and reports are pages of Spotler; these scenarios show what such a page finds: the list,
its people in the active contact base, and the properties, permissions, tags and scores to refine by.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.domain.records.jobs import JobStatus, Operation
from tests.scenario.job_acts import done, look, tags
from tests.scenario.list_acts import OK, STATIC, TEMPORARY, in_list, leave, new_list
from tests.scenario.two_way import mapping_text
from tests.scenario.world import Person, World, open_world, permissions

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_ml_05_ml_10_p_15_both_kinds_of_lists_become_an_audience_known_by_the_lists_id(world: World) -> None:
    """An audience is what Spotler shows as read-only, with a database icon, and offers as a source of dynamic lists.

    It is never a static list, whatever the list is in Dynamics, and it is filled anew as often as somebody syncs it.
    """
    person = await world.bring_in(jobtitle="Bron")
    query = (
        '<fetch><entity name="contact"><filter><condition attribute="jobtitle" operator="eq" value="Bron"/></filter>'
        "</entity></fetch>"
    )
    static = await new_list(world, "Bron statisch", person)
    dynamic = await new_list(world, "Bron dynamisch", type=True, query=query)

    for marketing_list in (static, dynamic, dynamic):
        job = await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)
        assert (job.status, job.code) == OK

    for marketing_list, name in ((static, "Bron statisch"), (dynamic, "Bron dynamisch")):
        assert await in_list(world, marketing_list, "audiences") == [person.id]
        assert await in_list(world, marketing_list, "temporary-lists") is None
        assert (await look(world, "list-names"))[f"list-{marketing_list}"] == name


async def test_ml_08_sel_01_p_14_a_list_is_temporary_by_its_own_column(world: World) -> None:
    first, second = await world.synchronised(), await world.bring_in()
    marketing_list = await new_list(world, "Tijdelijk", first, second, dh_spotlerlistkind=TEMPORARY)
    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)
    assert await in_list(world, marketing_list, "temporary-lists") == sorted([first.id, second.id])
    assert await in_list(world, marketing_list, "audiences") is None

    await leave(world, marketing_list, first)
    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

    assert await in_list(world, marketing_list, "temporary-lists") == [second.id]


async def test_ml_07_sel_04_static_is_refused_with_the_reason_and_what_to_choose_instead(world: World) -> None:
    person = await world.bring_in()
    marketing_list = await new_list(world, "Vast", person, dh_spotlerlistkind=STATIC)

    job = await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

    assert (job.status, job.code) == (JobStatus.FAILED, "[JOB_NOT_VALID]")
    assert "cannot make static lists: they are imported in Spotler itself" in job.text
    assert "Choose audience or temporary" in job.text
    for part in ("audiences", "temporary-lists"):
        assert await in_list(world, marketing_list, part) is None
    assert await world.spotler.contact(person.email) is None, "and nobody was sent for nothing"


async def test_p_09_p_11_a_list_gives_no_withdrawn_permission_back(world: World) -> None:
    """Who withdraws a permission stays in the audience, and drops out of a dynamic list that asks for the permission.

    What that dynamic list would find are the people of the audience whose permission is on.
    """
    loyal, withdrawing = await with_permission(world), await with_permission(world)
    marketing_list = await new_list(world, "Nieuwsbrief", loyal, withdrawing)
    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)
    assert await found_by_permission(world, marketing_list) == sorted([loyal.id, withdrawing.id])

    off = {"permissions": [{"bit": 1, "enabled": False}]}
    await world.spotler.post(f"contact/edit?email={withdrawing.email}", {"properties": off})
    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

    assert await in_list(world, marketing_list) == sorted([loyal.id, withdrawing.id])
    assert await found_by_permission(world, marketing_list) == [loyal.id]


async def with_permission(world: World) -> Person:
    person = await world.synchronised()
    await world.permit(person, "Newsletter")
    await world.in_spotler(person, lambda contact: "Newsletter" in permissions(contact))
    await world.settled()
    return person


async def found_by_permission(world: World, marketing_list: str) -> list[str]:
    contacts = [await world.spotler.contact_with_id(one) for one in await in_list(world, marketing_list) or ()]
    return sorted(one["externalId"] for one in contacts if one and "Newsletter" in permissions(one))


@pytest.mark.parametrize("kind", [None, TEMPORARY])
async def test_p_12_members_are_active_contacts_with_all_their_properties_and_automations_reach_them(
    world: World, kind: int | None
) -> None:
    person = await world.bring_in()
    columns = {} if kind is None else {"dh_spotlerlistkind": kind}
    marketing_list = await new_list(world, f"Actief {kind}", person, **columns)

    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

    contact = await world.in_spotler(person)
    assert not contact["inactivity"]
    saved = await world.synchronised()
    assert contact["properties"].keys() == (await world.in_spotler(saved))["properties"].keys(), "as if it were saved"


async def test_sel_03_p_13_a_member_has_everything_that_the_list_editor_refines_by(world: World) -> None:
    """Property, tag and tag score; the base is the active contacts, or the audience."""
    person = await world.bring_in()
    marketing_list = await new_list(world, "Verfijnen", person)

    await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)
    await done(world, Operation.ADD_TAG, person, dh_parametername="Verfijnd")
    await done(world, Operation.SET_SCORE, person, dh_parametername="Warmte", dh_parametervalue="40")

    assert await in_list(world, marketing_list) == [person.id]
    contact = await world.in_spotler(person)
    assert contact["properties"]["city"]
    assert (await tags(world, person)).items() >= {"Verfijnd": 0, "Warmte": 40}.items()


async def test_sel_02_a_new_column_in_the_mapping_arrives_with_the_members_of_a_list(tmp_path: Path) -> None:
    own = {"columns": {"contact.new_shoesize": {"type": "Integer"}}, "properties": {"shoeSize": {"type": "int"}}}
    (customised := tmp_path / "customised.json").write_text(json.dumps(own), encoding="utf-8")
    async with open_world(tmp_path, "--customised", str(customised)) as world:
        await world.connector.start()
        person = await world.synchronised(new_shoesize=41)
        assert "shoeSize" not in (await world.in_spotler(person))["properties"], "nobody has mapped it yet"

        mapping = mapping_text({"spotler": "shoeSize", "contact": "new_shoesize", "direction": "->"})
        path = "/api/mapping?by=consultant&accept=column-without-step"  # its changes alone fire nothing here
        answer = await world.connector.call("PUT", path, mapping.encode(), key=world.connector.master)
        assert answer.status_code == 200, answer.text
        new_subscriber = await world.bring_in(new_shoesize=42)
        marketing_list = await new_list(world, "Schoenmaat", new_subscriber)
        await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

        assert (await world.in_spotler(new_subscriber))["properties"]["shoeSize"] == 42
        await world.change(person, jobtitle="Koper")
        await world.in_spotler(person, lambda contact: contact["properties"].get("shoeSize") == 41)

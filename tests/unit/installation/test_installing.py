"""An installation converges, whatever interrupts it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from shared.installation.plan import Action
from shared.installation.session import Goal
from tests.unit.installation.organisation_twin import KilledError, OrganisationTwin
from tests.unit.installation.runs import desired, run, writes_of


@pytest.mark.parametrize("sales", [True, False])
async def test_a_second_run_writes_nothing(*, sales: bool) -> None:
    twin = OrganisationTwin(sales=sales)
    assert {step.action for step in await run(twin)} == {Action.CREATE}
    assert await writes_of(twin) == 0


async def test_a_bare_organisation_gets_tables_lookups_roles_and_steps() -> None:
    twin = OrganisationTwin()
    await run(twin)
    assert {"dh_spotlerinfo", "dh_spotlerjob", "dh_spotlerpermission", "dh_marketinginteraction"} <= twin.tables.keys()
    assert twin.relationships["dh_spotlerjob_customer_contact"] == ("contact", "dh_spotlerjob", "dh_customerid")
    assert {row["name"] for row in twin.rowsets["roles"].values()} == {
        "Spotler Read Only",
        "Spotler User",
        "Spotler Marketer",
        "Spotler Service",
    }
    (update,) = [
        row
        for row in twin.rowsets["sdkmessageprocessingsteps"].values()
        if row["name"] == "Spotler Connector: Update of contact"
    ]
    assert update["filteringattributes"] == "emailaddress1,firstname"


async def test_without_sales_its_parts_are_left_out() -> None:
    twin = OrganisationTwin(sales=False)
    await run(twin)
    assert "dh_leadid" not in twin.tables["dh_spotlerjob"].columns
    names = [row["name"] for row in twin.rowsets["sdkmessageprocessingsteps"].values()]
    assert not [name for name in names if name.endswith(("of lead", "of list"))]
    images = {row["attributes"] for row in twin.rowsets["sdkmessageprocessingstepimages"].values()}
    assert images == {"dh_customerid"}


async def test_sales_that_comes_later_is_added_by_the_next_run() -> None:
    twin = OrganisationTwin(sales=False)
    await run(twin)
    for table in ("lead", "list", "listmember", "campaign"):
        twin._new_table(table, table)
    await run(twin, state=desired(key=None))
    assert "dh_leadid" in twin.tables["dh_spotlerjob"].columns
    assert "dh_openrate" in twin.tables["campaign"].columns
    assert await writes_of(twin) == 0


async def test_uninstalling_keeps_the_data() -> None:
    twin = OrganisationTwin()
    await run(twin)
    await run(twin, Goal.UNINSTALL)
    assert "dh_spotlerinfo" in twin.tables
    assert not twin.rowsets["sdkmessageprocessingsteps"]
    assert not twin.rowsets["serviceendpoints"]
    assert not twin.rowsets["roles"]
    await run(twin)
    assert await writes_of(twin) == 0


async def test_uninstalling_with_the_data_leaves_nothing() -> None:
    twin = OrganisationTwin()
    bare = set(twin.tables)
    columns = {name: set(table.columns) for name, table in twin.tables.items()}
    await run(twin)
    await run(twin, Goal.UNINSTALL_WITH_DATA)
    assert set(twin.tables) == bare
    assert {name: set(table.columns) for name, table in twin.tables.items()} == columns
    assert not twin.relationships
    for name in ("publishers", "solutions", "solutioncomponents", "environmentvariabledefinitions", "webresourceset"):
        assert not twin.rowsets[name], name
    await run(twin)
    assert await writes_of(twin) == 0


async def count_of_writes() -> int:
    twin = OrganisationTwin()
    await run(twin)
    return twin.counts.writes


async def test_no_step_is_switched_on_before_it_has_its_image() -> None:
    twin = OrganisationTwin()
    imaged = ("Update of dh_spotlerpermission", "Delete of dh_spotlerpermission", "Delete of listmember")
    seen = set()

    def watch(name: str, rows: dict[str, dict[str, Any]]) -> None:
        if name != "sdkmessageprocessingsteps":
            return
        images = {one["_sdkmessageprocessingstepid_value"] for one in twin.rowsets[f"{name[:-1]}images"].values()}
        for key, row in rows.items():
            if row["name"].endswith(imaged):
                seen.add((row.get("statecode", 0), key in images))

    twin.watch = watch
    await run(twin)

    assert seen == {(1, False), (1, True), (0, True)}
    assert {row.get("statecode", 0) for row in twin.rowsets["sdkmessageprocessingsteps"].values()} == {0}


async def test_a_finished_step_that_somebody_switched_off_stays_off() -> None:
    twin = OrganisationTwin()
    await run(twin)
    step = next(row for row in twin.rowsets["sdkmessageprocessingsteps"].values() if "listmember" in row["name"])
    step["statecode"] = 1
    assert await writes_of(twin) == 0


async def killed_at(write: int, *, executed: bool) -> None:
    twin = OrganisationTwin()
    twin.kill_at, twin.executed = write, executed
    with pytest.raises(KilledError):
        await run(twin)
    twin.kill_at = None
    await run(twin)
    assert await writes_of(twin) == 0, write


@pytest.mark.parametrize("executed", [True, False])
async def test_a_killed_run_is_finished_by_the_next_one(*, executed: bool) -> None:
    for write in range(1, await count_of_writes() + 1, 7):
        await killed_at(write, executed=executed)


@pytest.mark.slow
@pytest.mark.parametrize("executed", [True, False])
async def test_a_run_that_is_killed_at_any_write_is_finished_by_the_next_one(*, executed: bool) -> None:
    for write in range(1, await count_of_writes() + 1):
        await killed_at(write, executed=executed)


async def test_a_creation_whose_answer_is_lost_is_not_repeated() -> None:
    twin = OrganisationTwin()
    twin.lost_answers = {1, 2, 9, 10, 11}
    await run(twin)
    assert len(twin.rowsets["publishers"]) == 1
    assert await writes_of(twin) == 0


async def test_a_base_language_that_is_neither_english_nor_dutch_gets_english() -> None:
    twin = OrganisationTwin(base_language=1031, languages=(1031, 1043))
    await run(twin)
    labels = twin.tables["dh_spotlerjob"].definition["DisplayName"]["LocalizedLabels"]
    assert {one["LanguageCode"]: one["Label"] for one in labels} == {1031: "Spotler Job", 1043: "Spotler-taak"}
    assert await writes_of(twin) == 0


async def test_what_an_administrator_changed_is_set_right_and_what_he_added_stays() -> None:
    twin = OrganisationTwin()
    await run(twin)
    job = twin.tables["dh_spotlerjob"].columns
    job["dh_resultcode"]["MaxLength"] = 20
    job["dh_parametername"]["MaxLength"] = 900
    (service,) = [row for row in twin.rowsets["roles"].values() if row["name"] == "Spotler Service"]
    extra = {"PrivilegeId": str(uuid4()), "Depth": "Global"}
    service["privileges"][extra["PrivilegeId"]] = extra
    service["privileges"].pop(next(iter(service["privileges"])))
    steps = await run(twin, state=desired(key=None))
    assert {step.name for step in steps} == {"dh_spotlerjob.dh_resultcode", "Spotler Service"}
    assert job["dh_resultcode"]["MaxLength"] == 100
    assert job["dh_parametername"]["MaxLength"] == 900
    assert extra["PrivilegeId"] in service["privileges"]


async def test_a_changed_mapping_changes_the_filtering_columns_alone() -> None:
    twin = OrganisationTwin()
    await run(twin)
    state = desired(key=None)
    steps = tuple(
        replace(step, columns=step.columns | {"lastname"}) if step.name.endswith("Update of contact") else step
        for step in state.steps
    )
    written = await run(twin, state=replace(state, steps=steps))
    assert [(step.name, step.reason) for step in written] == [
        ("Spotler Connector: Update of contact", "does not hear of lastname")
    ]


async def test_a_given_key_is_written_and_never_shown() -> None:
    twin = OrganisationTwin()
    await run(twin)
    steps = await run(twin, state=desired("another"))
    assert [(step.kind, step.reason) for step in steps] == [("endpoint", "key is given")]
    assert "another" not in repr(steps)

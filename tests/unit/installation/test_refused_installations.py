"""What is refused before the first write, and what is not: organisations of others, privileges, solution files."""

from __future__ import annotations

from uuid import uuid4

import pytest

from shared.errors import ConfigurationError
from shared.installation.components.kind import OUTSIDE_THE_SOLUTION, Kind
from tests.unit.installation.organisation_twin import OrganisationTwin
from tests.unit.installation.runs import CLIENT, desired, run, writes_of


async def test_a_managed_table_of_another_connector_stops_before_the_first_write() -> None:
    twin = OrganisationTwin()
    twin._new_table("dh_spotlerinfo", "dh_SpotlerInfo").definition["IsManaged"] = True
    with pytest.raises(ConfigurationError, match="coming-from-another-connector"):
        await run(twin)
    assert twin.counts.writes == 0


@pytest.mark.parametrize("privilege", ["prvCreateRole", "prvCreateEntity", "prvWriteAttribute", "prvAppendsystemuser"])
async def test_who_is_no_administrator_is_told_so_before_the_first_write(privilege: str) -> None:
    twin = OrganisationTwin()
    twin.refused_privileges = {privilege}
    with pytest.raises(ConfigurationError, match=f"lacks {privilege}: let a System Administrator"):
        await run(twin)
    assert twin.counts.writes == 0


async def test_privileges_that_no_step_of_the_plan_needs_may_be_missing() -> None:
    twin = OrganisationTwin()
    await run(twin)
    twin.refused_privileges = {"prvCreateEntity", "prvCreateRole"}
    assert len(await run(twin, state=desired("another"))) == 1


def blocked(value: str) -> str:
    name = "IsLockdownOfUnmanagedCustomizationEnabled"
    return f"<OrgSettings><IsMCPEnabled>true</IsMCPEnabled><{name}>{value}</{name}></OrgSettings>"


async def test_blocked_customisations_are_told_before_the_first_write() -> None:
    twin = OrganisationTwin()
    (organisation,) = twin.rowsets["organizations"].values()
    organisation["orgdborgsettings"] = blocked("true")
    with pytest.raises(ConfigurationError, match="Settings, Features"):
        await run(twin)
    assert twin.counts.writes == 0

    organisation["orgdborgsettings"] = blocked("false")
    await run(twin)
    organisation["orgdborgsettings"] = blocked("true")
    assert await writes_of(twin) == 0


async def test_the_own_solution_as_a_managed_one_is_not_taken_for_another_connector() -> None:
    twin = OrganisationTwin()
    twin._seed("solutions", solutionid=str(uuid4()), uniquename="SpotlerConnector", ismanaged=True)
    twin._new_table("dh_spotlerinfo", "dh_SpotlerInfo").definition["IsManaged"] = True
    with pytest.raises(ConfigurationError, match="SpotlerConnector by importing its next managed version"):
        await run(twin)
    assert twin.counts.writes == 0


async def test_where_a_solution_file_was_imported_what_is_in_no_such_file_is_installed() -> None:
    twin = OrganisationTwin()
    await run(twin, only=tuple(set(Kind) - OUTSIDE_THE_SOLUTION))
    (solution,) = twin.rowsets["solutions"].values()
    solution["ismanaged"] = True
    for name, table in twin.tables.items():
        table.definition["IsManaged"] = name.startswith("dh_")

    made = {step.kind for step in await run(twin, only=tuple(OUTSIDE_THE_SOLUTION))}

    assert made == {Kind.USER, Kind.ENDPOINT, Kind.STEP}
    with pytest.raises(ConfigurationError, match="--only tab user steps"):
        await run(twin, only=(Kind.USER, Kind.VIEW))


async def test_a_version_that_an_export_raised_stays() -> None:
    twin = OrganisationTwin()
    await run(twin)
    (solution,) = twin.rowsets["solutions"].values()
    for version, writes in (("1.0.0.7", 0), ("0.9", 1)):
        solution["version"] = version
        assert await writes_of(twin) == writes
    assert solution["version"] == "1.0.0.0"


@pytest.mark.parametrize(
    ("only", "missing"),
    [
        ((Kind.USER,), "The role Spotler"),
        ((Kind.TABLE,), "The solution SpotlerConnector"),
        ((Kind.SOLUTION,), "The publisher"),
        ((Kind.PUBLISHER, Kind.SOLUTION, Kind.ROLE), "The table dh_"),
    ],
)
async def test_what_the_chosen_kinds_need_is_told_before_the_first_write(only: tuple[Kind, ...], missing: str) -> None:
    twin = OrganisationTwin()
    with pytest.raises(ConfigurationError, match=f"{missing}.* does not exist.* leave --only out"):
        await run(twin, only=only)
    assert twin.counts.writes == 0

    await run(twin)
    await run(twin, only=only)


async def test_a_deleted_user_of_the_application_is_told_before_the_first_write() -> None:
    twin = OrganisationTwin()
    twin._seed("systemusers", systemuserid=str(uuid4()), applicationid=CLIENT, deletedstate=1, roles=[])
    with pytest.raises(ConfigurationError, match="delete it permanently"):
        await run(twin)
    assert twin.counts.writes == 0


async def test_a_publisher_of_that_name_with_another_prefix_is_refused() -> None:
    twin = OrganisationTwin()
    name = desired().publisher.name
    twin._seed(
        "publishers",
        publisherid=str(uuid4()),
        uniquename=name,
        friendlyname=name,
        customizationprefix="new",
        customizationoptionvalueprefix=10000,
    )
    with pytest.raises(ConfigurationError, match="prefixes new and 10000"):
        await run(twin)
    assert twin.counts.writes == 0


async def test_a_column_of_another_type_is_named_before_the_first_write() -> None:
    twin = OrganisationTwin()
    twin._column("contact", "dh_engagementscore", "String")
    with pytest.raises(ConfigurationError, match=r"contact\.dh_engagementscore exists with the type String"):
        await run(twin)
    assert twin.counts.writes == 0

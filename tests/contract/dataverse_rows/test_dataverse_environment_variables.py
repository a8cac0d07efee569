"""Environment variables against the sandbox's Web API: found by either name, one current value (ENV, C-19)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.adapters.dataverse.rows.environment_variables import DataverseEnvironmentVariables
from shared.consent.permission_defaults import DefaultPermissions
from shared.domain.consent.permission_defaults import PermissionDefault
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType, SetEntry
from shared.ports.dataverse import EnvironmentVariable, EnvironmentVariables
from tests.contract.clocks import ManualClock
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation
from tests.contract.dataverse_script import delete
from tests.twins import TwinPlatform

SCHEMA, DISPLAY = "dh_spotlerpermissions", "permissions"
OLD = UUID(int=1)


def definition(identifier: UUID, schema_name: str, display_name: str, **columns: Any) -> tuple[str, dict[str, Any]]:
    return (
        "environmentvariabledefinition",
        {
            "environmentvariabledefinitionid": str(identifier),
            "schemaname": schema_name,
            "displayname": display_name,
            **columns,
        },
    )


def variables(organisation: DataverseOrganisation) -> EnvironmentVariables:
    return DataverseEnvironmentVariables(organisation.client)


async def remove_ours(organisation: DataverseOrganisation) -> None:
    for row in await organisation.rows(
        "environmentvariabledefinitions", "environmentvariabledefinitionid", "schemaname"
    ):
        if row["schemaname"] == SCHEMA:
            await organisation.client.execute(
                delete("environmentvariabledefinitions", UUID(row["environmentvariabledefinitionid"]))
            )


async def test_the_schema_name_goes_before_the_display_name() -> None:
    async with open_organisation([definition(OLD, "av_permissions", DISPLAY)]) as organisation:
        found = await variables(organisation).find_variable(SCHEMA, DISPLAY)
        assert found is not None
        assert (found.schema_name, found.value, found.value_id) == (SCHEMA, None, None)


async def test_without_the_schema_name_the_display_name_finds_it() -> None:
    async with open_organisation([definition(OLD, "av_permissions", DISPLAY, defaultvalue=";")]) as organisation:
        await remove_ours(organisation)
        found = await variables(organisation).find_variable(SCHEMA, DISPLAY)
        assert found == EnvironmentVariable(OLD, "av_permissions", None, None, ";")


async def test_without_the_schema_name_and_the_display_name_no_variable_is_found() -> None:
    async with open_organisation() as organisation:
        await remove_ours(organisation)
        assert await variables(organisation).find_variable(SCHEMA, DISPLAY) is None


async def test_the_first_value_is_created_and_later_ones_replace_it() -> None:
    async with open_organisation() as organisation:
        port = variables(organisation)
        for value in ("Newsletter;", "Newsletter;Productinfo;"):
            before = await port.find_variable(SCHEMA, DISPLAY)
            assert before is not None
            await port.set_variable(before, value)
            after = await port.find_variable(SCHEMA, DISPLAY)
            assert after is not None
            assert after.value == value
        assert len(await organisation.rows("environmentvariablevalues", "value")) == 1


async def test_a_lost_answer_does_not_create_two_values() -> None:
    async with open_organisation() as organisation:
        port = variables(organisation)
        variable = await port.find_variable(SCHEMA, DISPLAY)
        assert variable is not None
        await organisation.strike("reset_after", match="POST /api/data/v9.2/environmentvariablevalues")
        await port.set_variable(variable, "Newsletter;")
        assert [row["value"] for row in await organisation.rows("environmentvariablevalues", "value")] == [
            "Newsletter;"
        ]


async def test_env_01_the_permissions_of_new_records_are_read_from_both_variables() -> None:
    entries = (SetEntry(1, "Newsletter"), SetEntry(2, "Productinfo"))
    spotler = PropertyCatalogue((PropertyDefinition("permissions", "Permissions", PropertyType.SET, entries),))
    async with open_organisation() as organisation:
        port = variables(organisation)

        async def current() -> tuple[PermissionDefault, ...]:
            return await DefaultPermissions(port, TwinPlatform(spotler), ManualClock(), prefix="dh").current()

        assert await current() == ()
        for name, value in ((SCHEMA, "newsletter;Productinfo;"), (f"{SCHEMA}enabledbydefault", "[All];Newsletter;")):
            variable = await port.find_variable(name, "")
            assert variable is not None
            await port.set_variable(variable, value)
        assert await current() == (
            PermissionDefault("Newsletter", subscribed=False),
            PermissionDefault("Productinfo", subscribed=True),
        )
        switch = await port.find_variable(SCHEMA, "")
        assert switch is not None
        await port.set_variable(switch, ";")
        assert await current() == ()

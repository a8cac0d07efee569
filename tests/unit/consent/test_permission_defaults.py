"""The permissions of a new record, by two environment variables (ENV-01..ENV-15, PERM-11..PERM-18, C-18..C-20)."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from shared.consent.permission_defaults import DefaultPermissions
from shared.domain.consent.permission_defaults import permission_defaults
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType, SetEntry
from shared.errors import TransientError
from tests.contract.clocks import ManualClock
from tests.twins import TwinPlatform
from tests.twins.consent import TwinVariables

LABELS = ("Newsletter", "Productinfo", "Servicenotifications")
THREE = ";".join(LABELS)
ON, OFF = True, False


def property_with(*labels: str) -> PropertyDefinition:
    entries = tuple(SetEntry(2**number, label, number) for number, label in enumerate(labels))
    return PropertyDefinition("permissions", "Permissions", PropertyType.SET, entries)


SPOTLER = property_with(*LABELS)


def rows(permissions: str | None, enabled: str | None, spotler: PropertyDefinition | None = SPOTLER) -> dict[str, bool]:
    found = permission_defaults(permissions, enabled, spotler).rows
    assert len({row.name for row in found}) == len(found)
    return {row.name: row.subscribed for row in found}


# ---------------------------------------------------------------------------------------------------- the truth table


def test_env_02_env_03_the_first_variable_names_the_rows_of_a_new_record() -> None:
    assert list(rows("Newsletter;Productinfo;Servicenotifications;", None)) == list(LABELS)
    assert list(rows("Servicenotifications;Newsletter", None)) == ["Servicenotifications", "Newsletter"]


@pytest.mark.parametrize("value", [None, "", ";", " ; ", ";;"])
def test_env_06_c_20_a_semicolon_or_nothing_in_the_first_switches_it_off(value: str | None) -> None:
    assert permission_defaults(value, "[All]", SPOTLER) == permission_defaults(None, None, None)
    assert rows(value, "[All]") == {}


@pytest.mark.parametrize("value", [None, "", ";", " ; ", ";;"])
def test_env_11_c_20_a_semicolon_or_nothing_in_the_second_enables_nothing(value: str | None) -> None:
    assert rows(THREE, value) == dict.fromkeys(LABELS, OFF)


def test_env_08_perm_13_c_18_permissions_start_with_a_no() -> None:
    assert rows(THREE, None) == {"Newsletter": OFF, "Productinfo": OFF, "Servicenotifications": OFF}


def test_env_09_env_12_names_in_the_second_are_enabled_and_the_others_are_not() -> None:
    assert rows(THREE, "Newsletter;Servicenotifications;") == {
        "Newsletter": ON,
        "Productinfo": OFF,
        "Servicenotifications": ON,
    }


@pytest.mark.parametrize("value", ["[All]", "[All];", " [all] ; ", "[ALL];[All]"])
def test_env_10_env_13_the_keyword_enables_all(value: str) -> None:
    assert rows(THREE, value) == dict.fromkeys(LABELS, ON)


@pytest.mark.parametrize(
    "value",
    [
        "[All];Newsletter;Servicenotifications;",
        "Newsletter; Servicenotifications ;[All]",
        "[all];;NEWSLETTER;servicenotifications",
    ],
)
def test_env_14_names_beside_the_keyword_are_the_exceptions(value: str) -> None:
    assert rows(THREE, value) == {"Newsletter": OFF, "Productinfo": ON, "Servicenotifications": OFF}


@pytest.mark.parametrize("value", ["Productinfo;", "[All];Newsletter;Productinfo"])
def test_env_15_the_second_works_on_permissions_of_the_first_only(value: str) -> None:
    assert rows("Newsletter;", value) == {"Newsletter": OFF}
    assert rows("Newsletter;", "[All]") == {"Newsletter": ON}


def test_names_are_compared_without_case_and_blanks_and_written_as_spotler_spells_them() -> None:
    spotler = property_with(" Newsletter ", "Productinfo")
    assert rows(" NEWSLETTER ;productInfo", "newsletter", spotler) == {"Newsletter": ON, "Productinfo": OFF}


def test_a_name_that_stands_twice_is_one_row() -> None:
    assert rows("Newsletter;newsletter ;Newsletter", "Newsletter;Newsletter") == {"Newsletter": ON}


def test_a_name_that_spotler_does_not_have_is_ignored_and_counted() -> None:
    found = permission_defaults("Newsletter;Gone;", "Newsletter;Gone;Never", SPOTLER)
    assert [(row.name, row.subscribed) for row in found.rows] == [("Newsletter", ON)]
    assert found.unknown == 2
    assert permission_defaults("Newsletter;", "", None).rows == ()


def test_a_name_that_spotler_has_twice_is_ignored() -> None:
    found = permission_defaults("Newsletter;Events", "[All]", property_with("Newsletter", "newsletter", "Events"))
    assert [row.name for row in found.rows] == ["Events"]
    assert found.unknown == 1


def test_an_exception_that_spotler_does_not_have_leaves_all_the_others_enabled() -> None:
    assert rows(THREE, "[All];Gone") == dict.fromkeys(LABELS, ON)


# ------------------------------------------------------------------------------------------------------- the use case


class PermissionDefaultsSetup:
    """The use case with everything that a test may change."""

    def __init__(self, variables: TwinVariables, prefix: str = "dh") -> None:
        self.variables = variables
        self.clock = ManualClock()
        self.platform = TwinPlatform(PropertyCatalogue((SPOTLER,)))
        self.use_case = DefaultPermissions(variables, self.platform, self.clock, prefix=prefix)

    async def current(self) -> dict[str, bool]:
        return {row.name: row.subscribed for row in await self.use_case.current()}


def both(permissions: str | None = THREE, enabled: str | None = "Newsletter") -> TwinVariables:
    return TwinVariables(dh_spotlerpermissions=permissions, dh_spotlerpermissionsenabledbydefault=enabled)


async def test_env_01_env_07_default_permissions_come_from_two_variables() -> None:
    setup = PermissionDefaultsSetup(both())
    assert await setup.current() == {"Newsletter": ON, "Productinfo": OFF, "Servicenotifications": OFF}
    assert setup.variables.asked == ["dh_spotlerpermissions", "dh_spotlerpermissionsenabledbydefault"]


async def test_c_19_another_publisher_or_only_the_display_name() -> None:
    contoso = TwinVariables(contoso_spotlerpermissions="Newsletter", contoso_spotlerpermissionsenabledbydefault="[All]")
    assert await PermissionDefaultsSetup(contoso, prefix="contoso").current() == {"Newsletter": ON}
    old = TwinVariables(av_p="Newsletter", av_e="[All]")
    old.display_names = {"permissions": "av_p", "permissions_enabled_by_default": "av_e"}
    assert await PermissionDefaultsSetup(old).current() == {"Newsletter": ON}


async def test_env_06_the_switch_is_the_value_and_a_default_value_counts_where_there_is_no_value() -> None:
    variables = both(None, None)
    variables.defaults = {
        "dh_spotlerpermissions": "Newsletter;",
        "dh_spotlerpermissionsenabledbydefault": "[All]",
    }
    assert await PermissionDefaultsSetup(variables).current() == {"Newsletter": ON}
    variables.values["dh_spotlerpermissions"] = ";"
    assert await PermissionDefaultsSetup(variables).current() == {}


async def test_an_empty_value_of_the_second_enables_nothing_whatever_its_default_says() -> None:
    variables = both("Newsletter", "")
    variables.defaults = {"dh_spotlerpermissionsenabledbydefault": "[All]"}
    assert await PermissionDefaultsSetup(variables).current() == {"Newsletter": OFF}


async def test_a_variable_that_is_missing() -> None:
    assert await PermissionDefaultsSetup(TwinVariables()).current() == {}
    assert await PermissionDefaultsSetup(TwinVariables(dh_spotlerpermissions="Newsletter")).current() == {
        "Newsletter": OFF
    }


async def test_perm_11_the_variables_are_read_once_a_minute_however_many_records_are_created() -> None:
    setup = PermissionDefaultsSetup(both())
    for _ in range(100):
        await setup.current()
    assert len(setup.variables.asked) == 2
    setup.variables.values["dh_spotlerpermissions"] = ";"
    setup.clock.advance(timedelta(seconds=59))
    assert len(await setup.current()) == 3
    setup.clock.advance(timedelta(seconds=1))
    assert await setup.current() == {}


async def test_a_variable_that_cannot_be_read_stops_nothing_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    setup = PermissionDefaultsSetup(both())
    setup.variables.broken = TransientError("Dataverse does not answer")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert await setup.current() == {}
            setup.clock.advance(timedelta(minutes=1))
    assert [record.getMessage() for record in caplog.records] == [
        "the environment variables of permissions cannot be read, no rows are created: Dataverse does not answer"
    ]
    setup.variables.broken = None
    assert len(await setup.current()) == 3


async def test_names_that_spotler_does_not_have_are_reported_once_and_by_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    setup = PermissionDefaultsSetup(both("Newsletter;Secret name"))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert await setup.current() == {"Newsletter": ON}
            setup.clock.advance(timedelta(minutes=1))
    (record,) = caplog.records
    assert record.getMessage().startswith("1 names in the environment variables")
    assert "Secret" not in caplog.text

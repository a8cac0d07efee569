"""The environment variable of permissions, daily: written, and switched off by its value `;` only (ENV-05, C-20)."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from shared.consent.environment_variable import PermissionsVariable, VariableUpdate, VariableValue, permissions_value
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType, SetEntry
from shared.ports.dataverse import EnvironmentVariable

EMPTY = EnvironmentVariable(UUID(int=1), "dh_spotlerpermissions", None, None)


def catalogue(*labels: str) -> PropertyCatalogue:
    entries = tuple(SetEntry(2**number, label, number) for number, label in enumerate(labels))
    return PropertyCatalogue((PropertyDefinition("permissions", "Permissions", PropertyType.SET, entries),))


NEWS = catalogue("Newsletter", "Productinfo")
WRITTEN = "Newsletter;Productinfo;"


@dataclass
class Variables:
    """One variable, or none; `asked` are the names that were requested."""

    variable: EnvironmentVariable | None
    asked: list[tuple[str, str]] = field(default_factory=list)
    writes: int = 0

    async def find_variable(self, schema_name: str, display_name: str) -> EnvironmentVariable | None:
        self.asked.append((schema_name, display_name))
        return self.variable

    async def set_variable(self, variable: EnvironmentVariable, value: str) -> None:
        self.writes += 1
        self.variable = replace(variable, value=value)


@dataclass
class Platform:
    found: PropertyCatalogue

    async def properties(self) -> PropertyCatalogue:
        return self.found


async def update(
    variable: EnvironmentVariable | None, found: PropertyCatalogue = NEWS
) -> tuple[VariableUpdate, str | None, int]:
    variables = Variables(variable)
    ended = await PermissionsVariable(variables, Platform(found), prefix="dh").update()
    assert variables.asked == [("dh_spotlerpermissions", "permissions")]
    return ended, variables.variable.value if variables.variable else None, variables.writes


@pytest.mark.parametrize(
    ("value", "default", "expected"),
    [
        (None, "", (VariableUpdate.WRITTEN, WRITTEN, 1)),
        (None, ";", (VariableUpdate.WRITTEN, WRITTEN, 1)),
        ("", "", (VariableUpdate.WRITTEN, WRITTEN, 1)),
        ("Newsletter;", "", (VariableUpdate.WRITTEN, WRITTEN, 1)),
        ("Newsletter;Productinfo", "", (VariableUpdate.WRITTEN, WRITTEN, 1)),
        (WRITTEN, "", (VariableUpdate.UNCHANGED, WRITTEN, 0)),
        (";", "", (VariableUpdate.SWITCHED_OFF, ";", 0)),
        (" ; ", "", (VariableUpdate.SWITCHED_OFF, " ; ", 0)),
        (";", WRITTEN, (VariableUpdate.SWITCHED_OFF, ";", 0)),
        (";;", "", (VariableUpdate.WRITTEN, WRITTEN, 1)),
    ],
)
async def test_the_truth_about_the_value(
    value: str | None, default: str, expected: tuple[VariableUpdate, str, int]
) -> None:
    assert await update(replace(EMPTY, value=value, default=default)) == expected


async def test_c_19_the_variable_may_have_a_prefix_of_its_own() -> None:
    variables = Variables(EMPTY)
    await PermissionsVariable(variables, Platform(NEWS), prefix="contoso").update()
    assert variables.asked == [("contoso_spotlerpermissions", "permissions")]


async def test_without_the_variable_there_is_nothing_to_update() -> None:
    assert await update(None) == (VariableUpdate.MISSING, None, 0)


@pytest.mark.parametrize("found", [PropertyCatalogue(), catalogue(), catalogue(" ", "")])
async def test_no_permissions_are_not_written_because_that_would_look_like_the_switch(found: PropertyCatalogue) -> None:
    assert await update(replace(EMPTY, value="Old;"), found) == (VariableUpdate.NO_PERMISSIONS, "Old;", 0)


def test_permissions_stand_in_spotlers_order() -> None:
    entries = (SetEntry(1, "Last", 9), SetEntry(4, "Second", 1), SetEntry(2, "First", 1))
    found = PropertyCatalogue((PropertyDefinition("permissions", "x", PropertyType.SET, entries),))
    assert permissions_value(found) == VariableValue("First;Second;Last;")


ODD = catalogue("Newsletter", "This; and that", "x" * 2000, "Productinfo")


async def test_a_name_that_cannot_stand_in_the_list_is_left_out_and_logged_by_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        assert await update(EMPTY, ODD) == (VariableUpdate.WRITTEN, WRITTEN, 1)
    assert [record.getMessage() for record in caplog.records] == [
        "permission 2 does not fit into the environment variable",
        "permission 4 does not fit into the environment variable",
    ]


@pytest.mark.parametrize(
    ("found", "left_out"),
    [
        (ODD, ["permissions:2", "permissions:4"]),
        (catalogue("Tips; aanbiedingen"), ["permissions:1"]),
        (catalogue("a;", ";", "b"), ["permissions:1", "permissions:2"]),
        (NEWS, []),
        (PropertyCatalogue(), []),
    ],
)
async def test_health_names_permissions_that_new_records_get_no_row_of(
    found: PropertyCatalogue, left_out: list[str]
) -> None:
    variable = PermissionsVariable(Variables(EMPTY), Platform(found), prefix="dh")
    assert await variable.state() == {"leftOut": left_out}

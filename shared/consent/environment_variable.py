"""Keeps the environment variable of permissions as Spotler defines them (ENV-05, ENV-06, SCH-04, C-19, C-20)."""

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.domain.consent.permission_defaults import SEPARATOR
from shared.domain.mapping.model import PERMISSIONS
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.values.fields import option_name
from shared.ports.dataverse import EnvironmentVariables
from shared.ports.marketing_platform import MarketingPlatform

log = logging.getLogger(__name__)

NAME, DISPLAY_NAME = "spotlerpermissions", "permissions"
"""The schema name is the publisher's prefix and `NAME`; without such a variable, the display name finds it (C-19)."""

_LONGEST_VALUE = 2000


class VariableUpdate(StrEnum):
    """The result of an update."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    SWITCHED_OFF = "switched-off"
    MISSING = "missing"
    """Dataverse has no such variable: the solution is not installed, or an older one."""

    NO_PERMISSIONS = "no-permissions"
    """Spotler has none. An empty list must not be written: it would look like the switch."""


class PermissionsVariable:
    """The variable that fills the permission subgrid of a new record (ENV-02)."""

    def __init__(self, variables: EnvironmentVariables, platform: MarketingPlatform, *, prefix: str) -> None:
        self._variables = variables
        self._platform = platform
        self._schema_name = f"{prefix}_{NAME}"

    async def update(self) -> VariableUpdate:
        """Write the permissions into the current value, unless that is `;`. Raises ConnectorErrors."""
        update = await self._update()
        log.info("environment variable %s: %s", self._schema_name, update)
        return update

    async def state(self) -> dict[str, Any]:
        """Return as JSON the permissions whose names do not fit: new records get no row of these (ENV-03)."""
        left_out = permissions_value(await self._platform.properties()).left_out
        return {"leftOut": [option_name(PERMISSIONS, bit) for bit in left_out]}

    async def _update(self) -> VariableUpdate:
        variable = await self._variables.find_variable(self._schema_name, DISPLAY_NAME)
        if variable is None:
            return VariableUpdate.MISSING
        # Only the current value is the switch, not the default value (ENV-06).
        if variable.value is not None and variable.value.strip() == SEPARATOR:
            return VariableUpdate.SWITCHED_OFF
        wanted = permissions_value(await self._platform.properties())
        value = wanted.text
        for bit in wanted.left_out:  # by number only: names are the customer's own words
            log.warning("permission %d does not fit into the environment variable", bit)
        if not value:
            return VariableUpdate.NO_PERMISSIONS
        if value == variable.value:
            return VariableUpdate.UNCHANGED
        await self._variables.set_variable(variable, value)
        return VariableUpdate.WRITTEN


@dataclass(frozen=True, slots=True)
class VariableValue:
    """The value of the variable, and the bits of the permissions that do not fit into it."""

    text: str
    left_out: tuple[int, ...] = ()


def permissions_value(catalogue: PropertyCatalogue) -> VariableValue:
    """Return `Newsletter;Productinfo;`: the names in Spotler's order, each closed by a semicolon (ENV-03).

    A name with a semicolon, or one that does not fit any more, is left out.
    """
    definition = catalogue.named(PERMISSIONS)
    entries = sorted(definition.entries, key=lambda entry: (entry.rank, entry.bit)) if definition else []
    value, left_out = "", []
    for entry in entries:
        name = entry.label.strip()
        longer = f"{value}{name}{SEPARATOR}"
        if not name or SEPARATOR in name or len(longer) > _LONGEST_VALUE:
            left_out.append(entry.bit)
        else:
            value = longer
    return VariableValue(value, tuple(left_out))

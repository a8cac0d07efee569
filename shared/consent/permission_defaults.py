"""The default permissions of new records, from environment variables, at most a minute old (ENV, C-19)."""

import asyncio
import logging
from datetime import datetime, timedelta

from shared.consent.environment_variable import DISPLAY_NAME, NAME
from shared.domain.consent.permission_defaults import PermissionDefault, permission_defaults
from shared.domain.mapping.model import PERMISSIONS
from shared.errors import ConnectorError
from shared.ports.clock import Clock
from shared.ports.dataverse import EnvironmentVariables
from shared.ports.marketing_platform import MarketingPlatform

log = logging.getLogger(__name__)

ENABLED_NAME, ENABLED_DISPLAY_NAME = "spotlerpermissionsenabledbydefault", "permissions_enabled_by_default"
"""The second variable: the publisher's prefix and its schema name, else its display name (ENV-07, C-19)."""

_GOOD_FOR = timedelta(minutes=1)


class DefaultPermissions:
    """Reads both variables when they are needed, at most once a minute.

    The defaults are for records that were created in Dataverse. A record from Spotler has the permissions that Spotler
    has (ENV-04).
    """

    def __init__(
        self, variables: EnvironmentVariables, platform: MarketingPlatform, clock: Clock, *, prefix: str
    ) -> None:
        """`prefix` is the publisher's prefix of the variables."""
        self._variables = variables
        self._platform = platform
        self._clock = clock
        self._prefix = prefix
        self._reading = asyncio.Lock()
        self._current: tuple[PermissionDefault, ...] = ()
        self._read_on: datetime | None = None
        self._warned = ""

    async def current(self) -> tuple[PermissionDefault, ...]:
        """Return the rows that a new record gets; none when the feature is off or a variable cannot be read.

        Never raises a ConnectorError: synchronisation continues, and the next synchronisation of the record creates its
        rows (PERM-15). A guess would be worse: existing rows are not changed any more.
        """
        async with self._reading:
            now = self._clock.now()
            if self._read_on is None or now - self._read_on >= _GOOD_FOR:
                self._current = await self._read_or_rest()
                self._read_on = now
            return self._current

    async def _read_or_rest(self) -> tuple[PermissionDefault, ...]:
        try:
            return await self._read()
        except ConnectorError as error:
            self._warn_once(f"the environment variables of permissions cannot be read, no rows are created: {error}")
            return ()

    async def _read(self) -> tuple[PermissionDefault, ...]:
        permissions = await self._value(NAME, DISPLAY_NAME)
        if not permissions:
            self._warned = ""
            return ()
        enabled = await self._value(ENABLED_NAME, ENABLED_DISPLAY_NAME)
        found = permission_defaults(permissions, enabled, (await self._platform.properties()).named(PERMISSIONS))
        # A count only: names are the customer's own words.
        self._warn_once(
            f"{found.unknown} names in the environment variables of permissions are ignored: Spotler has no such "
            "permission, or several"
            if found.unknown
            else ""
        )
        return found.rows

    async def _value(self, name: str, display_name: str) -> str | None:
        """Read the current value, or without one the default value, as Dataverse itself does."""
        variable = await self._variables.find_variable(f"{self._prefix}_{name}", display_name)
        if variable is None:
            return None
        return variable.default if variable.value is None else variable.value

    def _warn_once(self, text: str) -> None:
        """Log a text once, until another text follows."""
        if text and text != self._warned:
            log.warning("%s", text)
        self._warned = text

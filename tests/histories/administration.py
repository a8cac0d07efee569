"""What administrators do: environment variables, versions of the mapping."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from shared.core.permission_defaults import PermissionDefault
from shared.core.records import Why
from shared.errors import ConnectorError
from tests.histories.quiet import QuietAtLast
from tests.histories.world import DIRECTIONS, NAMES, VERSIONS, rules
from tests.twins import CrashError

HALF_A_MINUTE = timedelta(seconds=30)
"""For so long a process may use the mapping before the live one."""


class Administration(QuietAtLast):
    """Administrators change what the connector does."""

    @rule(newsletter=st.booleans(), offers=st.booleans())
    def default(self, *, newsletter: bool, offers: bool) -> None:
        """The administrator changes the environment variables."""
        self.twin.defaults = (PermissionDefault("Newsletter", newsletter), PermissionDefault("Offers", offers))
        self.consents.defaults |= {name for name, on in zip(sorted(NAMES), (newsletter, offers), strict=True) if on}

    @rule(version=st.sampled_from(VERSIONS))
    def remap(self, version: Mapping[str, str | None]) -> None:
        """The administrator changes the mapping, waits half a minute, and lets everything be compared again."""
        self.erasures.touch_all()
        self.outdated = (self.twin.rules, self.twin.clock.now() + HALF_A_MINUTE)
        self.world.remap(rules(directions=version))
        self.directions = {**DIRECTIONS, **version}
        self.twin.worker = self.twin.start_worker()
        while not self.ask(self.rewound()):
            pass
        self.tell(*self.world.people(), why=Why.RESYNC, after=HALF_A_MINUTE)

    async def rewound(self) -> bool:
        """Ask for a poll from the beginning; whoever is told that it failed asks again."""
        with contextlib.suppress(CrashError, ConnectorError):
            await self.twin.poller.rewind(self.begun)
            return True
        return False

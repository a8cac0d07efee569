"""What administrators do: environment variables, versions of the mapping."""

from __future__ import annotations

import contextlib
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from shared.domain.consent.permission_defaults import PermissionDefault
from shared.domain.planning.binding import MassChange
from shared.domain.records.jobs import Operation
from shared.domain.records.records import Intent, PersonTable, RecordKey, SyncStatus, Why
from shared.errors import ConnectorError
from shared.messages.lane_messages import Walk, write_lane_message
from shared.ports.queue import OutgoingMessage
from tests.histories.acting import act
from tests.histories.picking import pick_from, picks
from tests.histories.quiet import QuietAtLast
from tests.histories.world import NAMES, VERSIONS, Version, rules
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
    def remap(self, version: Version) -> None:
        """The administrator changes the mapping, waits half a minute, and lets everything be compared again."""
        self.erasures.touch_all()
        self.outdated = (self.twin.rules, self.twin.clock.now() + HALF_A_MINUTE)
        self.world.remap(rules(version))
        self.version = version
        self.sharing.remap(version.directions)
        self.twin.worker = self.twin.start_worker()
        while not self.ask(self.rewound()):
            pass
        for table in PersonTable:  # the walk also reads records that are made until then
            walk = Walk(table=table, why=Why.RESYNC, correlation=f"event-{self.number()}")
            self.put(OutgoingMessage(write_lane_message(walk)), after=HALF_A_MINUTE)

    async def rewound(self) -> bool:
        """Ask for a comparison from the beginning; whoever is told that it failed asks again."""
        with contextlib.suppress(CrashError, ConnectorError):
            await self.twin.comparison.since(self.begun)
            return True
        return False

    @rule(kinds=st.sets(st.sampled_from(MassChange), min_size=1), hours=st.integers(min_value=0, max_value=1))
    def release(self, kinds: set[MassChange], hours: int) -> None:
        """An administrator lets pass what the brake holds; whoever is told that it failed asks again."""
        while not self.ask(self.is_released(kinds, hours)):
            pass

    async def is_released(self, kinds: set[MassChange], hours: int) -> bool:
        with contextlib.suppress(CrashError, ConnectorError):
            await self.twin.release.begin(kinds, hours)
            return True
        return False

    # ------------------------------------------------------------------------------------------- what concerns persons

    @act(lambda self: self.refusals.standing, pick=picks)
    def lift(self, pick: int) -> None:
        """An administrator lifts what was refused at an address; whoever is told that it failed asks again."""
        address = pick_from(sorted(self.refusals.standing), pick)
        while not self.do(self.is_lifted(address)):
            pass
        self.erasures.touch(address)
        self.refusals.lift(address)

    async def is_lifted(self, address: str) -> bool:
        with contextlib.suppress(CrashError, ConnectorError):
            await self.twin.refusal_lifting.lift(address, (), reference="T-1")
            return True
        return False

    @act(lambda self: self.with_status(), pick=picks)
    def disable(self, pick: int) -> None:
        """Nothing of a record is to be sent any more."""
        key = pick_from(self.with_status(), pick)
        self.erasures.touch(self.address(key))
        self.do(self.world.set_status(key, SyncStatus.DISABLED))
        self.tell(key)

    def with_status(self) -> list[RecordKey]:
        return [key for key in self.records() if self.world.people()[key].status and key not in self.disabled()]

    @act(lambda self: self.disabled(), pick=picks)
    def enable(self, pick: int) -> None:
        key = pick_from(sorted(self.disabled()), pick)
        self.do(self.world.set_status(key, SyncStatus.PROCESSING))
        self.had(key, joins=True)
        self.tell(key)

    @act(lambda self: self.records(), pick=picks)
    def purge(self, pick: int) -> None:
        """A job empties the contact; what comes later fills it again (PURGE-03)."""
        key = pick_from(self.records(), pick)
        self.on_request.add(key)
        self.had(key, joins=True)
        self.tell_of_job(key, Operation.PURGE_CONTACT, Intent.PURGE)

"""Changes the mode: stops writing, holds writes to an allow-list, goes live."""

from dataclasses import dataclass

from shared.administration.mode import LIFETIME, Mode, Modes
from shared.dispatch.shadow import Shadow
from shared.domain.recovery.allow_list import AllowList
from shared.inbound.reconciliation import Reconciliation


@dataclass(frozen=True, slots=True)
class ModeChanges:
    """What an administrator may do with the mode. All methods raise ConnectorErrors."""

    modes: Modes
    reconciliation: Reconciliation
    shadow: Shadow

    async def stop_writing(self, *, by: str) -> None:
        """Plan everything from now on, and write nothing. Every process follows within ten seconds."""
        await self.modes.change(Mode.SHADOW, by=by)

    async def hold_to(self, allowed: AllowList, *, by: str) -> None:
        """Write only contacts on the list from now on; after another mode they are compared, so that they arrive."""
        await self._write(Mode.ALLOW_LIST, by, allowed)

    async def go_live(self, *, by: str) -> None:
        """Write everybody from now on. Every record is compared, so that nothing of the meantime is missed."""
        await self._write(Mode.LIVE, by, None)

    async def _write(self, mode: Mode, by: str, allowed: AllowList | None) -> None:
        before = (await self.modes.current()).mode
        await self.modes.change(mode, by=by, allow_list=allowed)
        # A process that has not noticed puts the comparison off in shadow mode. With an allow-list it would leave
        # people out again.
        if before is not Mode.LIVE:  # nothing was left out
            await self.reconciliation.begin(pause=LIFETIME * 2 if before is Mode.ALLOW_LIST else None)
        await self.shadow.forget()

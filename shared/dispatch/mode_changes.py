"""Changes the mode: stops writing, holds writes to an allow-list, goes live."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from shared.administration.mode import LIFETIME, Mode, ModeChange, Modes
from shared.dispatch.forecasts import Forecast, Forecasts
from shared.dispatch.shadow import Shadow
from shared.domain.recovery.allow_list import AllowList
from shared.domain.wording.refused_acts import RunRefusal
from shared.errors import ConflictError, Service
from shared.inbound.reconciliation import Reconciliation
from shared.messages.lane_messages import Subject


@dataclass(frozen=True, slots=True)
class ModeChanges:
    """What an administrator may do with the mode. All methods raise ConnectorErrors."""

    modes: Modes
    reconciliation: Reconciliation
    shadow: Shadow
    forecasts: Forecasts
    subject: ClassVar[Subject] = Subject.LIVE

    async def stop_writing(self, *, by: str) -> None:
        """Plan everything from now on, and write nothing. Every process follows within ten seconds."""
        await self.modes.change(Mode.SHADOW, by=by)

    async def hold_to(self, allowed: AllowList, *, by: str) -> None:
        """Write only contacts on the list from now on; after another mode they are compared, so that they arrive."""
        await self._write(Mode.ALLOW_LIST, by, allowed)

    async def go_live(self, *, by: str) -> None:
        """Write everybody from now on. Every record is compared, so that nothing of the meantime is missed.

        ConflictError with an allow-list whose effect on everybody was not counted: nobody knows what would happen.
        """
        change = await self.modes.current()
        if change.mode is Mode.ALLOW_LIST and not self.is_counted(await self.forecasts.latest(self.subject), change):
            raise ConflictError(RunRefusal.NOT_PLANNED(), service=Service.STATE)
        await self._write(Mode.LIVE, by, None)

    def is_counted(self, forecast: Forecast | None, change: ModeChange) -> bool:
        """Whether everybody was planned since the mode was chosen."""
        begun = change.since or datetime.min.replace(tzinfo=UTC)
        return forecast is not None and forecast.is_finished and forecast.begun >= begun

    async def _write(self, mode: Mode, by: str, allowed: AllowList | None) -> None:
        before = (await self.modes.current()).mode
        await self.modes.change(mode, by=by, allow_list=allowed)
        # A process that has not noticed puts the comparison off in shadow mode. With an allow-list it would leave
        # people out again.
        if before is not Mode.LIVE:  # nothing was left out
            await self.reconciliation.begin(pause=LIFETIME * 2 if before is Mode.ALLOW_LIST else None)
        await self.shadow.forget()

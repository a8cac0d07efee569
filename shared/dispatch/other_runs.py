"""Runs that are no walk over a table: the contacts of Spotler to Dynamics, and its mailings (INI-04, INI-05)."""

from dataclasses import dataclass
from enum import StrEnum

from shared.engagement.service import Engagement
from shared.inbound.comparison import Comparison


class OtherRun(StrEnum):
    """The run. There is at most one of each."""

    FROM_SPOTLER = "from-spotler"
    MAILINGS = "mailings"


class RunAct(StrEnum):
    """What a person may do with a run."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class OtherRuns:
    """Pauses, resumes and stops these runs. ConflictError where a run is not in the state for it; ConnectorErrors."""

    comparison: Comparison
    engagement: Engagement

    async def change(self, run: OtherRun, act: RunAct) -> None:
        """Do one act."""
        match run, act:
            case OtherRun.FROM_SPOTLER, RunAct.PAUSE:
                await self.comparison.pause()
            case OtherRun.FROM_SPOTLER, RunAct.RESUME:
                await self.comparison.resume()
            case OtherRun.FROM_SPOTLER, RunAct.STOP:
                await self.comparison.stop()
            case OtherRun.MAILINGS, RunAct.PAUSE:
                await self.engagement.initial.pause()
            case OtherRun.MAILINGS, RunAct.RESUME:
                await self.engagement.resume_initial()
            case OtherRun.MAILINGS, RunAct.STOP:
                await self.engagement.initial.stop()

"""Initial synchronisation, kind 4: all mailings that the platform still has, with what their recipients did (INI-05).

The run goes through time a month after the other, and asks for the lists of each mailing; `ListReading` reads them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.domain.wording.refused_acts import RunRefusal
from shared.engagement.choices import PassDepth
from shared.engagement.initial_forecast import InitialForecast, initial_forecast
from shared.engagement.mailings.known_mailings import KnownMailings
from shared.engagement.mailings.mailing_book import MailingBook
from shared.engagement.mailings.mailing_pass import MailingPass, PassCounts
from shared.engagement.policy import EngagementPolicy
from shared.engagement.reading.work_time import WorkTime
from shared.errors import ConflictError, Service
from shared.ports.clock import Clock
from shared.ports.documents import Codec, read_one, versioned
from shared.ports.mailings import Mailings
from shared.ports.state import DocumentKey, Put, StateStore

_SLICE = timedelta(days=31)
_OLDEST = timedelta(days=10 * 365)
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class InitialProgress:
    """How far the run is: `until` between `since` and `end`; `mailings` were found so far.

    `paused` is since when no month is looked at, `stopped` whether a person ended the run.
    """

    since: datetime
    until: datetime
    end: datetime
    begun: datetime
    mailings: int = 0
    finished: datetime | None = None
    paused: datetime | None = None
    stopped: bool = False
    etag: str = ""

    @property
    def rests(self) -> bool:
        """Whether no month is looked at: the run is over, or a person has paused it."""
        return self.finished is not None or self.paused is not None


_CODEC = Codec(InitialProgress, outside={"etag"})


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialRun:
    """The run of one environment; a new one replaces a run that is under way."""

    platform: Mailings
    mailing_pass: MailingPass
    known: KnownMailings
    policy: EngagementPolicy
    store: StateStore
    clock: Clock

    async def begin(self, since: datetime | None) -> InitialProgress:
        """Begin at a moment, or as early as events are kept. The result is in the state; steps do the work."""
        now = self.clock.now()
        start = self._start(since, now)
        progress = InitialProgress(start, start, now, now)
        await self.store.write([Put(self._key, _CODEC.body(progress))])
        return progress

    async def forecast(self, since: datetime | None) -> InitialForecast:
        """Count the mailings of the same window, a call to the platform for each month; nothing is begun."""
        now = self.clock.now()
        start = self._start(since, now)
        listed = await self.platform.between(start, now)
        return initial_forecast(listed, start, now, reads_sent=self.policy.reads_sent)

    def _start(self, since: datetime | None, now: datetime) -> datetime:
        earliest = now - (self.policy.memory or _OLDEST)
        return max(since, earliest) if since is not None else earliest

    async def pause(self) -> None:
        """Look at no further month; mailings that were found are read. ConflictError unless the run is under way."""
        await self._change(lambda one: replace(one, paused=self.clock.now()), is_paused=False)

    async def resume(self) -> None:
        """Go on where the run was paused; ConflictError if it was not."""
        await self._change(lambda one: replace(one, paused=None), is_paused=True)

    async def stop(self) -> None:
        """End the run for good; what is done stays. ConflictError unless the run is under way."""
        await self._change(lambda one: replace(one, paused=None, stopped=True, finished=self.clock.now()))

    async def _change(
        self, change: Callable[[InitialProgress], InitialProgress], *, is_paused: bool | None = None
    ) -> None:
        for _ in range(_ATTEMPTS):
            progress = await self.progress()
            if progress is None or progress.finished is not None:
                raise ConflictError(RunRefusal.NO_RUN(), service=Service.STATE)
            if is_paused is not None and (progress.paused is not None) is not is_paused:
                raise ConflictError(
                    RunRefusal.PAUSED() if progress.paused else RunRefusal.NOT_PAUSED(), service=Service.STATE
                )
            if await self._save(change(progress)) is not None:
                return
        raise ConflictError(RunRefusal.CHANGED_BY_OTHERS(), service=Service.STATE)

    async def progress(self) -> InitialProgress | None:
        """Return how far the last run is; None before the first one."""
        document = await read_one(self.store, self._key)
        return _CODEC.read(document.body, etag=document.etag) if document else None

    async def step(self, book: MailingBook, time: WorkTime) -> bool:
        """Ask for the lists of the next months' mailings. Returns whether months are left."""
        progress = await self.progress()
        if progress is None or progress.rests:
            return False
        while progress.until < progress.end:
            if time.is_over:
                return True
            edge = min(progress.until + _SLICE, progress.end)
            listed = await self.platform.between(progress.until, edge)
            counts = PassCounts()
            await self.mailing_pass.over(listed, book, counts, PassDepth.LISTS)
            progress = replace(progress, until=edge, mailings=progress.mailings + counts.listed)
            if (etag := await self._save(progress)) is None:
                return False  # a person has changed the run: this month is looked at once more
            progress = replace(progress, etag=etag)
        return False

    async def finish(self) -> None:
        """Note the end, once no list is due any more."""
        progress = await self.progress()
        if progress is not None and not progress.rests and progress.until >= progress.end:
            await self._save(replace(progress, finished=self.clock.now()))

    async def as_json(self) -> dict[str, Any] | None:
        """Return the progress; None before the first run."""
        progress = await self.progress()
        if progress is None:
            return None
        waiting = sum(bool(one.due) for one in [one async for one in self.known.all()])
        span = (progress.end - progress.since) or timedelta(seconds=1)
        return {
            "since": _text(progress.since),
            "begun": _text(progress.begun),
            "finished": _text(progress.finished),
            "paused": progress.paused is not None,
            "stopped": progress.stopped,
            "percentListed": round(100 * ((progress.until - progress.since) / span)),
            "mailings": progress.mailings,
            "mailingsWaiting": 0 if progress.finished else waiting,
        }

    async def _save(self, progress: InitialProgress) -> str | None:
        """Write the progress in the version that was read; returns the new version, None if it has changed."""
        (etag,) = await self.store.write([versioned(self._key, _CODEC.body(progress), progress.etag)])
        return etag

    @property
    def _key(self) -> DocumentKey:
        return DocumentKey(f"{self.policy.environment}-engagement", "initial")


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None

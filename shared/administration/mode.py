"""The mode of an environment.

In `shadow` everything is read and planned, and nothing is written. With an `allow-list` only chosen addresses are
written in Spotler.

One document, changed by an administrator; each process reads it again after ten seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.recovery.allow_list import AllowList
from shared.domain.wording.causes.state_causes import StateCause
from shared.errors import ConflictError, Service
from shared.ports.clock import Clock
from shared.ports.documents import Codec, read_one
from shared.ports.state import DocumentKey, Put, StateStore

LIFETIME = timedelta(seconds=10)
"""The longest time until a process notices that the mode was changed."""


_CATCH_UP = timedelta(hours=1)
"""After so long without a complete poll something is wrong: as the alarm `poll-stands-still`."""


class Mode(StrEnum):
    """What the connector does with its plans."""

    LIVE = "live"
    SHADOW = "shadow"
    ALLOW_LIST = "allow-list"


class AwaitsRecoveryError(ConflictError):
    """The state was restored, and refusals since the backup are not known: nothing may be written."""


@dataclass(frozen=True, slots=True)
class ModeChange:
    """The mode, since when, and who chose it (an id); without a time it was never changed.

    An allow-list has fingerprints of addresses (`allowed`), and `domains` with their `@`. `before` is the mode that
    ended. `awaits_recovery`: the state was restored, and refusals since the backup are not known yet.
    """

    mode: Mode = Mode.LIVE
    since: datetime | None = None
    by: str = ""
    allowed: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    before: Mode = Mode.LIVE
    awaits_recovery: bool = False

    def allow_list(self, fingerprints: Fingerprinter) -> AllowList | None:
        """Return who may be written in the platform; None: everybody, unless nothing is written at all."""
        if self.mode is not Mode.ALLOW_LIST:
            return None
        return AllowList(fingerprints, frozenset(self.allowed), frozenset(self.domains))


def rested(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of a part that rests on purpose: nothing about it is wrong."""
    return {**{name: one for name, one in state.items() if name != "cause"}, "ok": True, "rests": True}


_CODEC = Codec(ModeChange)


def restored(environment: str, at: datetime) -> Put:
    """Return the document with which a restored environment begins: nothing is written until somebody goes live."""
    return Put(_key(environment), _CODEC.body(ModeChange(Mode.SHADOW, at, "state-import", awaits_recovery=True)))


def _key(environment: str) -> DocumentKey:
    return DocumentKey(f"{environment}-mode", "mode")


@dataclass(slots=True)
class Modes:
    """Keeps the mode of one environment."""

    store: StateStore
    clock: Clock
    environment: str
    _known: ModeChange = field(default_factory=ModeChange, init=False)
    _read_at: datetime | None = field(default=None, init=False)

    async def current(self) -> ModeChange:
        """Return the mode, at most ten seconds old. Raises ConnectorErrors: without the state nothing is written."""
        now = self.clock.now()
        if self._read_at is None or now - self._read_at >= LIFETIME:
            found = await read_one(self.store, self._key)
            self._known = _CODEC.read(found.body) if found else ModeChange()
            self._read_at = now
        return self._known

    async def change(self, mode: Mode, *, by: str, allow_list: AllowList | None = None) -> None:
        """Choose the mode; `allow_list` is part of the mode of that name.

        AwaitsRecoveryError if it would write, and the state was restored and awaits its recovery.
        """
        allowed, domains = (allow_list.addresses, allow_list.domains) if allow_list is not None else ((), ())
        known = await self.current()
        if known.awaits_recovery and mode is not Mode.SHADOW:
            raise AwaitsRecoveryError(
                StateCause.RECOVER_FIRST(),
                service=Service.STATE,
            )
        change = ModeChange(
            mode, self.clock.now(), by, tuple(sorted(allowed)), tuple(sorted(domains)), known.mode,
            awaits_recovery=known.awaits_recovery,
        )  # fmt: skip
        await self._put(change)

    async def recovered(self) -> None:
        """Note that refusals since the backup are known: going live does not wait any more."""
        await self._put(replace(await self.current(), awaits_recovery=False))

    async def _put(self, change: ModeChange) -> None:
        await self.store.write([Put(self._key, _CODEC.body(change))])
        self._known, self._read_at = change, self.clock.now()

    async def polling_rests(self) -> bool:
        """Whether nobody looks at the platform, or it is caught up after that: then an old cursor is no failure."""
        change = await self.current()
        is_new = change.since is not None and self.clock.now() - change.since < _CATCH_UP
        return change.mode is Mode.SHADOW or (change.before is Mode.SHADOW and is_new)

    @property
    def _key(self) -> DocumentKey:
        return _key(self.environment)

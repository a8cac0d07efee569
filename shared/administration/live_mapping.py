"""The live version of the mapping in this process: checked every half minute, parsed once per version."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.administration.mapping_repository import MappingRepository, Pointer, Version
from shared.domain.mapping.formats.document import MappingError
from shared.domain.mapping.formats.yaml_format import from_yaml
from shared.domain.mapping.model import Mapping
from shared.domain.recovery.mass_changes import recast_properties
from shared.domain.wording.errors import ErrorText
from shared.errors import ConfigurationError, ConnectorError
from shared.ports.clock import Clock

log = logging.getLogger(__name__)

_LIFETIME = timedelta(seconds=30)

_NEW = timedelta(days=7)
"""For so long the brake watches values that a change of the mapping would empty: every record is compared by then."""

_MOST_VERSIONS = 20
"""Versions of the last days that are compared at most."""


@dataclass(frozen=True, slots=True)
class LiveVersion:
    """A version of the mapping, ready for use; the same object as long as it is live.

    `recast` are the Spotler properties that it fills differently from the versions of the last days.
    """

    number: int
    mapping: Mapping
    recast: frozenset[str] = frozenset()


class LiveMapping:
    """Follows the repository. `first` returns the text of the first version, if there is none yet (C-41)."""

    def __init__(self, repository: MappingRepository, clock: Clock, first: Callable[[], str]) -> None:
        self._repository = repository
        self._clock = clock
        self._first = first
        self._kept: LiveVersion | None = None
        self._pointer: Pointer | None = None
        self._checked_at: datetime | None = None

    async def get(self) -> LiveVersion:
        """Return the live version, or the one before it for up to half a minute.

        A usable version stays in use while the state store is down or the next version cannot be used.
        """
        if self._kept is not None and self._checked_at is not None and self._age(self._checked_at) < _LIFETIME:
            return self._kept
        try:
            self._kept = await self._check()
        except ConnectorError as error:
            if self._kept is None:
                raise
            log.warning("version %d of the mapping stays in use: %s", self._kept.number, error)
        self._checked_at = self._clock.now()
        return self._kept

    def expire(self) -> None:
        """Read the repository before the next use: this process has changed the mapping."""
        self._checked_at = None

    async def _check(self) -> LiveVersion:
        pointer = await self._repository.pointer() or await self._repository.activate(self._first())
        if self._kept is not None and pointer == self._pointer:
            return self._kept
        version = await self._repository.version(pointer.number)
        try:
            mapping = await asyncio.to_thread(from_yaml, version.text)
            live = LiveVersion(version.number, mapping, await self._recast(version, mapping))
        except MappingError as problem:
            raise ConfigurationError(
                ErrorText.VERSION_UNUSABLE(number=str(version.number), problem=problem.text)
            ) from None
        self._pointer = pointer
        log.info("version %d of the mapping is in use", version.number)
        return live

    async def _recast(self, version: Version, mapping: Mapping) -> frozenset[str]:
        """Compare with the versions that were live within the last days. Unreadable versions are left out."""
        changed = frozenset[str]()
        for _ in range(_MOST_VERSIONS):
            if not version.replaces or self._age(version.at) > _NEW:
                break
            version = await self._repository.version(version.replaces)
            with contextlib.suppress(MappingError):
                changed |= recast_properties(await asyncio.to_thread(from_yaml, version.text), mapping)
        return changed

    def _age(self, checked_at: datetime) -> timedelta:
        return self._clock.now() - checked_at

"""The register of fingerprint keys in the state store: it prevents that a key is exchanged by mistake.

Document `{environment}-keys`, row `fingerprints`: `version` and `since` of the current key, `marks` that identify keys,
`oldest` version that may be stored, and `former`: the former keys, encrypted with the current one.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from shared.adapters.storage.keys.key_ring import FIRST, KeyRing, lock_up, mark_of, unlock
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.wording.causes.state_causes import StateCause
from shared.errors import ConfigurationError, ConflictError, Service
from shared.ports.clock import Clock
from shared.ports.documents import read_one, versioned
from shared.ports.state import DocumentKey, Replace, StateStore

CHECK_INTERVAL = timedelta(seconds=30)
"""The longest time until a process notices that another one has a newer key."""

_ATTEMPTS = 5
_MOST_BINDINGS, _ENOUGH = 200, 10
_OPTION = re.compile(r"[^:]+:\d+")
"""A permission, or another option of a set (`permissions:4`)."""


@dataclass(frozen=True, slots=True)
class ConfiguredKeys:
    """The keys of the settings. `previous` is empty except during a change."""

    current: bytes = field(repr=False)
    previous: bytes = field(default=b"", repr=False)


class KeyRegister:
    """Opens the keys of one environment once per process, and checks every half minute whether they are current."""

    def __init__(self, store: StateStore, clock: Clock, environment: str, configured: ConfiguredKeys) -> None:
        """`store` is the plain one, without encryption."""
        self._store = store
        self._clock = clock
        self._key = DocumentKey(f"{environment}-keys", "fingerprints")
        self._bindings = f"{environment}-binding"
        self._configured = configured
        self._ring: KeyRing | None = None
        self._checked_at = datetime.min.replace(tzinfo=clock.now().tzinfo)
        self._opening = asyncio.Lock()

    async def ring(self) -> KeyRing:
        """Return the keys. ConfigurationError if the settings do not fit the register (any more)."""
        if self._ring is None or self._clock.now() - self._checked_at >= CHECK_INTERVAL:
            async with self._opening:
                if self._ring is None or self._clock.now() - self._checked_at >= CHECK_INTERVAL:
                    self._ring = await self._opened()
                    self._checked_at = self._clock.now()
        return self._ring

    async def fingerprinter(self) -> Fingerprinter:
        """Return the maker of fingerprints."""
        return Fingerprinter((await self.ring()).first_key)

    async def since(self) -> datetime:
        """Return since when the current key is in use."""
        await self.ring()
        document = await read_one(self._store, self._key)
        return datetime.fromisoformat(document.body["since"]) if document else self._clock.now()

    async def finished(self, version: int) -> None:
        """Record that no fingerprint of an earlier version is stored any more."""
        document = await read_one(self._store, self._key)
        if document is None or document.body["version"] != version:
            raise ConflictError(StateCause.KEY_ONCE_MORE(), service=Service.STATE)
        body = {**document.body, "oldest": version}
        (etag,) = await self._store.write([Replace(self._key, body, document.etag)])
        if etag is None:
            raise ConflictError(StateCause.KEY_REGISTER(), service=Service.STATE)
        self._ring = None

    async def _opened(self) -> KeyRing:
        for _ in range(_ATTEMPTS):
            document = await read_one(self._store, self._key)
            if document is not None and (ring := self._read(document.body)) is not None:
                return ring
            if document is None:
                await self._check_first(self._configured.previous or self._configured.current)
            ring, body = self._next(document.body if document else None)
            (etag,) = await self._store.write([versioned(self._key, body, document.etag if document else None)])
            if etag is not None:
                return ring
        raise ConflictError(StateCause.KEY_REGISTER(), service=Service.STATE)

    def _read(self, body: Mapping[str, Any]) -> KeyRing | None:
        """Read the keys; None if the settings have a key that follows the current one."""
        version, marks = int(body["version"]), body["marks"]
        mark = mark_of(self._configured.current)
        if mark == marks[str(version)]:
            return _ring_of(body, self._configured.current)
        if mark in marks.values():
            raise ConfigurationError(StateCause.KEY_FORMER(), service=Service.STATE)
        previous = self._configured.previous
        if previous and mark_of(previous) == marks[str(version)]:
            return None
        if previous and mark_of(previous) in marks.values() and int(body["oldest"]) < version:
            raise ConfigurationError(StateCause.KEY_UNFINISHED(), service=Service.STATE)
        raise ConfigurationError(StateCause.KEY_EXCHANGED(), service=Service.STATE)

    def _next(self, body: Mapping[str, Any] | None) -> tuple[KeyRing, dict[str, Any]]:
        """Return the keys with the settings' current one as the newest, and the new body of the register."""
        current, previous = self._configured.current, self._configured.previous
        if body is None and not previous:
            ring, marks = KeyRing({FIRST: current}), {str(FIRST): mark_of(current)}
        else:
            before = KeyRing({FIRST: previous}) if body is None else _ring_of(body, previous)
            if before.is_changing:
                raise ConfigurationError(StateCause.KEY_UNFINISHED(), service=Service.STATE)
            version = before.version + 1
            ring = replace(before, keys={**before.keys, version: current})
            marks = {str(number): mark_of(key) for number, key in ring.keys.items()}
        former = {number: key for number, key in ring.keys.items() if number < ring.version}
        return ring, {
            "version": ring.version,
            "oldest": ring.oldest,
            "since": self._clock.now().isoformat(),
            "marks": marks,
            **({"former": lock_up(former, current)} if former else {}),
        }

    async def _check_first(self, key: bytes) -> None:
        """Refuse a first key that did not make the stored fingerprints.

        Fingerprints of permissions can be made again for comparison, since their only values are yes and no.
        """
        prints = Fingerprinter(key)
        page = await self._store.scan(self._bindings, limit=_MOST_BINDINGS)
        options = [
            (stored, {prints.value(one.body["contact"], name, answer) for answer in (True, False)})
            for one in page.documents
            for name, stored in one.body["base"].items()
            if _OPTION.fullmatch(name)
        ]
        if len(options) >= _ENOUGH and not any(stored in known for stored, known in options):
            raise ConfigurationError(StateCause.KEY_EXCHANGED(), service=Service.STATE)


def _ring_of(body: Mapping[str, Any], current: bytes) -> KeyRing:
    former = unlock(str(body["former"]), current) if "former" in body else {}
    return KeyRing({**former, int(body["version"]): current}, int(body["oldest"]))

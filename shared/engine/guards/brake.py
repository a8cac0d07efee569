"""The brake: when very many records ask for the same loss at once, those beyond a limit are held until a release.

A wrong filter, a clean-up job in Dataverse or a role that lost a right can erase thousands of contacts within minutes.
An erasure cannot be undone. Each kind (`MassChange`) has a limit for a sliding hour. A record beyond it is held: a
document here and the binding (`held_since`) say so, and later attempts on every lane find it held (decision 20).

Documents of the partition `brake`:

- `window-{kind}`: the records that passed within the last hour, at most as many as the limit;
- `held-{kind}-{record}`: since when a record (or list) is held; removed when it is settled or replayed;
- `released-{kind}`: when an administrator released the kind, and until when everything passes.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from shared.domain.planning.binding import MassChange
from shared.domain.records.records import RecordKey
from shared.domain.wording.causes.state_causes import StateCause
from shared.engine.bindings.binding_documents import Entry
from shared.engine.bindings.ledger import Ledger
from shared.errors import ConflictError, Service
from shared.ports.clock import Clock
from shared.ports.documents import Codec, documents, pages, read_one, versioned
from shared.ports.state import Delete, Document, DocumentKey, Put, StateStore
from shared.telemetry.signals import HELD, HELD_NOW, record

log = logging.getLogger(__name__)

WINDOW = timedelta(hours=1)
"""The span in which records are counted; it slides minute by minute."""

PAGE = 500
"""Held records that are replayed with one message."""

_MINUTE = timedelta(minutes=1)
_ATTEMPTS = 10
"""How often the count is tried again after another worker changed it."""


@dataclass(frozen=True, slots=True)
class BrakeLimits:
    """How many records may pass in an hour, by kind; 0 lets everything pass.

    `missing` is how many records of one table may be missing at night before all of them are held. A list is held where
    more than the limit, and more than `percent` of its members, are about to leave it.
    """

    erasures: int
    changes: int
    missing: int
    percent: int = 20

    def of(self, kind: MassChange) -> int:
        """Return the limit of a kind."""
        return self.erasures if kind is MassChange.ERASURE else self.changes

    def stop_list(self, *, leaving: int, of: int) -> bool:
        """Whether so many members are about to leave a list of that size that its synchronisation is held."""
        return bool(self.changes) and leaving > self.changes and leaving * 100 >= of * self.percent


@dataclass(frozen=True, slots=True)
class Released:
    """A release: what was held before `at` passes for good, and everything else until `until`."""

    at: datetime
    until: datetime

    def covers(self, since: datetime | None, now: datetime) -> bool:
        """Whether a record that has been held since then, or is new, passes."""
        return now < self.until or (since is not None and since <= self.at)


_RELEASED = Codec(Released)


class Brake:
    """Counts, holds and releases the mass changes of one environment. Its methods raise ConnectorErrors."""

    def __init__(self, store: StateStore, clock: Clock, environment: str, *, limits: BrakeLimits) -> None:
        self._store = store
        self._clock = clock
        self._partition = f"{environment}-brake"
        self.limits = limits

    # ------------------------------------------------------------------------------------------------------- deciding

    async def held(self, kind: MassChange, known: Mapping[str, datetime | None]) -> dict[str, datetime]:
        """Return which of these records are held, and since when; the others may go on, and are counted.

        `known` is the time of the hold in each record's binding. A new record is held if the limit of the last hour has
        been reached; a record that is counted already is not counted again. A hold is stored before this returns.
        """
        if not known:
            return {}
        places = {self._held_key(kind, name): name for name in known}
        release_key = self._key(f"released-{kind}")
        documents = await self._store.read([release_key, *places])
        released = _RELEASED.read(documents[release_key].body) if release_key in documents else None
        noted = {places[key]: _moment(one.body["since"]) for key, one in documents.items() if key in places}
        now = self._clock.now()
        since = {name: noted.get(name) or at for name, at in known.items()}
        bound = [name for name in known if released is None or not released.covers(since[name], now)]
        held = {name: at for name in bound if (at := since[name]) is not None}
        passing = [name for name in bound if name not in held]
        if passing and (limit := self.limits.of(kind)):
            allowed = await self._take(kind, passing, limit)
            new = {name: now for name in passing if name not in allowed}
            held |= new
            self._report(kind, len(new), limit)
        await self._note(kind, {name: at for name, at in held.items() if name not in noted})
        return held

    async def keep(self, kind: MassChange, names: Iterable[str]) -> set[str]:
        """Hold these records or lists whatever was counted; return those that no release lets pass."""
        released, now = await self._release_of(kind), self._clock.now()
        names, kept = list(names), set[str]()
        for start in range(0, len(names), PAGE):
            places = {self._held_key(kind, name): name for name in names[start : start + PAGE]}
            noted = {
                places[key]: _moment(one.body["since"]) for key, one in (await self._store.read([*places])).items()
            }
            held = {name for name in places.values() if released is None or not released.covers(noted.get(name), now)}
            await self._note(kind, dict.fromkeys(held - noted.keys(), now))
            if new := held - noted.keys():
                record(HELD, len(new), kind=kind)
            kept |= held
        return kept

    async def admit(self, kind: MassChange, names: Sequence[str]) -> set[str]:
        """Count records for which jobs ask a change of this kind; return those that may go on.

        The others are not held: their jobs fail with a reason.
        """
        limit = self.limits.of(kind)
        if not names or not limit:
            return set(names)
        released = await self._release_of(kind)
        if released is not None and released.covers(None, self._clock.now()):
            return set(names)
        allowed = await self._take(kind, names, limit)
        if refused := len(set(names) - allowed):
            record(HELD, refused, kind=kind)
            log.error(
                "%d jobs fail (%s): more than %d records in an hour. An administrator decides: GET /api/brake",
                refused,
                kind,
                limit,
            )
        return allowed

    async def settled(self, names: Mapping[MassChange, Iterable[str]]) -> None:
        """Remove holds of records that have ended, or live again."""
        changes = [Delete(self._held_key(kind, name)) for kind, several in names.items() for name in several]
        if changes:
            await self._store.write(changes)

    # ------------------------------------------------------------------------------------------------------ releasing

    async def release(self, kind: MassChange, until: datetime) -> Released:
        """Let the records pass that are held by now, and everything of the kind until then."""
        released = Released(self._clock.now(), until)
        await self._store.write([Put(self._key(f"released-{kind}"), _RELEASED.body(released))])
        return released

    async def held_page(self, kind: MassChange, after: str | None) -> tuple[list[str], str | None]:
        """Return a page of the held records, in order, and the start of the next page; None after the last."""
        prefix = f"held-{kind}-"
        page = await self._store.scan(self._partition, prefix=prefix, after=after, limit=PAGE)
        return [one.key.row.removeprefix(prefix) for one in page.documents], page.after

    async def state(self) -> dict[str, Any]:
        """Return as JSON, by kind: the limit, the counted records of the last hour, the held ones, and the release."""
        return {str(kind): await self._state_of(kind) for kind in MassChange}

    async def measure(self) -> None:
        """Measure how many records are held, by kind, for the alarm."""
        for kind in MassChange:
            count, _ = await self._count_held(kind)
            record(HELD_NOW, count, kind=kind)

    async def tidy(self, ledger: Ledger) -> None:
        """Remove holds that the last attempt did not confirm, and the hourly counters of older versions."""
        for kind in MassChange:
            if kind is not MassChange.LIST_REMOVAL:
                await self._tidy_holds(kind, ledger)
        async for page in pages(self._store, self._partition, prefix="20"):
            await self._store.write([Delete(one.key) for one in page])
        await self._store.write([Delete(self._key("released"))])

    async def _tidy_holds(self, kind: MassChange, ledger: Ledger) -> None:
        """Remove holds that a worker left when it died, and those of records that were held as missing and exist."""
        async for page in pages(self._store, self._partition, prefix=f"held-{kind}-", limit=PAGE):
            keys = {RecordKey.parse(one.key.row.removeprefix(f"held-{kind}-")): one for one in page}
            entries = await ledger.entries(keys)
            over = [
                Delete(one.key, one.etag)
                for key, one in keys.items()
                if kind not in entries[key].binding.held_since and _was_processed(entries[key], one)
            ]
            if over:
                await self._store.write(over)

    # ------------------------------------------------------------------------------------------------------ documents

    async def _take(self, kind: MassChange, names: Sequence[str], limit: int) -> set[str]:
        """Count records, each once however often it is tried; return those that may go."""
        key = self._key(f"window-{kind}")
        for _ in range(_ATTEMPTS):
            document = await read_one(self._store, key)
            now = self._clock.now().replace(second=0, microsecond=0)
            counted = _in_window(document.body if document else {}, now)
            digests = {name: sha256(name.encode()).hexdigest()[:20] for name in names}
            room = limit - len(counted)
            allowed = [name for name in names if digests[name] in counted]
            allowed += [name for name in names if digests[name] not in counted][: max(0, room)]
            if not allowed:
                return set()
            body = {"counted": counted | {digests[name]: now.isoformat() for name in allowed}}
            (etag,) = await self._store.write([versioned(key, body, document.etag if document else None)])
            if etag is not None:
                return set(allowed)
        raise ConflictError(StateCause.BRAKE_CHANGES(), service=Service.STATE)

    async def _note(self, kind: MassChange, held: Mapping[str, datetime]) -> None:
        if held:
            await self._store.write(
                [Put(self._held_key(kind, name), {"since": at.isoformat()}) for name, at in held.items()]
            )

    async def _release_of(self, kind: MassChange) -> Released | None:
        key = self._key(f"released-{kind}")
        document = await read_one(self._store, key)
        return _RELEASED.read(document.body) if document else None

    async def _state_of(self, kind: MassChange) -> dict[str, Any]:
        key = self._key(f"window-{kind}")
        document = await read_one(self._store, key)
        now = self._clock.now()
        released = await self._release_of(kind)
        count, since = await self._count_held(kind)
        return {
            "limit": self.limits.of(kind),
            "counted": len(_in_window(document.body if document else {}, now.replace(second=0, microsecond=0))),
            "held": count,
            "heldSince": since.isoformat(timespec="seconds") if since else None,
            "releasedUntil": released.until.isoformat(timespec="seconds")
            if released and now < released.until
            else None,
        }

    async def _count_held(self, kind: MassChange) -> tuple[int, datetime | None]:
        held = documents(self._store, self._partition, prefix=f"held-{kind}-")
        times = [_moment(one.body["since"]) async for one in held]
        return len(times), min(times, default=None)

    def _report(self, kind: MassChange, count: int, limit: int) -> None:
        if count:
            record(HELD, count, kind=kind)
            log.error(
                "%d records are held (%s): more than %d in an hour. An administrator decides: GET /api/brake",
                count,
                kind,
                limit,
            )

    def _held_key(self, kind: MassChange, name: str) -> DocumentKey:
        return self._key(f"held-{kind}-{name}")

    def _key(self, row: str) -> DocumentKey:
        return DocumentKey(self._partition, row)


def _in_window(body: Mapping[str, Any], minute: datetime) -> dict[str, str]:
    """Return the records that count: a record counts for an hour after the end of the minute of its change."""
    counted: Mapping[str, str] = body.get("counted", {})
    return {digest: at for digest, at in counted.items() if _moment(at) + WINDOW + _MINUTE > minute}


def _was_processed(entry: Entry, held: Document) -> bool:
    return entry.outcome is not None and _moment(entry.outcome.at) > _moment(held.body["since"])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)

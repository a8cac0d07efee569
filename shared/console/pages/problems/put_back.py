"""What became of the letters that were put back last: how many arrived, came back, or wait. Ids and codes only."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.composition import app
from shared.console.pending import dead_letters
from shared.console.reasons import text_of
from shared.console.web import Page, Reply, Visit
from shared.domain.records.records import RecordKey
from shared.errors import ConnectorError
from shared.messages.letter_keys import keys_in
from shared.ports.clock import Clock
from shared.ports.documents import Codec, read_one, versioned
from shared.ports.queue import DeadLetter, QueueName
from shared.ports.state import Delete, DocumentKey, StateStore

_MOST = 300
"""Letters that are followed: one document holds the ids of so many."""

_SHOWN_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Followed:
    """A letter that was put back: its queue, and the records that it names."""

    queue: str
    records: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PutBack:
    """Letters that somebody put back at the same time. Of very many, only the first ones are followed."""

    at: datetime
    count: int
    letters: tuple[Followed, ...]

    @property
    def keys(self) -> list[RecordKey]:
        """The records of all letters."""
        return [RecordKey.parse(record) for letter in self.letters for record in letter.records]


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the followed letters arrived and wait, and how many came back, by reason."""

    arrived: int
    waiting: int
    came_back: Mapping[str, int]


_CODEC = Codec(PutBack)


def followed(at: datetime, letters: Sequence[DeadLetter]) -> PutBack:
    """Return what is remembered of letters that are put back."""
    first = tuple(Followed(str(one.queue), tuple(map(str, keys_in(one.body)))) for one in letters[:_MOST])
    return PutBack(at, len(letters), first)


def progress(
    put_back: PutBack,
    ended: Mapping[RecordKey, datetime],
    letters: Sequence[DeadLetter],
    busy: Collection[QueueName],
) -> Progress:
    """Say what became of each letter.

    `ended` has the time of the last outcome of each record, `letters` the dead letters of now, `busy` the queues in
    which something waits. A letter arrived when all its records ended since, or when its queue is empty: a record that
    is equal on both sides gets no new outcome. A letter came back if a younger one of its queue names a record of it.
    """
    back = {
        (str(letter.queue), str(key)): letter.reason
        for letter in letters
        if letter.dead_since >= put_back.at
        for key in keys_in(letter.body)
    }
    came_back: Counter[str] = Counter()
    arrived = waiting = 0
    for one in put_back.letters:
        reasons = [back[one.queue, record] for record in one.records if (one.queue, record) in back]
        times = [ended.get(RecordKey.parse(record)) for record in one.records]
        if reasons:
            came_back[reasons[0]] += 1
        elif one.queue not in busy or (times and all(at and at >= put_back.at for at in times)):
            arrived += 1
        else:
            waiting += 1
    return Progress(arrived, waiting, dict(came_back))


class PutBackLog:
    """Remembers the last act of an environment, for every instance and every reader."""

    def __init__(self, store: StateStore, clock: Clock, environment: str) -> None:
        self._store = store
        self._clock = clock
        self._key = DocumentKey(f"{environment}-console-put-back", "last")

    async def note(self, at: datetime, letters: Sequence[DeadLetter]) -> None:
        """Remember letters that were put back after `at`. Of two such acts at the same moment, one is remembered."""
        found = await read_one(self._store, self._key)
        body = _CODEC.body(followed(at, letters))
        await self._store.write([versioned(self._key, body, found.etag if found else None)])

    async def last(self) -> PutBack | None:
        """Return what was put back last; None if it was ten minutes ago or never."""
        found = await read_one(self._store, self._key)
        put_back = _CODEC.read(found.body) if found else None
        return put_back if put_back and self._clock.now() - put_back.at < _SHOWN_FOR else None

    async def tidy(self) -> None:
        """Forget what is shown no more."""
        if await self.last() is None:
            await self._store.write([Delete(self._key)])


async def log() -> PutBackLog:
    """Return the log of this app."""
    services = await app.services()
    return PutBackLog(services.store, services.clock, services.settings.environment)


async def told(letters: Sequence[DeadLetter]) -> dict[str, object] | None:
    """Return what a page tells of the letters that were put back last; None if there is nothing to tell.

    The dead letters are shown also while the state store does not answer.
    """
    try:
        put_back = await (await log()).last()
        return await _told(put_back, letters) if put_back else None
    except ConnectorError:
        return None


async def _told(put_back: PutBack, letters: Sequence[DeadLetter]) -> dict[str, object]:
    entries = await (await app.connector()).ledger.entries(put_back.keys)
    ended = {key: datetime.fromisoformat(one.outcome.at) for key, one in entries.items() if one.outcome}
    queue = await app.queue()
    depths = {name: await queue.depth(name) for name in {QueueName(one.queue) for one in put_back.letters}}
    busy = [name for name, depth in depths.items() if depth.active + depth.scheduled]
    found = progress(put_back, ended, letters, busy)
    reasons = [(text_of(code), code, count) for code, count in found.came_back.items()]
    return {"put_back": put_back, "progress": found, "came_back": sum(found.came_back.values()), "reasons": reasons}


async def renewed(visit: Visit) -> Reply:
    """Show the progress again, for a page that stays open."""
    del visit
    return Page("parts/put_back.html", {"told": await told(await dead_letters())}, is_fragment=True)

"""What the connector knows of each mailing: one document, with its links and what is still to be read.

| document | key | holds |
|---|---|---|
| `mailing` | handle of the mailing | name, medium, begin, subject, sender, links, counts, which lists are due |
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from shared.domain.engagement.events import EventKind
from shared.domain.engagement.mailings import Link, Mailing, MailingContent, MailingKind, MailingOrigin
from shared.domain.engagement.statistics import MailingCounts
from shared.ports.documents import Codec, documents
from shared.ports.state import Delete, Document, DocumentKey, Put, StateStore


@dataclass(frozen=True, slots=True)
class KnownMailing:
    """A mailing. `read_on` is when its statistics were last read, `listed_on` when all of its lists were.

    `due` are the lists that must be read as a whole, in order, and `after` the position in the first of them.
    `in_feed` says whether the account-wide feed has mentioned it, `is_short` whether it lacked some of its events.
    `unmatched` is how many openers and clickers of the statistics the connector did not have on `matched_on`, after its
    lists were read. `remark` is written on its Campaign row.
    """

    handle: str
    name: str = ""
    kind: MailingKind = MailingKind.EMAIL
    origin: MailingOrigin = MailingOrigin.BULK
    begun: datetime | None = None
    online_version: str = ""
    sent: int | None = None
    content: MailingContent = field(default_factory=MailingContent)
    counts: MailingCounts | None = None
    read_on: datetime | None = None
    listed_on: datetime | None = None
    is_frozen: bool = False
    in_feed: bool = False
    is_short: bool = False
    unmatched: int = 0
    matched_on: datetime | None = None
    due: tuple[EventKind, ...] = ()
    after: str = ""
    remark: str = ""

    @classmethod
    def of(cls, mailing: Mailing, content: MailingContent) -> Self:
        """Begin to know a mailing."""
        return cls(
            mailing.handle,
            mailing.name,
            mailing.kind,
            mailing.origin,
            mailing.begun,
            mailing.online_version,
            mailing.sent,
            content,
        )

    @property
    def mailing(self) -> Mailing:
        """The mailing as the platform lists it."""
        return Mailing(self.handle, self.name, self.kind, self.origin, self.begun, self.online_version, self.sent)

    @property
    def links(self) -> Mapping[str, Link]:
        """The links by id."""
        return {link.id: link for link in self.content.links}

    @property
    def clicks(self) -> int:
        """About how many clicks its list has: people who clicked, with the usual repetitions."""
        return round((self.counts.clicked or 0) * _CLICKS_PER_PERSON) if self.counts else 0

    def with_due(self, *kinds: EventKind) -> Self:
        """Ask for lists. A list that is being read is read once more: its order is not known."""
        waiting = self.due[1:] if self.after else self.due
        more = tuple(kind for kind in dict.fromkeys(kinds) if kind not in waiting)
        return replace(self, due=(*self.due, *more))


_CLICKS_PER_PERSON = 1.6
_CODEC = Codec(KnownMailing, outside={"handle"}, omits_defaults=True)


class KnownMailings:
    """Reads and writes the documents of one environment. One worker at a time writes: it has the lease of the feed."""

    def __init__(self, store: StateStore, environment: str) -> None:
        self._store = store
        self._partition = f"{environment}-mailing"

    async def read(self, handles: Iterable[str]) -> dict[str, KnownMailing]:
        """Return the mailings that are known."""
        keys = [DocumentKey(self._partition, handle) for handle in dict.fromkeys(handles)]
        found = await self._store.read(keys) if keys else {}
        return {key.row: _read(document) for key, document in found.items()}

    async def save(self, *mailings: KnownMailing) -> None:
        """Write mailings."""
        if mailings:
            await self._store.write(
                [Put(DocumentKey(self._partition, one.handle), _CODEC.body(one)) for one in mailings]
            )

    async def all(self) -> AsyncIterator[KnownMailing]:
        """Yield all known mailings."""
        async for document in documents(self._store, self._partition):
            yield _read(document)

    async def forget(self, handles: Iterable[str]) -> None:
        """Delete the documents of mailings."""
        await self._store.write([Delete(DocumentKey(self._partition, handle)) for handle in handles])


def _read(document: Document) -> KnownMailing:
    return _CODEC.read(document.body, handle=document.key.row)

"""Stores the tally of each mailing: how many people with records opened and clicked, when, and which links.

| document | key | holds |
|---|---|---|
| `mailing-tally` | handle of the mailing | numbers by key, see `shared.domain.engagement.tallies` |

A tally is written after the memories that it counts: a process that dies in between loses the last thousand events from
it, and from nothing else. Rows, scores and the counts of campaigns do not depend on tallies.
"""

from collections.abc import Iterable, Mapping

from shared.domain.engagement.tallies import Tally, added
from shared.domain.wording.causes.state_causes import StateCause
from shared.ports.documents import Body, read_one, update
from shared.ports.state import Delete, DocumentKey, StateStore


class StoredTallies:
    """The tallies of one environment."""

    def __init__(self, store: StateStore, environment: str) -> None:
        self._store = store
        self._partition = f"{environment}-mailing-tally"

    async def read(self, mailing: str) -> Tally:
        """Return the tally of a mailing; an empty one if nobody did anything yet."""
        found = await read_one(self._store, self._key(mailing))
        return dict(found.body) if found else {}

    async def add(self, changes: Mapping[str, Tally]) -> None:
        """Change the tallies of mailings. ConflictError if others change them all the time."""

        def change(key: DocumentKey, body: Body | None) -> Body:
            return added(body or {}, changes[key.row])

        keys = [self._key(mailing) for mailing, tally in changes.items() if tally]
        await update(self._store, keys, change, contended=StateCause.TALLY_CHANGES())

    async def forget(self, mailings: Iterable[str]) -> None:
        """Delete tallies."""
        await self._store.write([Delete(self._key(mailing)) for mailing in mailings])

    def _key(self, mailing: str) -> DocumentKey:
        return DocumentKey(self._partition, mailing)

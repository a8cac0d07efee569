"""Remembers which jobs were sent and done, so that none is sent twice and a result outlives a lost report.

One small document per job, from just before the call until its result stands on the job's row:

- none: certainly never sent, or one that may be sent again (Set Score) and is not known to have been done;
- `sent`: sent, and nobody knows what became of it;
- `done`: it had its effect, with the ids of the runs that began.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from shared.ports.state import Delete, Document, DocumentKey, Insert, Put, StateStore


@dataclass(frozen=True, slots=True)
class Sent:
    """The call was about to be made. Whether it was, and with what effect, is unknown."""


@dataclass(frozen=True, slots=True)
class EndedJob:
    """The call had its effect."""

    runs: tuple[str, ...] = ()


Entry = Sent | EndedJob


class Journal:
    """The documents of one environment."""

    def __init__(self, store: StateStore, environment: str) -> None:
        self._store = store
        self._partition = f"{environment}-job"

    async def entries(self, jobs: Collection[UUID]) -> dict[UUID, Entry]:
        """Read what is known; a job without entry was never sent."""
        keys = {self._key(job): job for job in jobs}
        documents = await self._store.read(list(keys)) if keys else {}
        return {keys[key]: _entry(document) for key, document in documents.items()}

    async def begin(self, jobs: Collection[UUID]) -> frozenset[UUID]:
        """Note that these jobs are about to be sent; returns those that are ours: no other worker can get them."""
        ordered = list(jobs)
        etags = await self._store.write([Insert(self._key(job), {}) for job in ordered])
        return frozenset(job for job, etag in zip(ordered, etags, strict=True) if etag is not None)

    async def commit(self, done: Mapping[UUID, EndedJob], harmless: Collection[UUID]) -> None:
        """Note what had its effect, and forget what certainly had none."""
        await self._store.write(
            [
                *(Put(self._key(job), {"done": list(entry.runs)}) for job, entry in done.items()),
                *(Delete(self._key(job)) for job in harmless),
            ]
        )

    async def forget(self, jobs: Collection[UUID]) -> None:
        """Drop the entries of jobs whose rows say how they ended."""
        await self._store.write([Delete(self._key(job)) for job in jobs])

    def _key(self, job: UUID) -> DocumentKey:
        return DocumentKey(self._partition, str(job))


def _entry(document: Document) -> Entry:
    return EndedJob(tuple(document.body["done"])) if "done" in document.body else Sent()

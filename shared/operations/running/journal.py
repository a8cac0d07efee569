"""Stores which jobs were sent and done, so that no job is sent twice and a lost report loses no result.

Each job has one small document, from just before the call until the row of the job has its result:

- none: never sent; or the job may be sent again (Set Score), and its effect is unknown;
- `sent`: sent, with unknown effect;
- `done`: it had its effect; the document has the ids of the runs that began.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from shared.ports.state import Delete, Document, DocumentKey, Insert, Put, StateStore


@dataclass(frozen=True, slots=True)
class Sent:
    """The call was about to be made; whether it had an effect is unknown."""


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
        """Read the entries; a job without an entry was never sent."""
        keys = {self._key(job): job for job in jobs}
        documents = await self._store.read(list(keys)) if keys else {}
        return {keys[key]: _entry(document) for key, document in documents.items()}

    async def begin(self, jobs: Collection[UUID]) -> frozenset[UUID]:
        """Note that jobs are about to be sent; returns those that this worker has now and no other worker can get."""
        ordered = list(jobs)
        etags = await self._store.write([Insert(self._key(job), {}) for job in ordered])
        return frozenset(job for job, etag in zip(ordered, etags, strict=True) if etag is not None)

    async def commit(self, done: Mapping[UUID, EndedJob], harmless: Collection[UUID]) -> None:
        """Store the jobs that had their effect, and delete the entries of those that had none."""
        await self._store.write(
            [
                *(Put(self._key(job), {"done": list(entry.runs)}) for job, entry in done.items()),
                *(Delete(self._key(job)) for job in harmless),
            ]
        )

    async def forget(self, jobs: Collection[UUID]) -> None:
        """Delete the entries of jobs whose rows have their end."""
        await self._store.write([Delete(self._key(job)) for job in jobs])

    def _key(self, job: UUID) -> DocumentKey:
        return DocumentKey(self._partition, str(job))


def _entry(document: Document) -> Entry:
    return EndedJob(tuple(document.body["done"])) if "done" in document.body else Sent()

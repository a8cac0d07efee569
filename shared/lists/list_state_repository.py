"""Stores the states of lists, and notes about members of a snapshot and contacts of Spotler's list. Ids only.

A list has one state document, and notes for each snapshot:

- `page`: the members as they were read, by record id;
- `to`: the Spotler contacts that the list shall have, in buckets by external id: two snapshots are compared bucket by
  bucket, and memory holds one bucket at a time;
- `out`: the members that are left out, and why.

A note about a single contact (`in`, `maybe`, `out`) overrides the snapshot.
"""

from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from shared.domain.features.lists import Content, bucket_of, joined
from shared.domain.records.records import RecordKey
from shared.domain.wording.causes.state_causes import StateCause
from shared.errors import ConflictError, Service
from shared.lists.list_state import LIST_STATE, ListState
from shared.ports.documents import documents, pages, read_one, versioned
from shared.ports.state import Change, Delete, Document, DocumentKey, Put, StateStore

BUCKETS = 100
"""For a list of many pages: the contacts of one page are one transaction of the state store."""

_ID_LENGTH = 16
_PER_SCAN = 200
_PER_DELETION = 2000


class MemberPresence(StrEnum):
    """Whether a single contact is in Spotler's list. UNCERTAIN: a call that adds or removes it may have been sent."""

    IN = "in"
    UNCERTAIN = "maybe"
    OUT = "out"


class ListStateRepository:
    """The documents of one environment."""

    def __init__(self, store: StateStore, environment: str) -> None:
        self._store = store
        self._environment = environment

    # ----------------------------------------------------------------------------------------------------- the state

    async def read(self, identifier: UUID) -> ListState | None:
        """Read the state of a list; None if there is none."""
        document = await read_one(self._store, self._state_key(identifier))
        return LIST_STATE.read(document.body, id=identifier, etag=document.etag) if document else None

    async def save(self, state: ListState) -> ListState:
        """Save the state, and return it with its new version; ConflictError if another worker was faster."""
        (etag,) = await self._store.write([versioned(self._state_key(state.id), LIST_STATE.body(state), state.etag)])
        if etag is None:
            raise ConflictError(StateCause.LIST_CHANGES(), service=Service.STATE)
        return replace(state, etag=etag)

    async def forget(self, state: ListState) -> None:
        """Delete the state of a list."""
        await self._store.write([Delete(self._state_key(state.id))])

    # --------------------------------------------------------------------------------------------------- the snapshot

    async def put_page(self, identifier: UUID, snapshot: str, page: int, members: Iterable[UUID]) -> None:
        """Write one page of members."""
        packed = b64encode(b"".join(member.bytes for member in members)).decode()
        await self._store.write([Put(self._key(identifier, f"{snapshot}-page-{page:06}"), {"ids": packed})])

    async def page(self, identifier: UUID, snapshot: str, page: int) -> list[UUID]:
        """Read one page of members."""
        key = self._key(identifier, f"{snapshot}-page-{page:06}")
        packed = b64decode((await self._store.read([key]))[key].body["ids"])
        return [UUID(bytes=packed[start : start + _ID_LENGTH]) for start in range(0, len(packed), _ID_LENGTH)]

    async def put_contacts(
        self, identifier: UUID, snapshot: str, page: int, contacts: Iterable[str], *, buckets: int
    ) -> None:
        """Write the contacts of one page of members."""
        split: dict[int, list[str]] = {}
        for contact in sorted(set(contacts)):
            split.setdefault(bucket_of(contact, buckets), []).append(contact)
        rows = {f"{snapshot}-to-{bucket:02}-{page:06}": group for bucket, group in split.items()}
        # A page that is repeated may have fewer contacts; its earlier notes must not remain.
        stale = {f"{snapshot}-to-{bucket:02}-{page:06}" for bucket in range(buckets)} - rows.keys()
        await self._store.write(
            [
                *(Put(self._key(identifier, row), {"in": group}) for row, group in rows.items()),
                *(Delete(self._key(identifier, row)) for row in sorted(stale)),
            ]
        )

    async def put_left_out(
        self,
        identifier: UUID,
        snapshot: str,
        part: str,
        *,
        skipped: Mapping[RecordKey, str],
        failed: Mapping[RecordKey, str],
    ) -> None:
        """Write which members are left out. `part` names the part of the work."""
        key = self._key(identifier, f"{snapshot}-out-{part}")
        body = {"skipped": _by_reason(skipped), "failed": _by_reason(failed)}
        await self._store.write([Put(key, body) if skipped or failed else Delete(key)])

    async def left_out(self, identifier: UUID, snapshot: str) -> AsyncIterator[tuple[str, str, list[str]]]:
        """Yield the members left out: `skipped` or `failed`, the reason, and the records."""
        async for document in self._scan(identifier, f"{snapshot}-out-"):
            for what, reasons in document.body.items():
                for reason, keys in reasons.items():
                    yield what, reason, keys

    async def counts(self, identifier: UUID, snapshot: str) -> tuple[Counter[str], Counter[str]]:
        """Count the members left out by reason: skipped, failed."""
        counted = {"skipped": Counter[str](), "failed": Counter[str]()}
        async for what, reason, keys in self.left_out(identifier, snapshot):
            counted[what][reason] += len(keys)
        return counted["skipped"], counted["failed"]

    # ------------------------------------------------------------------------------------------------- contacts

    async def note(
        self, identifier: UUID, snapshots: Mapping[str, int], contacts: Collection[str], presence: MemberPresence
    ) -> None:
        """Note the presence of single contacts, in every snapshot."""
        changes: list[Change] = [
            Put(self._key(identifier, _single(snapshot, buckets, contact)), {"id": contact, "is": presence.value})
            for snapshot, buckets in snapshots.items()
            for contact in set(contacts)
        ]
        if changes:
            await self._store.write(changes)

    async def content(self, identifier: UUID, snapshot: str, buckets: int, bucket: int, of: int) -> Content:
        """Read one of `of` parts of a snapshot that has `buckets`: 1 or as many."""
        prefix = f"{snapshot}-to-" if buckets < of else f"{snapshot}-to-{bucket:02}-"
        settled: set[str] = set()
        noted: dict[str, MemberPresence] = {}
        async for document in self._scan(identifier, prefix):
            if (several := document.body.get("in")) is not None:
                settled.update(several)
            else:
                noted[document.body["id"]] = MemberPresence(document.body["is"])
        if buckets < of:
            settled = {contact for contact in settled if bucket_of(contact, of) == bucket}
            noted = {contact: presence for contact, presence in noted.items() if bucket_of(contact, of) == bucket}
        settled -= noted.keys()
        return Content(
            certain=frozenset(settled | {one for one, presence in noted.items() if presence is MemberPresence.IN}),
            possible=frozenset(
                settled | {one for one, presence in noted.items() if presence is not MemberPresence.OUT}
            ),
        )

    async def known(self, identifier: UUID, snapshots: Mapping[str, int], bucket: int, of: int) -> Content:
        """Read one part of what Spotler's list may hold, according to several snapshots."""
        return joined(
            [await self.content(identifier, snapshot, buckets, bucket, of) for snapshot, buckets in snapshots.items()]
        )

    # ------------------------------------------------------------------------------------------------------ forgetting

    async def clean(self, identifier: UUID, snapshots: Sequence[str]) -> bool:
        """Delete some notes of snapshots; whether none remain."""
        left = _PER_DELETION
        for snapshot in snapshots:
            async for page in pages(self._store, self._partition(identifier), prefix=f"{snapshot}-"):
                await self._store.write([Delete(document.key) for document in page[:left]])
                left -= len(page)
                if left <= 0:
                    return False
        return True

    def _scan(self, identifier: UUID, prefix: str) -> AsyncIterator[Document]:
        return documents(self._store, self._partition(identifier), prefix=prefix, limit=_PER_SCAN)

    def _state_key(self, identifier: UUID) -> DocumentKey:
        return DocumentKey(f"{self._environment}-lists", str(identifier))

    def _partition(self, identifier: UUID) -> str:
        return f"{self._environment}-list-{identifier}"

    def _key(self, identifier: UUID, row: str) -> DocumentKey:
        return DocumentKey(self._partition(identifier), row)


def _single(snapshot: str, buckets: int, contact: str) -> str:
    # Not the external id itself: ids that others gave may hold what no key may hold.
    name = sha256(contact.encode()).hexdigest()[:32]
    return f"{snapshot}-to-{bucket_of(contact, buckets):02}-x{name}"


def _by_reason(people: Mapping[RecordKey, str]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for key, reason in sorted(people.items()):
        reasons.setdefault(reason, []).append(str(key))
    return reasons

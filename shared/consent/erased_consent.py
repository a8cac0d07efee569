"""Proof of consent after an erasure: the changes and their times, under a pseudonym, for the retention time.

The record's id leads to its entries; only the person or an old copy has that id. The entries do not lead back to the
record: ids, correlations and external ids are removed.

- `consent-erased`, by pseudonym (a keyed hash): when the record was erased, and its changes of consent;
- `consent-walk`, `erased`: up to when the nightly walk has found erased records.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.consent.audit_ledger import ConsentLedger, as_rows
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import RecordKey
from shared.domain.wording.causes.state_causes import StateCause
from shared.ports.clock import Clock
from shared.ports.documents import Body, pages, read_one, update
from shared.ports.state import Delete, DocumentKey, Put, StateStore

GRACE = timedelta(days=1)
"""After an erasure, messages about consent before it may arrive for so long."""

_PAGE = 500
_MOST_ERASED = 2000
"""Records per night, so that it ends within the time-out of a function; the next night continues."""


@dataclass(frozen=True, slots=True)
class RetainedConsent:
    """What is kept of an erased record: flat rows of `at`, `subject`, `old`, `new`, `source`, oldest first."""

    erased: datetime
    changes: tuple[dict[str, str], ...]


class ErasedConsent:
    """Keeps, finds and deletes the consent of erased records of one environment. Raises ConnectorErrors."""

    def __init__(
        self,
        store: StateStore,
        clock: Clock,
        environment: str,
        *,
        consents: ConsentLedger,
        fingerprinter: Callable[[], Awaitable[Fingerprinter]],
        retention: timedelta | None,
    ) -> None:
        """`retention` is how long entries are kept from the erasure on; None for ever."""
        self._store = store
        self._clock = clock
        self._consents = consents
        self._fingerprinter = fingerprinter
        self._retention = retention
        self._partition = f"{environment}-consent-erased"
        self._bindings = f"{environment}-binding"
        self._walk_key = DocumentKey(f"{environment}-consent-walk", "erased")

    async def of_record(self, key: RecordKey) -> RetainedConsent | None:
        """Return what is kept of an erased record; None if nothing is."""
        document = await read_one(self._store, await self._key(key))
        if document is None:
            return None
        return RetainedConsent(datetime.fromisoformat(document.body["erased"]), tuple(document.body["changes"]))

    async def take_over(self, key: RecordKey, erased: datetime) -> int:
        """Move the entries of a record under its pseudonym; returns the number of changes. May be repeated.

        The copy is written before the originals are deleted: a crash loses nothing.
        """
        changes = [_row(one) async for page in self._consents.export(record=key) for one in as_rows(page)]
        if changes:
            await self._add(await self._key(key), changes, erased)
        await self._consents.remove(key)
        return len(changes)

    async def _add(self, key: DocumentKey, changes: list[dict[str, str]], erased: datetime) -> None:
        def joined(_: DocumentKey, body: Body | None) -> Body:
            known = list(body["changes"]) if body else []
            rows = sorted((*known, *(one for one in changes if one not in known)), key=lambda one: str(one["at"]))
            return {"erased": erased.isoformat(timespec="seconds"), "changes": rows}

        contended = StateCause.CONSENT_CHANGES()
        await update(self._store, [key], joined, contended=contended)

    # ------------------------------------------------------------------------------------------------------- nightly

    async def maintain(self) -> tuple[int, int]:
        """Take over the consent of deleted records, and delete old entries; returns the number of records of each."""
        return await self._take_over_deleted(), await self._forget_old()

    async def _take_over_deleted(self) -> int:
        """Walk over the bindings, and take over records that were deleted since the last walk, a day ago at least."""
        document = await read_one(self._store, self._walk_key)
        walk = dict(document.body) if document else {"since": "", "until": "", "after": ""}
        if not walk["until"]:
            walk["until"] = (self._clock.now() - GRACE).isoformat(timespec="seconds")
        count, after = 0, walk["after"] or None
        while count < _MOST_ERASED:
            page = await self._store.scan(self._bindings, after=after, limit=_PAGE)
            for key, erased in _deleted(page.documents, walk["since"], walk["until"]):
                count += bool(await self.take_over(key, erased))
            if (after := page.after) is None:
                await self._store.write([Put(self._walk_key, {"since": walk["until"], "until": "", "after": ""})])
                return count
        await self._store.write([Put(self._walk_key, {**walk, "after": after})])
        return count

    async def _forget_old(self) -> int:
        if self._retention is None:
            return 0
        count, beyond = 0, self._clock.now() - self._retention
        async for page in pages(self._store, self._partition, limit=_PAGE):
            old = [one for one in page if datetime.fromisoformat(one.body["erased"]) < beyond]
            await self._store.write([Delete(one.key, one.etag) for one in old])
            count += len(old)
        return count

    async def _key(self, key: RecordKey) -> DocumentKey:
        return DocumentKey(self._partition, (await self._fingerprinter()).person(str(key)))


def _deleted(documents: Any, since: str, until: str) -> list[tuple[RecordKey, datetime]]:
    """Choose the records whose outcome within a span of time was their deletion, and which left Spotler."""
    first = datetime.fromisoformat(since) if since else None
    found: list[tuple[RecordKey, datetime]] = []
    for document in documents:
        outcome = document.body["outcome"]
        at = datetime.fromisoformat(outcome["at"])
        is_gone = not document.body["live"] and outcome["reason"] == Reason.DELETED
        if is_gone and at <= datetime.fromisoformat(until) and (first is None or at > first):
            found.append((RecordKey.parse(document.key.row), at))
    return found


def _row(row: dict[str, str]) -> dict[str, str]:
    return {name: row[name] for name in ("at", "subject", "old", "new", "source")}

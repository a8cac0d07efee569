"""Deletes, every night, documents that nothing needs any more: the state must not grow without end.

Deleted after the retention time: bindings of records whose contact was erased, contacts without records, addresses
without a contact, reviews that led to a record, and dead letters. Never deleted: the suppression list, held records,
refusals and opt-outs in a binding, and documents that are claimed or in doubt. Dismissed reviews stay as well: the same
question would be asked again.
"""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.planning.binding import Binding
from shared.domain.records.records import RecordKey
from shared.engine.bindings.binding_documents import read_binding
from shared.errors import ConnectorError
from shared.ports.clock import Clock
from shared.ports.documents import pages
from shared.ports.marketing_platform import MarketingPlatform
from shared.ports.queue import Queue
from shared.ports.state import Change, Delete, Document, DocumentKey, Replace, StateStore

log = logging.getLogger(__name__)

_ASKED = 200
"""Contacts that are looked up in Spotler in one night: contacts without records are few."""

_DISMISSED = "dismissed"
_LETTERS = 100
_MOST_LETTERS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Housekeeping:
    """Cleans the state of one environment.

    `retention` is how long unneeded documents are kept; None: for ever.
    """

    store: StateStore
    queue: Queue
    platform: MarketingPlatform
    clock: Clock
    environment: str
    retention: timedelta | None

    async def tidy(self) -> dict[str, int]:
        """Delete unneeded documents; returns the counts by kind. Raises ConnectorErrors: the next night continues."""
        if self.retention is None:
            return {}
        before = self.clock.now() - self.retention
        gone = {
            "bindings": await self._bindings(before),
            "contacts": await self._contacts(before),
            "addresses": await self._addresses(),
            "reviews": await self._reviews(before),
            "runs": await self._runs(before),
            "dead letters": await self._letters(before),
        }
        if any(gone.values()):
            log.info("housekeeping: %s", ", ".join(f"{count} {what}" for what, count in gone.items() if count))
        return gone

    async def _bindings(self, before: datetime) -> int:
        gone = 0
        async for page in pages(self.store, f"{self.environment}-binding"):
            old = [one for one in page if _is_over(one, before)]
            contacts = await self._read("contact", {str(one.body["contact"]) for one in old})
            gone += await self._drop(one for one in old if not _is_used(contacts.get(str(one.body["contact"])), one))
        return gone

    async def _contacts(self, before: datetime) -> int:
        """Delete contacts without records.

        At once if Spotler has none, else after they were idle for the retention time.

        The document holds since when the contact is idle; a claim writes the document anew, without that time.
        """
        gone, asked = 0, 0
        async for page in pages(self.store, f"{self.environment}-contact"):
            over: list[Document] = []
            noted: list[Change] = []
            for one in page:
                if one.body.get("users") or "claim" in one.body or "doubt" in one.body:
                    continue
                idle = one.body.get("idle_since")
                if (idle is not None and datetime.fromisoformat(idle) < before) or (
                    asked < _ASKED and await self._is_gone(one.key.row)
                ):
                    over.append(one)
                elif idle is None:
                    since = self.clock.now().isoformat(timespec="seconds")
                    noted.append(Replace(one.key, {**one.body, "idle_since": since}, one.etag))
                asked += 1
            gone += await self._drop(over)
            if noted:
                await self.store.write(noted)
        return gone

    async def _is_gone(self, external_id: str) -> bool:
        try:
            return await self.platform.contact(external_id) is None
        except ConnectorError:
            return False  # the next night asks again

    async def _addresses(self) -> int:
        """Delete addresses without a contact. An address that is being reserved has a contact, which is claimed."""
        gone = 0
        async for page in pages(self.store, f"{self.environment}-address"):
            contacts = await self._read("contact", {str(one.body["contact"]) for one in page})
            gone += await self._drop(one for one in page if str(one.body["contact"]) not in contacts)
        return gone

    async def _reviews(self, before: datetime) -> int:
        gone = 0
        async for page in pages(self.store, f"{self.environment}-review"):
            gone += await self._drop(
                one
                for one in page
                if one.body.get("decision", _DISMISSED) != _DISMISSED
                and datetime.fromisoformat(one.body["decided"]) < before
            )
        return gone

    async def _runs(self, before: datetime) -> int:
        """Delete old runs, with the ids of records that they did not pass on."""
        gone = 0
        async for page in pages(self.store, f"{self.environment}-run"):
            old = [one for one in page if datetime.fromisoformat(one.body["saved"]) < before]
            for run in old:
                async for notes in pages(self.store, f"{self.environment}-run-{run.key.row}"):
                    await self._drop(notes)
            gone += await self._drop(old)
        return gone

    async def _letters(self, before: datetime) -> int:
        gone = 0
        for _ in range(_MOST_LETTERS):
            letters = await self.queue.dead_letters(limit=_LETTERS)  # the oldest first
            old = [letter.id for letter in letters if letter.dead_since < before]
            gone += await self.queue.discard(old) if old else 0
            if len(old) < _LETTERS:
                break
        return gone

    # ------------------------------------------------------------------------------------------------------ documents

    async def _read(self, kind: str, rows: Collection[str]) -> dict[str, Document]:
        keys = [DocumentKey(f"{self.environment}-{kind}", row) for row in sorted(rows)]
        return {key.row: document for key, document in (await self.store.read(keys)).items()} if keys else {}

    async def _drop(self, documents: Iterable[Document]) -> int:
        """Delete documents that nobody has changed since they were read."""
        changes = [Delete(one.key, one.etag) for one in documents]
        etags = await self.store.write(changes) if changes else []
        return sum(1 for etag in etags if etag is not None)


def _is_over(document: Document, before: datetime) -> bool:
    """Whether a binding holds nothing but the external id, and the last outcome is old."""
    binding = read_binding(document.body)
    is_blank = replace(binding, base={}, address="") == Binding(binding.external_id)
    return is_blank and datetime.fromisoformat(document.body["outcome"]["at"]) < before


def _is_used(contact: Document | None, binding: Document) -> bool:
    """Whether the record still uses the contact, or a worker holds the contact."""
    if contact is None:
        return False
    names = contact.body.get("users", {})
    return str(RecordKey.parse(binding.key.row)) in names or "claim" in contact.body or "doubt" in contact.body

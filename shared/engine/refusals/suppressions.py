"""The suppression list in the state store: one document per e-mail address (its fingerprint), which outlives records.

`suppressed`, by address: per subject and record since when it is refused, by which source, and since when it is lifted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.domain.consent.changes import ConsentSource
from shared.domain.consent.suppression import NOTHING_REFUSED, AddressRefusal, Suppression
from shared.errors import ConflictError, Service
from shared.ports.clock import Clock
from shared.ports.state import Change, Document, DocumentKey, Insert, Replace, StateStore

_ATTEMPTS = 5
"""How often a change is tried again that another worker was quicker with."""


class SuppressionList:
    """Reads and changes what was refused at addresses. All methods raise ConnectorErrors of the state store."""

    def __init__(self, store: StateStore, clock: Clock, environment: str) -> None:
        self._store = store
        self._clock = clock
        self._partition = f"{environment}-suppressed"

    async def at(self, addresses: Iterable[str]) -> dict[str, Suppression]:
        """Return what was refused at addresses (fingerprints), with one read; all of them are in the answer."""
        documents = await self._documents(addresses)
        return {address: _suppression(document) for address, document in documents.items()}

    async def record(self, refusals: Mapping[str, Sequence[AddressRefusal]]) -> dict[str, Suppression]:
        """Add refusals by address, each once; returns what holds now. ConflictError if others never rest."""
        return await self._change(refusals, lambda address, known: known.adding(refusals[address]))

    async def lift(
        self, address: str, subjects: Collection[str], by: ConsentSource, *, record: str | None = None
    ) -> Suppression:
        """Lift subjects at an address: those of one record, or everybody's; returns what holds now."""
        now = self._clock.now()
        changed = await self._change([address], lambda _, known: known.lifting(subjects, now, by, record=record))
        return changed[address]

    async def disown(self, addresses: Iterable[str], record: str) -> None:
        """Take a record's id out of what is refused at addresses; the refusals stay. ConflictError like `record`."""
        await self._change(addresses, lambda _, known: known.disowned(record))

    async def naming(self, record: str) -> set[str]:
        """Find the addresses with a refusal of this record, lifted or not: a walk over the whole list."""
        found: set[str] = set()
        after: str | None = None
        while True:
            page = await self._store.scan(self._partition, after=after)
            for document in page.documents:
                if any(one.get("record") == record for one in document.body["refusals"]):
                    found.add(document.key.row)
            if (after := page.after) is None:
                return found

    async def _change(
        self, addresses: Iterable[str], change: Callable[[str, Suppression], Suppression]
    ) -> dict[str, Suppression]:
        done: dict[str, Suppression] = {}
        waiting = sorted(set(addresses))
        for _ in range(_ATTEMPTS):
            if not waiting:
                return done
            writes: dict[str, Change] = {}
            for address, document in (await self._documents(waiting)).items():
                before = _suppression(document)
                done[address] = change(address, before)
                if done[address] != before:
                    key, body = self._key(address), _body(done[address])
                    writes[address] = Replace(key, body, document.etag) if document else Insert(key, body)
            etags = await self._store.write(list(writes.values())) if writes else []
            waiting = [address for address, etag in zip(writes, etags, strict=True) if etag is None]
        if waiting:
            raise ConflictError("the suppression list is being changed by others", service=Service.STATE)
        return done

    async def _documents(self, addresses: Iterable[str]) -> dict[str, Document | None]:
        places = {address: self._key(address) for address in addresses}
        found = await self._store.read(list(places.values())) if places else {}
        return {address: found.get(place) for address, place in places.items()}

    def _key(self, address: str) -> DocumentKey:
        return DocumentKey(self._partition, address)


def _suppression(document: Document | None) -> Suppression:
    if document is None:
        return NOTHING_REFUSED
    return Suppression(tuple(_refusal(body) for body in document.body["refusals"]))


def _refusal(body: Mapping[str, Any]) -> AddressRefusal:
    lifted, by = body.get("lifted"), body.get("liftedBy")
    return AddressRefusal(
        subject=body["subject"],
        at=datetime.fromisoformat(body["at"]),
        source=ConsentSource(body["source"]),
        record=body.get("record", ""),
        lifted=datetime.fromisoformat(lifted) if lifted else None,
        lifted_by=ConsentSource(by) if by else None,
    )


def _body(suppression: Suppression) -> dict[str, Any]:
    return {"refusals": [_refusal_body(one) for one in suppression.refusals]}


def _refusal_body(one: AddressRefusal) -> dict[str, Any]:
    body = {"subject": one.subject, "at": one.at.isoformat(), "source": str(one.source)}
    if one.record:
        body["record"] = one.record
    if one.lifted is not None and one.lifted_by is not None:
        body |= {"lifted": one.lifted.isoformat(), "liftedBy": str(one.lifted_by)}
    return body

"""The suppression list in the state store: one document per e-mail address (its fingerprint), which outlives records.

`suppressed`, by address: per subject and record since when it is refused, by which source, and since when it is lifted.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence

from shared.domain.consent.changes import ConsentSource
from shared.domain.consent.suppression import NOTHING_REFUSED, AddressRefusal, Suppression
from shared.domain.wording.causes.state_causes import StateCause
from shared.ports.clock import Clock
from shared.ports.documents import Body, Codec, documents, pages, update
from shared.ports.state import DocumentKey, StateStore

_REFUSALS = Codec(AddressRefusal, names={"lifted_by": "liftedBy"}, omits_defaults=True)


class SuppressionList:
    """Reads and changes what was refused at addresses. All methods raise ConnectorErrors of the state store."""

    def __init__(self, store: StateStore, clock: Clock, environment: str) -> None:
        self._store = store
        self._clock = clock
        self._partition = f"{environment}-suppressed"

    async def at(self, addresses: Iterable[str]) -> dict[str, Suppression]:
        """Return what was refused at addresses (fingerprints), with one read; all of them are in the answer."""
        places = {address: self._key(address) for address in addresses}
        found = await self._store.read(list(places.values())) if places else {}
        return {
            address: _suppression(found[place].body if place in found else None) for address, place in places.items()
        }

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
        return {
            one.key.row
            async for one in documents(self._store, self._partition)
            if any(refusal.get("record") == record for refusal in one.body["refusals"])
        }

    async def everything(self) -> AsyncIterator[Mapping[str, Suppression]]:
        """Yield pages of the whole list, by address."""
        async for page in pages(self._store, self._partition):
            yield {one.key.row: _suppression(one.body) for one in page}

    async def _change(
        self, addresses: Iterable[str], change: Callable[[str, Suppression], Suppression]
    ) -> dict[str, Suppression]:
        changed: dict[str, Suppression] = {}

        def changing(key: DocumentKey, body: Body | None) -> Body | None:
            before = _suppression(body)
            changed[key.row] = change(key.row, before)
            return _body(changed[key.row]) if changed[key.row] != before else None

        keys = [self._key(address) for address in sorted(set(addresses))]
        await update(self._store, keys, changing, contended=StateCause.REFUSALS_CHANGE())
        return changed

    def _key(self, address: str) -> DocumentKey:
        return DocumentKey(self._partition, address)


def _suppression(body: Body | None) -> Suppression:
    return Suppression(tuple(_REFUSALS.read(one) for one in body["refusals"])) if body else NOTHING_REFUSED


def _body(suppression: Suppression) -> Body:
    return {"refusals": [_REFUSALS.body(one) for one in suppression.refusals]}

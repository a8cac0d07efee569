"""The proposal of a mapping: one per environment, kept in the state store until it is applied or discarded."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.mapping.formats.yaml_format import from_yaml, to_yaml
from shared.domain.mapping.model import Mapping
from shared.domain.wording.refused_acts import MappingRefusal
from shared.errors import ConflictError, Service
from shared.ports.clock import Clock
from shared.ports.documents import Codec, read_one, versioned
from shared.ports.state import Delete, DocumentKey, StateStore


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping that is not live: on which version it is based, who changed it last, and when."""

    base: int
    by: str
    at: datetime
    text: str
    etag: str = ""

    @property
    def mapping(self) -> Mapping:
        """The mapping itself; MappingError if today's connector cannot read it."""
        return from_yaml(self.text)


_CODEC = Codec(Proposal, outside={"etag"})


class Proposals:
    """Keeps the proposal of one environment."""

    def __init__(self, store: StateStore, clock: Clock, environment: str) -> None:
        self._store = store
        self._clock = clock
        self._key = DocumentKey(f"{environment}-console", "proposal")

    async def read(self) -> Proposal | None:
        """Return the proposal; None if there is none."""
        found = await read_one(self._store, self._key)
        return _CODEC.read(found.body, etag=found.etag) if found else None

    async def save(self, mapping: Mapping, base: int, by: str, etag: str = "") -> None:
        """Write the proposal; ConflictError if somebody else changed it meanwhile."""
        body = _CODEC.body(Proposal(base, by, self._clock.now(), to_yaml(mapping)))
        (written,) = await self._store.write([versioned(self._key, body, etag)])
        if written is None:
            raise ConflictError(MappingRefusal.PROPOSAL(), service=Service.STATE)

    async def discard(self) -> None:
        """Delete the proposal."""
        await self._store.write([Delete(self._key)])

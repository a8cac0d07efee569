"""Where people stand: in Spotler, left out, waiting, to decide, failed. Counted slice by slice, and kept.

The watch counts a slice of the bindings each minute; a page that is shown reads the last whole count.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.domain.merging.merge import MergeDecision
from shared.domain.records.outcomes import Result
from shared.domain.records.records import RecordKey
from shared.engine.bindings.binding_documents import Entry, read_entry
from shared.engine.bindings.contact_documents import HeldContact, read_contact
from shared.ports.clock import Clock
from shared.ports.documents import Codec, read_one
from shared.ports.state import DocumentKey, Put, StateStore

_SLICE = 5_000
_PAGE = 1_000
_SEVERAL = 2


class Standing(StrEnum):
    """Where a person stands."""

    IN_SPOTLER = "in-spotler"
    LEFT_OUT = "left-out"
    WAITING = "waiting"
    TO_DECIDE = "to-decide"
    FAILED = "failed"


def standing_of(entry: Entry) -> Standing:
    """Return where the person of a binding stands."""
    if entry.binding.held_since or is_asked(entry):
        return Standing.TO_DECIDE
    match entry.outcome.result if entry.outcome is not None else Result.WAITING:
        case Result.WAITING:
            return Standing.WAITING
        case Result.FAILED:
            return Standing.FAILED
        case _:
            return Standing.IN_SPOTLER if entry.binding.is_live else Standing.LEFT_OUT


def is_asked(entry: Entry) -> bool:
    """Whether both sides changed a field of the person, and its row leaves that to somebody."""
    return MergeDecision.ASKED in entry.binding.merge_decisions.values()


@dataclass(frozen=True, slots=True)
class Stood:
    """The counts of everybody at a moment; by table, too. `asked` of those to decide have a field that asks."""

    at: datetime
    counts: Mapping[str, int] = field(default_factory=dict)
    tables: Mapping[str, int] = field(default_factory=dict)
    asked: int = 0

    def of(self, standing: Standing) -> int:
        """How many people stand there."""
        return self.counts.get(standing, 0)

    @property
    def total(self) -> int:
        """Everybody."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class _Counting:
    """A count under way: `after` is where it goes on."""

    begun: datetime
    after: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    tables: Mapping[str, int] = field(default_factory=dict)
    asked: int = 0


_STOOD, _COUNTING = Codec(Stood), Codec(_Counting)


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person in a list: the record, the last outcome and its time."""

    key: RecordKey
    standing: Standing
    result: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """Counts and lists the bindings of one environment."""

    store: StateStore
    clock: Clock
    environment: str

    async def count(self) -> None:
        """Count the next slice; at the end, the whole count replaces the former one. Raises ConnectorErrors."""
        known = await read_one(self.store, self._key("counting"))
        counting = _COUNTING.read(known.body) if known else _Counting(self.clock.now())
        counts, tables, asked = Counter(counting.counts), Counter(counting.tables), counting.asked
        after: str | None = counting.after or None
        for _ in range(_SLICE // _PAGE):
            page = await self.store.scan(self._bindings, after=after, limit=_PAGE)
            for document in page.documents:
                entry = read_entry(document)
                counts[standing_of(entry)] += 1
                asked += is_asked(entry)
                tables[document.key.row.partition(":")[0]] += 1
            if (after := page.after) is None:
                stood = Stood(counting.begun, counts, tables, asked)
                await self.store.write([Put(self._key("counted"), _STOOD.body(stood))])
                following = _Counting(self.clock.now())
                break
        else:
            following = _Counting(counting.begun, after or "", counts, tables, asked)
        await self.store.write([Put(self._key("counting"), _COUNTING.body(following))])

    async def counted(self) -> Stood | None:
        """Return the last whole count; None before the first one."""
        found = await read_one(self.store, self._key("counted"))
        return _STOOD.read(found.body) if found else None

    async def page(
        self, standing: Standing | None, reason: str, *, after: str = "", limit: int = 50
    ) -> tuple[Sequence[PersonRow], str]:
        """Return people who stand somewhere, for a reason if one is given, and where the next page begins."""
        rows: list[PersonRow] = []
        for _ in range(_SLICE // _PAGE):
            page = await self.store.scan(self._bindings, after=after or None, limit=_PAGE)
            for document in page.documents:
                entry = read_entry(document)
                found = standing_of(entry)
                outcome = entry.outcome
                if outcome is None or standing not in {None, found} or reason not in {"", outcome.reason}:
                    continue
                key = RecordKey.parse(document.key.row)
                rows.append(PersonRow(key, found, outcome.result, outcome.reason, outcome.at))
                if len(rows) == limit:
                    return rows, document.key.row
            if (following := page.after) is None:
                return rows, ""
            after = following
        return rows, after

    async def duplicates(self, *, after: str = "", limit: int = 50) -> tuple[Sequence[HeldContact], str]:
        """Return contacts that several active records share, and where the next page begins."""
        found: list[HeldContact] = []
        for _ in range(_SLICE // _PAGE):
            page = await self.store.scan(f"{self.environment}-contact", after=after or None, limit=_PAGE)
            for document in page.documents:
                if len(document.body.get("users", ())) < _SEVERAL:
                    continue  # nearly every contact
                held = read_contact(document.key.row, document.body)
                if len(held.sharing_records_of().keys) >= _SEVERAL:
                    found.append(held)
                if len(found) == limit:
                    return found, document.key.row
            if (following := page.after) is None:
                return found, ""
            after = following
        return found, after

    async def fields(
        self, decision: MergeDecision, *, after: str = "", limit: int = 50
    ) -> tuple[Sequence[tuple[RecordKey, Sequence[str]]], str]:
        """Return records with the fields that a merge left to a person, or alone; and where the next page begins."""
        rows: list[tuple[RecordKey, Sequence[str]]] = []
        for _ in range(_SLICE // _PAGE):
            page = await self.store.scan(self._bindings, after=after or None, limit=_PAGE)
            for document in page.documents:
                if not document.body.get("verdicts"):
                    continue  # nearly everybody: the whole binding need not be read
                decisions = read_entry(document).binding.merge_decisions
                if names := [name for name, one in decisions.items() if one is decision]:
                    rows.append((RecordKey.parse(document.key.row), names))
                if len(rows) == limit:
                    return rows, document.key.row
            if (following := page.after) is None:
                return rows, ""
            after = following
        return rows, after

    @property
    def _bindings(self) -> str:
        return f"{self.environment}-binding"

    def _key(self, row: str) -> DocumentKey:
        return DocumentKey(f"{self.environment}-standing", row)

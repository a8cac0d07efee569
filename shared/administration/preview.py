"""Previews a mapping: plans real records with the live mapping and with the new one.

Nothing is written and nothing is logged. Values are in the answer to the caller only, who may read the records.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.planning.decisions import Anonymize, Decision, FetchContact, Rest, Write
from shared.domain.planning.plan import plan
from shared.domain.planning.plan_input import Fetched, PlanInput, SharingRecords
from shared.domain.planning.rules import Rules, Unmapped
from shared.domain.planning.sharing import rules_of
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.records.outcomes import FieldProblem, Reason
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from shared.domain.values.fields import Scalar, wished_fields
from shared.domain.values.values import EMPTY
from shared.domain.wording.findings import FindingText
from shared.engine.bindings.binding_documents import Entry
from shared.engine.bindings.ledger import Ledger
from shared.ports.dataverse import Crm, PeopleReading
from shared.ports.marketing_platform import MarketingPlatform

_MOST = 1_000
"""Records in one preview: a sample, not a run."""

_SAMPLE = 200
"""Records that are compared before a mapping becomes live."""

_MANY = 10
"""Fewer records of a sample are no evidence for all of them."""

_SENT = frozenset({Reason.CREATED, Reason.UPDATED, Reason.AGREED})
_ANONYMIZE = "anonymize"


@dataclass(frozen=True, slots=True)
class PreviewSide:
    """The result of one mapping for a record: the action, its reason, and the wished fields by Spotler's names.

    A field of a list is named with its option's number, as in `permissions:4`. Problems name columns, no values.
    """

    action: str
    reason: Reason
    values: Mapping[str, Scalar] = field(default_factory=dict, repr=False)
    refused: tuple[FieldProblem, ...] = ()
    cut: tuple[FieldProblem, ...] = ()

    @property
    def is_sent(self) -> bool:
        """Whether Spotler has, or gets, the record's fields: only these are compared."""
        return self.reason in _SENT and self.action != _ANONYMIZE


@dataclass(frozen=True, slots=True)
class RecordPreview:
    """One record under both mappings. `changed` names the fields whose wished values differ.

    A record that the new mapping does not send has no changed fields: its action shows the difference.
    """

    key: RecordKey
    before: PreviewSide
    after: PreviewSide

    @property
    def changed(self) -> tuple[str, ...]:
        """Fields that differ, in the order of the new mapping, then those that it no longer fills."""
        if not self.after.is_sent:
            return ()
        names = dict.fromkeys((*self.after.values, *self.before.values))
        missing = object()
        return tuple(
            name for name in names if self.before.values.get(name, missing) != self.after.values.get(name, missing)
        )

    def emptied(self, *, clears: Collection[str]) -> tuple[str, ...]:
        """Fields that have a value before and none after; `clears` are those that lose it because no row names them."""
        if not (self.before.is_sent and self.after.is_sent):
            return ()
        had = [name for name, value in self.before.values.items() if not _is_nothing(value)]
        return tuple(
            name
            for name in had
            if (_is_nothing(self.after.values[name]) if name in self.after.values else name in clears)
        )

    @property
    def ends(self) -> bool:
        """Whether the old mapping sends a contact that the new one erases, or strips of all permissions."""
        return self.before.is_sent and self.after.action in {_ANONYMIZE, _write(Reason.FILTERED)}

    @property
    def differs(self) -> bool:
        """Whether the new mapping treats the record in another way."""
        return bool(self.changed) or (self.before.action, self.before.reason) != (self.after.action, self.after.reason)


@dataclass(frozen=True, slots=True)
class PreviewReport:
    """The effect of a new mapping on the compared records. `sample` holds some that differ, with values."""

    looked_at: int
    differing: int
    fields: Mapping[str, int]
    actions: Mapping[str, int]
    refused: Mapping[str, int]
    cut: Mapping[str, int]
    sample: tuple[RecordPreview, ...] = field(default=(), repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON; `sample` holds personal values, for the caller only."""
        return {
            "lookedAt": self.looked_at,
            "differing": self.differing,
            "fields": dict(self.fields),
            "actions": dict(self.actions),
            "refused": dict(self.refused),
            "cut": dict(self.cut),
            "sample": [_record_json(one) for one in self.sample],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Compares mappings over real records. `reading` makes a reader for a mapping."""

    crm: Crm
    reading: Callable[[FieldMapping], PeopleReading]
    platform: MarketingPlatform
    ledger: Ledger
    rules: Rules
    percent: int

    async def sample(self, candidate: FieldMapping, *, size: int = 100, shown: int = 10) -> PreviewReport:
        """Compare `size` records, evenly over the tables that are mapped before or after."""
        return _report(await self._compare(candidate, await self._keys(candidate, size)), shown)

    async def _keys(self, candidate: FieldMapping, size: int) -> list[RecordKey]:
        tables = [table for table in PersonTable if table in self.rules.enabled_tables and self._maps(table, candidate)]
        keys: list[RecordKey] = []
        for table in tables:
            limit = min(size, _MOST) // len(tables) or 1
            keys += (await self.crm.people_page(table, after=None, limit=limit)).keys
        return keys

    async def reasons(self, table: PersonTable, *, size: int) -> Counter[tuple[str, Reason]]:
        """Return how a sample of a table would end with the live mapping: counts by action and reason."""
        keys = (await self.crm.people_page(table, after=None, limit=min(size, _MOST))).keys
        compared = await self.compare(keys, self.rules)
        return Counter((one.after.action, one.after.reason) for one in compared)

    async def planned(self, keys: Collection[RecordKey]) -> dict[RecordKey, tuple[str, Reason]]:
        """Return action and reason of each record with the live mapping; records that do not exist are left out."""
        compared = await self.compare(keys, self.rules)
        return {one.key: (one.after.action, one.after.reason) for one in compared}

    async def findings(self, candidate: FieldMapping) -> list[Finding]:
        """Warn if a mapping would take something from a large share of a sample: values, or the contact itself."""
        compared = await self._compare(candidate, await self._keys(candidate, _SAMPLE))
        emptied = Counter(name for one in compared for name in one.emptied(clears=self.cleared(candidate)))
        ending = sum(1 for one in compared if one.ends)
        found = [
            Finding(Severity.WARNING, Code.EMPTIES_MANY, FindingText.EMPTIES(name=name, count=count, of=len(compared)))
            for name, count in sorted(emptied.items())
            if self._are_many(count, len(compared))
        ]
        if self._are_many(ending, len(compared)):
            text = FindingText.ENDS(count=ending, of=len(compared))
            found.append(Finding(Severity.WARNING, Code.ENDS_MANY, text))
        return found

    def _are_many(self, count: int, of: int) -> bool:
        return count >= _MANY and count * 100 > of * self.percent

    def cleared(self, candidate: FieldMapping) -> frozenset[str]:
        """Return the properties that are emptied because no row names them any more (PURGE-01)."""
        if self.rules.unmapped is not Unmapped.CLEAR:
            return frozenset()
        return _properties(self.rules.mapping) - _properties(candidate)

    async def records(self, candidate: FieldMapping, keys: Collection[RecordKey], *, shown: int = 10) -> PreviewReport:
        """Compare these records, at most a thousand; records that do not exist are left out."""
        return _report(await self._compare(candidate, keys), shown)

    async def _compare(self, candidate: FieldMapping, keys: Collection[RecordKey]) -> list[RecordPreview]:
        return await self.compare(keys, replace(self.rules, mapping=candidate))

    async def compare(self, keys: Collection[RecordKey], new: Rules) -> list[RecordPreview]:
        """Plan records with the live rules and with others, at most a thousand; those that are gone are left out."""
        wanted, old = list(dict.fromkeys(keys))[:_MOST], self.rules
        catalogue = await self.platform.properties()
        before = await self.reading(old.mapping).read(wanted)
        after = before if new.mapping is old.mapping else await self.reading(new.mapping).read(wanted)
        entries = await self.ledger.entries(wanted)
        sharing = await self._sharing(entries)
        previews: list[RecordPreview] = []
        for key in wanted:
            if key in before and key in after:
                binding = entries[key].binding
                others = sharing.get(key, SharingRecords())
                sides = [
                    _side(PlanInput(key, record, binding, sharing_records=others), record, rules, catalogue)
                    for record, rules in ((before[key], old), (after[key], new))
                ]
                previews.append(RecordPreview(key, *sides))
        return previews

    def _maps(self, table: PersonTable, candidate: FieldMapping) -> bool:
        return bool(self.rules.mapping.for_table(table) or candidate.for_table(table))

    async def _sharing(self, entries: Mapping[RecordKey, Entry]) -> dict[RecordKey, SharingRecords]:
        """Return with whom each record shares its contact."""
        live = {key: entry.binding.external_id for key, entry in entries.items() if entry.binding.is_live}
        contacts = await self.ledger.contacts(list(live.values()))
        return {key: contacts[external_id].sharing_records_of(key) for key, external_id in live.items()}


def _properties(mapping: FieldMapping) -> frozenset[str]:
    return frozenset(name for row in mapping.rows for name in (row.property_name, row.foreign))


def _side(plan_input: PlanInput, record: PersonRecord, rules: Rules, catalogue: PropertyCatalogue) -> PreviewSide:
    planned = plan(replace(plan_input, fetched=Fetched.SKIPPED), rules, catalogue)
    assert not isinstance(planned, FetchContact), "a plan that skips the contact does not fetch it"
    side = PreviewSide(_action(planned), planned.reason, refused=_refused(planned))
    if not side.is_sent:
        return side
    mapping = rules_of(plan_input.key.table, plan_input.sharing_records, rules).mapping
    wished = wished_fields(record, mapping, catalogue)
    return replace(side, values=wished.values, refused=(*wished.omitted, *wished.fatal), cut=wished.cut)


def _action(planned: Decision) -> str:
    match planned:
        case Write(reason=reason):  # a write that removes something is an action of its own
            return "write" if reason in _SENT else _write(reason)
        case Anonymize():
            return _ANONYMIZE
        case Rest(result=result):
            return str(result)


def _write(reason: Reason) -> str:
    return f"write ({reason})"


def _is_nothing(value: Scalar) -> bool:
    return value == EMPTY or value is False


def _refused(planned: Decision) -> tuple[FieldProblem, ...]:
    return () if isinstance(planned, Anonymize) else planned.problems


def _report(previews: Sequence[RecordPreview], shown: int) -> PreviewReport:
    differing = [one for one in previews if one.differs]
    return PreviewReport(
        looked_at=len(previews),
        differing=len(differing),
        fields=_count(name for one in differing for name in one.changed),
        actions=_count(f"{one.before.action} -> {one.after.action}" for one in previews),
        refused=_count(problem.text for one in previews for problem in one.after.refused),
        cut=_count(problem.text for one in previews for problem in one.after.cut),
        sample=tuple(differing[:shown]),
    )


def _count(names: Any) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _record_json(one: RecordPreview) -> dict[str, Any]:
    return {
        "record": str(one.key),
        "before": _side_json(one.before),
        "after": _side_json(one.after),
        "changed": {
            name: {"before": one.before.values.get(name), "after": one.after.values.get(name)} for name in one.changed
        },
    }


def _side_json(side: PreviewSide) -> dict[str, Any]:
    return {
        "action": side.action,
        "reason": side.reason,
        "refused": [str(problem) for problem in side.refused],
        "cut": [str(problem) for problem in side.cut],
    }

"""What should happen to one record in Spotler. Pure: the same situation always gives the same plan.

The engine reads both sides, asks `plan`, and applies the answer; a preview asks and does not apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.core.conditions import Subject, Verdict, email_of, examine
from shared.core.fields import Scalar, all_emptied, all_permissions_off, as_properties, wished_fields
from shared.core.fingerprints import Fingerprinter
from shared.core.mapping.model import EMAIL, MappingRow, Outside
from shared.core.mapping.model import Mapping as FieldMapping
from shared.core.mapping.reading import DO_NOT_BULK_EMAIL
from shared.core.marketing import PropertyCatalogue, PropertyType, PropertyValue, Purge
from shared.core.outcomes import FieldProblem, Reason, Result
from shared.core.records import Intent, PersonRecord, PersonTable, RecordKey
from shared.core.values import EMPTY


class EndAction(StrEnum):
    """What happens to the Spotler contact of a record that ends (C-01, C-02)."""

    ANONYMIZE = "anonymize"
    """Spotler's anonymise call. Irreversible."""
    BLANK = "blank"
    """All mapped fields are emptied; the contact remains as a shell."""
    PERMISSIONS_OFF = "permissionsOff"
    """The data stays; every permission is switched off."""
    NOTHING = "nothing"


class Unmapped(StrEnum):
    """What an update does to Spotler fields that it does not mention (PurgeExistingPropertiesWhenNotSet, PURGE-01)."""

    KEEP = "keep"
    CLEAR = "clear"


class Trust(StrEnum):
    """Whether the base is what Spotler holds. After a worker died between write and save, it may not be."""

    BASE = "base"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that steer planning, and the deployment's fingerprints."""

    mapping: FieldMapping
    fingerprints: Fingerprinter
    environment_is_on: bool = True
    enabled_tables: frozenset[PersonTable] = frozenset(PersonTable)
    on_delete: EndAction = EndAction.ANONYMIZE
    on_inactive: EndAction = EndAction.ANONYMIZE
    unmapped: Unmapped = Unmapped.KEEP


@dataclass(frozen=True, slots=True)
class Binding:
    """The stored link of a record to its Spotler contact. `is_live` says whether Spotler holds data of it."""

    external_id: str
    is_live: bool = False
    base: Mapping[str, str] = field(default_factory=dict)
    address: str = ""

    def uses(self, external_id: str) -> bool:
        """Whether this contact holds data of the record."""
        return self.is_live and self.external_id == external_id


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The other active records of the same Spotler contact, and whether one of them refuses bulk mail."""

    keys: tuple[RecordKey, ...] = ()
    refuse_bulk: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a plan depends on. `record` is None when the record no longer exists."""

    key: RecordKey
    record: PersonRecord | None
    binding: Binding
    intent: Intent = Intent.SYNC
    trust: Trust = Trust.BASE
    neighbours: Neighbours = Neighbours()


@dataclass(frozen=True, slots=True)
class Write:
    """Send these properties. `binding` is what to remember once Spotler has taken them."""

    properties: Mapping[str, PropertyValue]
    fields: tuple[str, ...]
    purge: Purge
    binding: Binding
    reason: Reason
    problems: tuple[FieldProblem, ...] = ()
    permissions_off: bool = False


@dataclass(frozen=True, slots=True)
class Anonymize:
    """Call Spotler's anonymise. `binding` is what to remember afterwards."""

    binding: Binding
    reason: Reason


@dataclass(frozen=True, slots=True)
class Rest:
    """Leave Spotler alone. `result` tells how that counts; `binding` is what to remember."""

    binding: Binding
    result: Result
    reason: Reason
    problems: tuple[FieldProblem, ...] = ()
    permissions_off: bool = False


Plan = Write | Anonymize | Rest


def plan(situation: Situation, rules: Rules, catalogue: PropertyCatalogue) -> Plan:
    """Decide (CS-15, VAL-01..VAL-04, C-01..C-04, C-35, C-38)."""
    match situation.intent:
        case Intent.ANONYMIZE:
            return _anonymize(situation, Reason.ON_REQUEST)
        case Intent.PURGE:
            return _purge(situation)
        case Intent.SYNC:
            unmet = next((verdict.reason for verdict in verdicts(situation, rules) if verdict.reason), None)
            return _write(situation, rules, catalogue) if unmet is None else _unmet(situation, unmet, rules, catalogue)


def let_go(situation: Situation) -> Plan:
    """End the old contact of a record whose new address belongs to another one (or that shared its old address)."""
    return _anonymize(situation, Reason.ADDRESS_MOVED)


def verdicts(situation: Situation, rules: Rules) -> tuple[Verdict, ...]:
    """Examine every condition of a record."""
    table, mapping = situation.key.table, rules.mapping
    return examine(
        Subject(
            key=situation.key,
            record=situation.record,
            rows=mapping.for_table(table),
            environment_is_on=rules.environment_is_on,
            enabled_tables=rules.enabled_tables,
            passes=mapping.passes(table),
            filtered_by=mapping.filtered_by(table),
        )
    )


def refuses_bulk(record: PersonRecord) -> bool:
    """OPT-11: Bulk Email = Do Not Allow switches all permissions off and does nothing else."""
    return bool(record.values.get(DO_NOT_BULK_EMAIL))


# ----------------------------------------------------------------------------------------- a condition that is not met


def _unmet(situation: Situation, reason: Reason, rules: Rules, catalogue: PropertyCatalogue) -> Plan:
    match reason:
        case Reason.DELETED:
            action = rules.on_delete
        case Reason.INACTIVE | Reason.MERGED:
            action = rules.on_inactive
        case Reason.DO_NOT_EMAIL | Reason.NO_EMAIL:
            action = EndAction.ANONYMIZE
        case Reason.INVALID_EMAIL | Reason.FILTER_UNREADABLE:  # C-35: a typing error must not erase anybody
            return Rest(situation.binding, Result.FAILED, reason)
        case Reason.FILTERED:
            action = _OUTSIDE[rules.mapping.outside]
        case Reason.LEAD_QUALIFIED if not situation.binding.is_live and situation.trust is Trust.NOTHING:
            action = EndAction.ANONYMIZE  # its contact cannot inherit what only a dead worker knew of
        case _:
            return Rest(situation.binding, Result.SKIPPED, reason)
    return _end(situation, reason, action, rules, catalogue)


_OUTSIDE = {
    Outside.KEEP: EndAction.NOTHING,
    Outside.CLEAR_PERMISSIONS: EndAction.PERMISSIONS_OFF,
    Outside.ANONYMIZE: EndAction.ANONYMIZE,
}


def _end(situation: Situation, reason: Reason, action: EndAction, rules: Rules, catalogue: PropertyCatalogue) -> Plan:
    if action is EndAction.NOTHING or not _may_be_live(situation):  # C-35: never in Spotler, or gone already: no call
        return Rest(situation.binding, Result.SKIPPED, reason)
    match action:
        case EndAction.ANONYMIZE:
            return _anonymize(situation, reason)
        case EndAction.BLANK:
            rows = rules.mapping.for_table(situation.key.table)
            blank = all_emptied(rows, catalogue) | all_permissions_off(rows, catalogue)
            return _end_by_writing(situation, blank, reason, rules, address="")
        case EndAction.PERMISSIONS_OFF:
            off = all_permissions_off(rules.mapping.for_table(situation.key.table), catalogue)
            return _end_by_writing(situation, off, reason, rules, address=situation.binding.address)


def _may_be_live(situation: Situation) -> bool:
    """Whether Spotler may hold data of the record: a worker may have died after it had created the contact."""
    return situation.binding.is_live or situation.trust is Trust.NOTHING


def _end_by_writing(
    situation: Situation, values: Mapping[str, Scalar], reason: Reason, rules: Rules, *, address: str
) -> Plan:
    """Write what remains of the contact; `address` is the fingerprint of the address that it keeps."""
    if situation.neighbours.keys:
        return _keep(situation)
    binding = situation.binding
    prints = rules.fingerprints.values(binding.external_id, values)
    changed = _changed(prints, values, situation)
    agreed = Binding(binding.external_id, is_live=True, base={**binding.base, **prints}, address=address)
    if not changed:
        return Rest(agreed, Result.UNCHANGED, reason)
    properties = as_properties({name: values[name] for name in changed})
    return Write(properties, tuple(changed), Purge.KEEP, agreed, reason)


def _anonymize(situation: Situation, reason: Reason) -> Plan:
    """Never a contact that another active record still uses; on request, even one that we do not know (ANON-10)."""
    if situation.neighbours.keys:
        return _keep(situation)
    return Anonymize(Binding(situation.binding.external_id), reason)


def _keep(situation: Situation) -> Rest:
    """Let go of a contact that others need: this record has no data of its own there any more."""
    result = Result.KEPT if situation.intent is Intent.SYNC else Result.FAILED
    return Rest(Binding(situation.binding.external_id), result, Reason.STILL_USED)


def _purge(situation: Situation) -> Plan:
    """PURGE-03: clear all data of the Spotler contact; the next synchronisation fills it again."""
    if situation.neighbours.keys:
        return Rest(situation.binding, Result.FAILED, Reason.STILL_USED)
    binding = situation.binding
    if not _may_be_live(situation):
        return Rest(binding, Result.UNCHANGED, Reason.ABSENT)
    emptied = Binding(binding.external_id, is_live=True, address=binding.address)
    return Write({}, (), Purge.PURGE, emptied, Reason.PURGED)


# --------------------------------------------------------------------------------------------- all conditions are met


def _write(situation: Situation, rules: Rules, catalogue: PropertyCatalogue) -> Plan:
    record, binding = situation.record, situation.binding
    assert record is not None, "a record that does not exist cannot meet the conditions"
    rows = rules.mapping.for_table(situation.key.table)
    wished = wished_fields(record, rules.mapping, catalogue)
    if wished.fatal:
        return Rest(binding, Result.FAILED, Reason.INVALID_VALUE, wished.fatal)
    problems = (*wished.omitted, *wished.cut)
    off = refuses_bulk(record) or situation.neighbours.refuse_bulk
    values = {**wished.values, **(all_permissions_off(rows, catalogue) if off else {})}
    prints = rules.fingerprints.values(binding.external_id, values)
    agreed = Binding(
        external_id=binding.external_id,
        is_live=True,
        base={**(binding.base if binding.is_live else {}), **prints},
        address=rules.fingerprints.address(email_of(record, rows)),
    )
    changed = _changed(prints, values, situation)
    if not changed:
        return Rest(agreed, Result.UNCHANGED, Reason.AGREED, problems, permissions_off=off)
    cleared = _unmapped(rows, catalogue) if rules.unmapped is Unmapped.CLEAR else {}
    sent = {**cleared, EMAIL: values[EMAIL], **{name: values[name] for name in changed}}
    return Write(
        properties=as_properties(sent),
        fields=tuple(changed),
        purge=Purge.KEEP,
        binding=agreed,
        reason=Reason.UPDATED if binding.is_live else Reason.CREATED,
        problems=problems,
        permissions_off=off,
    )


def _changed(prints: Mapping[str, str], values: Mapping[str, Scalar], situation: Situation) -> list[str]:
    """Name the fields to send.

    A field that was never agreed and is empty stays as it is in Spotler (PURGE-02). Without trust everything is sent,
    except a permission that both sides agreed on as given: it may have been withdrawn in Spotler since, and permissions
    only rise by an explicit, newer act.
    """
    base = situation.binding.base if situation.binding.is_live else {}
    is_doubtful = situation.trust is Trust.NOTHING

    def must_be_sent(name: str) -> bool:
        if name not in base:
            return is_doubtful or values[name] != EMPTY
        return prints[name] != base[name] or (is_doubtful and values[name] is not True)

    return [name for name in values if must_be_sent(name)]


def _unmapped(rows: tuple[MappingRow, ...], catalogue: PropertyCatalogue) -> dict[str, Scalar]:
    """Empty every value that the mapping does not mention, in either direction (PURGE-01).

    Named one by one instead of Spotler's own purge flag, which would also take away permissions given in Spotler.
    """
    mapped = {row.spotler for row in rows} | {row.foreign for row in rows}
    return {
        definition.name: EMPTY
        for definition in catalogue.definitions
        if definition.type is not PropertyType.SET and definition.name not in mapped
    }

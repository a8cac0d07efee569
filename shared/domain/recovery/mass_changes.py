"""Finds the losses that a plan causes without a request, and reduces the plan while the brake holds them.

A refusal is never held: what the person, a user or a record sharing the contact refuses is switched off all the same
(decision 20). The brake holds erasures, and permissions or values that vanish for another reason: the record ended, a
filter or the mapping changed, a list was emptied, rows are missing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from shared.domain.consent.refusals import with_refusals
from shared.domain.mapping.language.expression import OptionSource
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.mapping.model import MappingRow
from shared.domain.mapping.reading import DO_NOT_EMAIL
from shared.domain.merging.agreement import NO, YES
from shared.domain.planning.binding import MassChange
from shared.domain.planning.decisions import Anonymize, Decision, Rest, Write
from shared.domain.planning.plan_input import Fetched, PlanInput
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyValue
from shared.domain.records.outcomes import HELD_BACK, FieldProblem, Reason, Result
from shared.domain.records.records import PersonRecord
from shared.domain.values.fields import Scalar, all_permissions_off, option_name, rows_of
from shared.domain.values.mapped_fields import MappedField, mapped_fields
from shared.domain.values.values import EMPTY
from shared.domain.wording.expectations import DisputeText

_ENDS = frozenset(
    {
        Reason.DELETED,
        Reason.INACTIVE,
        Reason.MERGED,
        Reason.DO_NOT_EMAIL,
        Reason.NO_EMAIL,
        Reason.FILTERED,
    }
)
"""Ends that follow from a record. `operations.running.authority` counts the requests of jobs."""

_HELD_AS = {MassChange.ERASURE: Reason.MASS_ERASURE, MassChange.UNSUBSCRIPTION: Reason.MASS_UNSUBSCRIPTION}

_DISPUTES = {
    MassChange.UNSUBSCRIPTION: DisputeText.SWITCHED_OFF(),
    MassChange.BLANKING: DisputeText.EMPTIED(),
}


@dataclass(frozen=True, slots=True)
class Loss:
    """A part of a plan that counts: single fields (`permissions:4`), or none where the whole contact ends."""

    kind: MassChange
    fields: frozenset[str] = frozenset()


def losses(
    planned: Decision, plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue
) -> Mapping[MassChange, Loss]:
    """Return the losses of a plan that nothing asked for. Pure; empty for almost every plan."""
    if not isinstance(planned, Rest) and planned.reason in _ENDS:
        kind = _kind_of_end(planned, plan_input, rules, catalogue)
        return {kind: Loss(kind)}
    if isinstance(planned, Anonymize) or not plan_input.binding.is_live:
        return {}
    found = [Loss(MassChange.UNSUBSCRIPTION, _switched_off_unasked(planned, plan_input, rules, catalogue))]
    if isinstance(planned, Write):
        found.append(Loss(MassChange.BLANKING, _blanked(planned, plan_input, rules, catalogue)))
    return {loss.kind: loss for loss in found if loss.fields}


def hold(
    planned: Decision, held: Collection[Loss], plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue
) -> Decision:
    """Remove the held losses from a plan. A contact that was to end stays; refusals of the record are switched off."""
    for loss in held:
        if not loss.fields:
            return _held_end(_HELD_AS[loss.kind], plan_input, rules, catalogue)
    assert not isinstance(planned, Anonymize), "an erasure takes the whole contact away"
    names = frozenset[str]().union(*(loss.fields for loss in held))
    kept = _without(planned, names, plan_input)
    return replace(kept, problems=(*kept.problems, *_disputes_of(held, plan_input, rules.mapping)))


def with_holds(planned: Decision, kinds: Iterable[MassChange], plan_input: PlanInput) -> Decision:
    """Store the kinds that are held in the binding, and remove the others.

    A plan that decides nothing, because synchronisation is off or a value does not fit, leaves holds as they are.
    """
    before = plan_input.binding.held_since
    held = {kind: before.get(kind, plan_input.now) for kind in kinds}
    decides_nothing = isinstance(planned, Rest) and planned.result in {Result.SKIPPED, Result.FAILED}
    if planned.reason is Reason.PURGED or (decides_nothing and planned.reason not in HELD_BACK):
        since: Mapping[MassChange, datetime] = {**before, **held}
    else:
        since = held
    if since == planned.binding.held_since:
        return planned
    return replace(planned, binding=replace(planned.binding, held_since=since))


def recast_properties(old: FieldMapping, new: FieldMapping) -> frozenset[str]:
    """Return the properties that the new mapping fills in another way than the old one."""

    def by_property(mapping: FieldMapping) -> dict[str, list[MappingRow]]:
        rows: dict[str, list[MappingRow]] = {}
        for row in mapping.rows:
            for name in filter(None, (row.property_name, row.foreign)):
                rows.setdefault(name, []).append(replace(row, comment=""))
        return rows

    before, after = by_property(old), by_property(new)
    return frozenset(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _kind_of_end(
    planned: Anonymize | Write, plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue
) -> MassChange:
    permissions = all_permissions_off(rules.mapping.for_table(plan_input.key.table), catalogue)
    only_unsubscribes = isinstance(planned, Write) and permissions.keys() >= set(planned.fields)
    return MassChange.UNSUBSCRIPTION if only_unsubscribes else MassChange.ERASURE


def _held_end(reason: Reason, plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue) -> Decision:
    """Leave the contact as it is, except for the refusals of the record."""
    binding = plan_input.binding
    if plan_input.fetched is Fetched.YES and binding.is_live:  # for when the record lives again
        binding = replace(binding, is_stale=True)
    rest = with_refusals(Rest(binding, Result.FAILED, reason), plan_input, rules, catalogue)
    assert isinstance(rest, Rest), "what the record refuses goes along with a plan that rests"
    return _without(rest, _switched_off_unasked(rest, plan_input, rules, catalogue), plan_input)


def _switched_off_unasked(
    planned: Write | Rest, plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue
) -> frozenset[str]:
    """Return the permissions that were agreed as given and are switched off without a refusal."""
    record, base = plan_input.record, plan_input.binding.base
    if planned.permissions_off or record is None or record.values.get(DO_NOT_EMAIL):
        return frozenset()
    fields = mapped_fields(rules.mapping.for_table(plan_input.key.table), plan_input.key.table, catalogue)
    fingerprint = partial(rules.fingerprints.value, plan_input.binding.external_id)
    return frozenset(
        name
        for name, value in _sent(planned).items()
        if value is NO
        and (one := fields.get(name)) is not None
        and one.option_source is not None
        and base.get(name) == fingerprint(name, YES)
        and plan_input.refused_on(name) is None
        and not _says_no(one, record)
    )


def _says_no(one: MappedField, record: PersonRecord) -> bool:
    """Whether a row of the record refuses the permission. Absence from a marketing list is no refusal."""
    if one.option_source is None or one.option_source is OptionSource.LIST or one.bit is None:
        return False
    return any(
        not row.subscribed and (entry := one.definition.entry(row.name)) is not None and entry.bit == one.bit
        for row in rows_of(one.option_source, record)
    )


def _blanked(planned: Write, plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue) -> frozenset[str]:
    """Return the existing values that a changed row of the mapping would empty."""
    base, fingerprint = plan_input.binding.base, partial(rules.fingerprints.value, plan_input.binding.external_id)
    fields = mapped_fields(rules.mapping.for_table(plan_input.key.table), plan_input.key.table, catalogue)
    return frozenset(
        name
        for name, value in _sent(planned).items()
        if name.partition(":")[0] in rules.recast
        and (one := fields.get(name)) is not None
        and one.option_source is None
        and (value == EMPTY or value is NO)
        and name in base
        and base[name] != fingerprint(name, value)
    )


def _sent(planned: Write | Rest) -> dict[str, Scalar]:
    """Split the sent values into fields: one for every option of a set."""
    sent: dict[str, Scalar] = {}
    for name, value in (planned.properties if isinstance(planned, Write) else planned.refused).items():
        if isinstance(value, tuple):
            sent |= {option_name(name, option.bit): option.enabled for option in value}
        elif isinstance(value, str | int):
            sent[name] = value
    return sent


def _without(planned: Write | Rest, names: frozenset[str], plan_input: PlanInput) -> Write | Rest:
    """Leave single fields as they are in the platform and in the base."""
    base = {name: text for name, text in planned.binding.base.items() if name not in names}
    base |= {name: text for name, text in plan_input.binding.base.items() if name in names}
    binding = replace(planned.binding, base=base)
    if isinstance(planned, Rest):
        return replace(planned, binding=binding, refused=_other_properties(planned.refused, names))
    changed = tuple(name for name in planned.fields if name not in names)
    if changed:
        properties = _other_properties(planned.properties, names)
        return replace(planned, properties=properties, fields=changed, binding=binding)
    return Rest(
        binding,
        Result.UNCHANGED,
        Reason.RETURNED if planned.dataverse_changes else Reason.AGREED,
        planned.problems,
        permissions_off=planned.permissions_off,
        dataverse_changes=planned.dataverse_changes,
        if_absent=planned.if_absent,
    )


def _other_properties(properties: Mapping[str, PropertyValue], names: frozenset[str]) -> dict[str, PropertyValue]:
    kept: dict[str, PropertyValue] = {}
    for name, value in properties.items():
        if isinstance(value, tuple):
            if options := tuple(option for option in value if option_name(name, option.bit) not in names):
                kept[name] = options
        elif name not in names:
            kept[name] = value
    return kept


def _disputes_of(held: Collection[Loss], plan_input: PlanInput, mapping: FieldMapping) -> list[FieldProblem]:
    sources = {
        row.property_name: str(row.sources[plan_input.key.table]) for row in mapping.for_table(plan_input.key.table)
    }
    return [
        FieldProblem(name, sources.get(name.partition(":")[0], name), dispute=_DISPUTES[loss.kind])
        for loss in held
        for name in sorted(loss.fields)
    ]

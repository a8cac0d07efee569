"""Merges every mapped field of one record with its contact (S2D-02).

Fields are named as in `fields`: `name` for a value, `name:bit` for one option of a set.
"""

from collections.abc import Mapping
from functools import partial

from shared.domain.features.subscriber_import import was_made_from
from shared.domain.mapping.model import Direction
from shared.domain.merging.agreement import Agreement, MergeInput
from shared.domain.merging.dataverse_changes import FieldReturn
from shared.domain.merging.flapping import settle
from shared.domain.merging.merge import Base, FieldVersions, MergeDecision, Newer, base_of, merge_value
from shared.domain.merging.permission_agreement import merge_permission
from shared.domain.planning.plan_input import ContactPresence
from shared.domain.planning.rules import Unmapped
from shared.domain.records.marketing_contact import SetOption
from shared.domain.values.fields import Scalar
from shared.domain.values.mapped_fields import MappedField, values_of
from shared.domain.values.values import EMPTY


def agree(merge_input: MergeInput, fields: Mapping[str, MappedField]) -> Agreement:
    """Merge every mapped field of one record."""
    agreement = Agreement()
    on_platform = values_of(merge_input.contact, fields, merge_input.rules.mapping.zone)
    newer, has_come_back, is_doubtful = (
        _newer(merge_input),
        merge_input.plan_input.has_come_back,
        merge_input.is_doubtful,
    )
    agreed, fingerprint = merge_input.base, merge_input.fingerprints.value
    for name, one in fields.items():
        direction, value, there = one.row.direction, merge_input.dataverse.get(name), on_platform[name]
        if one.option_source is None and direction is not Direction.BOTH:
            if value == there:  # of a field that travels one way: there is nothing to decide
                agreement.settled[name] = fingerprint(name, there)
                continue
            if there == EMPTY and value is not None and direction is Direction.TO_PLATFORM and name not in agreed:
                agreement.sent[name] = value  # as every value of a new contact
                agreement.settled[name] = fingerprint(name, value)
                continue
        base = base_of(agreed.get(name), value, there, partial(merge_input.fingerprint, name))
        if has_come_back and base is Base.DATAVERSE and direction is Direction.TO_PLATFORM:
            base = Base.NEITHER  # nothing was sent while the person was opted out: others may have used the contact
        versions = FieldVersions(value, there, base, is_doubtful)
        if one.option_source is not None:
            merge_permission(agreement, merge_input, name, one, versions)
        elif _was_cut(merge_input, one, versions):
            agreement.settled[name] = merge_input.fingerprint(name, versions.dataverse or EMPTY)
            # Dataverse refuses the whole text again, and the refusal is reported.
            agreement.carry(merge_input, name, versions, MergeDecision.TO_DATAVERSE)
        else:
            decision = merge_value(
                versions, direction=direction, policy=one.row.conflict, blank=one.row.blank, newer=newer
            )
            if (
                decision is MergeDecision.HELD
                and direction is Direction.TO_PLATFORM
                and _is_set_back(merge_input, value, base)
            ):
                decision = MergeDecision.TO_PLATFORM
            _merge_field(agreement, merge_input, name, versions, decision, direction=direction)
    _keep_one_of_two(agreement, merge_input, fields, on_platform)
    agreement.fields = tuple(_field_returns(agreement, fields, on_platform))
    return agreement


def _was_cut(merge_input: MergeInput, one: MappedField, versions: FieldVersions) -> bool:
    """Whether the column holds only the beginning of a text, because the new record had no room for it (CS-24)."""
    start, whole = versions.dataverse, versions.platform
    if versions.base is not Base.ABSENT or one.row.direction is not Direction.BOTH or not start or start == whole:
        return False
    is_start = isinstance(start, str) and isinstance(whole, str) and whole.startswith(start)
    return is_start and was_made_from(merge_input.record.key, merge_input.contact)


def _keep_one_of_two(
    agreement: Agreement, merge_input: MergeInput, fields: Mapping[str, MappedField], on_platform: Mapping[str, Scalar]
) -> None:
    """Empty one of a Dutch property and its foreign property when Dataverse gets the value of the other (VAL-07).

    If both have a value, the Dutch property counts.
    """
    if not agreement.to_dataverse:
        return
    for name, one in fields.items():
        dutch, foreign = one.row.property_name, one.row.foreign
        if name != dutch or foreign not in fields or not one.row.direction.reaches_platform:
            continue
        kept = next((each for each in (dutch, foreign) if agreement.to_dataverse.get(each, EMPTY) != EMPTY), None)
        if kept is None:
            continue
        other = foreign if kept == dutch else dutch
        for changes in (agreement.sent, agreement.to_dataverse, agreement.returning):
            changes.pop(other, None)
        agreement.settled[other] = merge_input.fingerprint(other, EMPTY)
        if on_platform[other] != EMPTY:
            agreement.sent[other] = EMPTY


def _is_set_back(merge_input: MergeInput, value: Scalar | None, base: Base) -> bool:
    """Whether a change made in the platform, in a field that only Dataverse fills, is replaced by the column."""
    if value is None:
        return False
    mirrors = merge_input.rules.unmapped is Unmapped.CLEAR
    restores = merge_input.plan_input.presence is ContactPresence.TO_RESTORE
    return mirrors or (restores and base is Base.DATAVERSE and value != EMPTY)


def _newer(merge_input: MergeInput) -> Newer:
    """Compare when the record and the contact were last saved (ConflictPolicy.NEWEST); Dataverse if unknown.

    Dataverse returns whole seconds, so Dataverse also counts as newer within one second.
    """
    modified, changed = merge_input.record.modified_on, merge_input.contact.last_changed
    if modified is None or changed is None:
        return Newer.DATAVERSE
    is_later = changed.replace(microsecond=0) > modified
    return Newer.PLATFORM if is_later else Newer.DATAVERSE


def _merge_field(
    agreement: Agreement,
    merge_input: MergeInput,
    name: str,
    versions: FieldVersions,
    wanted: MergeDecision,
    *,
    direction: Direction,
) -> None:
    decision = wanted
    if direction is Direction.BOTH:  # a field that travels one way cannot flap
        decision, move = settle(wanted, merge_input.binding.flap_history.get(name), merge_input.plan_input.now)
        if move is not None:
            agreement.flap_history[name] = move
    if decision.is_remarkable:
        agreement.merge_decisions[name] = decision
    agreement.carry(merge_input, name, versions, decision)


def _field_returns(
    agreement: Agreement, fields: Mapping[str, MappedField], on_platform: Mapping[str, Scalar]
) -> list[FieldReturn]:
    """Make one write per row: all options of a list together; of a Dutch and a foreign value the one that exists."""
    returns: dict[int, FieldReturn] = {}
    for name in agreement.to_dataverse:
        one = fields[name]
        if one.option_source is not None or id(one.row) in returns:
            continue
        if one.bit is None:
            both = [each for each in fields.values() if each.row is one.row]
            changed = [each for each in both if each.definition.name in agreement.to_dataverse] or both
            filled = next((each for each in changed if on_platform[each.definition.name] != EMPTY), one)
            returns[id(one.row)] = FieldReturn(one.row, filled.definition, on_platform[filled.definition.name])
        else:
            options = tuple(
                SetOption(each.bit, bool(agreement.sent.get(other, on_platform[other])))
                for other, each in fields.items()
                if each.row is one.row and each.bit is not None
            )
            returns[id(one.row)] = FieldReturn(one.row, one.definition, options)
    return list(returns.values())

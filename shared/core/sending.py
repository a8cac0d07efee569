"""What is sent of a record whose contact in Spotler has not been read, and when it must be read first.

Almost every save ends here: what Dataverse has changed since both sides agreed, in one call. Where that cannot decide,
the answer is `Look`, and `agreement` decides once both sides are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from shared.core.conditions import email_of, refuses_bulk
from shared.core.early_rows import still_early
from shared.core.ends import changed_fields
from shared.core.fields import Scalar, all_permissions_off, as_properties, wished_fields
from shared.core.flapping import Move, settle
from shared.core.mapping.model import EMAIL, ConflictPolicy, Direction, MappingRow
from shared.core.marketing import PropertyCatalogue, PropertyType, Purge
from shared.core.merge import Row
from shared.core.merge import Verdict as Merged
from shared.core.outcomes import Reason, Result
from shared.core.records import PersonRecord
from shared.core.situation import (
    Binding,
    Decision,
    Look,
    Plan,
    Reach,
    Rest,
    Rules,
    Sight,
    Situation,
    Trust,
    Unmapped,
    Write,
)
from shared.core.two_way import MappedField, mapped_fields, row_state
from shared.core.values import EMPTY


def send_changes(situation: Situation, rules: Rules, catalogue: PropertyCatalogue) -> Plan:
    """Send what Dataverse has changed since both sides agreed; look first where that is not enough to decide."""
    record, binding = situation.record, situation.binding
    assert record is not None, "a record that does not exist cannot meet the conditions"
    rows = rules.mapping.for_table(situation.key.table)
    wished = wished_fields(record, rules.mapping, catalogue)
    if wished.fatal:
        return Rest(binding, Result.FAILED, Reason.INVALID_VALUE, wished.fatal)
    fields = mapped_fields((row for row in rows if not row.rests(record)), record.key.table, catalogue)
    disputed = {name for name, one in fields.items() if _may_be_disputed(one)}
    off = refuses_bulk(record) or situation.neighbours.refuse_bulk
    values = {
        **wished.values,
        **_withdrawn(situation, record, fields, rules),
        **(all_permissions_off(rows, catalogue) if off else {}),
    }
    prints = rules.fingerprints.values(binding.external_id, values)
    changed = changed_fields(prints, values, situation)
    if (
        situation.sight is Sight.UNSEEN
        and (look := _look(situation, changed, disputed | (_consents(fields) if off else set()), rows)) is not None
    ):
        return look
    address = rules.fingerprints.address(email_of(record, rows))
    moves = dict(binding.moves)
    frozen = _frozen(changed, fields, situation, moves)
    early = set() if binding.has_met else still_early(binding, wished.values)
    held = frozen | disputed | early  # without a look, nobody can say who of two won
    agreed = replace(
        binding if binding.is_live else Binding(binding.external_id, since=situation.now, early=binding.early),
        is_live=True,
        base={
            **_kept(binding, fields, values, rows),
            **{name: text for name, text in prints.items() if name not in held},
        },
        address=address,
        has_met=(binding.is_live and binding.has_met) or not _comes_home(rows),
        moves=moves,
        announced=frozenset(),
    )
    sent = {name: values[name] for name in changed if name not in held}
    problems = (*wished.omitted, *wished.cut)
    rest = Rest(agreed, Result.UNCHANGED, Reason.AGREED, problems, permissions_off=off)
    return write_or_rest(rest, sent, besides(rules, rows, catalogue, values[EMAIL]), was_live=binding.is_live)


def _look(situation: Situation, changed: list[str], disputed: set[str], rows: tuple[MappingRow, ...]) -> Look | None:
    """Say whether Spotler's side must be known before anything is sent.

    A new address may open a contact again whose owner has opted out (C-15), and one that could not be mailed is not
    well again because nothing changed here; what a dead worker did may have been answered; what Spotler changed while
    the record rested was never compared; and who has not met yet, or disputes a value, needs both sides.
    """
    binding = situation.binding
    has_bounced = situation.bounce is not None
    may_be_closed = binding.is_live and (EMAIL in changed or binding.reach is not Reach.OPEN or has_bounced)
    if situation.trust is Trust.NOTHING or may_be_closed or (binding.is_live and binding.is_stale):
        return Look(binding)
    if not (binding.is_live and _comes_home(rows)):
        return None
    if not disputed.isdisjoint(changed):
        return Look(binding, can_wait=not binding.has_met)
    return None if binding.has_met else Look(binding, can_wait=True)


def _consents(fields: Mapping[str, MappedField]) -> set[str]:
    """Name the permissions: before all are switched off, those that were withdrawn in Spotler must be known."""
    return {name for name, one in fields.items() if one.home is not None}


def _may_be_disputed(one: MappedField) -> bool:
    """Whether a two-way value may have to give way to Spotler's when both sides changed it."""
    is_both = one.row.direction is Direction.BOTH and one.home is None
    return is_both and one.row.conflict is not ConflictPolicy.CRM


def _comes_home(rows: tuple[MappingRow, ...]) -> bool:
    return any(row.direction.reaches_dataverse and row.fixed is None for row in rows)


def _kept(
    binding: Binding, fields: Mapping[str, MappedField], values: Mapping[str, Scalar], rows: tuple[MappingRow, ...]
) -> dict[str, str]:
    """What was agreed before. An heir has inherited what its lead's rows said: its own are missing, not deleted."""
    if not binding.is_live:
        return {}
    inherited = not binding.has_met and not _comes_home(rows)
    return {
        name: text
        for name, text in binding.base.items()
        if not (inherited and name not in values and name in fields and fields[name].home is not None)
    }


def _withdrawn(
    situation: Situation, record: PersonRecord, fields: Mapping[str, MappedField], rules: Rules
) -> dict[str, Scalar]:
    """Switch off the permissions whose rows were deleted."""
    binding, prints = situation.binding, partial(rules.fingerprints.value, situation.binding.external_id)
    return {
        name: False
        for name, one in fields.items()
        if one.home is not None
        and binding.is_live
        and one.row.direction.reaches_spotler
        and binding.has_met
        and row_state(one, record, agreed_yes=binding.base.get(name) == prints(name, value=True)) is Row.DELETED
    }


def _frozen(
    changed: list[str], fields: Mapping[str, MappedField], situation: Situation, moves: dict[str, Move]
) -> set[str]:
    """Count the turns of two-way values, and name those that have gone to and fro too often."""
    frozen: set[str] = set()
    for name in changed:
        one = fields.get(name)
        if one is None or one.home is not None or one.row.direction is not Direction.BOTH:
            continue
        verdict, move = settle(Merged.TO_SPOTLER, situation.binding.moves.get(name), situation.now)
        if move is not None:
            moves[name] = move
        if verdict is Merged.FROZEN:
            frozen.add(name)
    return frozen


def write_or_rest(rest: Rest, sent: Mapping[str, Scalar], besides: Mapping[str, Scalar], *, was_live: bool) -> Decision:
    """Send what has changed, and `besides` what always goes along; where nothing has changed, rest."""
    if not sent:
        return rest
    return Write(
        properties=as_properties({**besides, **sent}),
        fields=tuple(sent),
        purge=Purge.KEEP,
        binding=rest.binding,
        reason=Reason.UPDATED if was_live else Reason.CREATED,
        problems=rest.problems,
        permissions_off=rest.permissions_off,
        home=rest.home,
        meets=not (was_live or rest.binding.has_met),
    )


def besides(
    rules: Rules, rows: tuple[MappingRow, ...], catalogue: PropertyCatalogue, email: Scalar
) -> dict[str, Scalar]:
    """Every write names the e-mail address, by which Spotler knows people."""
    cleared = _unmapped(rows, catalogue) if rules.unmapped is Unmapped.CLEAR else {}
    return {**cleared, EMAIL: email}


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

"""What should happen to one record, on both sides. Pure: the same situation always gives the same plan.

The engine reads both sides, asks `plan`, and applies the answer; a preview asks and does not apply. Where the Spotler
contact matters and has not been read, the answer is `Look`: read it and ask again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from shared.core.conditions import Subject, Verdict, email_of, examine
from shared.core.consent import BULK_EMAIL
from shared.core.early_rows import still_early, with_early_rows
from shared.core.ends import anonymize, changed_fields, purge, unmet_condition
from shared.core.fields import Scalar, all_permissions_off, as_properties, present_values, wished_fields
from shared.core.flapping import Move, settle
from shared.core.mapping.model import EMAIL, ConflictPolicy, Direction, MappingRow
from shared.core.mapping.reading import DO_NOT_BULK_EMAIL
from shared.core.marketing import PropertyCatalogue, PropertyType, Purge, SpotlerContact
from shared.core.merge import Row
from shared.core.merge import Verdict as Merged
from shared.core.outcomes import FieldProblem, Reason, Result
from shared.core.records import Intent, PersonRecord
from shared.core.situation import (
    Anonymize,
    Binding,
    Decision,
    EndAction,
    Look,
    Neighbours,
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
from shared.core.two_way import MappedField, Sides, agree, mapped_fields, row_state
from shared.core.values import EMPTY
from shared.core.way_back import WayBack

CLOCKS_DIFFER = timedelta(minutes=5)
AT_ONCE = timedelta(seconds=1)
"""What may lie between creation and last change of a contact that one write made."""

__all__ = [
    "Anonymize",
    "Binding",
    "Decision",
    "EndAction",
    "Look",
    "Neighbours",
    "Plan",
    "Reach",
    "Rest",
    "Rules",
    "Sight",
    "Situation",
    "Trust",
    "Unmapped",
    "WayBack",
    "Write",
    "let_go",
    "plan",
    "refuses_bulk",
    "verdicts",
]


def plan(situation: Situation, rules: Rules, catalogue: PropertyCatalogue) -> Plan:
    """Decide (CS-15, VAL-01..VAL-04, C-01..C-04, C-35, C-38)."""
    match situation.intent:
        case Intent.ANONYMIZE:
            return anonymize(situation, Reason.ON_REQUEST)
        case Intent.PURGE:
            return purge(situation)
        case Intent.SYNC:
            unmet = next((verdict.reason for verdict in verdicts(situation, rules) if verdict.reason), None)
            if unmet is Reason.OPTED_OUT and situation.sight is Sight.UNSEEN and situation.binding.is_live:
                return Look(situation.binding)  # C-12: has the person come back?
            if unmet is not None:
                decision = unmet_condition(situation, unmet, rules, catalogue)
                return with_early_rows(decision, situation, rules.mapping.for_table(situation.key.table), catalogue)
            if situation.sight is Sight.SEEN:
                return _agree(situation, rules, catalogue)
            return _write(situation, rules, catalogue)


def let_go(situation: Situation) -> Decision:
    """End the old contact of a record whose new address belongs to another one (or that shared its old address)."""
    return anonymize(situation, Reason.ADDRESS_MOVED)


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
            has_come_back=situation.has_come_back,
        )
    )


def refuses_bulk(record: PersonRecord) -> bool:
    """OPT-11: Bulk Email = Do Not Allow switches all permissions off and does nothing else."""
    return bool(record.values.get(DO_NOT_BULK_EMAIL))


# ------------------------------------------------------------------------------------ Spotler's side has not been read


def _write(situation: Situation, rules: Rules, catalogue: PropertyCatalogue) -> Plan:
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
    return _sending(rest, sent, _besides(rules, rows, catalogue, values[EMAIL]), was_live=binding.is_live)


def _look(situation: Situation, changed: list[str], disputed: set[str], rows: tuple[MappingRow, ...]) -> Look | None:
    """Say whether Spotler's side must be known before anything is sent.

    A new address may open a contact again whose owner has opted out (C-15), and one that could not be mailed is not
    well again because nothing changed here; what a dead worker did may have been answered; and who has not met yet, or
    disputes a value, needs both sides.
    """
    binding = situation.binding
    may_be_closed = binding.is_live and (EMAIL in changed or binding.reach is not Reach.OPEN)
    if situation.trust is Trust.NOTHING or may_be_closed:
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


# ------------------------------------------------------------------------------------------- both sides have been read


def _agree(situation: Situation, rules: Rules, catalogue: PropertyCatalogue) -> Decision:
    """Merge both sides (S2D-02)."""
    record, binding, contact = situation.record, situation.binding, situation.contact
    assert record is not None, "a record that does not exist cannot meet the conditions"
    if contact is None:  # DEL-08: somebody erased it in Spotler; the record still belongs there
        anew = replace(situation, binding=Binding(binding.external_id), sight=Sight.BLIND, trust=Trust.BASE)
        decision = _write(anew, rules, catalogue)
        assert not isinstance(decision, Look), "who is blind does not look"
        return decision
    rows = rules.mapping.for_table(situation.key.table)
    address = rules.fingerprints.address(email_of(record, rows))
    if contact.is_unreachable and not (situation.bounce and address != binding.address):
        known = binding.address or rules.fingerprints.address(
            str(contact.properties[EMAIL])
        )  # others look for it there
        return _unreachable(replace(situation, binding=replace(binding, address=known)), record)
    if situation.has_come_back and binding.is_live and address != binding.address:
        # Who came back is somebody with the address that this record had before.
        return let_go(situation) if situation.neighbours.keys else Rest(binding, Result.FAILED, Reason.OPTED_OUT)
    wished = wished_fields(record, rules.mapping, catalogue)
    if wished.fatal:
        return Rest(binding, Result.FAILED, Reason.INVALID_VALUE, wished.fatal)
    lifts = situation.has_come_back and binding.reach is Reach.OPTED_OUT_HERE and refuses_bulk(record)
    off = (refuses_bulk(record) and not lifts) or situation.neighbours.refuse_bulk
    fields = mapped_fields((row for row in rows if not row.rests(record)), record.key.table, catalogue)
    fingerprint = partial(rules.fingerprints.value, binding.external_id)
    since = binding.since or situation.now
    dataverse = present_values(record, rules.mapping, catalogue)
    sides = Sides(
        record=record,
        dataverse=dataverse,
        spotler=contact,
        base=binding.base if binding.is_live else {},
        moves=binding.moves,
        now=situation.now,
        fingerprint=fingerprint,
        zone=rules.mapping.zone,
        defaults=situation.defaults,
        perhaps_sent=_perhaps_sent(situation, fields),
        is_doubtful=situation.trust is Trust.NOTHING,
        has_met=binding.has_met,
        has_come_back=situation.has_come_back,
        early=frozenset(still_early(binding, dataverse)),
        withholds=off,
        is_new_contact=_is_new(contact, situation, binding),
    )
    agreement = agree(sides, fields)
    email = str(agreement.home.get(EMAIL, wished.values.get(EMAIL, "")))
    home = WayBack(
        fields=agreement.fields,
        subscriptions=agreement.subscriptions,
        refuses_bulk=False if lifts else None,
        prints=agreement.returning,
        address=rules.fingerprints.address(email) if EMAIL in agreement.home else "",
    )
    agreed = replace(
        binding,
        is_live=True,
        base={**sides.base, **agreement.settled},
        address=address,
        has_met=True,
        since=since,
        reach=Reach.OPEN,
        moves=agreement.moves,
        verdicts=agreement.verdicts,
        announced=frozenset(),
        early={},
    )
    problems = (*wished.omitted, *wished.cut, *_disputes(agreement.verdicts, fields, record))
    reason = Reason.RETURNED if home else Reason.AGREED
    rest = Rest(agreed, Result.UNCHANGED, reason, problems, permissions_off=off, home=home)
    return _sending(rest, agreement.sent, _besides(rules, rows, catalogue, email), was_live=binding.is_live)


def _perhaps_sent(situation: Situation, fields: Mapping[str, MappedField]) -> frozenset[str]:
    """Name the permissions whose yes a dead worker may have sent: of a contact that it made, all of them.

    So may that of somebody who comes back, and whose record never agreed on it: the word of who returns is the newer.
    """
    if situation.has_come_back:
        return frozenset(fields.keys() - situation.binding.base.keys())
    if situation.trust is Trust.BASE:
        return frozenset()
    return situation.binding.announced if situation.binding.is_live else frozenset(fields)


def _is_new(contact: SpotlerContact, situation: Situation, binding: Binding) -> bool:
    """Whether this record's first write made the contact, and nobody has changed it since (ENV-12).

    One that a form made a moment before was changed by that write: in Spotler's own time, it is older than its last
    change. Two services' clocks could not tell.
    """
    if binding.has_met or situation.neighbours.keys or contact.created is None or contact.last_changed is None:
        return False
    since = binding.since or situation.now
    return contact.last_changed - contact.created <= AT_ONCE and contact.created >= since - CLOCKS_DIFFER


def _unreachable(situation: Situation, record: PersonRecord) -> Rest:
    """Nothing is sent for somebody who opted out (OPT-07, OPT-08), or whose address bounced, until it changes.

    Which of the two it was, the next poll knows, which asks for bounces first: an address that fails is no opt-out.
    """
    binding = replace(situation.binding, is_live=True, has_met=True, announced=frozenset())
    if situation.bounce is not None:
        return Rest(replace(binding, reach=Reach.BOUNCED), Result.FAILED, situation.bounce)
    if binding.reach.is_opt_out or refuses_bulk(record):
        found = Reach.OPTED_OUT_HERE if BULK_EMAIL in situation.binding.announced else Reach.OPTED_OUT
        reach = binding.reach if binding.reach.is_opt_out else found
        return Rest(replace(binding, reach=reach), Result.FAILED, Reason.OPTED_OUT)
    if situation.is_silent:
        closed = replace(situation.binding, is_live=True, reach=Reach.CLOSED)
        return Rest(closed, Result.FAILED, Reason.NO_ACTIVE_CHANNEL)
    opted_out = replace(binding, reach=Reach.OPTED_OUT_HERE)
    return Rest(opted_out, Result.FAILED, Reason.OPTED_OUT, home=WayBack(refuses_bulk=True))


def _disputes(
    merged: Mapping[str, Merged], fields: Mapping[str, MappedField], record: PersonRecord
) -> tuple[FieldProblem, ...]:
    """Tell the record's owner what only a person can decide."""
    return tuple(
        FieldProblem(name, str(fields[name].row.sources[record.key.table]), dispute=_DISPUTES[verdict])
        for name, verdict in merged.items()
        if verdict in _DISPUTES
    )


_DISPUTES = {
    Merged.ASKED: "was changed on both sides; make both equal",
    Merged.FROZEN: "keeps changing to and fro; something rewrites it",
}


# ----------------------------------------------------------------------------------------------------------- in common


def _sending(rest: Rest, sent: Mapping[str, Scalar], besides: Mapping[str, Scalar], *, was_live: bool) -> Decision:
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


def _besides(
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

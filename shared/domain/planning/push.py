"""Plans the changes of a record whose contact has not been read, and decides when it must be read first.

Almost every save ends here: one call sends what Dataverse has changed since the last agreement. If that is not enough
to decide, the result is `FetchContact`, and `merge_contact` decides with both sides.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from shared.domain.consent.default_rows import untouched_defaults
from shared.domain.consent.deleted_rows import withdrawn
from shared.domain.mapping.model import EMAIL, ConflictPolicy, Direction, MappingRow
from shared.domain.merging.flapping import Move, settle
from shared.domain.merging.merge import MergeDecision as Merged
from shared.domain.planning.binding import Binding, MailStatus
from shared.domain.planning.conditions import email_of, refuses_bulk
from shared.domain.planning.contact_write import (
    changed_fields,
    fields_of_every_write,
    purge_print,
    unmapped,
    write_or_rest,
)
from shared.domain.planning.decisions import FetchContact, Plan, Rest
from shared.domain.planning.insertion import insert, whole_contact
from shared.domain.planning.plan_input import BaseState, ContactPresence, Fetched, PlanInput
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.records.outcomes import Reason, Result
from shared.domain.values.fields import Scalar, all_permissions_off, wished_fields
from shared.domain.values.mapped_fields import MappedField, mapped_fields
from shared.domain.values.values import EMPTY


def push_changes(plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue) -> Plan:
    """Send what Dataverse has changed since the last agreement; read the contact first if that cannot decide."""
    record, binding = plan_input.record, plan_input.binding
    assert record is not None, "a record that does not exist cannot meet the conditions"
    if not binding.is_live:
        is_unknown = plan_input.base_state is BaseState.NOTHING and plan_input.fetched is Fetched.NO
        return FetchContact(binding) if is_unknown else insert(plan_input, rules, catalogue)
    rows = rules.mapping.for_table(plan_input.key.table)
    wished = wished_fields(record, rules.mapping, catalogue)
    if wished.fatal:
        return Rest(binding, Result.FAILED, Reason.INVALID_VALUE, wished.fatal)
    fields = mapped_fields(rules.mapping.rows_read(record), record.key.table, catalogue)
    disputed = {name for name, one in fields.items() if _may_be_disputed(one)}
    off = refuses_bulk(record) or plan_input.withholds_permissions
    values = {
        **wished.values,
        **withdrawn(plan_input, record, fields, rules),
        **(all_permissions_off(rows, catalogue) if off else {}),
    }
    fingerprints = rules.fingerprints.of_contact(binding.external_id)
    prints = fingerprints.values(values)
    changed = changed_fields(prints, values, plan_input, rules.unmapped)
    if plan_input.presence is ContactPresence.TO_RESTORE:
        changed += [name for name in _filled_here_only(fields, values) if name not in changed]
    unproven = _unproven(plan_input, fields, values, prints)
    contested = disputed | unproven | (_consents(fields) if off else set())
    if (
        plan_input.fetched is Fetched.NO
        and (fetch := _fetch_if_needed(plan_input, changed, contested, rows)) is not None
    ):
        return fetch
    address = rules.fingerprints.address(email_of(record, rows))
    flap_history = dict(binding.flap_history)
    frozen = _frozen(changed, fields, plan_input, flap_history)
    default_rows = set() if binding.initial_merge_done else untouched_defaults(binding, wished.values)
    held = frozen | disputed | default_rows | unproven  # without the contact, the winner of a dispute is unknown
    empty = unmapped(rules, rows, catalogue)
    purged = purge_print(rules, binding.external_id, empty)
    agreed = replace(
        binding,
        base={
            **_kept(binding, fields, values, rows),
            **{name: text for name, text in prints.items() if name not in held},
            **purged,
        },
        address=address,
        initial_merge_done=binding.initial_merge_done or not (_reaches_dataverse(rows) or unproven),
        flap_history=flap_history,
        write_intents=frozenset(),
    )
    is_purged = all(binding.base.get(name) == text for name, text in purged.items())
    sent = {**({} if is_purged else empty), **{name: values[name] for name in changed if name not in held}}
    problems = (*wished.omitted, *wished.cut)
    rest = Rest(agreed, Result.UNCHANGED, Reason.AGREED, problems, permissions_off=off)
    decision = write_or_rest(rest, sent, fields_of_every_write(rules, rows, catalogue, values[EMAIL]), was_live=True)
    if isinstance(decision, Rest) and plan_input.presence is ContactPresence.ASSUMED:
        return decision
    return replace(decision, if_absent=whole_contact(plan_input, wished, fingerprints, rules, catalogue))


def _filled_here_only(fields: Mapping[str, MappedField], values: Mapping[str, Scalar]) -> Iterator[str]:
    """Return the values that only Dataverse fills: a job restores them after changes in the platform."""
    for name, one in fields.items():
        is_value = one.bit is None and one.option_source is None and one.row.direction is Direction.TO_PLATFORM
        if is_value and values.get(name, EMPTY) != EMPTY and name != EMAIL:
            yield name


def _unproven(
    plan_input: PlanInput, fields: Mapping[str, MappedField], values: Mapping[str, Scalar], prints: Mapping[str, str]
) -> set[str]:
    """Return the permissions whose yes needs evidence: at a first merge, or against a refusal."""
    base, initial_merge_done = plan_input.binding.base, plan_input.binding.initial_merge_done
    return {
        name
        for name, one in fields.items()
        if one.option_source is not None
        and values.get(name) is True
        and base.get(name) != prints[name]
        and ((not initial_merge_done and name not in base) or plan_input.refused_on(name) is not None)
    }


def _fetch_if_needed(
    plan_input: PlanInput, changed: list[str], contested: set[str], rows: tuple[MappingRow, ...]
) -> FetchContact | None:
    """Return whether the contact must be read before anything is sent.

    A new address may open a contact whose person has opted out (C-15). A contact that could not be mailed may still be
    closed. Writes of a dead worker may have been answered. Changes in the platform while the record rested were never
    compared. A first merge and a disputed value need both sides.
    """
    binding = plan_input.binding
    has_bounced = plan_input.bounce is not None
    may_be_closed = EMAIL in changed or binding.mail_status is not MailStatus.OPEN or has_bounced
    if plan_input.base_state is BaseState.NOTHING or may_be_closed or binding.is_stale:
        return FetchContact(binding)
    if not contested.isdisjoint(changed):
        return FetchContact(binding, can_wait=not binding.initial_merge_done)
    return None if binding.initial_merge_done or not _reaches_dataverse(rows) else FetchContact(binding, can_wait=True)


def _consents(fields: Mapping[str, MappedField]) -> set[str]:
    """Return the permissions: before all are switched off, the withdrawn ones must be read."""
    return {name for name, one in fields.items() if one.option_source is not None}


def _may_be_disputed(one: MappedField) -> bool:
    """Whether a two-way value may lose against the platform's value when both sides changed it."""
    is_both = one.row.direction is Direction.BOTH and one.option_source is None
    return is_both and one.row.conflict is not ConflictPolicy.CRM


def _reaches_dataverse(rows: tuple[MappingRow, ...]) -> bool:
    return any(row.direction.reaches_dataverse and row.fixed is None for row in rows)


def _kept(
    binding: Binding, fields: Mapping[str, MappedField], values: Mapping[str, Scalar], rows: tuple[MappingRow, ...]
) -> dict[str, str]:
    """Return the former agreement.

    A successor has inherited the base of its lead's rows: its own rows are missing, not deleted.
    """
    if not binding.is_live:
        return {}
    inherited = not binding.initial_merge_done and not _reaches_dataverse(rows)
    return {
        name: text
        for name, text in binding.base.items()
        if not (inherited and name not in values and name in fields and fields[name].option_source is not None)
    }


def _frozen(
    changed: list[str], fields: Mapping[str, MappedField], plan_input: PlanInput, flap_history: dict[str, Move]
) -> set[str]:
    """Count the direction changes of two-way values, and return those that change direction too often."""
    frozen: set[str] = set()
    for name in changed:
        one = fields.get(name)
        if one is None or one.option_source is not None or one.row.direction is not Direction.BOTH:
            continue
        decision, move = settle(Merged.TO_PLATFORM, plan_input.binding.flap_history.get(name), plan_input.now)
        if move is not None:
            flap_history[name] = move
        if decision is Merged.FROZEN:
            frozen.add(name)
    return frozen

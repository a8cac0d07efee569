"""Plans the insertion of a record without contact: all values at once, with the permissions (DEL-08, ANON-11).

An insertion does not change an existing contact, so no answer of a person is overwritten unread. Such a contact gets
the data without any yes, and both sides are compared afterwards (PERM-15).
"""

from collections.abc import Mapping
from dataclasses import replace

from shared.domain.consent.default_rows import untouched_defaults
from shared.domain.consent.deleted_rows import with_deleted_rows_refused
from shared.domain.mapping.model import EMAIL, ConflictPolicy, Direction
from shared.domain.merging.merge_sides import fresh_binding, merge_sides, without_contact
from shared.domain.planning.binding import Binding
from shared.domain.planning.contact_write import fields_of_every_write
from shared.domain.planning.decisions import Decision, Rest, Write, WriteMode
from shared.domain.planning.plan_input import BaseState, PlanInput
from shared.domain.planning.rules import Rules, Unmapped
from shared.domain.records.fingerprints import ContactFingerprints
from shared.domain.records.marketing_contact import MarketingContact, PropertyCatalogue, PropertyType, Purge
from shared.domain.records.outcomes import Reason, Result
from shared.domain.values.fields import Fields, Scalar, all_permissions_off, as_properties, wished_fields
from shared.domain.values.mapped_fields import MappedField, mapped_fields
from shared.domain.values.texts import utf16_length
from shared.domain.values.values import EMPTY

_SHORTEST_CUT = 20
"""Essential texts have room for more. A longer text that is held back is written after the contact was read."""


def insert(plan_input: PlanInput, rules: Rules, catalogue: PropertyCatalogue) -> Decision:
    """Plan for a record whose contact does not exist, as far as the connector knows.

    The write is for a contact that exists nevertheless, its `if_absent` for one that does not. An empty contact, left
    under the record's external id by an erasure or a purge, is filled (PURGE-03).
    """
    record = plan_input.record
    assert record is not None, "a record that does not exist cannot meet the conditions"
    wished = wished_fields(record, rules.mapping, catalogue)
    if wished.fatal:
        return Rest(plan_input.binding, Result.FAILED, Reason.INVALID_VALUE, wished.fatal)
    fingerprints = rules.fingerprints.of_contact(plan_input.binding.external_id)
    whole = whole_contact(plan_input, wished, fingerprints, rules, catalogue)
    if plan_input.contact is not None:
        return replace(whole, delivery=WriteMode.UPSERT)
    fresh = fresh_binding(plan_input.binding)
    rows = rules.mapping.for_table(plan_input.key.table)
    values = {**wished.values, **(all_permissions_off(rows, catalogue) if whole.permissions_off else {})}
    fields = mapped_fields(rules.mapping.rows_read(record), record.key.table, catalogue)
    # A dead worker may have written a value that is empty now; a mirror also sends empty values (PURGE-01).
    empties = plan_input.base_state is BaseState.NOTHING or rules.unmapped is Unmapped.CLEAR
    default_rows = untouched_defaults(fresh, wished.values)
    sent = {
        name: value
        for name, value in values.items()
        if (value != EMPTY or empties) and name not in default_rows and not _needs_both_sides(name, value, fields)
    }
    return Write(
        properties=as_properties({**fields_of_every_write(rules, rows, catalogue, values[EMAIL]), **sent}),
        fields=tuple(sent),
        purge=Purge.KEEP,
        binding=Binding(
            fresh.external_id,
            is_live=True,
            base=fingerprints.values(sent),
            address=whole.binding.address,
            since=plan_input.now,
            mail_status=fresh.mail_status,
            default_rows=fresh.default_rows,
        ),
        reason=Reason.CREATED,
        problems=whole.problems,
        permissions_off=whole.permissions_off,
        meets=True,
        if_absent=whole,
    )


def whole_contact(
    plan_input: PlanInput,
    wished: Fields,
    fingerprints: ContactFingerprints,
    rules: Rules,
    catalogue: PropertyCatalogue,
) -> Write:
    """Return the insertion of everything: the merge with an empty contact in which nobody has refused anything."""
    nobody = MarketingContact(plan_input.binding.external_id, "")
    rows = rules.mapping.for_table(plan_input.key.table)
    fields = mapped_fields(rows, plan_input.key.table, catalogue)
    alone = without_contact(with_deleted_rows_refused(plan_input, fields, rules))
    merged = merge_sides(alone, nobody, wished, rules, catalogue, fingerprints=fingerprints, is_new_contact=True)
    refused = {
        **{name: value for name, value in wished.values.items() if value is False},
        **(all_permissions_off(rows, catalogue) if merged.rest.permissions_off else {}),
    }  # sent explicitly, whatever the defaults of the account are
    wanted = {**refused, **merged.sent}
    sent = {name: wanted[name] for name in (*wished.values, *wanted) if wanted.get(name, EMPTY) != EMPTY}
    return Write(
        properties=as_properties({**sent, EMAIL: wished.values[EMAIL]}),
        fields=tuple(sent),
        purge=Purge.KEEP,
        binding=merged.rest.binding,
        reason=Reason.CREATED,
        problems=merged.rest.problems,
        permissions_off=merged.rest.permissions_off,
        dataverse_changes=merged.rest.dataverse_changes,
        delivery=WriteMode.INSERT,
    )


def _needs_both_sides(name: str, value: Scalar, fields: Mapping[str, MappedField]) -> bool:
    """Whether both sides must be read first: for a yes, which needs evidence (C-11), a dispute, or a cut text."""
    one = fields.get(name)
    if one is None:
        return False
    if one.option_source is not None:
        return value is True
    is_both = one.row.direction is Direction.BOTH
    return is_both and (one.row.conflict is not ConflictPolicy.CRM or _may_be_cut(one, value))


def _may_be_cut(one: MappedField, value: Scalar) -> bool:
    """Whether a text may be the beginning of a new subscriber's value, cut to fit its column (CS-24)."""
    is_text = one.definition.type is PropertyType.STRING and isinstance(value, str)
    return is_text and utf16_length(str(value)) >= _SHORTEST_CUT

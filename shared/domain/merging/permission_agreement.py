"""Merges one permission of a record: which side's answer stands, and which rows Dataverse needs (PERM-15, C-11)."""

from collections.abc import Iterable

from shared.domain.consent.permission_renames import RememberedNames
from shared.domain.mapping.language.expression import OptionSource
from shared.domain.merging.agreement import NO, YES, Agreement, MergeInput
from shared.domain.merging.dataverse_changes import SubscriptionReturn
from shared.domain.merging.merge import Base, FieldVersions, MergeDecision
from shared.domain.merging.permission_merge import Row, merge_consent
from shared.domain.records.marketing_contact import SetEntry
from shared.domain.records.records import PermissionRow, PersonRecord
from shared.domain.values.fields import option_name, rows_of
from shared.domain.values.mapped_fields import MappedField


def merge_permission(
    agreement: Agreement, merge_input: MergeInput, name: str, one: MappedField, versions: FieldVersions
) -> None:
    """Add the result for one option whose value lives in rows of Dataverse."""
    plan_input = merge_input.plan_input
    agreed_yes = merge_input.binding.initial_merge_done and (
        merge_input.base.get(name) == merge_input.fingerprint(name, YES)
    )
    row = row_state(one, merge_input.record, plan_input.names, agreed_yes=agreed_yes)
    if merge_input.withholds:
        _withhold(agreement, merge_input, name, one, versions, row=row)
        return
    decision = _decision(merge_input, name, one, versions, row)
    match row, decision:
        case Row.NEVER, MergeDecision.TO_DATAVERSE:
            _create_agreed(agreement, merge_input, name, one, has=versions.platform is YES)
        case Row.DELETED, _:
            agreement.settled[name] = merge_input.fingerprint(name, NO)
            if decision is MergeDecision.TO_PLATFORM:
                agreement.sent[name] = NO
        case _:
            agreement.carry(merge_input, name, versions, decision)
            if decision is MergeDecision.TO_DATAVERSE:
                agreement.subscriptions += changed_rows(one, merge_input.record, subscribed=versions.platform is YES)


def _withhold(
    agreement: Agreement, merge_input: MergeInput, name: str, one: MappedField, versions: FieldVersions, *, row: Row
) -> None:
    """Switch the permission off whatever its rows say (PERM-08); they count again when bulk mail is allowed."""
    if row is Row.NEVER and one.row.direction.reaches_dataverse:
        _create_row(agreement, merge_input, name, one, has=NO)
    if versions.platform is YES:
        agreement.sent[name] = NO
    elif _was_withdrawn(merge_input, name, one, versions):  # otherwise its row would give it again with bulk mail
        agreement.subscriptions += changed_rows(one, merge_input.record, subscribed=NO)
        agreement.write_back(merge_input, name, NO)
        return
    agreement.settled[name] = merge_input.fingerprint(name, NO)


def _decision(merge_input: MergeInput, name: str, one: MappedField, versions: FieldVersions, row: Row) -> MergeDecision:
    """Decide about one permission, where a yes of Dataverse may lack the evidence that it needs."""
    direction, was_perhaps_sent = one.row.direction, name in merge_input.perhaps_sent
    decision = merge_consent(versions, direction=direction, row=row, was_perhaps_sent=was_perhaps_sent)
    lower = MergeDecision.TO_DATAVERSE if direction.reaches_dataverse else MergeDecision.HELD
    if (
        decision is MergeDecision.TO_PLATFORM
        and versions.dataverse is YES
        and not _has_evidence(merge_input, name, one, versions)
    ):
        decision = lower
    is_open = merge_input.is_new_contact and name not in merge_input.plan_input.suppression.subjects
    if name in merge_input.default_rows and not is_open and versions.dataverse is not versions.platform:
        return MergeDecision.TO_DATAVERSE  # a default is not the person's answer (PERM-15)
    return decision


def _has_evidence(merge_input: MergeInput, name: str, one: MappedField, versions: FieldVersions) -> bool:
    """Whether a yes of Dataverse is known to be newer than a no (C-11); without evidence the no stands.

    At the first merge with a contact, a yes of the record says nothing about this address. It needs a row that was
    changed after the contact, or that an administrator added to an older record (PERM-17). If records share the
    address, no row is evidence. After a refusal at the address, a row must have been changed since.
    """
    refused = merge_input.refused.get(name)
    is_first = (
        versions.base is Base.ABSENT and not merge_input.binding.initial_merge_done and not merge_input.is_new_contact
    )
    if one.option_source is not OptionSource.PERMISSIONS:
        return refused is None
    if not is_first and refused is None:
        return True
    if merge_input.plan_input.sharing_records.keys and is_first:
        return False
    since = max((at for at in (refused, merge_input.contact.last_changed if is_first else None) if at), default=None)
    record = merge_input.record
    rows = [row for row in rows_of(one.option_source, record) if one.definition.entry(row.name) == _entry(one)]
    return since is not None and all(row.is_act_after(since, record_made=record.created_on) for row in rows)


def _was_withdrawn(merge_input: MergeInput, name: str, one: MappedField, versions: FieldVersions) -> bool:
    """Whether the person has withdrawn in the platform what both sides agreed on, before all were switched off."""
    is_asked = one.row.direction.reaches_dataverse and versions.dataverse is YES and not merge_input.is_doubtful
    return is_asked and (versions.base is Base.DATAVERSE or name in merge_input.perhaps_sent)


def _create_agreed(agreement: Agreement, merge_input: MergeInput, name: str, one: MappedField, *, has: bool) -> None:
    subscribed = _create_row(agreement, merge_input, name, one, has=has)
    if subscribed is None:
        if not has:  # no row and no yes: both sides say no, so a yes that comes later is newer
            agreement.settled[name] = merge_input.fingerprint(name, NO)
        return
    agreement.write_back(merge_input, name, subscribed)
    if subscribed and not has:
        agreement.sent[name] = YES


def _create_row(
    agreement: Agreement, merge_input: MergeInput, name: str, one: MappedField, *, has: bool
) -> bool | None:
    """Create the missing row and return its answer; None if there is no reason for a row (PERM-11, PERM-15).

    The row has the answer of the platform. The administrator's default counts (ENV-07) only in a contact that the
    connector made, where nobody could have refused. It does not count for the successor of a lead that had an answer,
    nor after a refusal at the address. Marketing lists are not created here: existing ones are rows already.
    """
    entry = _entry(one)
    if entry is None or one.option_source is None or one.option_source is OptionSource.LIST:
        return None
    defaults = merge_input.plan_input.defaults if one.option_source is OptionSource.PERMISSIONS else ()
    default = next((row for row in defaults if one.definition.entry(row.name) == entry), None)
    if default is None and not has:
        return None
    if not has and merge_input.binding.initial_merge_done and name in merge_input.base:  # somebody has deleted it
        return None
    is_unasked = (
        merge_input.is_new_contact
        and name not in merge_input.base
        and name not in {*merge_input.refused, *merge_input.plan_input.suppression.subjects}
    )
    subscribed = has or (default is not None and default.subscribed and is_unasked)
    agreement.subscriptions += (SubscriptionReturn(one.option_source, entry.label.strip(), subscribed, None),)
    return subscribed


def changed_rows(one: MappedField, record: PersonRecord, *, subscribed: bool) -> tuple[SubscriptionReturn, ...]:
    """Return the rows of an option whose answer differs, with the new answer."""
    assert one.option_source is not None, "consent is an option with rows in Dataverse"
    return tuple(
        SubscriptionReturn(one.option_source, row.name, subscribed, row.id)
        for row in rows_of(one.option_source, record)
        if row.subscribed is not subscribed and one.definition.entry(row.name) == _entry(one)
    )


def row_state(one: MappedField, record: PersonRecord, names: RememberedNames, *, agreed_yes: bool) -> Row:
    """Return whether Dataverse has the row of an option.

    A missing row of an agreed yes was deleted or renamed by hand; both withdraw the permission. The row does not count
    as deleted while another row has a current or former name of the permission during a rename (PERM-21).
    """
    assert one.option_source is not None, "consent is an option with rows in Dataverse"
    rows = rows_of(one.option_source, record)
    entries = [one.definition.entry(row.name) for row in rows]
    if _entry(one) in entries:
        return Row.THERE
    if not agreed_yes or one.option_source is not OptionSource.PERMISSIONS or _is_being_renamed(one, rows, names):
        return Row.NEVER
    return Row.DELETED


def _is_being_renamed(one: MappedField, rows: Iterable[PermissionRow], names: RememberedNames) -> bool:
    """Whether a row may belong to an option whose name has changed in the platform."""
    entry = _entry(one)
    if entry is None:
        return True  # the account does not show the option: nothing can be concluded
    option = option_name(one.definition.name, entry.bit)
    return any(
        names.may_belong(option, entry.label, row.name, is_known=one.definition.entry(row.name) is not None)
        for row in rows
    )


def _entry(one: MappedField) -> SetEntry | None:
    assert one.bit is not None, "consent is an option"
    return one.definition.entry_with_bit(one.bit)

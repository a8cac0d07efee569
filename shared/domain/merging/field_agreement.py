"""One record's two sides brought into agreement: which fields travel to Spotler, and which come home (S2D-02, PERM-15).

Works on the flat field space of `fields`: `name` for a value, `name:bit` for one option of a set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import partial

from shared.domain.consent.permission_defaults import PermissionDefault
from shared.domain.consent.permission_renames import RememberedNames
from shared.domain.features.subscriber_import import was_made_from
from shared.domain.mapping.language.expression import OptionSource
from shared.domain.mapping.model import Direction
from shared.domain.merging.dataverse_changes import FieldReturn, SubscriptionReturn
from shared.domain.merging.flapping import Move, settle
from shared.domain.merging.merge import (
    Base,
    FieldVersions,
    MergeDecision,
    Newer,
    Row,
    base_of,
    merge_consent,
    merge_value,
)
from shared.domain.records.marketing_contact import (
    MarketingContact,
    SetEntry,
    SetOption,
)
from shared.domain.records.records import PermissionRow, PersonRecord
from shared.domain.values.fields import Scalar, option_name, rows_of
from shared.domain.values.mapped_fields import MappedField, values_of
from shared.domain.values.values import EMPTY

Fingerprint = Callable[[str, Scalar], str]
"""Makes the fingerprint of a field (by name) with a value."""

YES, NO = True, False
"""The state of a permission."""


@dataclass(frozen=True, slots=True)
class MergeInput:
    """All that the merge of one record looks at.

    `dataverse` are its values in Spotler's form, `contact` the contact as just read. `base` are fingerprints of what
    was agreed, `perhaps_sent` the permissions whose yes was on its way when a worker died. `withholds` says that each
    permission must be off (PERM-08). `is_new_contact`: we made it, so nobody ever refused a permission there (ENV-12).
    `initial_merge_done`: the base is this record's own. An heir starts from its lead's, whose rows it does not have.
    `has_come_back`: the person had opted out, and nothing was sent since. `default_rows` are permissions whose rows
    only say the administrator's default. `is_shared`: other records use the contact. `mirrors`: what Dataverse does not
    have is emptied in Spotler (PURGE-01). `restores`: a job asks for the record. `refused` tells when others, or the
    person, last refused a permission at the address; `withdrawn` are those that anybody, the record included, took back
    there. `names` are those that rows may have during a rename.
    """

    record: PersonRecord
    dataverse: Mapping[str, Scalar]
    contact: MarketingContact
    base: Mapping[str, str]
    flap_history: Mapping[str, Move]
    now: datetime
    fingerprint: Fingerprint
    zone: tzinfo
    defaults: tuple[PermissionDefault, ...] = ()
    perhaps_sent: frozenset[str] = frozenset()
    is_doubtful: bool = False
    withholds: bool = False
    is_new_contact: bool = False
    initial_merge_done: bool = False
    has_come_back: bool = False
    default_rows: frozenset[str] = frozenset()
    is_shared: bool = False
    mirrors: bool = False
    restores: bool = False
    refused: Mapping[str, datetime] = field(default_factory=dict)
    withdrawn: frozenset[str] = frozenset()
    names: RememberedNames = RememberedNames()  # noqa: RUF009  # frozen and without state


@dataclass(slots=True)
class Agreement:
    """What to do, by field.

    `settled` are fingerprints to remember once Spotler has taken what is `sent`, `returning` those to remember once
    Dataverse has taken what goes `to_dataverse`.
    """

    sent: dict[str, Scalar] = field(default_factory=dict)
    to_dataverse: dict[str, Scalar] = field(default_factory=dict)
    settled: dict[str, str] = field(default_factory=dict)
    returning: dict[str, str] = field(default_factory=dict)
    merge_decisions: dict[str, MergeDecision] = field(default_factory=dict)
    flap_history: dict[str, Move] = field(default_factory=dict)
    fields: tuple[FieldReturn, ...] = ()
    subscriptions: tuple[SubscriptionReturn, ...] = ()


def agree(merge_input: MergeInput, fields: Mapping[str, MappedField]) -> Agreement:
    """Merge every mapped field of one record."""
    agreement = Agreement()
    on_platform = values_of(merge_input.contact, fields, merge_input.zone)
    newer = _newer(merge_input)
    for name, one in fields.items():
        has, known = merge_input.dataverse.get(name), merge_input.base.get(name)
        base = base_of(known, has, on_platform[name], partial(merge_input.fingerprint, name))
        if merge_input.has_come_back and base is Base.DATAVERSE and one.row.direction is Direction.TO_PLATFORM:
            base = Base.NEITHER  # nothing was sent while the person was away: others may have been here
        versions = FieldVersions(has, on_platform[name], base, merge_input.is_doubtful)
        if one.option_source is not None:
            _take_consent(agreement, merge_input, name, one, versions)
        elif _was_cut(merge_input, one, versions):
            agreement.settled[name] = merge_input.fingerprint(name, versions.dataverse or EMPTY)
            _carry(agreement, merge_input, name, versions, MergeDecision.TO_DATAVERSE)  # where it is refused, and told
        else:
            row = one.row
            verdict = merge_value(versions, direction=row.direction, policy=row.conflict, blank=row.blank, newer=newer)
            if (
                verdict is MergeDecision.HELD
                and row.direction is Direction.TO_PLATFORM
                and _is_set_back(merge_input, has, base)
            ):
                verdict = MergeDecision.TO_PLATFORM
            _take_value(agreement, merge_input, name, versions, verdict)
    _leave_one_of_two(agreement, merge_input, fields, on_platform)
    agreement.fields = tuple(_field_returns(agreement, fields, on_platform))
    return agreement


def _was_cut(merge_input: MergeInput, one: MappedField, versions: FieldVersions) -> bool:
    """Whether a column has the beginning of a text only, because the new record would not take it whole (CS-24)."""
    begins, whole = versions.dataverse, versions.platform
    if versions.base is not Base.ABSENT or one.row.direction is not Direction.BOTH or not begins or begins == whole:
        return False
    is_beginning = isinstance(begins, str) and isinstance(whole, str) and whole.startswith(begins)
    return is_beginning and was_made_from(merge_input.record.key, merge_input.contact)


def _leave_one_of_two(
    agreement: Agreement, merge_input: MergeInput, fields: Mapping[str, MappedField], on_platform: Mapping[str, Scalar]
) -> None:
    """Of a Dutch property and its foreign one, one has the value (VAL-07): where one comes home, the other is emptied.

    If people have filled both, the Dutch one counts.
    """
    for name, one in fields.items():
        dutch, foreign = one.row.property_name, one.row.foreign
        if name != dutch or foreign not in fields or not one.row.direction.reaches_platform:
            continue
        coming = next((each for each in (dutch, foreign) if agreement.to_dataverse.get(each, EMPTY) != EMPTY), None)
        if coming is None:
            continue
        other = foreign if coming == dutch else dutch
        for leaving in (agreement.sent, agreement.to_dataverse, agreement.returning):
            leaving.pop(other, None)
        agreement.settled[other] = merge_input.fingerprint(other, EMPTY)
        if on_platform[other] != EMPTY:
            agreement.sent[other] = EMPTY


def _is_set_back(merge_input: MergeInput, has: Scalar | None, base: Base) -> bool:
    """Whether what somebody changed in Spotler, in a field that only Dataverse fills, gives way to the column."""
    if has is None:
        return False
    return merge_input.mirrors or (merge_input.restores and base is Base.DATAVERSE and has != EMPTY)


def _newer(merge_input: MergeInput) -> Newer:
    """ConflictPolicy.NEWEST: compare when the record and the contact were last saved; without both, Dataverse leads.

    Dataverse tells whole seconds, so within one second it leads as well.
    """
    modified, changed = merge_input.record.modified_on, merge_input.contact.last_changed
    if modified is None or changed is None:
        return Newer.DATAVERSE
    is_later = changed.replace(microsecond=0) > modified
    return Newer.PLATFORM if is_later else Newer.DATAVERSE


def _take_value(
    agreement: Agreement, merge_input: MergeInput, name: str, versions: FieldVersions, wanted: MergeDecision
) -> None:
    verdict, move = settle(wanted, merge_input.flap_history.get(name), merge_input.now)
    if move is not None:
        agreement.flap_history[name] = move
    if verdict.is_remarkable:
        agreement.merge_decisions[name] = verdict
    _carry(agreement, merge_input, name, versions, verdict)


def _carry(
    agreement: Agreement, merge_input: MergeInput, name: str, versions: FieldVersions, verdict: MergeDecision
) -> None:
    if verdict is MergeDecision.AGREED:
        agreement.settled[name] = merge_input.fingerprint(name, versions.platform)
    elif verdict.reaches_platform and versions.dataverse is not None:
        agreement.sent[name] = versions.dataverse
        agreement.settled[name] = merge_input.fingerprint(name, versions.dataverse)
    elif verdict.reaches_dataverse:
        agreement.to_dataverse[name] = versions.platform
        agreement.returning[name] = merge_input.fingerprint(name, versions.platform)


# -------------------------------------------------------------------------------------------------------------- consent


def _take_consent(
    agreement: Agreement, merge_input: MergeInput, name: str, one: MappedField, versions: FieldVersions
) -> None:
    no = merge_input.fingerprint(name, NO)
    agreed_yes = merge_input.initial_merge_done and merge_input.base.get(name) == merge_input.fingerprint(name, YES)
    row = row_state(one, merge_input.record, merge_input.names, agreed_yes=agreed_yes)
    if (
        merge_input.withholds
    ):  # PERM-08: off in Spotler whatever the rows say; they count again when bulk mail is allowed
        if row is Row.NEVER and one.row.direction.reaches_dataverse:
            _create_row(agreement, merge_input, name, one, has=NO)
        if versions.platform is YES:
            agreement.sent[name] = NO
        elif _was_withdrawn(merge_input, name, one, versions):  # its row must not rise again with bulk mail
            agreement.subscriptions += changed_rows(one, merge_input.record, subscribed=NO)
            agreement.to_dataverse[name] = NO
            agreement.returning[name] = no
            return
        agreement.settled[name] = no
        return
    verdict = _verdict(merge_input, name, one, versions, row)
    match row, verdict:
        case Row.NEVER, MergeDecision.TO_DATAVERSE:
            _create_agreed(agreement, merge_input, name, one, has=versions.platform is YES)
        case Row.DELETED, _:
            agreement.settled[name] = no
            if verdict is MergeDecision.TO_PLATFORM:
                agreement.sent[name] = NO
        case _:
            _carry(agreement, merge_input, name, versions, verdict)
            if verdict is MergeDecision.TO_DATAVERSE:
                agreement.subscriptions += changed_rows(one, merge_input.record, subscribed=versions.platform is YES)


def _verdict(merge_input: MergeInput, name: str, one: MappedField, versions: FieldVersions, row: Row) -> MergeDecision:
    """Decide about one permission, where a yes of Dataverse may lack the evidence that it needs."""
    direction, was_perhaps_sent = one.row.direction, name in merge_input.perhaps_sent
    verdict = merge_consent(versions, direction=direction, row=row, was_perhaps_sent=was_perhaps_sent)
    lower = MergeDecision.TO_DATAVERSE if direction.reaches_dataverse else MergeDecision.HELD
    if (
        verdict is MergeDecision.TO_PLATFORM
        and versions.dataverse is YES
        and not _has_evidence(merge_input, name, one, versions)
    ):
        verdict = lower
    is_open = merge_input.is_new_contact and name not in merge_input.withdrawn
    if name in merge_input.default_rows and not is_open and versions.dataverse is not versions.platform:
        return MergeDecision.TO_DATAVERSE  # a default is nobody's word (PERM-15)
    return verdict


def _has_evidence(merge_input: MergeInput, name: str, one: MappedField, versions: FieldVersions) -> bool:
    """Whether a yes of Dataverse is known to be newer than a no (C-11): where nobody can tell, no stands.

    A record that meets a contact brings a yes that nobody said about this address: it needs a row that somebody changed
    after the contact, or that an administrator made for a record which was there before (PERM-17). A shared address is
    no act of the person who has it. What was refused at the address needs a row that was changed since.
    """
    refused = merge_input.refused.get(name)
    is_first = versions.base is Base.ABSENT and not merge_input.initial_merge_done and not merge_input.is_new_contact
    if one.option_source is not OptionSource.PERMISSIONS:
        return refused is None
    if not is_first and refused is None:
        return True
    if merge_input.is_shared and is_first:
        return False
    since = max((at for at in (refused, merge_input.contact.last_changed if is_first else None) if at), default=None)
    rows = [
        row for row in rows_of(one.option_source, merge_input.record) if one.definition.entry(row.name) == _entry(one)
    ]
    return since is not None and all(row.is_act_after(since, record_made=merge_input.record.created_on) for row in rows)


def _was_withdrawn(merge_input: MergeInput, name: str, one: MappedField, versions: FieldVersions) -> bool:
    """Whether a person has withdrawn, in Spotler, what both sides agreed on before all were switched off."""
    is_asked = one.row.direction.reaches_dataverse and versions.dataverse is YES and not merge_input.is_doubtful
    return is_asked and (versions.base is Base.DATAVERSE or name in merge_input.perhaps_sent)


def _create_agreed(agreement: Agreement, merge_input: MergeInput, name: str, one: MappedField, *, has: bool) -> None:
    subscribed = _create_row(agreement, merge_input, name, one, has=has)
    if subscribed is None:
        if not has:  # no row and no yes: both say no, so that a yes that comes later is the newer word
            agreement.settled[name] = merge_input.fingerprint(name, NO)
        return
    agreement.to_dataverse[name] = subscribed
    agreement.returning[name] = merge_input.fingerprint(name, subscribed)
    if subscribed and not has:
        agreement.sent[name] = YES


def _create_row(
    agreement: Agreement, merge_input: MergeInput, name: str, one: MappedField, *, has: bool
) -> bool | None:
    """PERM-11, PERM-15: make the row that is missing, and return what it says; None if there is no reason for one.

    It says what Spotler says. The administrator's default counts (ENV-07) only in a contact that we made, where nobody
    could have refused anything, and neither for the heir of somebody who was asked nor where the permission was refused
    at the address before. Marketing lists are not made here: those that exist are rows already.
    """
    entry = _entry(one)
    if entry is None or one.option_source is None or one.option_source is OptionSource.LIST:
        return None
    defaults = merge_input.defaults if one.option_source is OptionSource.PERMISSIONS else ()
    default = next((row for row in defaults if one.definition.entry(row.name) == entry), None)
    if default is None and not has:
        return None
    if not has and merge_input.initial_merge_done and name in merge_input.base:  # somebody has deleted it
        return None
    is_unasked = (
        merge_input.is_new_contact
        and name not in merge_input.base
        and name not in {*merge_input.refused, *merge_input.withdrawn}
    )
    subscribed = has or (default is not None and default.subscribed and is_unasked)
    agreement.subscriptions += (SubscriptionReturn(one.option_source, entry.label.strip(), subscribed, None),)
    return subscribed


def changed_rows(one: MappedField, record: PersonRecord, *, subscribed: bool) -> tuple[SubscriptionReturn, ...]:
    """Return the rows of an option that say otherwise, with what they shall say."""
    assert one.option_source is not None, "consent is an option with a home"
    return tuple(
        SubscriptionReturn(one.option_source, row.name, subscribed, row.id)
        for row in rows_of(one.option_source, record)
        if row.subscribed is not subscribed and one.definition.entry(row.name) == _entry(one)
    )


def row_state(one: MappedField, record: PersonRecord, names: RememberedNames, *, agreed_yes: bool) -> Row:
    """Tell whether Dataverse has the row of an option.

    A missing row of an agreed yes was deleted, or renamed by hand, which withdraws the permission as well. Nothing is
    concluded while a row has a name that the permission has, or had until its rename is complete (PERM-21).
    """
    assert one.option_source is not None, "consent is an option with a home"
    rows = rows_of(one.option_source, record)
    entries = [one.definition.entry(row.name) for row in rows]
    if _entry(one) in entries:
        return Row.THERE
    if not agreed_yes or one.option_source is not OptionSource.PERMISSIONS or _is_being_renamed(one, rows, names):
        return Row.NEVER
    return Row.DELETED


def _is_being_renamed(one: MappedField, rows: Iterable[PermissionRow], names: RememberedNames) -> bool:
    """Tell whether a row may be that of an option whose name has changed in Spotler."""
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


# --------------------------------------------------------------------------------------------------------------- fields


def _field_returns(
    agreement: Agreement, fields: Mapping[str, MappedField], on_platform: Mapping[str, Scalar]
) -> list[FieldReturn]:
    """Make one write per row: a list of options as a whole; of a Dutch and a foreign value the one that is there."""
    returns: dict[int, FieldReturn] = {}
    for name in agreement.to_dataverse:
        one = fields[name]
        if one.option_source is not None or id(one.row) in returns:
            continue
        if one.bit is None:
            both = [field_ for other, field_ in fields.items() if field_.row is one.row]
            coming = [each for each in both if each.definition.name in agreement.to_dataverse] or both
            filled = next((each for each in coming if on_platform[each.definition.name] != EMPTY), one)
            returns[id(one.row)] = FieldReturn(one.row, filled.definition, on_platform[filled.definition.name])
        else:
            options = tuple(
                SetOption(each.bit, bool(agreement.sent.get(other, on_platform[other])))
                for other, each in fields.items()
                if each.row is one.row and each.bit is not None
            )
            returns[id(one.row)] = FieldReturn(one.row, one.definition, options)
    return list(returns.values())

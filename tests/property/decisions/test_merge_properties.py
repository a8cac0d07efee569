"""Properties of every merge: of one value, of one permission, and of a whole record with its contact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.consent.permission_defaults import PermissionDefault
from shared.domain.mapping.model import BlankPolicy, ConflictPolicy, Direction
from shared.domain.merging.agreement import MergeInput
from shared.domain.merging.dataverse_changes import DataverseChanges
from shared.domain.merging.field_agreement import agree
from shared.domain.merging.merge import Base, FieldVersions, MergeDecision, Newer, merge_value
from shared.domain.merging.permission_merge import Row, merge_consent
from shared.domain.planning.binding import Binding
from shared.domain.planning.decisions import FetchContact, Plan, Rest, Write
from shared.domain.planning.plan import plan
from shared.domain.planning.plan_input import BaseState, Fetched, PlanInput
from shared.domain.records.marketing_contact import Channel, MarketingContact, SetOption
from shared.domain.records.records import PermissionRow, PersonRecord, PersonTable, RecordKey
from shared.domain.values.fields import as_properties
from shared.domain.values.mapped_fields import mapped_fields, values_of
from tests.histories.twin_world import CATALOGUE
from tests.histories.world import COLUMNS, DIRECTIONS, NAMES, rules

RULES = rules()
KEY = RecordKey(PersonTable.CONTACT, UUID(int=1))
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

texts = st.sampled_from(["", "Delft", "Gouda", "Leiden"])
versions = st.builds(FieldVersions, st.none() | texts, texts, st.sampled_from(Base), is_doubtful=st.booleans())
words = st.builds(FieldVersions, st.booleans(), st.booleans(), st.sampled_from(Base), is_doubtful=st.booleans())
directions = st.sampled_from(Direction)
NAMED = {MergeDecision.ASKED, MergeDecision.HELD, MergeDecision.FROZEN}


# ------------------------------------------------------------------------------------------------------------ one value


@given(versions, directions, st.sampled_from(ConflictPolicy), st.sampled_from(BlankPolicy), st.sampled_from(Newer))
def test_a_decision_leads_to_agreement_or_is_named(
    before: FieldVersions, direction: Direction, policy: ConflictPolicy, blank: BlankPolicy, newer: Newer
) -> None:
    def decide(versions: FieldVersions) -> MergeDecision:
        return merge_value(versions, direction=direction, policy=policy, blank=blank, newer=newer)

    decision = decide(before)
    assert decide(before) is decision
    if decision.reaches_platform:
        assert direction.reaches_platform
        assert before.dataverse is not None
        after = FieldVersions(before.dataverse, before.dataverse, Base.PLATFORM)
    elif decision.reaches_dataverse:
        assert direction.reaches_dataverse
        after = FieldVersions(before.platform, before.platform, Base.PLATFORM)
    else:
        assert before.dataverse == before.platform or decision in NAMED
        return
    assert decide(after) is MergeDecision.AGREED


@given(versions, directions, st.sampled_from(ConflictPolicy))
def test_blanks_that_are_kept_empty_nothing(
    before: FieldVersions, direction: Direction, policy: ConflictPolicy
) -> None:
    decision = merge_value(before, direction=direction, policy=policy, blank=BlankPolicy.KEEP)
    assert not (decision.reaches_platform and before.dataverse == "")
    assert not (decision.reaches_dataverse and before.platform == "")


# ------------------------------------------------------------------------------------------------------ one permission


@given(before=words, direction=directions, row=st.sampled_from(Row), was_perhaps_sent=st.booleans())
def test_consent_never_rises_without_a_yes_that_is_newer_than_the_base(
    before: FieldVersions, direction: Direction, row: Row, *, was_perhaps_sent: bool
) -> None:
    decision = merge_consent(before, direction=direction, row=row, was_perhaps_sent=was_perhaps_sent)
    if row is Row.NEVER:
        assert decision in {MergeDecision.TO_DATAVERSE, MergeDecision.HELD}  # Spotler's own answer
    elif decision is MergeDecision.TO_PLATFORM and row is Row.THERE and before.dataverse is True:
        assert before.base is not Base.DATAVERSE, "both had a yes: it was withdrawn in Spotler"
        assert not was_perhaps_sent
    elif decision is MergeDecision.TO_DATAVERSE and before.platform is True:
        assert before.base is Base.DATAVERSE, "both had a no, and Spotler has a yes since"
        assert not before.is_doubtful


@given(before=words, was_perhaps_sent=st.booleans())
def test_two_way_consent_always_agrees(before: FieldVersions, *, was_perhaps_sent: bool) -> None:
    decision = merge_consent(before, direction=Direction.BOTH, was_perhaps_sent=was_perhaps_sent)
    assert decision in {MergeDecision.AGREED, MergeDecision.TO_PLATFORM, MergeDecision.TO_DATAVERSE}
    assert (decision is MergeDecision.AGREED) is (before.dataverse == before.platform)


# ---------------------------------------------------------------------------------------------------- a whole record


@dataclass(frozen=True)
class Pair:
    """A record and its contact."""

    record: PersonRecord
    contact: MarketingContact


contents = st.fixed_dictionaries(dict.fromkeys(COLUMNS, texts))
options = st.fixed_dictionaries(dict.fromkeys(NAMES, st.booleans()))
rows = st.dictionaries(st.sampled_from(sorted(NAMES)), st.booleans())


def contact_with(values: Mapping[str, Any], switches: Mapping[str, bool]) -> MarketingContact:
    bits = tuple(SetOption(int(name.partition(":")[2]), on) for name, on in sorted(switches.items()))
    full = {"email": "ann@example.com", "customerType": "contact", **values, "permissions": bits}
    filled = {name: value for name, value in full.items() if value != ""}
    return MarketingContact(str(KEY.id), "e1", filled, {Channel.EMAIL: True}, NOW, NOW.replace(year=2020))


def record_with(values: Mapping[str, str], permissions: Mapping[str, bool], *, refuses: bool = False) -> PersonRecord:
    columns = {COLUMNS[name]: value or None for name, value in values.items()}
    said = tuple(
        PermissionRow(NAMES[name], on, UUID(int=number)) for number, (name, on) in enumerate(permissions.items())
    )
    main = {"emailaddress1": "ann@example.com", "statecode": 0, "donotbulkemail": refuses}
    return PersonRecord(KEY, {**main, **columns}, permissions=said, modified_on=NOW)


pairs = st.builds(Pair, st.builds(record_with, contents, rows), st.builds(contact_with, contents, options))
defaults = st.lists(st.builds(PermissionDefault, st.sampled_from(sorted(NAMES.values())), st.booleans()), max_size=2)


@st.composite
def bindings(draw: st.DrawFn) -> Binding:
    """The result of some earlier state of both sides."""
    past = draw(pairs)
    values = values_of(past.contact, fields(), RULES.mapping.zone)
    known = draw(st.sets(st.sampled_from(sorted(values))))
    prints = {name: RULES.fingerprints.value(str(KEY.id), name, values[name]) for name in known}
    address = RULES.fingerprints.address("ann@example.com")
    return Binding(
        str(KEY.id), is_live=True, base=prints, address=address, initial_merge_done=draw(st.booleans()), since=NOW
    )


def fields() -> Any:
    return mapped_fields(RULES.mapping.for_table(KEY.table), KEY.table, CATALOGUE)


def plan_input(pair: Pair, binding: Binding, **more: Any) -> PlanInput:
    return PlanInput(KEY, pair.record, binding, fetched=Fetched.YES, contact=pair.contact, now=NOW, **more)


def carry_out(pair: Pair, planned: Plan) -> Pair:
    """Both sides after a plan, if everything was accepted."""
    assert isinstance(planned, Write | Rest)
    record, contact = pair.record, pair.contact
    if isinstance(planned, Write):
        contact = written(contact, planned)
    return Pair(written_back(record, planned.dataverse_changes), contact)


def written(contact: MarketingContact, planned: Write) -> MarketingContact:
    properties = dict(contact.properties)
    for name, value in planned.properties.items():
        if isinstance(value, tuple):
            old: Any = properties.get(name, ())
            bits = {one.bit: one for one in (*old, *value)}
            properties[name] = tuple(bits.values())
        else:
            properties[name] = value
    return replace(contact, properties={name: value for name, value in properties.items() if value != ""})


def written_back(record: PersonRecord, changes: DataverseChanges) -> PersonRecord:
    values = {**record.values, **{str(one.row.sources[KEY.table]): one.value or None for one in changes.fields}}
    said = {row.name: row for row in record.permissions}
    for one in changes.subscriptions:
        said[one.name] = PermissionRow(one.name, one.subscribed, one.row or UUID(int=99))
    if changes.refuses_bulk is not None:
        values["donotbulkemail"] = changes.refuses_bulk
    return replace(record, values=values, permissions=tuple(said.values()))


def remembered(planned: Plan) -> Binding:
    assert isinstance(planned, Write | Rest)
    return replace(planned.binding, base={**planned.binding.base, **planned.dataverse_changes.prints})


@given(pairs, bindings(), defaults, st.sampled_from(BaseState))
def test_a_plan_with_both_sides_read_is_carried_out_once(
    pair: Pair, binding: Binding, said: list[PermissionDefault], base_state: BaseState
) -> None:
    planned = plan(plan_input(pair, binding, defaults=tuple(said), base_state=base_state), RULES, CATALOGUE)
    again = plan(plan_input(carry_out(pair, planned), remembered(planned), defaults=tuple(said)), RULES, CATALOGUE)
    # In doubt a row that asks, or keeps blanks, waits: the next pass uses the base.
    late = {"initials", "street"} if base_state is BaseState.NOTHING else set()
    assert isinstance(again, Rest) or set(again.fields) <= late
    assert isinstance(again, Rest | Write)
    assert {one.definition.name for one in again.dataverse_changes.fields} <= late
    assert not again.dataverse_changes.subscriptions
    assert again.dataverse_changes.refuses_bulk is None


@given(pairs, bindings(), defaults, st.sampled_from(BaseState))
def test_both_sides_agree_afterwards_or_a_decision_explains_why_not(
    pair: Pair, binding: Binding, said: list[PermissionDefault], base_state: BaseState
) -> None:
    planned = plan(plan_input(pair, binding, defaults=tuple(said), base_state=base_state), RULES, CATALOGUE)
    after = carry_out(pair, planned)
    for name in (name for name, direction in DIRECTIONS.items() if direction == "<->"):
        here, there = after.record.values[COLUMNS[name]] or "", after.contact.properties.get(name, "")
        is_kept = name == "initials" and not (here and there)
        assert here == there or is_kept or remembered(planned).merge_decisions.get(name) in NAMED
    for name, on in switched(after.contact).items():
        assert {row.subscribed for row in after.record.permissions if row.name == NAMES[name]} <= {on}


@given(pairs, bindings(), defaults)
def test_do_not_bulk_email_switches_everything_off_and_leaves_the_rows(
    pair: Pair, binding: Binding, said: list[PermissionDefault]
) -> None:
    refusing = replace(pair, record=replace(pair.record, values={**pair.record.values, "donotbulkemail": True}))
    after = carry_out(refusing, plan(plan_input(refusing, binding, defaults=tuple(said)), RULES, CATALOGUE))
    assert not any(switched(after.contact).values())
    kept = {row.name: row.subscribed for row in after.record.permissions}
    for row in pair.record.permissions:  # it becomes no only after a withdrawal in Spotler
        name = next(name for name, label in NAMES.items() if label == row.name)
        assert kept[row.name] is row.subscribed or (row.subscribed and not switched(pair.contact)[name])


@given(pairs, bindings(), defaults)
def test_contact_that_cannot_be_mailed_is_never_written(
    pair: Pair, binding: Binding, said: list[PermissionDefault]
) -> None:
    closed = replace(pair, contact=replace(pair.contact, channels={Channel.EMAIL: False}))
    planned = plan(plan_input(closed, binding, defaults=tuple(said), bounces_until=NOW), RULES, CATALOGUE)
    assert isinstance(planned, Rest)
    assert planned.dataverse_changes == DataverseChanges(refuses_bulk=True)


@given(pairs, bindings(), st.sampled_from(BaseState))
def test_a_plan_without_the_contact_reads_it_wherever_the_platform_could_object(
    pair: Pair, binding: Binding, base_state: BaseState
) -> None:
    unread = replace(plan_input(pair, binding, base_state=base_state), fetched=Fetched.NO, contact=None)
    planned = plan(unread, RULES, CATALOGUE)
    if base_state is BaseState.NOTHING or not binding.initial_merge_done or not binding.address:
        assert isinstance(planned, FetchContact)


@given(pair=pairs, binding=bindings(), order=st.permutations(sorted(fields())), base_state=st.sampled_from(BaseState))
def test_the_order_of_fields_does_not_matter(
    pair: Pair, binding: Binding, order: list[str], base_state: BaseState
) -> None:
    sides = MergeInput(
        plan_input(pair, binding, base_state=base_state),
        RULES,
        pair.contact,
        RULES.fingerprints.of_contact(binding.external_id),
        dataverse=values_of(pair.contact, fields(), RULES.mapping.zone),
        base=binding.base,
    )
    known = fields()
    first, second = agree(sides, known), agree(sides, {name: known[name] for name in order})
    assert (first.sent, first.to_dataverse, first.settled, first.returning, first.merge_decisions) == (
        second.sent,
        second.to_dataverse,
        second.settled,
        second.returning,
        second.merge_decisions,
    )
    assert as_properties(first.sent).keys() == as_properties(second.sent).keys()
    assert {one.name: one for one in first.subscriptions} == {one.name: one for one in second.subscriptions}


def switched(contact: MarketingContact) -> dict[str, bool]:
    bits: Any = contact.properties["permissions"]
    return {name: any(one.enabled for one in bits if one.bit == int(name.partition(":")[2])) for name in NAMES}

"""Properties of every plan, whatever the record, the settings, the sharing records and the past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.planning.binding import Binding
from shared.domain.planning.decisions import Anonymize, Decision, FetchContact, Plan, Rest, Write
from shared.domain.planning.erase import let_go
from shared.domain.planning.identity import identify
from shared.domain.planning.plan import plan
from shared.domain.planning.plan_input import BaseState, Fetched, PlanInput, SharingRecords
from shared.domain.planning.rules import EndAction, Rules, Unmapped
from shared.domain.records.marketing_contact import PropertyType, PropertyValue, Purge
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.domain.records.records import (
    Intent,
    PermissionRow,
    PersonRecord,
    PersonTable,
    RecordKey,
    StatusRow,
    SyncStatus,
)
from shared.domain.values.fields import as_properties, wished_fields
from shared.domain.values.values import Fits, convert
from tests.connector_twin import CATALOGUE, RULES

SHARING = RecordKey(PersonTable.LEAD, UUID(int=9))
SECRET = "Zebedee"
"""Stands in every personal value of a marked record."""

keys = st.builds(RecordKey, st.sampled_from(PersonTable), st.uuids())
rules = st.builds(
    replace,
    st.just(RULES),
    environment_is_on=st.sampled_from([True, True, True, False]),
    on_delete=st.sampled_from(EndAction),
    on_inactive=st.sampled_from(EndAction),
    unmapped=st.sampled_from(Unmapped),
)
texts = st.none() | st.sampled_from(["", "Delft", "Gouda"]) | st.text(max_size=12)
hostile = st.text() | st.sampled_from(
    ["' or 1 eq 1", "<fetch/>", "=cmd|' /C calc'!A0", "\u202egnp.exe", "\x00", "💌" * 999]
)
emails = st.sampled_from(["ann@example.com", "ANN@example.com", "ben@example.com", "nonsense", "", None])
sharing_records = st.builds(SharingRecords, st.sampled_from([(), (SHARING,)]), refuse_bulk=st.booleans())
permissions = st.lists(
    st.builds(PermissionRow, st.sampled_from(["Newsletter", "events ", "Unknown"]), subscribed=st.booleans()),
    max_size=4,
).map(tuple)
statuses = st.none() | st.builds(StatusRow, st.uuids(), st.sampled_from(SyncStatus))


def records(values: st.SearchStrategy[Any] = texts) -> st.SearchStrategy[PersonRecord]:
    columns = st.fixed_dictionaries(
        {
            "statecode": st.sampled_from([0, 0, 0, 1, 2]),
            "emailaddress1": emails,
            "firstname": values,
            "address1_city": values,
            "address1_postalcode": st.sampled_from(["2611 AB", "B-1000", None]) | values,
            "donotemail": st.sampled_from([None, False, False, True]),
            "donotbulkemail": st.booleans(),
            "merged": st.booleans(),
        }
    )
    return st.builds(PersonRecord, keys, columns, permissions=permissions, status=statuses)


@dataclass
class Spotler:
    """The content of one contact, as far as plans show it."""

    values: dict[str, Any] = field(default_factory=dict)

    def take(self, planned: Plan) -> None:
        match planned:
            case Write(properties, _, purge):
                if purge is Purge.PURGE:
                    self.values.clear()
                self.values |= flat(properties)
            case Anonymize():
                self.values.clear()
            case Rest():
                self.values |= flat(planned.refused)


def flat(properties: Mapping[str, PropertyValue]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in properties.items():
        if isinstance(value, tuple):
            values |= {f"{name}:{option.bit}": option.enabled for option in value}
        else:
            values[name] = value
    return values


def first_look(record: PersonRecord) -> PlanInput:
    return PlanInput(record.key, record, Binding(str(record.key.id)), fetched=Fetched.SKIPPED)


def created(planned: Plan) -> Decision:
    """The decision to carry out if the contact does not exist."""
    assert not isinstance(planned, FetchContact)
    return planned.if_absent if isinstance(planned, Write) and planned.meets and planned.if_absent else planned


def is_written(planned: Plan) -> bool:
    return not isinstance(planned, Rest)


@st.composite
def situations(draw: st.DrawFn) -> PlanInput:
    """A record with a past: never synced, or synced in another state; now perhaps gone."""
    now = draw(records())
    before = draw(records())
    binding = created(plan(first_look(replace(before, key=now.key)), RULES, CATALOGUE)).binding
    return PlanInput(
        now.key,
        draw(st.sampled_from([now, now, now, None])),
        draw(st.sampled_from([binding, Binding(str(now.key.id))])),
        intent=draw(st.sampled_from([Intent.SYNC, Intent.SYNC, Intent.ANONYMIZE, Intent.PURGE])),
        base_state=draw(st.sampled_from(BaseState)),
        sharing_records=draw(sharing_records),
        fetched=Fetched.SKIPPED,
    )


@given(situations(), rules)
def test_the_same_situation_gives_the_same_plan(plan_input: PlanInput, settings: Rules) -> None:
    assert plan(plan_input, settings, CATALOGUE) == plan(plan_input, settings, CATALOGUE)


@given(situations(), rules)
def test_after_a_plan_was_applied_there_is_nothing_left_to_write(plan_input: PlanInput, settings: Rules) -> None:
    plan_input = replace(plan_input, intent=Intent.SYNC)
    planned = created(plan(plan_input, settings, CATALOGUE))
    again = replace(plan_input, binding=planned.binding, base_state=BaseState.BASE)
    assert not is_written(plan(again, settings, CATALOGUE))


@given(records(), rules, st.data())
def test_many_edits_and_passes_leave_the_last_state_in_spotler(
    record: PersonRecord, settings: Rules, data: st.DataObject
) -> None:
    spotler, binding = Spotler(), Binding(str(record.key.id))
    for version in [record, *data.draw(st.lists(records(), max_size=3))]:
        state = replace(
            version, key=record.key, status=None, values={**version.values, "statecode": 0, "donotemail": False}
        )
        planned = created(plan(replace(first_look(state), binding=binding), settings, CATALOGUE))
        spotler.take(planned)
        binding = planned.binding
        if isinstance(planned, Rest) and planned.result is not Result.UNCHANGED:
            continue
        wished = wished_fields(state, settings.mapping, CATALOGUE)
        off = state.values["donotbulkemail"]
        if binding.is_live:
            for name, value in wished.values.items():
                expected = False if off and name.startswith("permissions:") else value
                assert spotler.values.get(name, False if ":" in name else "") == expected


@given(situations(), rules)
def test_permission_is_given_only_by_a_new_yes_of_a_row(plan_input: PlanInput, settings: Rules) -> None:
    planned = created(plan(plan_input, settings, CATALOGUE))
    if not isinstance(planned, Write):
        return
    raised = [name for name, value in flat(planned.properties).items() if value is True]
    if not raised:
        return
    record = plan_input.record
    assert record is not None
    assert not record.values["donotbulkemail"]
    assert not plan_input.sharing_records.refuse_bulk
    permitted = {row.name.strip().casefold() for row in record.permissions if row.subscribed}
    refused = {row.name.strip().casefold() for row in record.permissions if not row.subscribed}
    for name in raised:
        option = CATALOGUE.named("permissions")
        assert option is not None
        entry = option.entry_with_bit(int(name.partition(":")[2]))
        assert entry is not None
        assert entry.label.casefold() in permitted - refused
        agreed = plan_input.binding.base.get(name) if plan_input.binding.is_live else None
        assert agreed != settings.fingerprints.value(plan_input.binding.external_id, name, value=True)


@given(situations(), rules)
def test_a_contact_that_others_need_is_never_erased_or_blanked(plan_input: PlanInput, settings: Rules) -> None:
    shared = replace(plan_input, sharing_records=replace(plan_input.sharing_records, keys=(SHARING,)))
    for planned in (plan(shared, settings, CATALOGUE), let_go(shared)):
        assert not isinstance(planned, Anonymize)
        if isinstance(planned, Write):
            assert planned.purge is Purge.KEEP
            assert planned.reason in {Reason.CREATED, Reason.UPDATED}


@given(records(), records(), sharing_records)
def test_without_trust_every_field_that_is_no_permission_is_sent(
    record: PersonRecord, before: PersonRecord, around: SharingRecords
) -> None:
    binding = created(plan(first_look(replace(before, key=record.key)), RULES, CATALOGUE)).binding
    plan_input = replace(first_look(record), binding=binding, base_state=BaseState.NOTHING, sharing_records=around)
    planned = plan(plan_input, RULES, CATALOGUE)
    if not isinstance(planned, Write) or planned.reason not in {Reason.CREATED, Reason.UPDATED}:
        return
    wished = wished_fields(record, RULES.mapping, CATALOGUE)
    fields = {name for name in wished.values if not name.startswith("permissions:")}
    assert fields <= set(flat(planned.properties))


@given(situations())
def test_a_mapping_that_is_switched_off_writes_nothing_by_itself(plan_input: PlanInput) -> None:
    off = replace(RULES, environment_is_on=False)
    assert not is_written(plan(replace(plan_input, intent=Intent.SYNC), off, CATALOGUE))


@given(records(hostile), rules, st.sampled_from(BaseState), st.sampled_from(Intent))
def test_no_text_that_people_write_breaks_a_plan(
    record: PersonRecord, settings: Rules, base_state: BaseState, intent: Intent
) -> None:
    planned = plan(replace(first_look(record), base_state=base_state, intent=intent), settings, CATALOGUE)
    assert planned.binding.external_id


@given(
    hostile | st.integers() | st.floats() | st.booleans() | st.none(),
    st.none() | hostile,
    st.sampled_from(PropertyType),
)
def test_every_value_converts_or_reports_what_is_expected(value: Any, label: str | None, kind: PropertyType) -> None:
    converted = convert(value, label, kind)
    assert converted == convert(value, label, kind)
    if isinstance(converted, Fits):  # a normalised value is no change when it is read back
        assert convert(converted.value, None, kind) == converted


@given(records(), rules, st.sampled_from(BaseState), sharing_records)
def test_nothing_that_is_logged_or_stored_has_a_personal_value(
    record: PersonRecord, settings: Rules, base_state: BaseState, around: SharingRecords
) -> None:
    marked = replace(
        record,
        status=None,
        values={
            **record.values,
            "emailaddress1": f"{SECRET}@example.com",
            "firstname": SECRET,
            "address1_city": f"{SECRET} City",
            "address1_postalcode": f"{SECRET} 9",
        },
    )
    planned = plan(replace(first_look(marked), base_state=base_state, sharing_records=around), settings, CATALOGUE)
    problems = planned.problems if isinstance(planned, Write | Rest) else ()
    fields = planned.fields if isinstance(planned, Write) else ()
    outcome = Outcome(record.key, Result.WRITTEN, planned.reason, problems, fields)
    assert SECRET.casefold() not in f"{planned.binding} {problems} {outcome} {outcome.text}".casefold()


@given(st.dictionaries(st.sampled_from(["a", "b", "set:1", "set:2", "other:1"]), st.booleans() | st.text(max_size=3)))
def test_fields_fold_into_properties_and_back(values: dict[str, Any]) -> None:
    expected = {name: bool(value) if ":" in name else value for name, value in values.items()}
    assert flat(as_properties(values)) == expected


@given(
    binding=st.builds(Binding, st.sampled_from(["x", "y"]), is_live=st.booleans(), address=st.sampled_from(["a", "b"])),
    base_state=st.sampled_from(BaseState),
    address=st.sampled_from(["a", "b"]),
    around=sharing_records,
    owner=st.sampled_from([None, "x", "y"]),
)
def test_a_record_never_joins_the_contact_it_has(
    *, binding: Binding, base_state: BaseState, address: str, around: SharingRecords, owner: str | None
) -> None:
    identity = identify(binding, address, base_state=base_state, sharing_records=around, owner=owner)
    joins_itself = getattr(identity, "external_id", None) == binding.external_id
    assert not (joins_itself and (binding.is_live or not around.keys))  # unless others have found it meanwhile
    assert identity == identify(binding, address, base_state=base_state, sharing_records=around, owner=owner)

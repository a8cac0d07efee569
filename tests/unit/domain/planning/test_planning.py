"""The writes for a record that meets the conditions: only what differs from the last agreement of both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from shared.domain.mapping.model import BlankPolicy, Direction
from shared.domain.planning.binding import Binding
from shared.domain.planning.decisions import Plan, Rest, Write, WriteMode
from shared.domain.planning.plan import plan
from shared.domain.planning.plan_input import BaseState, Fetched, PlanInput, SharingRecords
from shared.domain.planning.rules import Rules, Unmapped
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyValue, Purge, SetOption
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import PermissionRow, PersonRecord, PersonTable, RecordKey
from shared.domain.values.fields import present_values, wished_fields
from shared.domain.values.mapped_fields import mapped_fields
from tests.connector_twin import CATALOGUE, MAPPING, RULES, rules

ANN = RecordKey(PersonTable.CONTACT, UUID(int=1))
BEN = RecordKey(PersonTable.LEAD, UUID(int=2))
CONTACT_ID = "contact-in-spotler"


def record(permissions: dict[str, bool] | None = None, **values: Any) -> PersonRecord:
    rows = tuple(PermissionRow(name, subscribed=on) for name, on in (permissions or {}).items())
    usual = {
        "statecode": 0,
        "emailaddress1": "ann@example.com",
        "firstname": "Ann",
        "address1_city": "Delft",
        "address1_postalcode": None,
    }
    return PersonRecord(ANN, {**usual, **values}, permissions=rows)


def plan_input(person: PersonRecord, binding: Binding | None = None, **changes: Any) -> PlanInput:
    """Plans without the contact."""
    return replace(PlanInput(ANN, person, binding or Binding(CONTACT_ID), fetched=Fetched.SKIPPED), **changes)


def written(planned: Plan) -> dict[str, PropertyValue]:
    assert isinstance(planned, Write)
    assert planned.purge is Purge.KEEP
    return dict(planned.properties)


def created(planned: Plan) -> Write:
    """Writes for a contact that does not exist."""
    assert isinstance(planned, Write)
    assert planned.if_absent is not None
    return planned.if_absent


def synced(person: PersonRecord, *, by: Rules = RULES) -> Binding:
    """The binding after a contact was created."""
    return created(plan(plan_input(person), by, CATALOGUE)).binding


def test_a_new_record_is_written_with_everything_that_is_not_empty() -> None:  # CS-15, CS-28
    new = plan_input(record({"Newsletter": True, "Events": False}, address1_city=None))
    planned = created(plan(new, RULES, CATALOGUE))

    assert written(planned) == {
        "email": "ann@example.com",
        "firstName": "Ann",
        "customerType": "contact",
        "permissions": (SetOption(1, enabled=True), SetOption(2, enabled=False)),
    }
    assert planned.delivery is WriteMode.INSERT
    assert planned.reason is Reason.CREATED
    assert planned.binding.is_live
    assert planned.binding.external_id == CONTACT_ID


def test_nothing_is_written_when_nothing_differs() -> None:  # C-44
    planned = plan(plan_input(record(), synced(record())), RULES, CATALOGUE)
    assert isinstance(planned, Rest)
    assert (planned.result, planned.reason) == (Result.UNCHANGED, Reason.AGREED)


def test_update_sends_only_changes_and_the_address() -> None:  # CS-16
    planned = plan(plan_input(record(address1_city="Gouda"), synced(record())), RULES, CATALOGUE)
    assert written(planned) == {"email": "ann@example.com", "city": "Gouda"}
    assert isinstance(planned, Write)
    assert planned.reason is Reason.UPDATED
    assert planned.fields == ("city",)


def test_a_value_that_was_removed_is_emptied() -> None:
    assert written(plan(plan_input(record(address1_city=None), synced(record())), RULES, CATALOGUE))["city"] == ""


def test_empty_field_without_base_keeps_the_value_in_spotler() -> None:  # PURGE-02
    bound = synced(record(address1_city=None))
    assert "city" not in written(plan(plan_input(record(address1_city=None, firstname="An"), bound), RULES, CATALOGUE))


def test_update_can_empty_unmapped_properties() -> None:  # PURGE-01
    clearing = rules(unmapped=Unmapped.CLEAR)
    planned = plan(plan_input(record(address1_city="Gouda"), synced(record(), by=clearing)), clearing, CATALOGUE)
    assert written(planned) == {"email": "ann@example.com", "city": "Gouda", "hobby": ""}


def test_emptying_leaves_permissions_alone() -> None:
    clearing = rules(unmapped=Unmapped.CLEAR)
    assert "permissions" not in written(plan(plan_input(record()), clearing, CATALOGUE))


def test_without_trust_everything_is_written_that_is_not_a_permission() -> None:
    bound = synced(record(address1_city=None))
    planned = plan(plan_input(record(address1_city=None), bound, base_state=BaseState.NOTHING), RULES, CATALOGUE)
    assert written(planned) == {
        "email": "ann@example.com",
        "firstName": "Ann",
        "city": "",
        "postalCode": "",
        "foreignPostalCode": "",
        "customerType": "contact",
    }


def test_insertion_in_doubt_also_sends_empty_values() -> None:
    """The worker that died may have written a value that was removed since."""
    assert (
        written(plan(plan_input(record(address1_city=None), base_state=BaseState.NOTHING), RULES, CATALOGUE))["city"]
        == ""
    )


@pytest.mark.parametrize(
    ("agreed", "wished", "base_state", "sent"),
    [
        (None, True, BaseState.BASE, (SetOption(1, enabled=True),)),  # a new opt-in
        (None, False, BaseState.BASE, None),  # a contact made by the connector has no permissions of its own
        (True, True, BaseState.BASE, None),
        (True, False, BaseState.BASE, (SetOption(1, enabled=False),)),
        (False, True, BaseState.BASE, (SetOption(1, enabled=True),)),
        (True, True, BaseState.NOTHING, None),  # may have been withdrawn in Spotler since
        (False, False, BaseState.NOTHING, (SetOption(1, enabled=False),)),
        (None, True, BaseState.NOTHING, (SetOption(1, enabled=True),)),
    ],
)
def test_a_permission_rises_only_by_a_new_yes(
    *, agreed: bool | None, wished: bool, base_state: BaseState, sent: tuple[SetOption, ...] | None
) -> None:
    bound = synced(record({} if agreed is None else {"Newsletter": agreed}))
    now = record({"Newsletter": wished}, firstname="Anna")
    assert written(plan(plan_input(now, bound, base_state=base_state), RULES, CATALOGUE)).get("permissions") == sent


def test_do_not_bulk_email_switches_every_permission_off_and_nothing_else() -> None:  # OPT-02, OPT-11, PERM-08
    person = record({"Newsletter": True})
    planned = plan(plan_input(replace(person, values=person.values | {"donotbulkemail": True})), RULES, CATALOGUE)
    assert written(planned)["permissions"] == (SetOption(1, enabled=False), SetOption(2, enabled=False))
    assert written(planned)["firstName"] == "Ann"
    assert planned.permissions_off


def test_allowing_bulk_email_again_sends_the_permissions_again() -> None:  # PERM-24
    refusing = synced(record({"Newsletter": True, "Events": False}, donotbulkemail=True))
    planned = plan(plan_input(record({"Newsletter": True, "Events": False}), refusing), RULES, CATALOGUE)
    assert written(planned)["permissions"] == (SetOption(1, enabled=True),)


def test_one_record_that_refuses_bulk_mail_refuses_it_for_all_with_its_address() -> None:
    sharing_records = SharingRecords((BEN,), refuse_bulk=True)
    planned = plan(plan_input(record({"Newsletter": True}), sharing_records=sharing_records), RULES, CATALOGUE)
    assert written(planned)["permissions"] == (SetOption(1, enabled=False), SetOption(2, enabled=False))


def test_a_field_that_must_fit_stops_the_record_and_is_named() -> None:  # VAL-05
    strict = rules(mapping=replace(RULES.mapping, rows=tuple(replace(row, foreign="") for row in RULES.mapping.rows)))
    bound = synced(record())
    planned = plan(plan_input(record(address1_postalcode="B-1000"), bound), strict, CATALOGUE)
    assert isinstance(planned, Rest)
    assert (planned.result, planned.reason) == (Result.FAILED, Reason.INVALID_VALUE)
    assert [(one.property_name, one.source) for one in planned.problems] == [("postalCode", "address1_postalcode")]
    assert planned.binding == bound


def test_a_field_that_travels_one_way_leaves_no_move_that_could_count_as_flapping() -> None:
    two_way = replace(MAPPING, rows=tuple(replace(row, direction=Direction.BOTH) for row in MAPPING.rows))
    assert synced(record()).flap_history == {}
    assert {"firstName", "city"} <= synced(record(), by=rules(mapping=two_way)).flap_history.keys()


def test_rows_that_rest_are_left_out_and_the_others_are_worked_out_once() -> None:
    without_city = replace(record(), values={"emailaddress1": "ann@example.com", "firstname": "Ann"})
    rows = MAPPING.rows_read(without_city)

    assert [row.property_name for row in rows] == ["email", "firstName", "customerType", "permissions"]
    assert MAPPING.rows_read(without_city) is rows
    assert MAPPING.rows_read(record()) is MAPPING.for_table(ANN.table)
    fields = mapped_fields(rows, ANN.table, CATALOGUE)
    assert mapped_fields(rows, ANN.table, CATALOGUE) is fields
    assert fields.keys() == {"email", "firstName", "customerType", "permissions:1", "permissions:2"}
    assert mapped_fields(rows, ANN.table, PropertyCatalogue(CATALOGUE.definitions[:1])).keys() == {"email"}


def test_what_is_wished_is_what_dataverse_has_only_where_every_row_sends_its_value() -> None:
    keeping = replace(MAPPING, rows=tuple(replace(row, blank=BlankPolicy.KEEP) for row in MAPPING.rows))
    returning = replace(MAPPING, rows=(*MAPPING.rows[:1], replace(MAPPING.rows[1], direction=Direction.TO_DATAVERSE)))
    assert [one.sends_as_is(ANN.table) for one in (MAPPING, keeping, returning)] == [True, False, False]
    for mapping in (MAPPING, keeping, returning):
        person = record(address1_city=None)
        wished = wished_fields(person, mapping, CATALOGUE)
        assert present_values(person, mapping, CATALOGUE, wished) == present_values(person, mapping, CATALOGUE)

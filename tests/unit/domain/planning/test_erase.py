"""The contact of a record that ends, or that a job erases or purges (DEL, ANON, PURGE)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.planning.binding import Binding
from shared.domain.planning.decisions import Anonymize, Rest, Write
from shared.domain.planning.erase import let_go
from shared.domain.planning.plan import plan
from shared.domain.planning.plan_input import BaseState, PlanInput, SharingRecords
from shared.domain.planning.rules import EndAction
from shared.domain.records.marketing_contact import Purge, SetOption
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import Intent, PersonRecord, PersonTable, RecordKey, StatusRow, SyncStatus
from tests.connector_twin import CATALOGUE, RULES, rules
from tests.unit.domain.planning.test_planning import ANN, BEN, CONTACT_ID, plan_input, record, synced

LIVE = synced(record({"Newsletter": True}))
NEVER = Binding(CONTACT_ID)
SHARED = SharingRecords((BEN,))
ALL_OFF = (SetOption(1, enabled=False), SetOption(2, enabled=False))


def gone(binding: Binding = LIVE, **changes: Any) -> PlanInput:
    return replace(PlanInput(ANN, None, binding), **changes)


CAUSES = {
    Reason.DELETED: gone(),
    Reason.INACTIVE: plan_input(record({"Newsletter": True}, statecode=1), LIVE),
    Reason.MERGED: plan_input(record({"Newsletter": True}, statecode=1, merged=True), LIVE),
    Reason.DO_NOT_EMAIL: plan_input(record(donotemail=True), LIVE),
    Reason.NO_EMAIL: plan_input(record(emailaddress1=None), LIVE),
}
causes = pytest.mark.parametrize(("reason", "ending"), CAUSES.items(), ids=[str(reason) for reason in CAUSES])


@causes
def test_by_default_every_end_erases_the_contact(reason: Reason, ending: PlanInput) -> None:  # DEL-04, ANON-03..06
    planned = plan(ending, RULES, CATALOGUE)
    assert isinstance(planned, Anonymize)
    assert planned.reason is reason
    assert planned.binding == Binding(CONTACT_ID)


@causes
def test_record_without_contact_needs_no_call(reason: Reason, ending: PlanInput) -> None:  # C-35
    planned = plan(replace(ending, binding=NEVER), RULES, CATALOGUE)
    assert isinstance(planned, Rest)
    assert (planned.result, planned.reason, planned.binding) == (Result.SKIPPED, reason, NEVER)


@causes
def test_contact_that_a_dead_worker_may_have_made_is_erased(reason: Reason, ending: PlanInput) -> None:
    planned = plan(replace(ending, binding=NEVER, base_state=BaseState.NOTHING), RULES, CATALOGUE)
    assert isinstance(planned, Anonymize)
    assert planned.reason is reason


@causes
@pytest.mark.parametrize("action", [EndAction.ANONYMIZE, EndAction.BLANK, EndAction.PERMISSIONS_OFF])
def test_a_contact_that_another_active_record_uses_is_kept_whatever_the_setting(
    action: EndAction, reason: Reason, ending: PlanInput
) -> None:
    planned = plan(replace(ending, sharing_records=SHARED), rules(on_delete=action, on_inactive=action), CATALOGUE)
    assert isinstance(planned, Rest)
    assert (planned.result, planned.reason) == (Result.KEPT, Reason.STILL_USED)
    assert not planned.binding.is_live


@pytest.mark.parametrize("reason", [Reason.DELETED, Reason.INACTIVE, Reason.MERGED])
def test_an_end_can_blank_the_contact_instead(reason: Reason) -> None:  # C-01, C-02, DEL-03
    blanking = rules(on_delete=EndAction.BLANK, on_inactive=EndAction.BLANK)
    planned = plan(CAUSES[reason], blanking, CATALOGUE)
    assert isinstance(planned, Write)
    assert planned.purge is Purge.KEEP
    assert planned.properties == {
        "email": "",
        "firstName": "",
        "city": "",
        "customerType": "",
        "permissions": ALL_OFF,
    }
    assert planned.binding.address == "", "the address is free for somebody else"
    again = plan(replace(CAUSES[reason], binding=planned.binding), blanking, CATALOGUE)
    assert isinstance(again, Rest)
    assert again.result is Result.UNCHANGED


@pytest.mark.parametrize("reason", [Reason.DELETED, Reason.INACTIVE, Reason.MERGED])
def test_an_end_can_switch_off_the_permissions_only(reason: Reason) -> None:  # C-01, DEL-02
    off = rules(on_delete=EndAction.PERMISSIONS_OFF, on_inactive=EndAction.PERMISSIONS_OFF)
    planned = plan(CAUSES[reason], off, CATALOGUE)
    assert isinstance(planned, Write)
    assert planned.properties == {"permissions": ALL_OFF}
    assert planned.binding.address == LIVE.address


@pytest.mark.parametrize("reason", [Reason.DELETED, Reason.INACTIVE, Reason.MERGED])
def test_an_end_can_have_no_effect(reason: Reason) -> None:  # DEL-06
    nothing = rules(on_delete=EndAction.NOTHING, on_inactive=EndAction.NOTHING)
    for sharing_records in (SharingRecords(), SHARED):
        planned = plan(replace(CAUSES[reason], sharing_records=sharing_records), nothing, CATALOGUE)
        assert isinstance(planned, Rest)
        assert (planned.result, planned.binding) == (Result.SKIPPED, LIVE)


@pytest.mark.parametrize("reason", [Reason.DO_NOT_EMAIL, Reason.NO_EMAIL])
@pytest.mark.parametrize("action", EndAction)
def test_the_settings_for_delete_and_inactive_leave_the_other_causes_alone(action: EndAction, reason: Reason) -> None:
    planned = plan(CAUSES[reason], rules(on_delete=action, on_inactive=action), CATALOGUE)
    assert isinstance(planned, Anonymize)


@pytest.mark.parametrize("binding", [LIVE, NEVER])
def test_typing_error_in_the_address_erases_no_contact(binding: Binding) -> None:  # C-35
    planned = plan(plan_input(record({"Newsletter": True}, emailaddress1="ann@"), binding), RULES, CATALOGUE)
    assert isinstance(planned, Rest)
    assert (planned.result, planned.reason, planned.binding) == (Result.FAILED, Reason.INVALID_EMAIL, binding)


def with_status(status: SyncStatus) -> PersonRecord:
    return replace(record({"Newsletter": True}), status=StatusRow(ANN.id, status))


@pytest.mark.parametrize(
    ("left_alone", "reason"),
    [
        (plan_input(with_status(SyncStatus.DISABLED), LIVE), Reason.SYNC_DISABLED),  # STA-05
        (plan_input(with_status(SyncStatus.OPT_OUT), LIVE), Reason.OPTED_OUT),  # OPT-08
    ],
)
def test_some_records_are_left_alone(left_alone: PlanInput, reason: Reason) -> None:
    planned = plan(left_alone, RULES, CATALOGUE)
    assert isinstance(planned, Rest)
    assert (planned.result, planned.reason, planned.binding) == (Result.SKIPPED, reason, LIVE)


def test_a_qualified_lead_is_left_to_its_contact() -> None:  # CS-29
    lead = RecordKey(PersonTable.LEAD, ANN.id)
    planned = plan(PlanInput(lead, PersonRecord(lead, {**record().values, "statecode": 1}), LIVE), RULES, CATALOGUE)
    assert isinstance(planned, Rest)
    assert (planned.result, planned.reason, planned.binding) == (Result.SKIPPED, Reason.LEAD_QUALIFIED, LIVE)


def test_a_qualified_lead_whose_contact_is_in_doubt_is_left_to_its_contact() -> None:  # CS-29
    lead = RecordKey(PersonTable.LEAD, ANN.id)
    qualified = PersonRecord(lead, {**record().values, "statecode": 1})

    planned = plan(PlanInput(lead, qualified, LIVE, base_state=BaseState.NOTHING), RULES, CATALOGUE)

    assert isinstance(planned, Rest)
    assert (planned.result, planned.reason) == (Result.SKIPPED, Reason.LEAD_QUALIFIED)


def test_a_qualified_lead_that_a_dead_worker_may_have_created_is_erased_to_be_sure() -> None:
    """Its contact cannot be inherited: the ledger does not have its binding."""
    lead = RecordKey(PersonTable.LEAD, ANN.id)
    qualified = PersonRecord(lead, {**record().values, "statecode": 1})
    planned = plan(PlanInput(lead, qualified, NEVER, base_state=BaseState.NOTHING), RULES, CATALOGUE)
    assert isinstance(planned, Anonymize)
    shared = PlanInput(lead, qualified, NEVER, base_state=BaseState.NOTHING, sharing_records=SHARED)
    assert isinstance(plan(shared, RULES, CATALOGUE), Rest)


@pytest.mark.parametrize("off", [rules(environment_is_on=False), rules(enabled_tables=frozenset())])
def test_a_mapping_that_is_switched_off_erases_nothing(off: Any) -> None:  # SET-19, C-09
    for ending in CAUSES.values():
        assert isinstance(plan(ending, off, CATALOGUE), Rest)


# --------------------------------------------------------------------------------------------------------- on request


@pytest.mark.parametrize("binding", [LIVE, NEVER])
def test_job_anonymises_a_contact_without_binding(binding: Binding) -> None:  # ANON-08, ANON-10
    planned = plan(plan_input(record(), binding, intent=Intent.ANONYMIZE), RULES, CATALOGUE)
    assert isinstance(planned, Anonymize)
    assert planned.reason is Reason.ON_REQUEST


@pytest.mark.parametrize("intent", [Intent.ANONYMIZE, Intent.PURGE])
def test_a_job_cannot_take_a_contact_away_from_another_active_record(intent: Intent) -> None:
    planned = plan(plan_input(record(), LIVE, intent=intent, sharing_records=SHARED), RULES, CATALOGUE)
    assert isinstance(planned, Rest)
    assert (planned.result, planned.reason) == (Result.FAILED, Reason.STILL_USED)


def test_purge_clears_the_contact_and_its_base() -> None:  # PURGE-03
    planned = plan(plan_input(record(), LIVE, intent=Intent.PURGE), RULES, CATALOGUE)
    assert isinstance(planned, Write)
    assert (planned.properties, planned.purge) == ({}, Purge.PURGE)
    assert planned.binding == Binding(CONTACT_ID, is_live=True, address=LIVE.address)


def test_purge_of_a_record_without_contact_does_nothing() -> None:
    planned = plan(plan_input(record(), NEVER, intent=Intent.PURGE), RULES, CATALOGUE)
    assert isinstance(planned, Rest)
    assert (planned.result, planned.reason) == (Result.UNCHANGED, Reason.ABSENT)


@pytest.mark.parametrize("sharing_records", [SharingRecords(), SHARED])
def test_a_contact_is_let_go_when_its_record_belongs_elsewhere(sharing_records: SharingRecords) -> None:
    planned = let_go(plan_input(record(), LIVE, sharing_records=sharing_records))
    match planned:
        case Anonymize(binding, reason):
            assert not sharing_records.keys
            assert (binding, reason) == (Binding(CONTACT_ID), Reason.ADDRESS_MOVED)
        case _:
            assert sharing_records.keys
            assert isinstance(planned, Rest)
            assert planned.result is Result.KEPT

"""The conditions of a record, and the first one that fails (VAL-01..VAL-04)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from shared.domain.mapping.formats.document import read_mapping
from shared.domain.planning.binding import Binding
from shared.domain.planning.conditions import Condition, condition_results
from shared.domain.planning.plan_input import PlanInput
from shared.domain.planning.rules import Rules
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey, StatusRow, SyncStatus
from tests.connector_twin import RULES

CONTACT, LEAD, ACCOUNT = PersonTable.CONTACT, PersonTable.LEAD, PersonTable.ACCOUNT


def input_of(
    *,
    table: PersonTable = CONTACT,
    status: SyncStatus | None = None,
    labels: dict[str, str] | None = None,
    **values: Any,
) -> PlanInput:
    """A record that meets every condition, unless values say otherwise."""
    key = RecordKey(table, UUID(int=1))
    record = PersonRecord(
        key,
        {"statecode": 0, "emailaddress1": "ann@example.com", **values},
        labels=labels or {},
        status=StatusRow(UUID(int=2), status) if status else None,
    )
    return PlanInput(key, record, Binding(str(key.id)))


def first_unmet(plan_input: PlanInput, rules: Rules = RULES) -> Reason | None:
    return next((result.reason for result in condition_results(plan_input, rules) if not result.is_met), None)


@pytest.mark.parametrize("table", PersonTable)
def test_an_active_record_with_a_valid_address_meets_every_condition(table: PersonTable) -> None:
    assert first_unmet(input_of(table=table)) is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"statecode": 1}, Reason.INACTIVE),  # VAL-01
        ({"statecode": 1, "merged": True}, Reason.MERGED),
        ({"donotemail": True}, Reason.DO_NOT_EMAIL),  # ANON-05, C-38
        ({"emailaddress1": None}, Reason.NO_EMAIL),  # ANON-04
        ({"emailaddress1": "  "}, Reason.NO_EMAIL),
        ({"emailaddress1": "ann at example"}, Reason.INVALID_EMAIL),  # VAL-02
        ({"donotbulkemail": True}, None),  # OPT-11: refuses permissions, not the contact
    ],
)
@pytest.mark.parametrize("table", [CONTACT, ACCOUNT])
def test_columns_of_the_record_fail_conditions(
    table: PersonTable, values: dict[str, Any], reason: Reason | None
) -> None:
    assert first_unmet(input_of(table=table, **values)) is reason


@pytest.mark.parametrize(
    ("state", "reason"), [(0, None), (1, Reason.LEAD_QUALIFIED), (2, Reason.INACTIVE)], ids=["open", "won", "lost"]
)
def test_a_qualified_lead_is_not_just_inactive(state: int, reason: Reason | None) -> None:  # CS-29
    assert first_unmet(input_of(table=LEAD, statecode=state)) is reason


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (SyncStatus.DISABLED, Reason.SYNC_DISABLED),  # STA-05
        (SyncStatus.OPT_OUT, Reason.OPTED_OUT),  # VAL-03
        (SyncStatus.FAILED, None),
        (SyncStatus.PROCESSING, None),
        (SyncStatus.SUCCEEDED, None),
        (None, None),
    ],
)
def test_only_the_inactive_statuses_keep_a_record_out(status: SyncStatus | None, reason: Reason | None) -> None:
    assert first_unmet(input_of(status=status)) is reason


def test_a_record_that_is_gone_meets_no_condition_of_its_own() -> None:
    gone = replace(input_of(), record=None)
    assert first_unmet(gone) is Reason.DELETED
    assert {result.condition for result in condition_results(gone, RULES)} == {
        Condition.ENVIRONMENT_ON,
        Condition.TABLE_ON,
        Condition.EXISTS,
    }


def test_a_table_that_is_not_enabled_keeps_its_records_out() -> None:  # C-09
    assert first_unmet(input_of(table=ACCOUNT), replace(RULES, enabled_tables=frozenset({CONTACT}))) is Reason.TABLE_OFF


def test_the_switch_of_the_environment_is_asked_first() -> None:  # SET-19
    off = replace(RULES, environment_is_on=False, enabled_tables=frozenset[PersonTable]())
    assert first_unmet(input_of(statecode=1, donotemail=True), off) is Reason.ENVIRONMENT_OFF


def test_a_person_who_disabled_the_record_outweighs_everything_that_would_erase_it() -> None:
    wrong = input_of(status=SyncStatus.DISABLED, statecode=1, donotemail=True, emailaddress1=None)
    assert first_unmet(wrong) is Reason.SYNC_DISABLED


def test_all_conditions_are_answered_although_the_first_decides() -> None:
    wrong = input_of(statecode=1, donotemail=True, emailaddress1="nonsense", status=SyncStatus.OPT_OUT)
    assert [result.condition for result in condition_results(wrong, RULES) if not result.is_met] == [
        Condition.ACTIVE,
        Condition.EMAIL_ALLOWED,
        Condition.VALID_EMAIL,
        Condition.NOT_OPTED_OUT,
    ]
    assert {result.condition for result in condition_results(wrong, RULES)} == set(Condition)


FILTERED = read_mapping(
    {
        "version": 1,
        "rows": [
            {"spotler": "email", "contact": "emailaddress1"},
            {"spotler": "city", "contact": "customertypecode", "filter": "3"},
            {"spotler": "hobby", "contact": "gac_newsletter", "filter": "true"},
        ],
    }
)


@pytest.mark.parametrize(
    ("kind", "newsletter", "reason"),
    [
        (3, True, None),
        (4, True, Reason.FILTERED),
        (3, False, Reason.FILTERED),
        (None, True, Reason.FILTERED),
        (3, None, Reason.FILTERED),
    ],
)
def test_a_filter_lets_a_record_pass_only_with_its_value(
    *, kind: int | None, newsletter: bool | None, reason: Reason | None
) -> None:  # VAL-04, MAP-12
    assert (
        first_unmet(input_of(customertypecode=kind, gac_newsletter=newsletter), replace(RULES, mapping=FILTERED))
        is reason
    )


def test_a_filter_may_name_the_label_that_people_see() -> None:
    by_label = read_mapping(
        {
            "version": 1,
            "rows": [
                {"spotler": "email", "contact": "emailaddress1"},
                {"spotler": "city", "contact": "customertypecode", "filter": "Donor"},
            ],
        }
    )
    rules = replace(RULES, mapping=by_label)
    assert first_unmet(input_of(customertypecode=7, labels={"customertypecode": "Donor"}), rules) is None
    assert first_unmet(input_of(customertypecode=7), rules) is Reason.FILTERED

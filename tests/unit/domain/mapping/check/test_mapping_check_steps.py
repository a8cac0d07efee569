"""The findings about steps: columns and messages that the connector does not hear of (MAP-35)."""

from __future__ import annotations

import pytest

from shared.domain.mapping.check.check import Surroundings, check
from shared.domain.mapping.findings import Code, Severity
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.records.records import PersonTable
from shared.domain.records.table_schema import (
    EventStep,
)
from tests.unit.domain.mapping.check.checking import CATALOGUE, EVERY_STEP, SCHEMA, codes, found


def test_map_35_columns_that_the_steps_do_not_hear_of_are_named() -> None:
    heard = frozenset({"emailaddress1", "statecode", "donotemail", "donotbulkemail"})
    steps = (
        *(one for one in EVERY_STEP if (one.table, one.message) != ("contact", "Update")),
        EventStep("contact", "Update", heard),
    )
    (finding,) = found({"spotler": "firstName", "contact": "firstname"}, steps=steps)
    assert finding.code is Code.COLUMN_WITHOUT_STEP
    assert finding.text.startswith("The step for Update of contact does not hear of firstname:")
    assert codes(steps=steps) == []


def test_a_related_column_needs_its_lookup_to_be_heard_and_is_only_noticed_by_a_reconciliation_itself() -> None:
    heard = frozenset({"emailaddress1", "statecode", "donotemail", "donotbulkemail"})
    steps = (
        *(one for one in EVERY_STEP if (one.table, one.message) != ("contact", "Update")),
        EventStep("contact", "Update", heard),
    )
    findings = found({"spotler": "firstName", "contact": "parentcustomerid(account).name"}, steps=steps)
    assert [(one.code, one.severity) for one in findings] == [
        (Code.COLUMN_WITHOUT_STEP, Severity.WARNING),
        (Code.UNSEEN_CHANGES, Severity.NOTE),
    ]
    assert "parentcustomerid" in findings[0].text


def test_a_message_without_a_step_is_named() -> None:
    findings = found({"spotler": "permissions", "contact": "@map(permissions)"}, steps=EVERY_STEP[:2])
    assert [one.code for one in findings] == [Code.STEP_MISSING, Code.STEP_MISSING]
    assert {"Delete, Merge of contact", "Create, Update, Delete of dh_spotlerpermission"} == {
        one.text.removeprefix("No step tells the connector of ").removesuffix(": register it") for one in findings
    }


@pytest.mark.parametrize(
    ("table", "messages"),
    [
        (PersonTable.CONTACT, "Create, Update, Delete, Merge"),
        (PersonTable.LEAD, "Create, Update, Delete, Merge, QualifyLead"),
        (PersonTable.ACCOUNT, "Create, Update, Delete, Merge"),
    ],
)
def test_cs_13_cs_29_every_message_about_a_person_needs_a_step(table: PersonTable, messages: str) -> None:
    mapping = read_mapping({"version": 1, "rows": [{"spotler": "email", table: "emailaddress1"}]})
    surroundings = Surroundings(tables=frozenset({table}), schema=SCHEMA, catalogue=CATALOGUE, steps=())
    texts = [one.text for one in check(mapping, surroundings) if one.code is Code.STEP_MISSING]

    assert texts == [f"No step tells the connector of {messages} of {table}: register it"]


@pytest.mark.parametrize("column", ["statecode", "donotemail", "donotbulkemail"])
def test_map_35_columns_of_the_rules_need_to_be_heard_of_whatever_is_mapped(column: str) -> None:
    heard = {"emailaddress1", "statecode", "donotemail", "donotbulkemail"} - {column}
    steps = (
        *(one for one in EVERY_STEP if (one.table, one.message) != ("contact", "Update")),
        EventStep("contact", "Update", frozenset(heard)),
    )
    (finding,) = found(steps=steps)
    assert (finding.code, f"does not hear of {column}:" in finding.text) == (Code.COLUMN_WITHOUT_STEP, True)


def test_without_the_right_to_read_steps_nothing_is_said_of_them() -> None:
    assert codes({"spotler": "firstName", "contact": "firstname"}, steps=None) == []

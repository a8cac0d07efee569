"""The findings of a check of a mapping: columns, properties, values and options that do not fit."""

from __future__ import annotations

import pytest

from shared.domain.mapping.circles import circles
from shared.domain.mapping.findings import Code, Severity
from shared.domain.mapping.formats.document import MappingError, read_mapping
from shared.domain.records.records import PersonTable
from shared.domain.records.table_schema import (
    ColumnType,
    Relation,
    Schema,
)
from tests.unit.domain.mapping.check.checking import ACCOUNT, CONTACT, TASK, USER, codes, column, found, table


def test_a_good_mapping_has_no_findings() -> None:
    assert found({"spotler": "firstName", "contact": "firstname"}) == []


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("middlename", Code.UNKNOWN_COLUMN),
        ("parentcustomerid(account).website", Code.UNKNOWN_COLUMN),
        ("parentcustomerid(lead).subject", Code.UNKNOWN_LOOKUP),
        ("firstname().name", Code.UNKNOWN_LOOKUP),
        ("parentcustomerid().name", Code.AMBIGUOUS_LOOKUP),
        ("@child(dh_permissions).first(createdon DESC).name", Code.UNKNOWN_TABLE),
        ("@child(task).first(createdon DESC).subject", Code.AMBIGUOUS_LOOKUP),
        ("@child(task.regardingobjectid).first(modifiedon DESC).subject", Code.UNKNOWN_COLUMN),
        ("@child(account).first(name).name", Code.UNKNOWN_LOOKUP),
        ("@odata:accounts?$select=name,telephone1", Code.QUERY_NOT_ALLOWED),
        ("@odata:https://example.com/accounts?$select=name", Code.QUERY_NOT_ALLOWED),
        ("@odata:/accounts?$select=name", Code.QUERY_NOT_ALLOWED),
        ("@odata:accounts?$select=name&$expand=x($select=y)", Code.QUERY_NOT_ALLOWED),
        ("@odata:WhoAmI?$select=name", Code.QUERY_NOT_ALLOWED),
        ("@odata:accounts?$select=website", Code.UNKNOWN_COLUMN),
        ("@odata:leads?$select=subject", Code.UNKNOWN_TABLE),
    ],
)
def test_missing_column_in_dataverse_is_an_error(source: str, code: Code) -> None:
    (finding,) = [one for one in found({"spotler": "firstName", "contact": source}) if one.severity is Severity.ERROR]
    assert (finding.code, finding.row, finding.table) == (code, 2, PersonTable.CONTACT)


def test_an_ambiguous_child_names_the_lookups_to_write() -> None:
    (finding,) = found({"spotler": "firstName", "contact": "@child(task).first(createdon DESC).subject"})[:1]
    assert "write @child(task.dh_personid) or @child(task.regardingobjectid)" in finding.text


def test_every_operand_of_an_expression_is_looked_up() -> None:
    source = '@concat(firstname, " ", middlename;lastname, parentcustomerid(account).website)'
    assert codes({"spotler": "firstName", "contact": source})[:2] == [Code.UNKNOWN_COLUMN, Code.UNKNOWN_COLUMN]


def test_unknown_property_is_a_warning_with_a_suggestion() -> None:
    (nowhere,) = found({"spotler": "hobby", "contact": "firstname"})
    (meant,) = found({"spotler": "First name", "contact": "firstname"})
    assert (nowhere.severity, nowhere.code) == (Severity.WARNING, Code.UNKNOWN_PROPERTY)
    assert "write firstName" in meant.text


def test_a_pair_that_has_no_conversion_is_an_error() -> None:
    assert codes({"spotler": "score", "contact": "birthdate"}) == [Code.CONVERSION]
    assert codes({"spotler": "born", "contact": "createdon"}) == [Code.CONVERSION]
    assert codes({"spotler": "born", "contact": "birthdate"}) == []


def test_a_fixed_value_that_does_not_fit_is_an_error() -> None:
    assert codes({"spotler": "score", "contact": "$value:many"}) == [Code.FIXED_VALUE]
    assert codes({"spotler": "score", "contact": "$value:7"}) == []
    assert codes({"spotler": "postalCode", "contact": "$value:SW1A 1AA"}) == [Code.FIXED_VALUE]


def test_a_property_for_foreign_values_must_be_text() -> None:
    assert codes({"spotler": "postalCode", "contact": "firstname", "foreign": "score"}) == [Code.CONVERSION]


def test_two_rows_that_write_one_column_are_an_error() -> None:
    rows = [
        {"spotler": "phone", "contact": "telephone1", "direction": "<-"},
        {"spotler": "firstName", "contact": "telephone1", "direction": "<->"},
    ]
    assert Code.DUPLICATE_TARGET in codes(*rows)


def test_read_only_column_is_no_target() -> None:
    assert Code.READ_ONLY in codes({"spotler": "firstName", "contact": "fullname", "direction": "<-"})


def test_rows_to_dataverse_name_the_required_columns_that_are_missing() -> None:
    finding = found({"spotler": "phone", "contact": "telephone1", "direction": "<-"})[0]
    assert (finding.code, finding.severity) == (Code.REQUIRED_UNMAPPED, Severity.WARNING)
    assert "lastname" in finding.text
    both = [
        {"spotler": "phone", "contact": "telephone1", "direction": "<-"},
        {"spotler": "lastName", "contact": "lastname", "direction": "<->"},
    ]
    assert codes(*both) == []


def test_one_way_rows_there_and_back_are_refused_before_any_check() -> None:
    there, back = ({"spotler": "phone", "contact": "telephone1", "direction": way} for way in ("->", "<-"))
    with pytest.raises(MappingError, match="several rows fill phone"):
        found(there, back)


def test_one_way_rows_of_two_tables_that_make_a_circle_are_named() -> None:
    rows = [
        {"spotler": "email", "contact": "emailaddress1", "lead": "emailaddress1"},
        {"spotler": "phone", "contact": "telephone1"},
        {"spotler": "firstName", "contact": "telephone1", "direction": "<-"},
    ]
    round_by_lead = [{"spotler": "phone", "lead": "fax", "direction": "<-"}, {"spotler": "firstName", "lead": "fax"}]
    mapping = read_mapping({"version": 1, "rows": [*rows, *round_by_lead]})

    (finding,) = circles(mapping, list(PersonTable))

    assert "contact.telephone1 -> phone -> lead.fax -> firstName -> contact.telephone1" in finding.text
    assert list(circles(mapping, [PersonTable.CONTACT])) == []
    assert list(circles(read_mapping({"version": 1, "rows": rows}), list(PersonTable))) == []


def test_options_that_do_not_exist_are_named() -> None:
    unknown = {"spotler": "firstName", "contact": "gendercode", "choices": {1: "M", 3: "X"}}
    assert codes(unknown) == [Code.UNKNOWN_OPTION]
    not_in_spotler = {"spotler": "interests", "contact": "gendercode"}
    (finding,) = found(not_in_spotler)
    assert finding.code is Code.UNKNOWN_OPTION
    assert "gendercode = 2" in finding.text


@pytest.mark.parametrize(
    ("subscribed", "finding"), [("if_active", ""), ("if_status", "two options"), ("if_gone", "no column if_gone")]
)
def test_if_02_a_periodiek_is_taken_or_not_by_a_column_of_two_options(subscribed: str, finding: str) -> None:
    rows = table(
        "if_subscription",
        *(column("if_name"), column("if_active", ColumnType.BOOLEAN), column("if_status", ColumnType.PICKLIST)),
        references=(Relation("if_contactid", "contact", "if_contactid"),),
    )
    schema = Schema({one.name: one for one in (CONTACT, ACCOUNT, USER, TASK, rows)})
    where = {"table": "if_subscription", "name": "if_name", "subscribed": subscribed, "contact": "if_contactid"}
    row = {"spotler": "permissions", "contact": "@map(periodiek)"}
    texts = [one.text for one in found(row, schema=schema, options={"periodiek": where}) if "periodiek:" in one.text]
    assert [finding in text for text in texts] == ([True] if finding else [])


def test_a_filter_is_checked_like_a_row() -> None:
    assert codes(options={"filters": {"contact": "middlename = 1"}}) == [Code.UNKNOWN_COLUMN]
    assert codes(options={"filters": {"contact": 'gendercode in ("Male", "Both")'}}) == [Code.COMPARISON]
    assert codes(options={"filters": {"contact": "gendercode = 2 and donotemail = false"}}) == []


def test_a_language_that_no_label_is_in_is_a_warning() -> None:
    assert codes(options={"language": 1043}) == [Code.UNKNOWN_LANGUAGE]
    assert codes(options={"language": 1033}) == []


def test_an_entity_column_must_exist_in_its_table() -> None:
    row = {"spotler": "firstName", "entity": "dh_firstname", "direction": "<-"}
    assert codes(row, options={"entityTable": "dh_nowhere"}) == [Code.UNKNOWN_TABLE]
    assert codes(row, options={"entityTable": "account"}) == [Code.UNKNOWN_COLUMN]


def test_a_fixed_value_longer_than_its_column_is_an_error() -> None:
    row = {"spotler": f"$value:{'x' * 51}", "contact": "telephone1", "direction": "<-"}
    assert Code.TOO_LONG in codes(row)


def test_errors_come_first_and_a_finding_has_its_place() -> None:
    findings = found({"spotler": "hobby", "contact": "firstname"}, {"spotler": "lastName", "contact": "nosuch"})
    assert [str(one).split(":")[0] for one in findings] == [
        "error unknown-column (row 3 contact)",
        "warning unknown-property (row 2)",
    ]

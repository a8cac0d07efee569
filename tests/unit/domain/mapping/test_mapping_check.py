"""The findings of a check of a mapping, given Dataverse's schema and steps and Spotler's properties."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.mapping.check.check import Surroundings, check
from shared.domain.mapping.circles import circles
from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.mapping.formats.document import MappingError, read_mapping
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType, SetEntry
from shared.domain.records.records import PersonTable
from shared.domain.records.table_schema import (
    ColumnDefinition,
    ColumnType,
    DateBehaviour,
    EventStep,
    Option,
    Relation,
    Required,
    Schema,
    TableDefinition,
)


def column(name: str, kind: ColumnType = ColumnType.STRING, **facts: Any) -> ColumnDefinition:
    return ColumnDefinition(name, kind, **facts)


def table(name: str, *columns: ColumnDefinition, references: tuple[Relation, ...] = ()) -> TableDefinition:
    return TableDefinition(name, f"{name}s", f"{name}id", "name", {one.name: one for one in columns}, references)


CONTACT = table(
    "contact",
    column("emailaddress1", max_length=100),
    column("firstname", max_length=50),
    column("lastname", max_length=50, required=Required.APPLICATION),
    column("telephone1", max_length=50),
    column("fullname", writable=False),
    column("birthdate", ColumnType.DATE_TIME, behaviour=DateBehaviour.DATE_ONLY, shows_time=False),
    column("createdon", ColumnType.DATE_TIME, behaviour=DateBehaviour.USER_LOCAL, writable=False),
    column("statecode", ColumnType.STATE),
    column("donotemail", ColumnType.BOOLEAN, options=(Option(0, label="Allow"), Option(1, label="Do Not Allow"))),
    column("donotbulkemail", ColumnType.BOOLEAN),
    column("gendercode", ColumnType.PICKLIST, options=(Option(1, {1033: "Male"}, "Male"), Option(2, {}, "Female"))),
    column("parentcustomerid", ColumnType.CUSTOMER),
    column("ownerid", ColumnType.OWNER),
    references=(
        Relation("parentcustomerid", "account", "parentcustomerid_account"),
        Relation("parentcustomerid", "contact", "parentcustomerid_contact"),
        Relation("ownerid", "systemuser", "owninguser"),
    ),
)
ACCOUNT = table("account", column("name"), column("telephone1"))
USER = table("systemuser", column("fullname"))
TASK = table(
    "task",
    column("subject"),
    column("createdon", ColumnType.DATE_TIME),
    references=(
        Relation("regardingobjectid", "contact", "regardingobjectid_contact"),
        Relation("dh_personid", "contact", "dh_personid"),
    ),
)
SCHEMA = Schema({one.name: one for one in (CONTACT, ACCOUNT, USER, TASK)})

CATALOGUE = PropertyCatalogue(
    (
        PropertyDefinition("email", "E-mail", PropertyType.EMAIL),
        PropertyDefinition("firstName", "First name", PropertyType.STRING),
        PropertyDefinition("lastName", "Last name", PropertyType.STRING),
        PropertyDefinition("phone", "Phone", PropertyType.STRING),
        PropertyDefinition("score", "Score", PropertyType.INT),
        PropertyDefinition("born", "Date", PropertyType.DATE),
        PropertyDefinition("postalCode", "Post code", PropertyType.POSTCODE),
        PropertyDefinition("interests", "Interests", PropertyType.SET, (SetEntry(1, "Male"),)),
        PropertyDefinition("permissions", "Permissions", PropertyType.SET, (SetEntry(1, "Newsletter"),)),
    )
)

EVERY_STEP = (
    *(EventStep("contact", message) for message in ("Create", "Update", "Delete", "Merge")),
    *(EventStep("dh_spotlerpermission", message) for message in ("Create", "Update", "Delete")),
)


def found(*rows: dict[str, Any], **changes: Any) -> list[Finding]:
    """Check a mapping that has these rows between that of the address and, unless they have it, that of permissions."""
    options = changes.pop("options", {})
    if all(row["spotler"] != "permissions" for row in rows):
        rows = (*rows, {"spotler": "permissions", "contact": "@map(permissions)"})
    surroundings = {"schema": SCHEMA, "catalogue": CATALOGUE, "steps": EVERY_STEP} | changes
    address = {"spotler": "email", "contact": "emailaddress1"}
    mapping = read_mapping({"version": 1, "rows": [address, *rows], **options})
    return list(check(mapping, Surroundings(tables=frozenset({PersonTable.CONTACT}), **surroundings)))


def codes(*rows: dict[str, Any], **changes: Any) -> list[Code]:
    return [finding.code for finding in found(*rows, **changes)]


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


def test_map_33_type_and_birthday_are_protected_where_the_account_has_them() -> None:
    fields = (
        PropertyDefinition("Type", "Type", PropertyType.STRING),
        PropertyDefinition("birthday", "Birthday", PropertyType.BIRTHDATE),
    )
    catalogue = PropertyCatalogue((*CATALOGUE.definitions, *fields))
    assert codes(catalogue=catalogue) == [Code.PROTECTED_ROW, Code.PROTECTED_ROW]
    rows = [{"spotler": "Type", "contact": "$CustomerType"}, {"spotler": "birthday", "contact": "birthdate"}]
    assert codes(*rows, catalogue=catalogue) == []


@pytest.mark.parametrize(
    "row",
    [
        None,
        {"spotler": "permissions", "contact": "@map(permissions)", "direction": "<-"},
        {"spotler": "permissions", "contact": "gendercode", "choices": {1: "Newsletter", 2: "Newsletter"}},
        {"spotler": "interests", "contact": "@map(permissions)"},
        {"spotler": "permissions", "lead": "@map(permissions)"},
    ],
)
def test_dbf_07_without_its_row_permissions_of_a_table_do_not_travel_and_the_check_warns(
    row: dict[str, Any] | None,
) -> None:
    address = {"spotler": "email", "contact": "emailaddress1", "lead": "emailaddress1"}
    mapping = read_mapping({"version": 1, "rows": [address, *([] if row is None else [row])]})
    findings = check(mapping, Surroundings(SCHEMA, CATALOGUE, frozenset({PersonTable.CONTACT})))
    (finding,) = [one for one in findings if one.severity is Severity.WARNING]
    assert (finding.code, finding.table) == (Code.PERMISSIONS_UNMAPPED, PersonTable.CONTACT)
    assert "restore its row, permissions with @map(permissions)" in finding.text


@pytest.mark.parametrize("home", ["permissions", "list"])
@pytest.mark.parametrize("direction", ["->", "<->"])
def test_with_its_row_or_in_an_account_without_permissions_nothing_is_said_of_them(home: str, direction: str) -> None:
    row = {"spotler": "permissions", "contact": f"@map({home})", "direction": direction}
    assert Code.PERMISSIONS_UNMAPPED not in codes(row)
    without = PropertyCatalogue(tuple(one for one in CATALOGUE.definitions if one.name != "permissions"))
    assert Code.PERMISSIONS_UNMAPPED not in codes({**row, "direction": "<-"}, catalogue=without)


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

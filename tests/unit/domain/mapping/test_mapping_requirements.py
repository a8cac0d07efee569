"""The requirements of rows and special values of a mapping: a test for each of MAP and DBF that the domain decides."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.mapping.formats.document import MappingError, read_mapping
from shared.domain.mapping.language.expression import Column, OptionSource, QueryExpression
from shared.domain.mapping.model import ConflictPolicy, Direction, Outside
from shared.domain.mapping.reading import reading_of
from shared.domain.planning.decisions import Write
from shared.domain.records.marketing_contact import SetOption
from shared.domain.records.records import Lookup, PersonTable, RecordKey
from tests.person_records import names_read, person
from tests.unit.domain.mapping.required_mappings import (
    ACCOUNT,
    CONTACT,
    LEAD,
    mapping_of,
    planned,
    refusal,
    to_platform,
    value_of,
    wished,
)

# ----------------------------------------------------------------------------------------------------------------- rows


def test_map_01_every_row_has_its_own_direction() -> None:
    mapping = mapping_of(
        {"spotler": "lastName", "contact": "lastname", "direction": "->"},
        {"spotler": "phoneNumber", "contact": "telephone1", "direction": "<-"},
        {"spotler": "permissions", "contact": "@map(permissions)", "direction": "<->"},
    )

    assert [row.direction for row in mapping.rows[1:]] == [
        Direction.TO_PLATFORM,
        Direction.TO_DATAVERSE,
        Direction.BOTH,
    ]


def test_map_02_a_value_that_only_comes_back_is_read_to_be_compared_triggers_nothing_and_is_never_sent() -> None:
    mapping = mapping_of({"spotler": "phoneNumber", "contact": "telephone1", "direction": "<-"})

    assert "telephone1" in reading_of(mapping, CONTACT).columns
    assert "telephone1" not in reading_of(mapping, CONTACT).watched
    assert to_platform(mapping) == {}


def test_map_02_a_value_for_dataverse_needs_one_column() -> None:
    said = refusal({"spotler": "lastName", "contact": "lastname;fullname", "direction": "<->"})
    assert "direction <-> cannot write to lastname;fullname" in said


def test_map_06_and_map_19_a_related_column_is_one_relationship_away() -> None:
    assert value_of("ownerid(systemuser).fullname", {"ownerid(systemuser).fullname": "Jan"}) == "Jan"
    assert "at most one relationship" in refusal(
        {"spotler": "lastName", "contact": "parentcustomerid(account).ownerid().fullname"}
    )


def test_map_07_map_08_and_map_09_contact_lead_and_account_have_columns_of_their_own() -> None:
    mapping = mapping_of({"spotler": "lastName", "contact": "lastname", "lead": "subject", "account": "name"})

    assert to_platform(mapping, CONTACT, lastname="Vries") == {"lastName": "Vries"}
    assert to_platform(mapping, LEAD, subject="Interested") == {"lastName": "Interested"}
    assert to_platform(mapping, ACCOUNT, name="Contoso") == {"lastName": "Contoso"}


def test_map_10_and_if_05_the_entity_column_is_one_of_the_table_for_new_subscribers() -> None:
    row = {"spotler": "lastName", "entity": "if_lastname", "direction": "<-"}
    mapping = mapping_of(row, entityTable="if_membershipentry")

    assert mapping.entity_table == "if_membershipentry"
    assert mapping.rows[1].entity == Column("if_lastname")
    assert "entityTable is missing" in refusal(row)


def test_map_11_a_direction_is_one_of_three() -> None:
    assert "row 2 direction" in refusal({"spotler": "lastName", "contact": "lastname", "direction": "=>"})


@pytest.mark.parametrize(("value", "label", "is_sent"), [(1, None, True), (2, None, False), (2, "VIP", True)])
def test_map_12_a_row_lets_records_pass_only_with_one_value(*, value: int, label: str | None, is_sent: bool) -> None:
    text = "1" if label is None else label
    mapping = mapping_of({"spotler": "lastName", "contact": "new_kind", "filter": text})
    record = person(
        mapping,
        values={"emailaddress1": "ann@example.com", "new_kind": value},
        labels={} if label is None else {"new_kind": label},
    )

    assert isinstance(planned(record, mapping), Write) is is_sent


def test_map_13_and_map_26_a_property_is_named_by_its_database_name_not_by_what_it_is_called_on_screen() -> None:
    by_name = mapping_of({"spotler": "profileField1", "contact": "new_hobby"})
    by_label = mapping_of({"spotler": "Hobby", "contact": "new_hobby"})

    assert to_platform(by_name, new_hobby="Chess") == {"profileField1": "Chess"}
    assert to_platform(by_label, new_hobby="Chess") == {}


def test_map_27_a_property_that_spotler_hides_is_left_alone() -> None:
    assert to_platform(mapping_of({"spotler": "hidden", "contact": "lastname"}), lastname="Vries") == {}


def test_map_32_any_row_may_be_deleted_but_that_of_the_address() -> None:
    assert len(mapping_of().rows) == 1
    with pytest.raises(MappingError, match="a row for email is missing"):
        read_mapping({"version": 1, "rows": [{"spotler": "lastName", "contact": "lastname"}]})


# ------------------------------------------------------------------------------------------------------- special values


@pytest.mark.parametrize("table", PersonTable)
def test_map_14_and_dbf_06_customer_type_is_the_source_table(table: PersonTable) -> None:
    assert value_of("$CustomerType", {}, table) == table


def test_map_15_a_fixed_value() -> None:
    assert value_of("$value:PRD", {}) == "PRD"


def test_map_16_and_dbf_07_permissions_are_matched_by_name_with_the_options_of_the_list() -> None:
    mapping = mapping_of({"spotler": "permissions", "contact": "@map(permissions)"})
    record = person(
        mapping, values={"emailaddress1": "a@example.com"}, permissions={"news": True, "Events": False, "Gone": True}
    )

    assert wished(record, mapping)["permissions"] == (
        SetOption(1, enabled=True),
        SetOption(2, enabled=False),
    )


def test_map_17_membership_of_a_marketing_list_can_be_the_permission() -> None:
    mapping = mapping_of({"spotler": "permissions", "contact": "@map(list)"})
    record = person(mapping, values={"emailaddress1": "a@example.com"}, lists={"News": True, "Other": False})

    assert reading_of(mapping, CONTACT).option_sources == {OptionSource.LIST}
    assert wished(record, mapping)["permissions"] == (SetOption(1, enabled=True),)


def test_map_18_and_if_03_periodieken_can_be_the_permission_where_the_installation_says_what_they_are() -> None:
    row = {"spotler": "permissions", "contact": "@map(periodiek)"}
    where = {"table": "if_subscription", "name": "if_periodiekid().if_name", "subscribed": "if_active"}
    mapping = mapping_of(row, periodiek={**where, "contact": "if_contactid"})
    record = person(mapping, values={"emailaddress1": "a@example.com"}, periodieken={"Events": True})

    assert wished(record, mapping)["permissions"] == (SetOption(2, enabled=True),)
    assert "@map(periodiek) needs periodiek" in refusal(row)
    assert "the lookup to contact" in refusal(row, periodiek={**where, "lead": "if_leadid"})


def test_map_20_and_c_29_the_table_may_be_left_out_where_the_lookup_leads_to_one() -> None:
    assert value_of("slaid().name", {"slaid().name": "Gold"}) == "Gold"


@pytest.mark.parametrize("expression", ["a_line1;a_line2;a_line3;", "a_line1; a_line2; a_line3"])
def test_map_21_the_first_column_that_is_not_null(expression: str) -> None:
    assert value_of(expression, {"a_line1": None, "a_line2": "Second", "a_line3": "Third"}) == "Second"
    assert value_of(expression, {"a_line1": None, "a_line2": None, "a_line3": None}) == ""


def test_map_21_zero_and_no_are_values() -> None:
    assert value_of("a_number;a_other", {"a_number": 0, "a_other": 5}) == "0"
    assert value_of("a_flag;a_other", {"a_flag": False, "a_other": "x"}) == "false"


@pytest.mark.parametrize(
    ("line1", "line2", "joined"),
    [("Dorp 1", "Unit 2", "Dorp 1, Unit 2"), ("Dorp 1", None, "Dorp 1"), (None, "Unit 2", "Unit 2"), (None, " ", "")],
)
def test_map_22_columns_and_texts_are_joined_and_no_separator_is_left_over(
    line1: str | None, line2: str | None, joined: str
) -> None:
    values = {"address1_line1": line1, "address1_line2": line2}
    assert value_of('@concat(address1_line1, ", ", address1_line2)', values) == joined


def test_map_22_functions_can_be_nested() -> None:
    expression = '@concat(nickname;firstname, " of ", parentcustomerid(account).name);fullname;"somebody"'
    values = {"nickname": None, "firstname": "Ann", "parentcustomerid(account).name": "Contoso", "fullname": "Bo"}

    assert value_of(expression, values) == "Ann of Contoso"
    assert value_of(expression, {**values, "firstname": None, "parentcustomerid(account).name": None}) == "Bo"
    assert value_of(expression, dict.fromkeys(values)) == "somebody"


def test_map_23_a_column_of_the_first_child_row() -> None:
    expression = "@child(dh_permissions).first(createdOn DESC).name"
    printed = "@child(dh_permissions).first(createdon DESC).name"
    mapping = mapping_of({"spotler": "lastName", "contact": expression})

    assert {str(child) for child in reading_of(mapping, CONTACT).children} == {printed}
    assert to_platform(mapping, **{printed: "News"}) == {"lastName": "News"}


def test_map_24_the_answer_of_a_query_about_the_record() -> None:
    text = (
        "contacts?$select=fullname&$filter=(_parentcustomerid_value eq $ID and statecode eq 0)"
        "&$orderby=createdon desc&$top=1"
    )
    mapping = mapping_of({"spotler": "lastName", "account": f"@odata:{text}"})

    assert reading_of(mapping, ACCOUNT).queries == {QueryExpression(text)}
    assert to_platform(mapping, ACCOUNT, **{f"@odata:{text}": "Ann Bo"}) == {"lastName": "Ann Bo"}


def test_map_25_a_fixed_value_can_fill_a_source_column_of_new_subscribers() -> None:
    mapping = mapping_of({"spotler": "$value:Newsletter form", "contact": "leadsourcecode", "direction": "<-"})

    assert mapping.rows[1].fixed == "Newsletter form"
    assert "direction <-" in refusal({"spotler": "$value:Form", "contact": "leadsourcecode"})


def test_dbf_08_the_id_of_the_source_row_can_be_a_property_too() -> None:
    expected = "00000000-0000-0000-0000-000000000009"
    assert value_of("contactid", {"contactid": expected}) == expected


def test_a_lookup_itself_is_shown_by_the_name_of_its_row() -> None:
    mapping = mapping_of({"spotler": "lastName", "contact": "ownerid"})
    owner = Lookup("systemuser", RecordKey.parse("contact:00000000-0000-0000-0000-000000000009").id)
    record = person(mapping, values={"emailaddress1": "a@example.com", "ownerid": owner}, labels={"ownerid": "Jan"})

    assert wished(record, mapping)["lastName"] == "Jan"


# ------------------------------------------------------------------------------------------------------------- document


def test_columns_of_the_filter_are_read_without_a_row() -> None:
    mapping = mapping_of(filters={"contact": "new_a = 1 and not empty(parentcustomerid(account).new_b)"})

    assert {"new_a", "parentcustomerid(account).new_b"} <= names_read(mapping, CONTACT)
    assert "new_a" not in names_read(mapping, LEAD)


def test_every_wrong_place_is_named() -> None:
    said = refusal(
        {"spotler": "lastName", "contact": "last name"},
        {"spotler": "phoneNumber"},
        {"spotler": "x", "contact": "y", "conflict": "mine"},
        filters={"contact": "statuscode 1"},
        timeZone="Europe/Rotterdam",
    )

    for place in ("row 2 contact", "row 3:", "row 4 conflict", "filters.contact", "timeZone"):
        assert place in said
    assert "position 6: expected the end" in said


def test_former_document_keeps_its_meaning() -> None:
    mapping = mapping_of({"spotler": "lastName", "contact": "lastname"})

    assert mapping.outside is Outside.KEEP
    assert mapping.filters == {}
    assert mapping.rows[1].conflict is ConflictPolicy.CRM


@pytest.mark.parametrize(
    ("value", "choices", "text"),
    [
        (2, {2: "Two"}, "Two"),
        (True, {"1": "Yes please"}, "Yes please"),
        (False, {"true": "Yes please", "false": "No thanks"}, "No thanks"),
        ({"choices": {1: "Golf", 2: "Chess"}}, {2: "Schaken"}, "Golf; Schaken"),
        (3, {2: "Two"}, "3"),
    ],
)
def test_a_row_may_have_its_own_texts_for_options(value: Any, choices: dict[Any, str], text: str) -> None:
    mapping = mapping_of({"spotler": "lastName", "contact": "new_kind", "choices": choices})
    assert to_platform(mapping, new_kind=value) == {"lastName": text}

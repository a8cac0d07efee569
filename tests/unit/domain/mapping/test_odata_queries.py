"""MAP-24: what an `@odata:` query may be, and how it becomes a request for one record."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.domain.mapping.language.expression import QueryExpression
from shared.domain.mapping.language.query import QueryError, ReadQuery, read_query

ID = UUID(int=7)


def read(text: str) -> ReadQuery:
    return read_query(QueryExpression(text))


def test_the_example_of_the_specification_asks_for_the_record_s_own_rows() -> None:
    query = read(
        "contacts?$select=fullname&$filter=(_parentcustomerid_value eq $ID and statecode eq 0)"
        "&$orderby=createdon desc&$top=1"
    )
    assert query.path(ID) == "contacts"
    assert query.options_for(ID) == {
        "$select": "fullname",
        "$filter": f"(_parentcustomerid_value eq {ID} and statecode eq 0)",
        "$orderby": "createdon desc",
        "$top": "1",
    }


@pytest.mark.parametrize("text", ["contacts?$select=fullname", "contacts?$select=fullname&$top=5000"])
def test_only_the_first_row_is_asked_for(text: str) -> None:
    assert read(text).options_for(ID)["$top"] == "1"


def test_a_row_may_be_addressed_by_the_record_s_id() -> None:
    query = read("accounts($ID)?$select=websiteurl")
    assert (query.path(ID), query.options_for(ID)) == (f"accounts({ID})", {"$select": "websiteurl"})


def test_a_lookup_is_selected_as_the_web_api_spells_it_and_checked_by_its_own_name() -> None:
    assert read("contacts?$select=_parentcustomerid_value").column == "parentcustomerid"


def test_a_sign_that_is_special_in_a_url_is_encoded_in_the_text() -> None:
    query = read("accounts?$select=name&$filter=name eq 'R%26D 100%25'")
    assert query.options_for(ID)["$filter"] == "name eq 'R&D 100%'"


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/contacts?$select=fullname",
        "//example.com/contacts?$select=fullname",
        "/contacts?$select=fullname",
        "../v9.1/contacts?$select=fullname",
        "contacts/Microsoft.Dynamics.CRM.Merge?$select=fullname",
        "contacts(00000000-0000-0000-0000-000000000001)?$select=fullname",
        "contacts($ID)/parentcustomerid_account?$select=name",
        "contacts#x?$select=fullname",
        "WhoAmI?$select=UserId",
        "EntityDefinitions?$select=LogicalName",
        "$batch?$select=x",
        "contacts",
        "contacts?$filter=statecode eq 0",
        "contacts?$select=firstname,lastname",
        "contacts?$select=*",
        "contacts?$select=fullname&$select=lastname",
        "contacts?$select=fullname&$expand=owninguser($select=fullname)",
        "contacts?$select=fullname&fetchXml=<fetch/>",
        "contacts?$select=fullname&$top=all",
        "accounts($ID)?$select=name&$filter=statecode eq 0",
    ],
)
def test_anything_else_than_one_column_of_one_row_of_a_table_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        read(text)

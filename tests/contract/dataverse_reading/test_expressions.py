"""What the expressions of a mapping read from Dataverse: exact values."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.adapters.dataverse.records.columns import ColumnReader
from shared.domain.records.records import Lookup
from shared.errors import DataError
from tests.contract.dataverse_reading.organisation import ANN, BEN, CLEO, PEOPLE, ROWS, Organisation, organisation_with


async def test_a_related_column_comes_with_its_record(organisation: Organisation) -> None:
    records = await organisation.read("parentcustomerid(account).name")
    assert records[ANN].values["parentcustomerid(account).name"] == "Fabrikam"
    assert records[BEN].values["parentcustomerid(account).name"] is None


async def test_a_related_number_is_a_number_and_not_its_formatted_text(organisation: Organisation) -> None:
    name = "parentcustomerid(account).numberofemployees"
    record = (await organisation.read(name))[ANN]
    assert (record.values[name], record.labels.get(name)) == (1200, None)


async def test_an_owner_is_reached_by_the_table_that_it_is_of(organisation: Organisation) -> None:
    records = await organisation.read("ownerid(systemuser).fullname")
    assert records[ANN].values["ownerid(systemuser).fullname"] == "Olga Owner"


async def test_a_lookup_of_a_related_row_is_a_lookup_with_its_label(organisation: Organisation) -> None:
    name = "parentcustomerid(account).owninguser"
    record = (await organisation.read(name))[ANN]
    assert isinstance(record.values[name], Lookup)
    assert record.labels[name]


async def test_a_column_of_spotler_info_is_read_together_with_the_connector_s_own(organisation: Organisation) -> None:
    records = await organisation.read("dh_spotlerinfo(dh_spotlerinfo).dh_lastsyncedon")
    assert records[ANN].values["dh_spotlerinfo(dh_spotlerinfo).dh_lastsyncedon"] is None


async def test_a_child_is_the_first_row_in_the_order_that_was_asked_for(organisation: Organisation) -> None:
    newest = "@child(task.regardingobjectid).first(scheduledend DESC).subject"
    oldest = "@child(task.regardingobjectid).first(scheduledend ASC).subject"
    records = await organisation.read(f"@concat({newest}, {oldest})")
    assert [records[ANN].values[name] for name in (newest, oldest)] == ["Task 8", "Task 2"]
    assert [records[BEN].values[name] for name in (newest, oldest)] == ["Task 7", "Task 1"]
    assert [records[CLEO].values[name] for name in (newest, oldest)] == [None, None]


async def test_dataverse_s_own_functions_do_not_know_a_lookup_by_the_name_that_selects_it(
    organisation: Organisation,
) -> None:
    wrong = "Microsoft.Dynamics.CRM.In(PropertyName='_regardingobjectid_value',PropertyValues=['x'])"
    with pytest.raises(DataError, match="0x80041103"):
        async for _ in organisation.client.query("tasks", select=("subject",), filter=wrong):
            pass


async def test_a_choice_of_a_child_has_its_label(organisation: Organisation) -> None:
    name = "@child(task.regardingobjectid).first(scheduledend DESC).prioritycode"
    record = (await organisation.read(name))[ANN]
    assert (record.values[name], record.labels[name]) == (2, "High")


async def test_a_query_with_the_records_id_is_answered_for_each_record(organisation: Organisation) -> None:
    name = "@odata:tasks?$select=subject&$filter=_regardingobjectid_value eq $ID&$orderby=scheduledend desc"
    records = await organisation.read(name)
    assert {key: record.values[name] for key, record in records.items()} == {ANN: "Task 8", BEN: "Task 7", CLEO: None}


async def test_a_query_of_one_row_that_is_not_there_is_empty(organisation: Organisation) -> None:
    name = "@odata:accounts($ID)?$select=name"
    records = await organisation.read(name)
    assert records[ANN].values[name] is None


async def test_a_query_that_dataverse_refuses_has_no_value_and_the_rest_is_read(organisation: Organisation) -> None:
    name = "@odata:tasks?$select=subject&$filter=nosuchcolumn eq 1"
    records = await organisation.read(name)
    assert name not in records[ANN].values
    assert records[ANN].values["emailaddress1"] == "ann@example.com"


async def test_marketing_lists_tell_who_is_a_member_and_who_could_be() -> None:
    lists = [
        ("list", {"listid": str(UUID(int=number)), "listname": name, "createdfromcode": code, "type": dynamic})
        for number, name, code, dynamic in (
            (501, "Newsletter", 2, False),
            (502, "Events", 2, False),
            (503, "Of leads", 4, False),
            (504, "Dynamic", 2, True),
        )
    ]
    members = [("listmember", {"listid": ("list", str(UUID(int=501))), "entityid": ("contact", str(PEOPLE[0]))})]
    async with organisation_with([*ROWS, *lists, *members]) as opened:
        records = await opened.read("@map(list)")
    assert {row.name: row.subscribed for row in records[ANN].lists} == {"Newsletter": True, "Events": False}
    assert {row.name: row.subscribed for row in records[BEN].lists} == {"Newsletter": False, "Events": False}


async def test_periodieken_are_read_from_the_table_that_the_mapping_names() -> None:
    rows = [
        (
            "dh_spotlerpermission",
            {"dh_name": name, "dh_subscribed": on, "dh_customerid": ("contact", str(PEOPLE[0]))},
        )
        for name, on in (("Weekly", True), ("Monthly", False))
    ]
    where = {
        "table": "dh_spotlerpermission",
        "name": "dh_name",
        "subscribed": "dh_subscribed",
        "contact": "dh_customerid",
    }
    async with organisation_with([*ROWS, *rows]) as opened:
        records = await opened.read("@map(periodiek)", periodiek=where)
        nowhere = await opened.read("@map(periodiek)", periodiek={**where, "contact": "dh_leadid"})
    assert {row.name: row.subscribed for row in records[ANN].periodieken} == {"Weekly": True, "Monthly": False}
    assert (records[BEN].periodieken, nowhere[ANN].periodieken) == ((), ())


async def test_a_label_is_that_of_the_mapping_s_language_where_the_column_has_it() -> None:
    async with organisation_with(ROWS) as opened:
        table = (await opened.schema.tables({"contact"})).tables["contact"]
        row = {"gendercode": 2, "gendercode@OData.Community.Display.V1.FormattedValue": "Vrouw"}
        assert ColumnReader(table.columns["gendercode"], 1033).label(row) == "Female"
        assert ColumnReader(table.columns["gendercode"], 1043).label(row) == "Vrouw"
        assert ColumnReader(table.columns["gendercode"]).label(row) == "Vrouw"

"""What a mapping reads from Dataverse, against the sandbox's Web API over real HTTP: few requests, exact values."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from starlette.types import Receive, Scope, Send

from shared.adapters.dataverse.metadata.mapped_schema import read_steps
from shared.adapters.dataverse.metadata.metadata import read_schema
from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records.columns import ColumnReader
from shared.adapters.dataverse.records.person_reader import PersonReader
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.credentials import ClientSecret, token_provider
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.model import Mapping
from shared.domain.records.records import Choices, Lookup, PersonRecord, PersonTable, RecordKey
from shared.domain.records.table_schema import ColumnDefinition, ColumnType, DateBehaviour, Option
from shared.errors import ConfigurationError, DataError, Service
from shared.local.dataverse_sandbox.http.app import DataverseSandboxSettings, create_app
from shared.local.dataverse_sandbox.organisation.execution_context import ServiceEndpointMessage
from shared.local.sandbox.serving import serve
from tests.contract.clocks import ManualClock

ACCOUNT = UUID(int=1)
PEOPLE = [UUID(int=number) for number in range(10, 13)]
ANN, BEN, CLEO = (RecordKey(PersonTable.CONTACT, identifier) for identifier in PEOPLE)
USER = UUID(int=99)

ROWS: list[tuple[str, dict[str, Any]]] = [
    ("systemuser", {"systemuserid": str(USER), "fullname": "Olga Owner", "internalemailaddress": "olga@example.com"}),
    (
        "account",
        {
            "accountid": str(ACCOUNT),
            "name": "Fabrikam",
            "websiteurl": "https://fabrikam.example",
            "numberofemployees": 1200,
        },
    ),
    (
        "contact",
        {
            "contactid": str(PEOPLE[0]),
            "firstname": "Ann",
            "lastname": "Proef",
            "emailaddress1": "ann@example.com",
            "gendercode": 2,
            "parentcustomerid": ("account", str(ACCOUNT)),
            "ownerid": ("systemuser", str(USER)),
        },
    ),
    ("contact", {"contactid": str(PEOPLE[1]), "lastname": "Proef", "emailaddress1": "ben@example.com"}),
    ("contact", {"contactid": str(PEOPLE[2]), "lastname": "Proef", "emailaddress1": "cleo@example.com"}),
    *(
        (
            "task",
            {
                "activityid": str(UUID(int=1000 + number)),
                "subject": f"Task {number}",
                "prioritycode": number % 3,
                "regardingobjectid": ("contact", str(PEOPLE[number % 2])),
                "scheduledend": f"2026-01-{number:02}T09:00:00Z",
            },
        )
        for number in range(1, 9)
    ),
]


@dataclass
class Organisation:
    """A running sandbox and a client of it."""

    client: DataverseClient
    schema: SchemaCache
    clock: ManualClock
    sent: list[str]

    def reader(self, mapping: Mapping) -> PersonReader:
        return PersonReader(self.client, self.schema, mapping, frozenset(PersonTable))

    async def read(self, source: str, **options: Any) -> dict[RecordKey, PersonRecord]:
        return await self.reader(mapping(source, **options)).read([ANN, BEN, CLEO])


def mapping(source: str, **options: Any) -> Mapping:
    """A mapping whose one row besides the address has this expression."""
    rows = [{"spotler": "email", "contact": "emailaddress1"}, {"spotler": "wanted", "contact": source}]
    return read_mapping({"version": 1, "rows": rows, **options})


@asynccontextmanager
async def organisation_with(rows: list[tuple[str, dict[str, Any]]], **settings: Any) -> AsyncIterator[Organisation]:
    async def publish(message: ServiceEndpointMessage) -> None:
        pass

    app = create_app(DataverseSandboxSettings(**settings), publish, rows)
    async with serve(app) as at:
        tokens = token_provider(ClientSecret("organisation", "sandbox", "sandbox"), at.url, authority=at.url)
        sent: list[str] = []

        def observe(service: Service, operation: str, status: int, seconds: float) -> None:
            sent.append(operation)

        async with DataverseClient(at.url, tokens, observe=observe) as client:
            clock = ManualClock()
            yield Organisation(client, SchemaCache(client, clock=clock), clock, sent)


@pytest.fixture
async def organisation() -> AsyncIterator[Organisation]:
    async with organisation_with(ROWS) as opened:
        yield opened


# ---------------------------------------------------------------------------------------------------------- expressions


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


# ------------------------------------------------------------------------------------------------------------- requests


async def test_a_read_costs_one_request_and_two_with_children_and_queries(organisation: Organisation) -> None:
    plain = organisation.reader(mapping("parentcustomerid(account).name"))
    with_queries = organisation.reader(
        mapping("@concat(@child(task.regardingobjectid).first(createdon).subject, firstname, lastname)")
    )
    for reader in (plain, with_queries):
        await reader.read([ANN])  # learns the schema
    organisation.sent.clear()
    await plain.read([ANN, BEN, CLEO])
    assert organisation.sent == ["GET contacts"]
    organisation.sent.clear()
    await with_queries.read([ANN, BEN, CLEO])
    assert sorted(organisation.sent) == ["GET contacts", "POST $batch"]


async def test_only_what_the_mapping_uses_is_read(organisation: Organisation) -> None:
    record = (await organisation.read("firstname"))[ANN]
    rules = {"statecode", "donotemail", "donotbulkemail", "merged", "originatingleadid"}
    assert set(record.values) == rules | {"emailaddress1", "firstname"}


async def test_the_schema_is_read_once_and_again_after_an_hour(organisation: Organisation) -> None:
    async def requests() -> int:
        organisation.sent.clear()
        await organisation.schema.tables({"contact"})
        return len(organisation.sent)

    assert await requests() == 1
    organisation.clock.advance(timedelta(minutes=59))
    assert await requests() == 0
    organisation.clock.advance(timedelta(minutes=1))
    assert await requests() == 1


async def test_records_with_more_children_than_a_page_hide_nobody_s_children() -> None:
    busy, quiet = PEOPLE[0], PEOPLE[1]
    tasks = [
        (
            "task",
            {
                "activityid": str(UUID(int=10_000 + number)),
                "subject": f"Task {number}",
                "scheduledend": "2026-06-01T09:00:00Z",
                "regardingobjectid": ("contact", str(busy)),
            },
        )
        for number in range(5_001)
    ]
    alone = {
        "activityid": str(UUID(int=9_999)),
        "subject": "The only one",
        "scheduledend": "2026-01-01T09:00:00Z",
        "regardingobjectid": ("contact", str(quiet)),
    }
    name = "@child(task.regardingobjectid).first(scheduledend DESC).subject"
    people = [row for row in ROWS if row[0] != "task"]
    async with organisation_with([*people, *tasks, ("task", alone)]) as opened:
        records = await opened.read(name)
    assert records[ANN].values[name] == "Task 0"
    assert records[BEN].values[name] == "The only one"
    assert records[CLEO].values[name] is None


# ------------------------------------------------------------------------------------------------------ what is missing


@pytest.mark.parametrize(
    "source",
    [
        "nosuchcolumn",
        "parentcustomerid(account).nosuchcolumn",
        "parentcustomerid().name",
        "parentcustomerid(lead).subject",
        "firstname(account).name",
        "@child(nosuchtable).first(createdon).name",
        "@child(systemuser.businessunitid).first(createdon).fullname",
        "@odata:nosuchset?$select=name",
        "@odata:tasks",
        "@odata:WhoAmI?$select=name",
    ],
)
async def test_a_row_that_names_what_does_not_exist_rests_and_everything_else_is_read(
    organisation: Organisation, source: str
) -> None:
    record = (await organisation.read(source))[ANN]
    assert source not in record.values
    assert record.values["emailaddress1"] == "ann@example.com"


async def test_a_column_that_is_deleted_meanwhile_rests_from_the_next_read_on() -> None:
    async def publish(message: ServiceEndpointMessage) -> None:
        pass

    today = create_app(DataverseSandboxSettings(), publish, ROWS)
    tomorrow = create_app(DataverseSandboxSettings(changed_columns={"contact.jobtitle": None}), publish, ROWS)
    answering = [today]

    async def organisation_of_the_day(scope: Scope, receive: Receive, send: Send) -> None:
        await answering[0](scope, receive, send)

    async with serve(organisation_of_the_day) as at:
        tokens = token_provider(ClientSecret("organisation", "sandbox", "sandbox"), at.url, authority=at.url)
        async with DataverseClient(at.url, tokens) as client:
            clock = ManualClock()
            reader = PersonReader(client, SchemaCache(client, clock=clock), mapping("jobtitle"), {PersonTable.CONTACT})
            assert "jobtitle" in (await reader.read([ANN]))[ANN].values
            answering[0] = tomorrow
            clock.advance(timedelta(minutes=5))
            assert "jobtitle" not in (await reader.read([ANN]))[ANN].values


async def test_without_the_address_column_the_table_waits(organisation: Organisation) -> None:
    rows = [{"spotler": "email", "contact": "dh_noaddress"}]
    with pytest.raises(ConfigurationError, match="contact has no column dh_noaddress"):
        await organisation.reader(read_mapping({"version": 1, "rows": rows})).read([ANN])


async def test_a_filter_on_a_column_that_does_not_exist_leaves_its_value_out(organisation: Organisation) -> None:
    record = (await organisation.read("firstname", filters={"contact": "dh_gone = 1"}))[ANN]
    assert "dh_gone" not in record.values
    assert record.values["firstname"] == "Ann"


# ------------------------------------------------------------------------------------------------------------- metadata


async def test_the_schema_tells_types_lengths_options_and_where_lookups_lead(organisation: Organisation) -> None:
    schema = await read_schema(organisation.client, ["contact", "nosuchtable"])
    contact = schema.tables["contact"]
    assert set(schema.tables) == {"contact"}
    assert (contact.entity_set, contact.primary_id, contact.primary_name) == ("contacts", "contactid", "fullname")
    assert contact.columns["emailaddress1"].max_length == 100
    assert contact.columns["birthdate"].behaviour is DateBehaviour.DATE_ONLY
    assert contact.columns["createdon"].behaviour is DateBehaviour.USER_LOCAL
    assert {option.value: option.label for option in contact.columns["gendercode"].options} == {1: "Male", 2: "Female"}
    assert [option.labels for option in contact.columns["donotemail"].options] == [
        {1033: "Allow"},
        {1033: "Do Not Allow"},
    ]
    assert contact.columns["parentcustomerid"].type is ColumnType.CUSTOMER
    assert contact.targets("parentcustomerid")["account"].navigation == "parentcustomerid_account"
    assert contact.targets("ownerid")["systemuser"].navigation == "owninguser"


async def test_the_steps_of_our_endpoint_tell_which_columns_fire() -> None:
    async with organisation_with([], filtering_columns={"contact": ["firstname", "emailaddress1"]}) as opened:
        steps = await read_steps(opened.client)
    assert {step.message for step in steps if step.table == "contact"} == {"Create", "Update", "Delete", "Merge"}
    (update,) = [step for step in steps if (step.table, step.message) == ("contact", "Update")]
    assert update.columns == {"firstname", "emailaddress1"}


def test_choices_and_times_without_a_zone_are_read_as_what_they_mean() -> None:
    options = (Option(1, {1043: "Een"}, "One"), Option(2, {1043: "Twee"}, "Two"))
    choices = ColumnDefinition("dh_topics", ColumnType.MULTI_SELECT, options=options)
    moment = ColumnDefinition("dh_at", ColumnType.DATE_TIME, behaviour=DateBehaviour.TIME_ZONE_INDEPENDENT)
    assert ColumnReader(choices, 1043).value({"dh_topics": "1,2"}) == Choices((1, 2), ("Een", "Twee"))
    assert ColumnReader(choices).value({"dh_topics": "2"}) == Choices((2,), ("Two",))
    assert ColumnReader(moment).value({"dh_at": "2026-03-01T10:00:00Z"}) == "2026-03-01T10:00:00"

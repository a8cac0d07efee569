"""Writes to person records of Dataverse (S2D-02, PERM-06), against the sandbox's Web API over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records.person_reader import PersonReader
from shared.adapters.dataverse.web_api.answers import OperationResult
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.credentials import ClientSecret, token_provider
from shared.adapters.dataverse.web_api.operations import WebApiOperation
from shared.adapters.dataverse.writeback.write_back import DataverseWritebacks
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.language.expression import OptionSource
from shared.domain.mapping.model import Mapping
from shared.domain.merging.dataverse_changes import FieldReturn, SubscriptionReturn
from shared.domain.records.marketing_contact import PropertyDefinition, PropertyType, PropertyValue, SetEntry, SetOption
from shared.domain.records.outcomes import Side
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from shared.errors import ConflictError, DataError, NotFoundError, Service, ThrottledError
from shared.local.dataverse_sandbox.http.app import create_app
from shared.local.dataverse_sandbox.organisation.execution_context import ServiceEndpointMessage
from shared.local.sandbox.serving import serve
from shared.ports.writeback import Writeback, WritebackResult
from tests.contract.clocks import ManualClock
from tests.contract.dataverse_script import delete
from tests.installed import installed_settings

ANN, BEN, CLEO, GONE = (RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in (11, 12, 13, 19))
LEO = RecordKey(PersonTable.LEAD, UUID(int=21))
ACME, ACME_OLD, TWIN_A, TWIN_B = (UUID(int=number) for number in (31, 32, 33, 34))
OLGA = UUID(int=41)
WEEKLY, MONTHLY, DYNAMIC = (UUID(int=number) for number in (51, 52, 53))
NEWS = UUID(int=61)
GUIDE = UUID(int=71)

CHOICE = {"options": {"1": "Male", "2": "Female"}, "translations": {"1043": {"1": "Man", "2": "Vrouw"}}}
COLUMNS: dict[str, dict[str, Any]] = {
    "contact.new_amount": {"type": "Decimal"},
    "contact.new_ratio": {"type": "Double"},
    "contact.new_big": {"type": "BigInt"},
    "contact.new_sex": {"type": "Picklist", **CHOICE},
    "contact.new_topics": {"type": "MultiSelectPicklist", **CHOICE},
    "contact.new_moment": {"type": "DateTime"},
    "contact.new_wall": {"type": "DateTime", "behavior": "TimeZoneIndependent"},
    "contact.new_localday": {"type": "DateTime", "dateonly": True, "behavior": "UserLocal"},
    "contact.new_guide": {"type": "Lookup", "targets": {"contact": "new_Guide"}},
    "contact.new_badge": {"type": "String", "max": 20, "required": "SystemRequired", "default": "none"},
    "contact.lastname": {"type": "String", "max": 50, "required": "ApplicationRequired"},
}
JOB = {"type": "String", "max": 500}
PERIODIEK_TABLE = {
    "new_periodiek": {
        "set": "new_periodieken",
        "id": "new_periodiekid",
        "name": "new_name",
        "columns": {
            "new_periodiekid": {"type": "Uniqueidentifier"},
            "new_name": {"type": "String", "max": 100},
            "new_subscribed": {"type": "Boolean", "options": {"0": "No", "1": "Yes"}, "default": False},
            "new_contactid": {"type": "Lookup", "targets": {"contact": "new_ContactId"}},
            "modifiedon": {"type": "DateTime", "readonly": True},
            "versionnumber": {"type": "BigInt", "readonly": True},
        },
    }
}
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("systemuser", {"systemuserid": str(OLGA), "fullname": "Olga Owner", "isdisabled": False}),
    ("account", {"accountid": str(ACME), "name": "Acme B.V."}),
    ("account", {"accountid": str(ACME_OLD), "name": "Acme B.V.", "statecode": 1}),
    ("account", {"accountid": str(TWIN_A), "name": "Twin"}),
    ("account", {"accountid": str(TWIN_B), "name": "twin"}),
    ("contact", {"contactid": str(ANN.id), "lastname": "Proef", "emailaddress1": "ann@example.com"}),
    ("contact", {"contactid": str(BEN.id), "lastname": "Proef", "emailaddress1": "ben@example.com"}),
    ("contact", {"contactid": str(CLEO.id), "lastname": "Proef", "emailaddress1": "cleo@example.com"}),
    ("contact", {"contactid": str(GUIDE), "firstname": "Gid", "lastname": "O'Brien, jr", "emailaddress1": "g@x.nl"}),
    ("lead", {"leadid": str(LEO.id), "lastname": "Proef", "emailaddress1": "leo@example.com"}),
    ("list", {"listid": str(WEEKLY), "listname": "Weekly", "createdfromcode": 2, "type": False}),
    ("list", {"listid": str(MONTHLY), "listname": "Monthly", "createdfromcode": 2, "type": False}),
    ("list", {"listid": str(DYNAMIC), "listname": "Dynamic", "createdfromcode": 2, "type": True}),
    (
        "dh_spotlerpermission",
        {
            "dh_spotlerpermissionid": str(NEWS),
            "dh_name": "News",
            "dh_subscribed": True,
            "dh_customerid": ("contact", str(ANN.id)),
        },
    ),
]

MAPPING = read_mapping(
    {
        "version": 1,
        "timeZone": "Europe/Amsterdam",
        "periodiek": {
            "table": "new_periodiek",
            "name": "new_name",
            "subscribed": "new_subscribed",
            "contact": "new_contactid",
        },
        "rows": [
            {"spotler": "email", "contact": "emailaddress1", "lead": "emailaddress1"},
            {"spotler": "permissions", "contact": "@map(permissions)", "lead": "@map(permissions)", "direction": "<->"},
            {"spotler": "lists", "contact": "@map(list)", "direction": "<->"},
            {"spotler": "magazines", "contact": "@map(periodiek)", "direction": "<->"},
        ],
    }
)


@dataclass
class Organisation:
    """A running sandbox, a client of it, and what it was asked."""

    client: DataverseClient
    schema: SchemaCache
    sent: list[str]

    async def write(
        self, *writebacks: Writeback, mapping: Mapping = MAPPING, **options: Any
    ) -> Sequence[WritebackResult]:
        return await DataverseWritebacks(self.client, self.schema, mapping, **options).write_back(writebacks)

    async def field(self, source: str, value: PropertyValue, **options: Any) -> WritebackResult:
        """Bring one value of Ann's home."""
        (result,) = await self.write(Writeback(ANN, "", (field(source, value, **options),)))
        return result

    async def person(self, key: RecordKey = ANN) -> PersonRecord:
        return (await PersonReader(self.client, self.schema, MAPPING, frozenset(PersonTable)).read([key]))[key]

    async def stored(self, column: str, key: RecordKey = ANN) -> Any:
        return (await self.client.retrieve(f"{key.table}s", key.id, select=[column]))[column]


def field(
    source: str, value: PropertyValue, kind: PropertyType = PropertyType.STRING, table: str = "contact", **row: Any
) -> FieldReturn:
    document = {"spotler": "wanted", table: source, "direction": "<-", **row}
    email = {"spotler": "email", table: "emailaddress1"}
    entries = (SetEntry(1, "Man"), SetEntry(2, "Female"), SetEntry(4, "Rabbit"))
    definition = PropertyDefinition("wanted", "Wanted", kind, entries if kind is PropertyType.SET else ())
    return FieldReturn(read_mapping({"version": 1, "rows": [email, document]}).rows[1], definition, value)


def option(
    name: str, row: UUID | None = None, option_source: OptionSource = OptionSource.PERMISSIONS, *, subscribed: bool
) -> SubscriptionReturn:
    return SubscriptionReturn(option_source, name, subscribed, row)


@asynccontextmanager
async def organisation_with(**settings: Any) -> AsyncIterator[Organisation]:
    async def publish(message: ServiceEndpointMessage) -> None:
        pass

    columns = COLUMNS | settings.pop("columns", {})
    app = create_app(
        installed_settings(changed_columns=columns, more_tables=PERIODIEK_TABLE, **settings), publish, ROWS
    )
    async with serve(app) as at:
        tokens = token_provider(ClientSecret("organisation", "sandbox", "sandbox"), at.url, authority=at.url)
        sent: list[str] = []

        def observe(_service: Service, operation: str, _status: int, _seconds: float) -> None:
            sent.append(operation)

        async with DataverseClient(at.url, tokens, tag="own", observe=observe) as client:
            yield Organisation(client, SchemaCache(client, clock=ManualClock()), sent)


@pytest.fixture
async def organisation() -> AsyncIterator[Organisation]:
    async with organisation_with() as opened:
        yield opened


# ------------------------------------------------------------------------------------------------------ kinds of column


@pytest.mark.parametrize(
    ("column", "value", "kind", "stored"),
    [
        ("jobtitle", "Tuinman", PropertyType.STRING, "Tuinman"),
        ("description", "a\nb", PropertyType.STRING, "a\nb"),
        ("numberofchildren", 3, PropertyType.INT, 3),
        ("numberofchildren", "3", PropertyType.STRING, 3),
        ("new_big", "9007199254740993", PropertyType.STRING, 9007199254740993),
        ("new_amount", "1.25", PropertyType.STRING, 1.25),
        ("new_ratio", "0.5", PropertyType.STRING, 0.5),
        ("creditlimit", "12.50", PropertyType.MONEY, 12.5),
        ("creditonhold", "ja", PropertyType.STRING, True),
        ("creditonhold", 0, PropertyType.INT, False),
        ("new_sex", "Vrouw", PropertyType.STRING, 2),
        ("new_sex", "female", PropertyType.STRING, 2),
        ("new_sex", 1, PropertyType.INT, 1),
        ("new_sex", "F", PropertyType.GENDER, 2),
        ("new_topics", (SetOption(1, enabled=True), SetOption(2, enabled=True)), PropertyType.SET, "1,2"),
        ("new_topics", "Man", PropertyType.STRING, "1"),
        ("birthdate", "1980-02-03", PropertyType.BIRTHDATE, "1980-02-03"),
        ("new_localday", "2026-07-01", PropertyType.DATE, "2026-06-30T22:00:00Z"),
        ("new_moment", "2026-07-01T10:00:00", PropertyType.DATE_TIME, "2026-07-01T08:00:00Z"),
        ("new_wall", "2026-07-01T10:00:00", PropertyType.DATE_TIME, "2026-07-01T10:00:00Z"),
    ],
)
async def test_every_kind_of_column_takes_what_its_property_has(
    organisation: Organisation, column: str, value: PropertyValue, kind: PropertyType, stored: Any
) -> None:
    """S2D-02, MAP-03."""
    assert await organisation.field(column, value, kind=kind) == WritebackResult()
    assert await organisation.stored(column) == stored


async def test_the_choices_of_a_row_work_backwards(organisation: Organisation) -> None:
    assert await organisation.field("new_sex", "Dame", choices={2: "Dame"}) == WritebackResult()
    assert await organisation.stored("new_sex") == 2


@pytest.mark.parametrize(
    ("column", "value", "read", "stored"),
    [
        ("new_guide", "gid o'brien, JR", "_new_guide_value", GUIDE),
        ("parentcustomerid", "Acme B.V.", "_parentcustomerid_value", ACME),
        ("parentcustomerid", "Gid O'Brien, jr", "_parentcustomerid_value", GUIDE),
        ("ownerid", "Olga Owner", "_ownerid_value", OLGA),
    ],
)
async def test_a_lookup_leads_to_the_one_active_row_of_that_name(
    organisation: Organisation, column: str, value: str, read: str, stored: UUID
) -> None:
    assert await organisation.field(column, value) == WritebackResult()
    assert await organisation.stored(read) == str(stored)


@pytest.mark.parametrize("empty", [None, ""])
@pytest.mark.parametrize("column", ["jobtitle", "new_sex", "new_topics", "new_moment", "creditlimit"])
async def test_nothing_in_spotler_empties_the_column(
    organisation: Organisation, column: str, empty: PropertyValue
) -> None:
    full = {"jobtitle": "Tuinman", "new_moment": "2026-07-01T08:00:00", "creditlimit": "12"}.get(column, "Man")
    await organisation.field(column, full)
    assert await organisation.stored(column) is not None
    assert await organisation.field(column, empty) == WritebackResult()
    assert await organisation.stored(column) is None


async def test_nothing_in_spotler_empties_a_lookup(organisation: Organisation) -> None:
    await organisation.field("parentcustomerid", "Gid O'Brien, jr")
    assert await organisation.field("parentcustomerid", None) == WritebackResult()
    assert await organisation.stored("_parentcustomerid_value") is None


# ----------------------------------------------------------------------------------------------------- what is left out


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("jobtitle", "x" * 101, "at most 100 characters"),
        ("numberofchildren", "many", "a whole number that is not too large, such as 1250"),
        ("new_sex", "Konijn", "the label of an option"),
        ("new_guide", "Nobody", "a name that exactly one row has"),
        ("parentcustomerid", "Twin", "a name that exactly one row has"),
        ("ownerid", None, "a value: the column is required"),
        ("lastname", None, "a value: the column is required"),
        ("fullname", "Ann Proef", "nothing from Spotler: Dataverse does not let it be changed"),
        ("statecode", "1", "nothing from Spotler: people and processes of Dataverse set it"),
        ("new_nosuch", "x", "a column that exists: correct the mapping"),
    ],
)
async def test_values_that_do_not_fit_are_left_out_with_the_expected_form_and_the_rest_is_written(
    organisation: Organisation, column: str, value: PropertyValue, expected: str
) -> None:
    writeback = Writeback(ANN, "", (field(column, value), field("firstname", "Ann")))
    (result,) = await organisation.write(writeback)
    (problem,) = result.problems
    assert result.error is None
    assert (problem.property_name, problem.source, problem.side) == ("wanted", column, Side.DATAVERSE)
    assert problem.expected == expected
    assert str(problem) == f"Spotler's wanted: {column} expects {expected}"
    assert await organisation.stored("firstname") == "Ann"


async def test_a_source_that_is_no_column_cannot_be_written(organisation: Organisation) -> None:
    title = field("jobtitle", "x")
    calculated = replace(title, row=replace(title.row, sources={PersonTable.LEAD: title.row.sources[ANN.table]}))
    (result,) = await organisation.write(Writeback(ANN, "", (calculated,)))
    assert [problem.expected for problem in result.problems] == ["a column of the record itself: correct the mapping"]


async def test_values_appear_in_no_representation(organisation: Organisation) -> None:
    writeback = Writeback(ANN, "", (field("new_sex", "Geheim"),))
    (result,) = await organisation.write(writeback)
    assert "Geheim" not in f"{writeback} {result}"


# -------------------------------------------------------------------------------------------------- versions and errors


async def test_a_record_that_changed_since_it_was_read_keeps_its_fields(organisation: Organisation) -> None:
    before = await organisation.person()
    await organisation.client.update("contacts", ANN.id, {"jobtitle": "Colleague"})
    (result,) = await organisation.write(Writeback(ANN, before.etag, (field("jobtitle", "Spotler"),)))
    assert isinstance(result.error, ConflictError)
    assert await organisation.stored("jobtitle") == "Colleague"
    after = await organisation.person()
    assert (await organisation.write(Writeback(ANN, after.etag, (field("jobtitle", "Spotler"),)))) == [
        WritebackResult()
    ]
    assert await organisation.stored("jobtitle") == "Spotler"


async def test_a_record_that_is_gone_is_not_created(organisation: Organisation) -> None:
    (result,) = await organisation.write(Writeback(GONE, "", (field("jobtitle", "x"),)))
    assert isinstance(result.error, NotFoundError)
    with pytest.raises(NotFoundError):
        await organisation.stored("jobtitle", GONE)


async def test_duplicate_detection_applies_where_it_is_asked_for() -> None:
    async with organisation_with(duplicate_rules={"contact": [["emailaddress1"]]}) as opened:
        writeback = Writeback(ANN, "", (field("emailaddress1", "BEN@example.com"),))
        (refused,) = await opened.write(writeback, detects_duplicates=True)
        (written,) = await opened.write(writeback)
    assert isinstance(refused.error, DataError)
    assert "duplicate detection rule" in refused.error.summary
    assert written == WritebackResult()


async def test_an_error_of_dataverse_names_the_column_and_hinders_no_other_record() -> None:
    """What the schema did not tell: the column became shorter after it was read."""
    async with organisation_with() as strict, organisation_with(columns={"contact.jobtitle": JOB}) as relaxed:
        schema = SchemaCache(relaxed.client, clock=ManualClock())
        strict.schema = schema
        writebacks = [
            Writeback(ANN, "", (field("jobtitle", "x" * 120),)),
            Writeback(BEN, "", (field("jobtitle", "Baker"),)),
        ]
        refused, written = await strict.write(*writebacks)
        assert await strict.stored("jobtitle", BEN) == "Baker"
    assert isinstance(refused.error, DataError)
    assert refused.error.summary == "Dataverse refused the record: jobtitle"
    assert "x" * 20 not in str(refused.error)
    assert written == WritebackResult()


async def test_a_required_column_that_dataverse_insists_on_is_named(organisation: Organisation) -> None:
    result = await organisation.field("new_badge", "")
    assert [problem.source for problem in result.problems] == ["new_badge"]
    async with organisation_with(columns={"contact.new_badge": {"type": "String", "max": 20}}) as relaxed:
        organisation.schema = SchemaCache(relaxed.client, clock=ManualClock())
        result = await organisation.field("new_badge", "")
    assert isinstance(result.error, DataError)
    assert result.error.summary == "Dataverse refused the record: new_badge"


async def test_a_column_that_was_deleted_meanwhile_is_left_out_and_the_rest_is_written() -> None:
    clock = ManualClock()
    async with organisation_with(columns={"contact.new_short": JOB}) as before:
        schema = SchemaCache(before.client, clock=clock)
        await schema.tables({"contact"})
    async with organisation_with() as today:
        schema._client = today.client
        clock.advance(timedelta(minutes=5))
        today.schema = schema
        (result,) = await today.write(Writeback(ANN, "", (field("new_short", "x"), field("jobtitle", "y"))))
        assert await today.stored("jobtitle") == "y"
    assert result.error is None
    assert [problem.expected for problem in result.problems] == ["a column that exists: correct the mapping"]


# -------------------------------------------------------------------------------------------------------- subscriptions


async def test_a_permission_row_that_was_deactivated_says_no_until_a_yes_comes_home(organisation: Organisation) -> None:
    await organisation.client.update("dh_spotlerpermissions", NEWS, {"statecode": 1})
    (news,) = (await organisation.person()).permissions
    assert (news.id, news.subscribed) == (NEWS, False)

    assert await organisation.write(Writeback(ANN, "", (), (option("News", NEWS, subscribed=True),))) == [
        WritebackResult()
    ]
    assert await permissions(organisation, ANN) == {"News": True}


async def test_a_deactivated_permission_row_is_ignored_if_there_is_an_active_one(organisation: Organisation) -> None:
    await organisation.client.update("dh_spotlerpermissions", NEWS, {"statecode": 1})
    await organisation.write(Writeback(ANN, "", (), (option(" news", subscribed=True),)))
    assert await permissions(organisation, ANN) == {" news": True}


async def permissions(organisation: Organisation, key: RecordKey) -> dict[str, bool]:
    return {row.name: row.subscribed for row in (await organisation.person(key)).permissions}


async def test_a_permission_is_changed_in_its_row(organisation: Organisation) -> None:
    """PERM-06, MAP-16."""
    (news,) = (await organisation.person()).permissions
    assert (news.id, bool(news.modified_on)) == (NEWS, True)
    assert await organisation.write(Writeback(ANN, "", (), (option("News", news.id, subscribed=False),))) == [
        WritebackResult()
    ]
    assert await permissions(organisation, ANN) == {"News": False}


@pytest.mark.parametrize("key", [BEN, LEO], ids=str)
async def test_a_permission_without_a_row_gets_one_and_a_repetition_makes_no_second(
    organisation: Organisation, key: RecordKey
) -> None:
    for subscribed in (True, True, False):
        writeback = Writeback(key, "", (), (option("Offers", subscribed=subscribed),))
        assert await organisation.write(writeback) == [WritebackResult()]
        assert await permissions(organisation, key) == {"Offers": subscribed}


async def test_a_row_that_says_so_already_is_not_written_again(organisation: Organisation) -> None:
    writeback = Writeback(BEN, "", (), (option("Offers", subscribed=True),))
    await organisation.write(writeback)
    (before,) = (await organisation.client.query("dh_spotlerpermissions", select=["modifiedon"]).__anext__())[1:]
    await organisation.write(writeback)
    (after,) = (await organisation.client.query("dh_spotlerpermissions", select=["modifiedon"]).__anext__())[1:]
    assert before["@odata.etag"] == after["@odata.etag"]


async def test_a_row_that_was_deleted_meanwhile_is_a_conflict_and_not_a_record_that_is_gone(
    organisation: Organisation,
) -> None:
    await organisation.client.execute(delete("dh_spotlerpermissions", NEWS))
    (result,) = await organisation.write(Writeback(ANN, "", (), (option("News", NEWS, subscribed=False),)))
    assert isinstance(result.error, ConflictError)


async def test_a_marketing_list_gains_and_loses_its_member(organisation: Organisation) -> None:
    """MAP-17, PERM-07."""

    async def lists() -> dict[str, bool]:
        return {row.name: row.subscribed for row in (await organisation.person()).lists}

    assert await lists() == {"Weekly": False, "Monthly": False}
    for subscribed in (True, True, False, False):
        writeback = Writeback(ANN, "", (), (option("weekly", None, OptionSource.LIST, subscribed=subscribed),))
        assert await organisation.write(writeback) == [WritebackResult()]
        assert await lists() == {"Weekly": subscribed, "Monthly": False}
    monthly = next(row for row in (await organisation.person()).lists if row.name == "Monthly")
    assert monthly.id == MONTHLY
    await organisation.write(
        Writeback(ANN, "", (), (option("Monthly", monthly.id, OptionSource.LIST, subscribed=True),))
    )
    assert (await lists())["Monthly"]


@pytest.mark.parametrize("name", ["Dynamic", "No such list"])
async def test_only_static_lists_have_members_that_a_person_chooses(organisation: Organisation, name: str) -> None:
    (result,) = await organisation.write(
        Writeback(ANN, "", (), (option(name, None, OptionSource.LIST, subscribed=True),))
    )
    assert [str(problem) for problem in result.problems] == [
        f"Spotler's lists: @map(list) expects exactly one active, static marketing list called {name}"
    ]
    assert await organisation.write(
        Writeback(ANN, "", (), (option("gone", None, OptionSource.LIST, subscribed=False),))
    ) == [WritebackResult()]


async def test_a_periodiek_is_created_once_and_changed_in_its_row(organisation: Organisation) -> None:
    """MAP-18, IF-02."""
    for subscribed in (True, True, False):
        writeback = Writeback(
            ANN, "", (), (option("Tijdschrift", None, OptionSource.PERIODIEK, subscribed=subscribed),)
        )
        assert await organisation.write(writeback) == [WritebackResult()]
        (row,) = (await organisation.person()).periodieken
        assert (row.name, row.subscribed) == ("Tijdschrift", subscribed)
    assert row.id is not None
    await organisation.write(
        Writeback(ANN, "", (), (option("Tijdschrift", row.id, OptionSource.PERIODIEK, subscribed=True),))
    )
    (row,) = (await organisation.person()).periodieken
    assert row.subscribed


async def test_without_a_periodiek_in_the_mapping_it_says_so(organisation: Organisation) -> None:
    writeback = Writeback(ANN, "", (), (option("Tijdschrift", None, OptionSource.PERIODIEK, subscribed=True),))
    (result,) = await organisation.write(writeback, mapping=replace(MAPPING, periodiek=None))
    assert [problem.expected for problem in result.problems] == ["periodiek in the mapping, with its table"]


async def test_a_refusal_of_bulk_mail_is_written_whatever_becomes_of_the_fields(organisation: Organisation) -> None:
    """PERM-08, PERM-10: an opt-out must not be lost for a job title."""
    stale = 'W/"1"'
    (result,) = await organisation.write(Writeback(ANN, stale, (field("jobtitle", "x"),), refuses_bulk=True))
    assert isinstance(result.error, ConflictError)
    assert await organisation.stored("donotbulkemail") is True
    (result,) = await organisation.write(Writeback(ANN, stale, refuses_bulk=False))
    assert isinstance(result.error, ConflictError)
    assert await organisation.stored("donotbulkemail") is True
    person = await organisation.person()
    assert await organisation.write(Writeback(ANN, person.etag, refuses_bulk=False)) == [WritebackResult()]
    assert await organisation.stored("donotbulkemail") is False


# ------------------------------------------------------------------------------------------------------------- requests


async def test_many_records_cost_one_batch_and_names_one_more(organisation: Organisation) -> None:
    looked_up = (field("parentcustomerid", "Acme B.V."), field("ownerid", "Olga Owner"))
    await organisation.write(Writeback(ANN, "", looked_up))  # learns the schema
    organisation.sent.clear()
    await organisation.write(
        *[
            Writeback(key, "", (field("jobtitle", "x"),), (option("Offers", subscribed=True),), refuses_bulk=True)
            for key in (ANN, BEN, CLEO)
        ]
    )
    assert organisation.sent == ["POST $batch"]
    organisation.sent.clear()
    await organisation.write(*[Writeback(key, "", looked_up) for key in (ANN, BEN)])
    assert organisation.sent == ["POST $batch", "POST $batch"]


async def test_a_mapping_without_rows_back_writes_nothing_to_dataverse(organisation: Organisation) -> None:
    assert await organisation.write(Writeback(ANN, ""), Writeback(LEO, "")) == [WritebackResult(), WritebackResult()]
    assert await organisation.write() == []
    assert organisation.sent == []


async def test_our_own_writes_carry_our_tag_so_that_they_do_not_come_back() -> None:
    """S2D-03: the echo is recognised."""
    tags: list[Any] = []

    async def publish(message: ServiceEndpointMessage) -> None:
        tags.append(b'"tag"' in message.body)

    app = create_app(installed_settings(), publish, [row for row in ROWS if row[0] == "contact"])
    async with serve(app) as at:
        tokens = token_provider(ClientSecret("organisation", "sandbox", "sandbox"), at.url, authority=at.url)
        async with DataverseClient(at.url, tokens, tag="own") as client:
            adapter = DataverseWritebacks(client, SchemaCache(client, clock=ManualClock()), MAPPING)
            await adapter.write_back(
                [Writeback(ANN, "", (field("jobtitle", "x"),), (option("Offers", subscribed=True),))]
            )
    assert tags
    assert all(tags)


async def test_a_request_that_is_throttled_as_a_whole_is_every_record_s_error(organisation: Organisation) -> None:
    await organisation.schema.tables({"contact"})
    busy = BusyClient("https://busy.example", organisation.client._transport._tokens)
    writebacks = DataverseWritebacks(busy, organisation.schema, MAPPING)
    result = await writebacks.write_back([Writeback(key, "", (field("jobtitle", "x"),)) for key in (ANN, BEN)])
    assert [type(one.error) for one in result] == [ThrottledError, ThrottledError]
    await busy.close()


class BusyClient(DataverseClient):
    """A client whose every request is told to wait."""

    async def batch(self, requests: Sequence[WebApiOperation]) -> list[OperationResult]:
        error = ThrottledError("wait", retry_after=timedelta(seconds=9))
        return [OperationResult(0, error=error) for _ in requests]

"""Writes fields to person records of Dataverse (S2D-02), against the sandbox's Web API over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.web_api.answers import OperationResult
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.credentials import ClientSecret, token_provider
from shared.adapters.dataverse.web_api.operations import WebApiOperation
from shared.adapters.dataverse.writeback.write_back import DataverseWritebacks
from shared.domain.records.marketing_contact import PropertyType, PropertyValue, SetOption
from shared.domain.records.outcomes import Side
from shared.domain.records.records import PersonTable
from shared.errors import ConflictError, DataError, NotFoundError, ThrottledError
from shared.local.dataverse_sandbox.http.app import create_app
from shared.local.dataverse_sandbox.organisation.execution_context import ServiceEndpointMessage
from shared.local.sandbox.serving import serve
from shared.ports.writeback import Writeback, WritebackResult
from tests.contract.clocks import ManualClock
from tests.contract.dataverse_writeback.writeback_organisation import (
    ACME,
    ANN,
    BEN,
    CLEO,
    GONE,
    GUIDE,
    JOB,
    LEO,
    MAPPING,
    OLGA,
    ROWS,
    Organisation,
    field,
    option,
    organisation_with,
)
from tests.installed import installed_settings


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

"""What a mapping names and Dataverse does not have is left out, and everything else is read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.types import Receive, Scope, Send

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records.person_reader import PersonReader
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.credentials import ClientSecret, token_provider
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.records.records import PersonTable
from shared.errors import ConfigurationError
from shared.local.dataverse_sandbox.http.app import create_app
from shared.local.dataverse_sandbox.organisation.execution_context import ServiceEndpointMessage
from shared.local.sandbox.serving import serve
from tests.contract.clocks import ManualClock
from tests.contract.dataverse_reading.organisation import ANN, ROWS, Organisation, mapping
from tests.installed import installed_settings


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

    today = create_app(installed_settings(), publish, ROWS)
    tomorrow = create_app(installed_settings(changed_columns={"contact.jobtitle": None}), publish, ROWS)
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

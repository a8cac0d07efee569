"""The Dataverse client against the sandbox's Web API, over real HTTP: its tokens, paging, batches, limits, failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from shared.adapters.dataverse.events.events import DataverseEvent, Message
from shared.adapters.dataverse.events.execution_context import check_organisation, read_event
from shared.adapters.dataverse.events.own_user import OwnUser
from shared.adapters.dataverse.events.routing import OwnIdentity
from shared.adapters.dataverse.web_api import operations
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.credentials import ClientSecret, token_provider
from shared.adapters.dataverse.web_api.odata import Expand, ODataComparison, compare
from shared.adapters.dataverse.web_api.operations import Annotation, Retrieve
from shared.adapters.dataverse.web_api.throttling import ServiceProtection
from shared.composition.connections import SystemClock
from shared.domain.records.records import Lookup
from shared.errors import ConfigurationError, ConflictError, DataError, NotFoundError, ThrottledError
from shared.local.dataverse_sandbox.http.app import DataverseSandboxSettings, create_app
from shared.local.dataverse_sandbox.organisation.execution_context import ServiceEndpointMessage
from shared.local.sandbox.serving import serve
from tests.contract.dataverse_script import create_only, delete, read_fetch_xml
from tests.installed import installed_settings
from tests.programs.times import LONGEST_WAIT

TAG = "spotler-connector"
PEOPLE = [UUID(int=number) for number in range(1, 301)]
LEAD = UUID(int=1001)


@dataclass
class Organisation:
    """A running sandbox and a client of it."""

    url: str
    client: DataverseClient
    settings: DataverseSandboxSettings
    statuses: list[tuple[str, int]] = field(default_factory=list)
    events: asyncio.Queue[DataverseEvent] = field(default_factory=asyncio.Queue)

    async def publish(self, message: ServiceEndpointMessage) -> None:
        self.events.put_nowait(read_event(message.body, message.content_type, message.properties))

    async def control(self, method: str, path: str, body: Any = None) -> None:
        async with httpx.AsyncClient() as http:
            (await http.request(method, f"{self.url}/sandbox/{path}", json=body)).raise_for_status()

    async def strike(self, kind: str, *, match: str, times: int = 1, retry_after: int = 1) -> None:
        rule = {"kind": kind, "match": match, "times": times, "retry_after": retry_after}
        await self.control("POST", "faults", {"rules": [rule]})


@pytest.fixture
async def organisation() -> AsyncIterator[Organisation]:
    settings = installed_settings()
    rows = [("contact", {"contactid": str(row), "lastname": f"Proef {row.int:03}"}) for row in PEOPLE]
    rows.append(("lead", {"leadid": str(LEAD), "subject": "x", "lastname": "Proef", "leadqualitycode": 1}))
    found: list[Organisation] = []

    async def publish(message: ServiceEndpointMessage) -> None:
        await found[0].publish(message)

    async with serve(create_app(settings, publish, rows)) as address:
        tokens = token_provider(ClientSecret("contoso", "sandbox", "sandbox"), address.url, authority=address.url)
        async with DataverseClient(
            address.url,
            tokens,
            tag=TAG,
            protection=ServiceProtection(longest_pause=timedelta(seconds=3)),
            observe=lambda _service, operation, status, _seconds: found[0].statuses.append((operation, status)),
        ) as client:
            found.append(Organisation(address.url, client, settings))
            yield found[0]


async def test_the_client_is_somebody_in_the_organisation(organisation: Organisation) -> None:
    me = await organisation.client.who_am_i()
    assert me.organisation_id == organisation.settings.organization_id
    assert organisation.statuses == [("GET WhoAmI", 200)]
    assert organisation.client.budget.requests < 6000


async def test_a_row_lives_from_its_creation_to_its_deletion(organisation: Organisation) -> None:
    client = organisation.client
    row = await client.create("contacts", {"lastname": "Proef"})
    first = await client.retrieve("contacts", row, select=("lastname", "statecode"), annotations=(Annotation.LABEL,))
    assert first["lastname"] == "Proef"
    assert first[f"statecode@{Annotation.LABEL}"] == "Active"
    await client.update("contacts", row, {"lastname": "Test"}, if_match=first["@odata.etag"])
    with pytest.raises(ConflictError):
        await client.update("contacts", row, {"lastname": "x"}, if_match=first["@odata.etag"])
    await client.execute(delete("contacts", row))
    with pytest.raises(NotFoundError):
        await client.retrieve("contacts", row, select=("lastname",))
    with pytest.raises(NotFoundError):
        await client.update("contacts", row, {"lastname": "x"})


async def test_an_upsert_creates_once(organisation: Organisation) -> None:
    row = uuid4()
    await organisation.client.execute(operations.upsert("contacts", row, {"lastname": "a"}))
    await organisation.client.execute(operations.upsert("contacts", row, {"lastname": "b"}))
    assert (await organisation.client.retrieve("contacts", row, select=("lastname",)))["lastname"] == "b"
    with pytest.raises(ConflictError):
        await organisation.client.execute(create_only("contacts", row, {"lastname": "c"}))


async def test_creating_a_row_twice_with_its_own_id_creates_it_once(organisation: Organisation) -> None:
    row = {"contactid": str(uuid4()), "lastname": "Proef"}
    first = await organisation.client.create("contacts", row, key="contactid")
    assert await organisation.client.create("contacts", row, key="contactid") == first
    with pytest.raises(ConflictError):
        await organisation.client.create("contacts", row)


async def test_a_refused_write_is_a_data_error_and_a_refused_read_a_configuration_error(
    organisation: Organisation,
) -> None:
    with pytest.raises(DataError) as too_long:
        await organisation.client.update("contacts", PEOPLE[0], {"lastname": "x" * 51})
    assert too_long.value.code == "0x80044331"
    with pytest.raises(ConfigurationError):
        await organisation.client.retrieve("contacts", PEOPLE[0], select=("dh_nosuchcolumn",))
    with pytest.raises(ConfigurationError):
        await organisation.client.retrieve("nosuchtables", PEOPLE[0], select=("name",))


async def test_a_query_walks_all_pages(organisation: Organisation) -> None:
    pages = organisation.client.query("contacts", select=("lastname",), orderby="lastname desc", page_size=120)
    found = [page async for page in pages]
    assert [len(page) for page in found] == [120, 120, 60]
    assert {UUID(row["contactid"]) for page in found for row in page} == set(PEOPLE)


async def test_a_query_filters_sorts_and_stops(organisation: Organisation) -> None:
    wanted = compare("lastname", ODataComparison.LESS_OR_EQUAL, "Proef 005")
    pages = organisation.client.query("contacts", select=("lastname",), filter=wanted, orderby="lastname desc", top=2)
    assert [[row["lastname"] for row in page] async for page in pages] == [["Proef 005", "Proef 004"]]


@pytest.mark.parametrize("name", ["O'Neil", 'A&B <c> #1 50% "x" +é', "'' or 1 eq 1"])
async def test_a_filter_finds_a_value_with_any_characters(organisation: Organisation, name: str) -> None:
    row = await organisation.client.create("contacts", {"lastname": name})
    wanted = compare("lastname", ODataComparison.EQUAL, name)
    (page,) = [page async for page in organisation.client.query("contacts", select=("lastname",), filter=wanted)]
    assert [UUID(found["contactid"]) for found in page] == [row]


async def test_fetchxml_walks_all_pages(organisation: Organisation) -> None:
    query = (
        "<fetch><entity name='contact'><attribute name='contactid' /><order attribute='lastname' /></entity></fetch>"
    )
    found = await read_fetch_xml(organisation.client, "contacts", query, 120)
    assert [len(page) for page in found] == [120, 120, 60]
    assert [UUID(row["contactid"]) for page in found for row in page] == PEOPLE


async def test_rows_of_several_tables_come_in_one_request(organisation: Organisation) -> None:
    contacts, leads = await organisation.client.retrieve_many(
        [
            Retrieve(
                "contacts", "contactid", [*PEOPLE, uuid4()], ("lastname",), (Expand("owninguser", ("fullname",)),)
            ),
            Retrieve("leads", "leadid", [LEAD], ("leadqualitycode",)),
        ],
        annotations=(Annotation.LABEL,),
    )
    assert sorted(UUID(row["contactid"]) for row in contacts) == PEOPLE
    assert leads[0][f"leadqualitycode@{Annotation.LABEL}"] == "Hot"
    assert organisation.statuses == [("POST $batch", 200)]


async def test_rows_of_one_table_come_in_one_plain_request(organisation: Organisation) -> None:
    (found,) = await organisation.client.retrieve_many([Retrieve("contacts", "contactid", PEOPLE[:100], ("lastname",))])
    assert len(found) == 100
    assert organisation.statuses == [("GET contacts", 200)]


async def test_a_batch_gives_every_operation_its_own_outcome(organisation: Organisation) -> None:
    created, updated, missing, failed, undone, read = await organisation.client.batch(
        [
            operations.create("contacts", {"lastname": "Proef"}),
            operations.update("contacts", PEOPLE[0], {"jobtitle": "Proef"}),
            delete("contacts", uuid4()),
            operations.update("contacts", PEOPLE[1], {"jobtitle": "undone"}, group="a"),
            operations.update("contacts", PEOPLE[2], {"lastname": "x" * 51}, group="a"),
            operations.retrieve("contacts", PEOPLE[1], select=("jobtitle",)),
        ]
    )
    assert created.error is None
    assert created.id is not None
    assert updated.error is None
    assert isinstance(missing.error, NotFoundError)
    assert failed.code == undone.code == "0x80044331"
    assert read.body["jobtitle"] is None
    assert read.etag
    assert organisation.statuses == [("POST $batch", 200)]


async def test_a_row_may_refer_to_one_that_the_same_change_set_created(organisation: Organisation) -> None:
    results = await organisation.client.batch(
        [
            operations.create("accounts", {"name": "Proef BV"}, group="a"),
            operations.create(
                "contacts", {"lastname": "Proef", "parentcustomerid_account@odata.bind": "$1"}, group="a"
            ),
        ]
    )
    account, contact = (result.id for result in results)
    assert contact is not None
    row = await organisation.client.retrieve("contacts", contact, select=("_parentcustomerid_value",))
    assert UUID(row["_parentcustomerid_value"]) == account


async def test_our_writes_come_back_as_events_that_carry_our_tag(organisation: Organisation) -> None:
    await organisation.client.update("contacts", PEOPLE[0], {"jobtitle": "Proef"})
    event = await asyncio.wait_for(organisation.events.get(), LONGEST_WAIT)
    check_organisation(event.origin, ids={organisation.settings.organization_id})
    assert event.message is Message.UPDATE
    assert event.references[0] == Lookup("contact", PEOPLE[0])
    assert "jobtitle" in event.changed
    assert event.tags == {TAG}


async def test_our_writes_are_known_by_our_tag_and_our_user_once_dataverse_has_told_it(
    organisation: Organisation,
) -> None:
    own_user = OwnUser(organisation.client, SystemClock())
    await organisation.client.create("contacts", {"lastname": "Proef"})
    event = await asyncio.wait_for(organisation.events.get(), LONGEST_WAIT)
    assert own_user.id is None
    assert not OwnIdentity(TAG, own_user.id).wrote(event)
    await own_user.learn()
    assert OwnIdentity(TAG, own_user.id).wrote(event)
    await own_user.learn()
    assert [operation for operation, _ in organisation.statuses].count("GET WhoAmI") == 1


async def test_our_writes_in_a_batch_carry_our_tag_too(organisation: Organisation) -> None:
    await organisation.client.batch([operations.update("contacts", PEOPLE[0], {"jobtitle": "Proef"})])
    event = await asyncio.wait_for(organisation.events.get(), LONGEST_WAIT)
    assert event.tags == {TAG}


@pytest.mark.parametrize("kind", ["unavailable", "reset", "reset_after"])
async def test_an_update_is_repeated_after_a_passing_failure(organisation: Organisation, kind: str) -> None:
    await organisation.strike(kind, match="PATCH")
    await organisation.client.update("contacts", PEOPLE[0], {"jobtitle": "Proef"})
    assert [status for _, status in organisation.statuses] in ([503, 204], [0, 204])


async def test_a_create_whose_answer_was_lost_makes_one_row(organisation: Organisation) -> None:
    row = {"contactid": str(uuid4()), "lastname": "Proef"}
    await organisation.strike("reset_after", match="POST .*/contacts")
    assert await organisation.client.create("contacts", row, key="contactid") == UUID(row["contactid"])


async def test_a_short_throttle_is_waited_for(organisation: Organisation) -> None:
    await organisation.strike("throttle_requests", match="contacts", retry_after=1)
    await organisation.client.retrieve("contacts", PEOPLE[0], select=("lastname",))
    assert [status for _, status in organisation.statuses] == [429, 200]


async def test_a_long_throttle_is_told(organisation: Organisation) -> None:
    await organisation.strike("throttle_time", match="contacts", retry_after=60)
    with pytest.raises(ThrottledError) as throttled:
        await organisation.client.retrieve("contacts", PEOPLE[0], select=("lastname",))
    assert throttled.value.retry_after == timedelta(seconds=60)
    assert throttled.value.code == "0x80072321"


async def test_a_revoked_token_is_replaced(organisation: Organisation) -> None:
    await organisation.client.who_am_i()
    await organisation.control("DELETE", "tokens")
    await organisation.client.who_am_i()
    assert [status for _, status in organisation.statuses] == [200, 401, 200]


async def test_a_wrong_secret_is_a_matter_of_configuration(organisation: Organisation) -> None:
    tokens = token_provider(ClientSecret("contoso", "sandbox", "wrong"), organisation.url, authority=organisation.url)
    async with DataverseClient(organisation.url, tokens) as client:
        with pytest.raises(ConfigurationError):
            await client.who_am_i()

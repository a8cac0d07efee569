"""What the Dataverse client sends: queries, pages, writes, and rows of many."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest

from shared.adapters.dataverse.web_api import operations
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.odata import ODataComparison, compare
from shared.adapters.dataverse.web_api.operations import Annotation, Retrieve
from shared.errors import (
    ConfigurationError,
)
from tests.contract.dataverse_script import (
    BASE,
    OTHER,
    ROW,
    Script,
    create_only,
    delete,
    multipart,
    part,
    read_all,
    read_fetch_xml,
    rows,
)

pytestmark = pytest.mark.usefixtures("repetitions_do_not_wait")


async def test_a_query_asks_for_columns_rows_and_annotations_by_the_protocol() -> None:
    script = Script(rows())
    await read_all(
        script,
        filter=compare("lastname", ODataComparison.EQUAL, "O'Neil & Co"),
        orderby="modifiedon desc",
        page_size=500,
        annotations=(Annotation.LABEL,),
    )
    (request,) = script.requests
    assert request.url.path == "/api/data/v9.2/contacts"
    assert dict(request.url.params) == {
        "$select": "fullname",
        "$filter": "lastname eq 'O''Neil & Co'",
        "$orderby": "modifiedon desc",
    }
    assert request.headers["Prefer"] == (
        'odata.maxpagesize=500,odata.include-annotations="OData.Community.Display.V1.FormattedValue"'
    )
    assert request.headers["OData-Version"] == request.headers["OData-MaxVersion"] == "4.0"
    assert request.headers["Accept"] == "application/json"
    assert request.headers["Authorization"] == "Bearer token-1"


async def test_pages_are_followed_on_the_same_host_only() -> None:
    script = Script(
        rows(
            {"n": 1}, next_link="https://ORG.crm4.dynamics.com:443/api/data/v9.2/contacts?$skiptoken=%3Ccookie%20/%3E"
        ),
        rows({"n": 2}),
    )
    assert await read_all(script) == [{"n": 1}, {"n": 2}]
    assert script.requests[1].url.query == b"$skiptoken=%3Ccookie%20/%3E"
    assert script.requests[1].headers["Prefer"] == script.requests[0].headers["Prefer"]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example.org/api/data/v9.2/contacts",
        "http://org.crm4.dynamics.com/api/data/v9.2/contacts",
        "https://org.crm4.dynamics.com:8443/api/data/v9.2/contacts",
        "https://org.crm4.dynamics.com/elsewhere",
        "https://org.crm4.dynamics.com@evil.example.org/api/data/v9.2/contacts",
    ],
)
async def test_a_foreign_continuation_is_refused(link: str) -> None:
    script = Script(rows({"n": 1}, next_link=link))
    with pytest.raises(ConfigurationError):
        await read_all(script)
    assert len(script.requests) == 1


async def test_fetchxml_pages_are_asked_for_with_their_cookie() -> None:
    first = {
        "value": [{"n": 1}],
        "@Microsoft.Dynamics.CRM.morerecords": True,
        "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie": '<cookie pagingcookie="%253ccookie%2520page%253d1%253e" />',
    }
    script = Script(httpx.Response(200, json=first), httpx.Response(200, json={"value": [{"n": 2}]}))
    pages = await read_fetch_xml(script.client, "contacts", "<fetch><entity name='contact' /></fetch>", 1)
    assert [row for page in pages for row in page] == [{"n": 1}, {"n": 2}]
    asked = [request.url.params["fetchXml"] for request in script.requests]
    assert 'page="1" count="1"' in asked[0]
    assert 'page="2" count="1" paging-cookie="&lt;cookie page=1&gt;"' in asked[1]


async def test_a_read_too_long_for_a_url_travels_in_a_batch() -> None:
    script = Script(multipart(part(200, {"value": []})))
    await read_all(script, filter=compare("lastname", ODataComparison.EQUAL, "x" * 20_000))
    (request,) = script.requests
    assert request.url.path.endswith("/$batch")
    assert b"x" * 20_000 in request.content


@pytest.mark.parametrize(
    ("write", "method", "headers"),
    [
        (lambda client: client.update("contacts", ROW, {}), "PATCH", {"If-Match": "*"}),
        (lambda client: client.update("contacts", ROW, {}, if_match='W/"7"'), "PATCH", {"If-Match": 'W/"7"'}),
        (lambda client: client.execute(operations.upsert("contacts", ROW, {})), "PATCH", {}),
        (lambda client: client.execute(create_only("contacts", ROW, {})), "PATCH", {"If-None-Match": "*"}),
        (lambda client: client.execute(delete("contacts", ROW)), "DELETE", {}),
        (lambda client: client.execute(delete("contacts", ROW, if_match='W/"7"')), "DELETE", {"If-Match": 'W/"7"'}),
    ],
)
async def test_a_write_states_its_condition_and_carries_our_tag(
    write: Callable[[DataverseClient], Awaitable[None]], method: str, headers: dict[str, str]
) -> None:
    script = Script(httpx.Response(204), tag="spotler-connector")
    await write(script.client)
    (request,) = script.requests
    assert request.method == method
    assert str(request.url) == f"{BASE}contacts({ROW})?tag=spotler-connector"
    conditions = {name: request.headers[name] for name in ("If-Match", "If-None-Match") if name in request.headers}
    assert conditions == headers


async def test_a_new_row_gives_its_id() -> None:
    script = Script(httpx.Response(204, headers={"OData-EntityId": f"{BASE}contacts({ROW})"}))
    assert await script.client.create("contacts", {"lastname": "x"}) == ROW


# ------------------------------------------------------------------------------------------------------- rows of many


async def test_rows_of_one_table_are_one_plain_request() -> None:
    script = Script(rows({"contactid": str(ROW)}))
    found = await script.client.retrieve_many([Retrieve("contacts", "contactid", [ROW, OTHER], ("fullname",))])
    assert found == [[{"contactid": str(ROW)}]]
    (request,) = script.requests
    assert request.method == "GET"
    assert request.url.params["$filter"] == (
        f"Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=['{ROW}','{OTHER}'])"
    )


async def test_rows_of_several_tables_are_one_batch() -> None:
    script = Script(
        multipart(part(200, {"value": [{"n": 1}]}), part(200, {"value": [{"n": 2}]}), part(200, {"value": [{"n": 3}]}))
    )
    found = await script.client.retrieve_many(
        [
            Retrieve("contacts", "contactid", [UUID(int=n) for n in range(1, 301)], ("fullname",)),
            Retrieve("leads", "leadid", [ROW], ("fullname",)),
            Retrieve("accounts", "accountid", [], ("name",)),
        ]
    )
    assert found == [[{"n": 1}, {"n": 2}], [{"n": 3}], []]
    assert len(script.requests) == 1


async def test_a_missing_part_of_many_rows_is_an_error_and_not_an_absence() -> None:
    script = Script(multipart(part(200, {"value": []}), part(403, {"error": {"code": "0x80040220", "message": ""}})))
    with pytest.raises(ConfigurationError):
        await script.client.retrieve_many(
            [Retrieve("contacts", "contactid", [ROW], ("a",)), Retrieve("leads", "leadid", [ROW], ("a",))]
        )

"""The Dataverse client against scripted answers: what is sent, what is repeated, what an answer means."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import httpx
import pytest
import stamina
from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError
from azure.identity import CredentialUnavailableError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from shared.dataverse import operations
from shared.dataverse.client import DataverseClient
from shared.dataverse.credentials import (
    AccessToken,
    CachedTokens,
    Certificate,
    ClientSecret,
    ManagedIdentity,
    token_provider,
)
from shared.dataverse.entra import certificate_bytes, entra_fault
from shared.dataverse.odata import Comparison, compare
from shared.dataverse.operations import Annotation, Method, Operation, Retrieve
from shared.dataverse.throttling import Budget, ServiceProtection
from shared.errors import (
    ConfigurationError,
    ConflictError,
    ConnectorError,
    DataError,
    NotFoundError,
    Service,
    ThrottledError,
    TransientError,
    UnknownOutcomeError,
)
from shared.local.sandbox.serving import serve

ORGANISATION = "https://org.crm4.dynamics.com"
BASE = f"{ORGANISATION}/api/data/v9.2/"
ROW = UUID("6d81597f-0f9f-e711-8122-000d3aa2331c")
OTHER = UUID("6d81597f-0f9f-e711-8122-000d3aa2331d")

Answer = httpx.Response | Exception


@pytest.fixture(autouse=True)
def repetitions_do_not_wait() -> Iterator[None]:
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


class Tokens:
    """Numbered tokens."""

    def __init__(self) -> None:
        self.number = 1

    async def token(self) -> str:
        return f"token-{self.number}"

    def reject(self, token: str) -> None:
        assert token == f"token-{self.number}"
        self.number += 1

    async def close(self) -> None:
        pass


class Script:
    """A Dataverse that gives prepared answers, the last one for ever, and remembers what it was asked."""

    def __init__(self, *answers: Answer, concurrency: int = 4, tag: str = "") -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.observed: list[tuple[Service, str, int]] = []
        self.clock = Clock()
        self.times: list[float] = []
        self.protection = ServiceProtection(concurrency=concurrency, now=self.clock.now, sleep=self.clock.sleep)
        self.client = DataverseClient(
            ORGANISATION,
            Tokens(),
            tag=tag,
            protection=self.protection,
            observe=self.observe,
            http_transport=httpx.MockTransport(self.answer),
        )

    def observe(self, service: Service, operation: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.observed.append((service, operation, status))

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.times.append(self.clock.now())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def rows(*found: dict[str, Any], next_link: str | None = None) -> httpx.Response:
    body: dict[str, Any] = {"value": list(found)}
    if next_link:
        body["@odata.nextLink"] = next_link
    return httpx.Response(200, json=body)


def error(status: int, code: str = "0x80040216", message: str = "", **headers: str) -> httpx.Response:
    return httpx.Response(
        status,
        json={"error": {"code": code, "message": message}},
        headers={key.replace("_", "-"): value for key, value in headers.items()},
    )


def multipart(*parts: str) -> httpx.Response:
    text = "".join(
        f"--batchresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n{part}\r\n"
        for part in parts
    )
    return httpx.Response(
        200,
        headers={"Content-Type": "multipart/mixed; boundary=batchresponse_1"},
        content=f"{text}--batchresponse_1--\r\n".encode(),
    )


def part(status: int, body: Any = None, **headers: str) -> str:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{key.replace('_', '-')}: {value}" for key, value in headers.items())]
    return "\r\n".join([*lines, "", "" if body is None else json.dumps(body, ensure_ascii=False)])


async def read_all(script: Script, **options: Any) -> list[dict[str, Any]]:
    pages = script.client.query("contacts", select=("fullname",), **options)
    return [row async for page in pages for row in page]


# --------------------------------------------------------------------------------------------------- what is sent


async def test_a_query_asks_for_columns_rows_and_annotations_by_the_protocol() -> None:
    script = Script(rows())
    await read_all(
        script,
        filter=compare("lastname", Comparison.EQUAL, "O'Neil & Co"),
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
    pages = script.client.fetch_xml("contacts", "<fetch><entity name='contact' /></fetch>", page_size=1)
    assert [row async for page in pages for row in page] == [{"n": 1}, {"n": 2}]
    asked = [request.url.params["fetchXml"] for request in script.requests]
    assert 'page="1" count="1"' in asked[0]
    assert 'page="2" count="1" paging-cookie="&lt;cookie page=1&gt;"' in asked[1]


async def test_a_read_too_long_for_a_url_travels_in_a_batch() -> None:
    script = Script(multipart(part(200, {"value": []})))
    await read_all(script, filter=compare("lastname", Comparison.EQUAL, "x" * 20_000))
    (request,) = script.requests
    assert request.url.path.endswith("/$batch")
    assert b"x" * 20_000 in request.content


@pytest.mark.parametrize(
    ("write", "method", "headers"),
    [
        (lambda client: client.update("contacts", ROW, {}), "PATCH", {"If-Match": "*"}),
        (lambda client: client.update("contacts", ROW, {}, if_match='W/"7"'), "PATCH", {"If-Match": 'W/"7"'}),
        (lambda client: client.upsert("contacts", ROW, {}), "PATCH", {}),
        (lambda client: client.upsert("contacts", ROW, {}, if_none_match="*"), "PATCH", {"If-None-Match": "*"}),
        (lambda client: client.delete("contacts", ROW), "DELETE", {}),
        (lambda client: client.delete("contacts", ROW, if_match='W/"7"'), "DELETE", {"If-Match": 'W/"7"'}),
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


# ------------------------------------------------------------------------------------------- what an answer means


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(400, "0x80044331"), DataError),
        (error(400, "0x80060888"), ConfigurationError),
        (error(401), ConfigurationError),
        (error(403, "0x80040220"), ConfigurationError),
        (error(404, "0x80040217"), NotFoundError),
        (httpx.Response(404, text="<html>"), ConfigurationError),
        (httpx.Response(302, headers={"Location": "https://login.example.org"}), ConfigurationError),
        (error(412, "0x80060882"), ConflictError),
        (error(400, "0x80040237"), ConflictError),
        (error(429, "0x80072322", Retry_After="300"), ThrottledError),
        (error(500), TransientError),
        (httpx.Response(503, text="<html>"), TransientError),
        (httpx.Response(200, text="<html>"), TransientError),
        (httpx.ConnectError("refused"), TransientError),
        (httpx.ReadTimeout("silence"), TransientError),
    ],
)
async def test_an_answer_becomes_the_error_that_says_what_to_do(answer: Answer, kind: type[ConnectorError]) -> None:
    with pytest.raises(ConnectorError) as raised:
        await Script(answer).client.update("contacts", ROW, {})
    assert isinstance(raised.value, kind)
    assert raised.value.service is Service.DATAVERSE


async def test_the_message_of_the_other_side_is_kept_apart_from_what_is_logged() -> None:
    script = Script(error(400, "0x80044331", "ann@example.org is too long"))
    with pytest.raises(DataError) as raised:
        await script.client.update("contacts", ROW, {})
    assert raised.value.detail == "ann@example.org is too long"
    assert "ann" not in str(raised.value)
    assert raised.value.code == "0x80044331"


async def test_an_error_code_that_is_none_is_not_logged_either() -> None:
    with pytest.raises(DataError) as raised:
        await Script(error(400, "ann@example.org is wrong")).client.update("contacts", ROW, {})
    assert "ann" not in str(raised.value)


async def test_every_request_is_observed_without_ids_or_values() -> None:
    script = Script(httpx.ReadError("broken"), httpx.Response(204))
    await script.client.update("contacts", ROW, {"lastname": "x"})
    assert script.observed == [
        (Service.DATAVERSE, "PATCH contacts", 0),
        (Service.DATAVERSE, "PATCH contacts", 204),
    ]


async def test_no_log_shows_a_filter(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await read_all(Script(httpx.ReadError("x"), rows()), filter=compare("emailaddress1", Comparison.EQUAL, "ann@x.org"))
    assert "ann" not in caplog.text


# ---------------------------------------------------------------------------------------------- what is repeated

BROKEN = httpx.ReadError("broken")
UNREACHABLE = httpx.ConnectError("refused")


@pytest.mark.parametrize("failure", [BROKEN, UNREACHABLE, error(503), error(500), httpx.Response(502)])
async def test_a_repeatable_request_is_repeated(failure: Answer) -> None:
    script = Script(failure, failure, httpx.Response(204))
    await script.client.update("contacts", ROW, {})
    assert len(script.requests) == 3


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (BROKEN, UnknownOutcomeError),
        (httpx.ReadTimeout("silence"), UnknownOutcomeError),
        (httpx.Response(504), UnknownOutcomeError),
        (error(500), TransientError),
    ],
)
async def test_a_create_without_own_id_is_sent_once(failure: Answer, kind: type[ConnectorError]) -> None:
    script = Script(failure)
    with pytest.raises(kind):
        await script.client.create("contacts", {"lastname": "x"})
    assert len(script.requests) == 1


async def test_a_create_is_repeated_if_it_never_left() -> None:
    script = Script(UNREACHABLE, httpx.Response(204, headers={"OData-EntityId": f"{BASE}contacts({ROW})"}))
    assert await script.client.create("contacts", {"lastname": "x"}) == ROW


async def test_a_create_with_own_id_survives_a_lost_answer() -> None:
    script = Script(BROKEN, error(412, "0x80040237"), httpx.Response(200, json={"contactid": str(ROW)}))
    assert await script.client.create("contacts", {"contactid": str(ROW)}, key="contactid") == ROW


async def test_a_clash_of_another_key_is_still_a_conflict() -> None:
    script = Script(error(412, "0x80040237"), error(404, "0x80040217"))
    with pytest.raises(ConflictError):
        await script.client.create("contacts", {"contactid": str(ROW)}, key="contactid")


@pytest.mark.parametrize("refusal", [error(400, "0x1"), error(403, "0x1"), error(404, "0x1"), error(412, "0x1")])
async def test_a_refusal_is_not_repeated(refusal: httpx.Response) -> None:
    script = Script(refusal)
    with pytest.raises(ConnectorError):
        await script.client.delete("contacts", ROW)
    assert len(script.requests) == 1


async def test_a_rejected_token_is_renewed_once() -> None:
    script = Script(error(401), httpx.Response(204))
    await script.client.delete("contacts", ROW)
    assert [request.headers["Authorization"] for request in script.requests] == ["Bearer token-1", "Bearer token-2"]
    script = Script(error(401))
    with pytest.raises(ConfigurationError):
        await script.client.delete("contacts", ROW)
    assert len(script.requests) == 2


# -------------------------------------------------------------------------------------------- service protection


async def test_a_short_pause_is_waited_for_by_all_callers_whatever_they_send() -> None:
    script = Script(error(429, "0x80072322", Retry_After="7"), httpx.Response(204), concurrency=1)
    await asyncio.gather(*(script.client.execute(Operation(Method.POST, f"Act{n}", repeatable=False)) for n in "ABC"))
    assert script.times == [0, 7, 7, 7]
    assert {request.url.path[-4:] for request in script.requests[1:]} == {"ActA", "ActB", "ActC"}


async def test_a_long_pause_is_told_at_once_and_stops_the_others_before_they_send() -> None:
    script = Script(error(429, "0x80072321", Retry_After="120"))
    with pytest.raises(ThrottledError) as first:
        await script.client.delete("contacts", ROW)
    with pytest.raises(ThrottledError) as second:
        await script.client.delete("contacts", OTHER)
    assert first.value.retry_after == second.value.retry_after == timedelta(seconds=120)
    assert first.value.code == "0x80072321"
    assert len(script.requests) == 1
    assert script.clock.slept == []


async def test_patience_ends() -> None:
    script = Script(error(429, Retry_After="1"))
    with pytest.raises(ThrottledError):
        await script.client.delete("contacts", ROW)
    assert script.clock.slept == [1, 1, 1]


async def test_a_throttled_part_of_a_batch_makes_everybody_wait() -> None:
    script = Script(multipart(part(429, {"error": {"code": "0x80072326", "message": ""}}, Retry_After="9")), rows())
    (result,) = await script.client.batch([operations.delete("contacts", ROW)])
    assert result.retryable
    assert isinstance(result.error, ThrottledError)
    await read_all(script)
    assert script.clock.slept == [9]


async def test_the_budget_and_the_advised_concurrency_are_read_from_every_answer() -> None:
    left = {
        "x-ms-ratelimit-burst-remaining-xrm-requests": "1500",
        "x-ms-ratelimit-time-remaining-xrm-requests": "1,199.8",
        "x-ms-dop-hint": "2",
    }
    script = Script(httpx.Response(204, headers=left))
    assert script.client.budget.share == 1.0
    await script.client.delete("contacts", ROW)
    assert script.client.budget == Budget(requests=1500, seconds=1199.8)
    assert script.client.budget.share == 0.25
    assert script.protection.concurrency == 2


async def test_no_more_requests_are_under_way_than_allowed() -> None:
    under_way = most = 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return httpx.Response(204)

    transport = httpx.MockTransport(answer)
    async with DataverseClient(
        ORGANISATION, Tokens(), protection=ServiceProtection(concurrency=3), http_transport=transport
    ) as client:
        await asyncio.gather(*(client.delete("contacts", ROW) for _ in range(20)))
    assert most == 3


# --------------------------------------------------------------------------------------------------------- batch


async def test_a_batch_is_written_as_the_protocol_wants_it() -> None:
    script = Script(multipart(part(204), part(204), part(204)), tag="t")
    await script.client.batch(
        [
            operations.create("contacts", {"lastname": "Ł"}, group="a"),
            operations.update("contacts", ROW, {"x": 1}, if_match='W/"7"', group="a"),
            Operation(Method.GET, "contacts?$top=1"),
        ]
    )
    (request,) = script.requests
    assert request.headers["Prefer"] == "odata.continue-on-error"
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    change_set, read = message_from_bytes(head + request.content).get_payload()
    assert change_set.get_content_type() == "multipart/mixed"
    created, updated = change_set.get_payload()
    assert [member["Content-ID"] for member in (created, updated)] == ["1", "2"]
    assert created.get_content_type() == "application/http"
    assert created["Content-Transfer-Encoding"] == "binary"
    text = created.get_payload().replace("\r\n", "\n")
    assert text.startswith("POST /api/data/v9.2/contacts?tag=t HTTP/1.1\n")
    assert "Content-Type: application/json; type=entry\n" in text
    assert json.loads(text.split("\n\n", 1)[1]) == {"lastname": "Ł"}
    assert 'If-Match: W/"7"' in updated.get_payload()
    assert read.get_payload().startswith("GET /api/data/v9.2/contacts?$top=1 HTTP/1.1")
    assert b"\n" not in request.content.replace(b"\r\n", b"")


async def test_each_part_of_a_batch_has_its_own_outcome_in_order() -> None:
    body = {"@odata.etag": 'W/"9"', "lastname": "Łódź \u2028"}
    script = Script(
        multipart(
            part(200, body, OData_Version="4.0"),
            part(204, OData_EntityId=f"{BASE}contacts({ROW})"),
            part(404, {"error": {"code": "0x80040217", "message": "contact With Id"}}),
            part(503, {"error": {"code": "", "message": ""}}),
        )
    )
    read, created, missing, failed = await script.client.batch(
        [
            operations.retrieve("contacts", ROW, select=("lastname",)),
            operations.create("contacts", {}),
            operations.delete("contacts", OTHER),
            operations.delete("contacts", ROW),
        ]
    )
    assert (read.status, read.body, read.etag) == (200, body, 'W/"9"')
    assert (created.status, created.id) == (204, ROW)
    assert (missing.status, missing.code, missing.retryable) == (404, "0x80040217", False)
    assert isinstance(missing.error, NotFoundError)
    assert (failed.status, failed.retryable) == (503, True)


async def test_a_failed_change_set_fails_all_its_operations_and_no_neighbour() -> None:
    script = Script(multipart(part(204), part(412, {"error": {"code": "0x80060882", "message": ""}}), part(204)))
    outcome = await script.client.batch(
        [
            operations.delete("contacts", ROW),
            operations.delete("leads", ROW, group="a"),
            operations.delete("leads", OTHER, group="a"),
            operations.delete("contacts", OTHER),
        ]
    )
    assert [result.status for result in outcome] == [204, 412, 412, 204]


async def test_a_batch_answered_in_part_leaves_no_operation_without_an_outcome() -> None:
    script = Script(multipart(part(204)))
    done, again, doubtful = await script.client.batch(
        [operations.delete("contacts", ROW), operations.delete("contacts", OTHER), operations.create("contacts", {})]
    )
    assert done.error is None
    assert again.retryable
    assert isinstance(doubtful.error, UnknownOutcomeError)


async def test_what_was_done_before_a_failure_is_not_forgotten() -> None:
    first = multipart(*[part(204)] * 1000)
    script = Script(first, error(429, Retry_After="300"))
    outcome = await script.client.batch([operations.delete("contacts", ROW)] * 1500)
    assert [result.status for result in outcome] == [204] * 1000 + [0] * 500
    assert all(isinstance(result.error, ThrottledError) for result in outcome[1000:])


async def test_a_line_break_in_a_header_cannot_start_another_request() -> None:
    with pytest.raises(ValueError, match="line break"):
        await Script(multipart()).client.batch([operations.delete("contacts", ROW, if_match="*\r\n\r\nDELETE /")])


# ------------------------------------------------------------------------------------------------- rows of many


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


# -------------------------------------------------------------------------------------------------------- tokens


class TokenEndpoint:
    """Counts how often it is asked; gives tokens for an hour."""

    def __init__(self) -> None:
        self.asked = 0
        self.time = 0.0
        self.failure: Exception | None = None
        self.tokens = CachedTokens(self.fetch, close=self.close, now=lambda: self.time)

    async def fetch(self) -> AccessToken:
        self.asked += 1
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        return AccessToken(f"token-{self.asked}", self.time + 3600)

    async def close(self) -> None:
        pass


async def test_many_callers_ask_for_one_token() -> None:
    endpoint = TokenEndpoint()
    assert set(await asyncio.gather(*(endpoint.tokens.token() for _ in range(20)))) == {"token-1"}
    assert endpoint.asked == 1


async def test_a_token_is_refreshed_early_and_outlives_a_short_outage() -> None:
    endpoint = TokenEndpoint()
    await endpoint.tokens.token()
    endpoint.time = 3400
    endpoint.failure = TransientError("down")
    assert await endpoint.tokens.token() == "token-1"
    endpoint.failure = None
    assert await endpoint.tokens.token() == "token-3"


async def test_an_outage_longer_than_the_token_is_an_error() -> None:
    endpoint = TokenEndpoint()
    await endpoint.tokens.token()
    endpoint.time = 3590
    endpoint.failure = TransientError("down")
    with pytest.raises(TransientError):
        await endpoint.tokens.token()


async def test_a_rejected_token_is_forgotten_unless_it_was_replaced() -> None:
    endpoint = TokenEndpoint()
    endpoint.tokens.reject(await endpoint.tokens.token())
    assert await endpoint.tokens.token() == "token-2"
    endpoint.tokens.reject("token-1")
    assert await endpoint.tokens.token() == "token-2"


def test_a_certificate_is_read_from_base64_or_from_a_file(tmp_path: Any) -> None:
    file = tmp_path / "certificate.pem"
    file.write_text("-----BEGIN CERTIFICATE-----")
    assert certificate_bytes(str(file)) == b"-----BEGIN CERTIFICATE-----"
    assert certificate_bytes("LS0tLS1CRUdJTiBYLS0tLS0=") == b"-----BEGIN X-----"
    for source in ("bm90aGluZw==", "x" * 5000, "\0"):
        with pytest.raises(ConfigurationError):
            certificate_bytes(source)


async def test_credentials_that_cannot_work_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError):
        token_provider(Certificate("tenant", "client", "LS0tLS1CRUdJTiBYLS0tLS0="), ORGANISATION)
    with pytest.raises(ConfigurationError):
        token_provider(ManagedIdentity(), ORGANISATION, authority="http://127.0.0.1:1")
    unreachable = token_provider(ClientSecret("t", "c", "s"), ORGANISATION, authority="http://127.0.0.1:1")
    with pytest.raises(TransientError):
        await unreachable.token()
    await unreachable.close()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"access_token": "abc", "expires_in": "3599"}, None),
        (200, {"hello": "world"}, ConfigurationError),
        (401, {"error": "invalid_client"}, ConfigurationError),
        (503, {}, TransientError),
    ],
)
async def test_a_token_endpoint_without_tls_is_asked_for_the_organisation_only(
    status: int, body: dict[str, str], kind: type[ConnectorError] | None
) -> None:
    asked: list[tuple[str, dict[str, list[str]]]] = []

    async def endpoint(request: Request) -> JSONResponse:
        asked.append((request.url.path, parse_qs((await request.body()).decode())))
        return JSONResponse(body, status)

    app = Starlette(routes=[Route("/{path:path}", endpoint, methods=["POST"])])
    async with serve(app) as address:
        tokens = token_provider(
            ClientSecret("contoso", "id", "hush"), f"{ORGANISATION}/main.aspx", authority=address.url
        )
        if kind:
            with pytest.raises(kind):
                await tokens.token()
        else:
            assert await tokens.token() == "abc"
        await tokens.close()
    ((path, form),) = asked
    assert path == "/contoso/oauth2/v2.0/token"
    assert form["scope"] == [f"{ORGANISATION}/.default"]
    assert form["client_secret"] == ["hush"]


def refusal_of_entra(status: int) -> ClientAuthenticationError:
    error = ClientAuthenticationError("AADSTS7000215")
    error.status_code = status
    return error


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (refusal_of_entra(401), ConfigurationError),
        (refusal_of_entra(400), ConfigurationError),
        (CredentialUnavailableError("no managed identity here"), ConfigurationError),
        (refusal_of_entra(503), TransientError),
        (refusal_of_entra(429), TransientError),
        (ClientAuthenticationError("Unexpected response"), TransientError),
        (ServiceRequestError("no route"), TransientError),
    ],
)
def test_a_refusal_of_entra_is_told_from_its_outage(failure: AzureError, kind: type[ConnectorError]) -> None:
    error = entra_fault(failure)
    assert isinstance(error, kind)
    assert "AADSTS" not in str(error)


def test_secrets_do_not_show() -> None:
    assert "hush" not in repr(ClientSecret("t", "c", "hush"))
    assert "hush" not in repr(Certificate("t", "c", "hush", "hush"))
    assert "hush" not in repr(AccessToken("hush", 0))

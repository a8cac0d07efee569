"""Every part of a request to the Spotler sandbox is acted on, or refused with 501 that names it.

`tests/samples/spotler_calls.json` lists the calls that the vendor's description, clients and the project's own
assumptions know: path, query parameters, and a body with every key.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from requests import Response, post

from tests.programs.times import LONGEST_WAIT
from tests.spotler_sandbox.furnished import DATE, Account, furnished
from tests.spotler_sandbox.session import Sandbox, Spotler, running_sandbox

CALLS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "samples" / "spotler_calls.json").read_text(encoding="utf-8")
)

NOT_MODELLED = {
    "GET /contact/optouts/list",
    "GET /form/{formId} extraParams",
    "POST /form/{formId} extraParams",
}
"""All calls and parameters that the sandbox refuses."""

VALUES = {
    "after": "0",
    "pageSize": "10",
    "GET /contact/search MPSearchQuery": "email=x@example.com",
    "GET /product/search MPSearchQuery": "name=x",
    "enabled": "true",
    "completed": "true",
    "formSubType": "subscribe",
    "formState": "final",
    "postUrl": "https://site.example/",
    "encId": "x",
    "extraParams": "x=1",
    "outputFormat": "XHTML1STRICT",
    "outputMode": "DIV",
    "startDate": "20240301",
    "endDate": "20240302120000",
    "trendReportIds": "1,2",
}
REQUIRED = {
    "GET /contact/bounces/list": ("fromDate", "toDate", "pageSize"),
    "GET /contact/optouts/list": ("fromDate", "toDate", "pageSize"),
    "GET /contact/updates/list": ("fromDate", "toDate", "pageSize"),
    "GET /contact/search": ("MPSearchQuery", "pageSize"),
    "GET /mailing": ("fromDate", "toDate"),
    "GET /form/{formId}": ("postUrl",),
    "GET /product/search": ("MPSearchQuery",),
}


@pytest.fixture(scope="module")
def unchanged() -> Iterator[Account]:
    """An account for all requests that change nothing."""
    with running_sandbox() as sandbox:
        yield furnished(sandbox.open())


@pytest.fixture(scope="module")
def before(unchanged: Account) -> dict[str, Any]:
    """What people see in that account."""
    return unchanged.seen()


@pytest.fixture
def account_for(sandbox: Sandbox, unchanged: Account) -> Callable[[str], Account]:
    """Gives a call a fresh account, unless the call only reads."""
    return lambda call: unchanged if call.startswith("GET ") else furnished(sandbox.open())


def path_of(call: str, ids: dict[str, str]) -> tuple[str, str]:
    method, path = call.split(" ")
    if path.startswith("/campaign-mailing/"):
        ids = {**ids, "encryptedMailingId": "CmlCartFirst"}
    return method, path.format(**ids)


def value_of(call: str, name: str) -> str:
    return VALUES.get(f"{call} {name}") or VALUES.get(name, DATE)


def unmodelled(answer: Response, name: str) -> bool:
    """Whether the answer is 501; then it must name what is missing."""
    if answer.status_code != 501:
        return False
    assert answer.json()["errorType"] == "NOT_MODELLED_BY_SANDBOX"
    assert name in answer.json()["message"]
    return True


def answered(answer: Response) -> bool:
    """Whether an operation has answered: neither an unknown path nor an unknown method, nor a failure."""
    assert answer.status_code < 500, answer.text
    return answer.status_code != 405 and '"Not Found"' not in answer.text


def objects(body: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a body with its place."""
    match body:
        case dict():
            yield place, body
            for name, value in body.items():
                yield from objects(value, f"{place}.{name}" if place else name)
        case list():
            for item in body:
                yield from objects(item, place)


def with_bodies() -> list[Any]:
    return [pytest.param(row["call"], row["body"], id=row["call"]) for row in CALLS if "body" in row]


@pytest.mark.parametrize("row", CALLS, ids=lambda row: row["call"])
def test_every_call_and_parameter_is_answered_or_refused_by_name(
    account_for: Callable[[str], Account], row: dict[str, Any]
) -> None:
    call = row["call"]
    account = account_for(call)
    spotler, (method, path) = account.spotler, path_of(call, account.ids)
    required = {name: value_of(call, name) for name in REQUIRED.get(call, ())}
    plain = spotler.call(method, path, params=required, **({"json": {}} if "body" in row else {}))
    if call in NOT_MODELLED:
        assert unmodelled(plain, call)
        return
    assert answered(plain)
    if method == "GET":
        assert plain.status_code == 200, plain.text
    for name in row.get("query", ()):
        answer = spotler.call(method, path, params={**required, name: value_of(call, name)})
        if f"{call} {name}" in NOT_MODELLED:
            assert unmodelled(answer, f"'{name}'")
        else:
            assert answer.status_code == 200, (name, answer.text)


@pytest.mark.parametrize(("call", "body"), with_bodies())
def test_every_key_of_a_body_is_answered_or_refused_by_name(
    account_for: Callable[[str], Account], call: str, body: dict[str, Any]
) -> None:
    account = account_for(call)
    spotler, (method, path) = account.spotler, path_of(call, account.ids)
    for name in [name for name in body if f"{call} {name}" in NOT_MODELLED]:
        assert unmodelled(spotler.call(method, path, json=body), f"'{name}'")
        body = {key: value for key, value in body.items() if key != name}
    assert answered(spotler.call(method, path, json=body))


@pytest.mark.parametrize(("call", "body"), with_bodies())
def test_a_key_of_a_body_that_nobody_has_heard_of_is_refused_by_name_before_it_has_an_effect(
    unchanged: Account, before: dict[str, Any], call: str, body: dict[str, Any]
) -> None:
    spotler, (method, path) = unchanged.spotler, path_of(call, unchanged.ids)
    body = {name: value for name, value in body.items() if f"{call} {name}" not in NOT_MODELLED}
    for place, _ in objects(body):
        if place.endswith("channels"):
            continue  # the service ignores all of it
        changed = copy.deepcopy(body)
        dict(objects(changed))[place]["unheardOf"] = ["x"]
        answer = spotler.call(method, path, json=changed)
        if place.endswith(("properties", "customProperties")):
            assert answer.status_code in {200, 400}, answer.text  # the service names it, too
            assert "INVALID" in answer.text
        else:
            assert unmodelled(answer, "unheardOf"), (place, answer.status_code, answer.text)
    assert unchanged.seen() == before


@pytest.mark.parametrize("row", CALLS, ids=lambda row: row["call"])
def test_a_query_parameter_that_nobody_has_heard_of_is_refused_by_name(
    unchanged: Account, before: dict[str, Any], row: dict[str, Any]
) -> None:
    spotler, (method, path) = unchanged.spotler, path_of(row["call"], unchanged.ids)
    required = {name: value_of(row["call"], name) for name in REQUIRED.get(row["call"], ())}
    answer = spotler.call(
        method, path, params={**required, "unheardOf": "1"}, **({"json": row["body"]} if "body" in row else {})
    )
    assert unmodelled(answer, row["call"] if row["call"] in NOT_MODELLED else "'unheardOf'"), answer.text
    assert spotler.people("GET", "/contacts") == before["contacts"]


def test_a_parameter_that_a_branch_leaves_out_is_refused(spotler: Spotler) -> None:
    spotler.prefix = "/integrationservice-1.1.0"
    dates = {"fromDate": "2024-01-01", "toDate": "2025-01-01"}
    assert spotler.call("GET", "/contact/updates/list", params=dates).status_code == 200
    assert unmodelled(spotler.call("GET", "/contact/updates/list", params={**dates, "after": "1"}), "'after'")
    assert spotler.call("GET", "/contact/updates/list", params={**dates, "after": ""}).status_code == 200


def test_a_parameter_given_twice_is_refused(spotler: Spotler) -> None:
    assert unmodelled(spotler.call("GET", "/trend-report?after=0&after=1"), "'after' given twice")


def test_oauth_fields_in_addition_to_the_header_are_refused(spotler: Spotler) -> None:
    assert unmodelled(spotler.call("GET", "/tag/list?oauth_callback=oob"), "'oauth_callback'")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("If-None-Match", '"1"'),
        ("If-Modified-Since", "Fri, 01 Mar 2024 09:00:00 GMT"),
        ("Range", "bytes=0-1"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("Content-Encoding", "gzip"),
        ("Prefer", "return=representation"),
    ],
)
def test_a_header_that_may_change_the_answer_is_refused_by_name(spotler: Spotler, name: str, value: str) -> None:
    assert unmodelled(spotler.call("GET", "/tag/list", headers={name: value}), f"'{name.lower()}'")


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        {"Accept-Language": "nl", "Cache-Control": "no-cache", "Sec-Fetch-Mode": "cors", "X-Request-Id": "1"},
        {"Content-Type": "application/json; charset=utf-8"},
    ],
)
def test_a_header_that_changes_no_answer_passes(spotler: Spotler, headers: dict[str, str]) -> None:
    assert spotler.call("GET", "/tag/list", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "media",
    [
        "application/xml",
        "application/json; charset=iso-8859-1",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ],
)
def test_a_body_in_another_format_than_json_is_refused(spotler: Spotler, media: str) -> None:
    headers = {"Content-Type": media, "Accept": "application/json"}
    answer = post(
        f"{spotler.origin}{spotler.prefix}/contact", data=b"<contact/>", headers=headers, timeout=LONGEST_WAIT
    )
    assert unmodelled(answer, media.replace(" ", ""))


def test_a_body_where_none_is_needed_is_refused_unless_it_says_what_the_path_says(spotler: Spotler) -> None:
    spotler.write("c1", email="c1@example.com")
    assert unmodelled(spotler.call("PUT", "/contact/inactivate/c1", json="c2"), "body")
    assert unmodelled(spotler.call("GET", "/contact/c1", json={"fields": ["email"]}), "body")
    assert spotler.email_channel("c1")
    assert spotler.call("PUT", "/contact/inactivate/c1", json="c1").status_code == 204
    assert not spotler.email_channel("c1")


@pytest.mark.parametrize(
    "query",
    [
        "email=*@example.com",
        "email!=c1@example.com",
        "city=Gouda AND lastName=Lee",
        'city="Gouda"',
        "city in (Gouda)=x",
        "freeField1>=1",
        "permissions=1",
        "externalId=c1",
    ],
)
def test_a_search_by_more_than_one_equality_of_a_property_is_refused(spotler: Spotler, query: str) -> None:
    found = spotler.call("GET", "/contact/search", params={"MPSearchQuery": query, "pageSize": 10})
    assert unmodelled(found, ""), found.text


@pytest.mark.parametrize("query", ["city=Gouda", "city='s-Hertogenbosch", "email=a.b+c@example.com", "lastName=Sand"])
def test_a_search_by_one_equality_is_answered(spotler: Spotler, query: str) -> None:
    assert spotler.get("/contact/search", MPSearchQuery=query, pageSize=10)["contacts"] == []


def test_an_option_of_a_set_with_more_than_is_modelled_is_refused_before_any_contact_is_written(
    spotler: Spotler,
) -> None:
    option = {"bit": 1, "enabled": True, "description": "Newsletter"}
    contacts = [
        {"externalId": "c1", "properties": {"permissions": [option]}},
        {"externalId": "c2", "properties": {"permissions": [{**option, "until": DATE}]}},
    ]
    assert unmodelled(spotler.call("POST", "/contact/list", json={"contacts": contacts}), "'until'")
    assert spotler.people("GET", "/contacts") == []


def test_the_description_of_the_api_is_refused_by_name_and_an_unknown_path_is_404(spotler: Spotler) -> None:
    for path in ("/api-docs", "/api-docs/contact"):
        assert unmodelled(
            spotler.session.get(f"{spotler.origin}{spotler.prefix}{path}", timeout=LONGEST_WAIT), "/api-docs"
        )
    unknown = spotler.call("GET", "/webhook/list")
    assert (unknown.status_code, unknown.json()["errorType"]) == (404, "RESOURCE_NOT_FOUND")


def test_a_fault_for_an_operation_that_does_not_exist_is_refused(spotler: Spotler) -> None:
    def plan(operation: str) -> int:
        body = {"kind": "throttled", "operation": operation}
        return spotler.session.post(f"{spotler.origin}/sandbox/faults", json=body, timeout=LONGEST_WAIT).status_code

    assert [plan("contact.get"), plan("contact.gte")] == [204, 400]


def test_the_document_lists_the_parts_that_the_sandbox_does_not_model() -> None:
    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    for name in NOT_MODELLED:
        assert f"`{name}`" in text, name

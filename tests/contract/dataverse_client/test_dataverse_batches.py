"""Batches as the protocol wants them: each part with its own outcome, in order."""

from __future__ import annotations

import json
from email import message_from_bytes

import pytest

from shared.adapters.dataverse.web_api import operations
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.errors import (
    NotFoundError,
    ThrottledError,
    TransientError,
    UnknownOutcomeError,
)
from tests.contract.dataverse_script import (
    BASE,
    OTHER,
    ROW,
    Script,
    delete,
    error,
    multipart,
    part,
)

pytestmark = pytest.mark.usefixtures("repetitions_do_not_wait")


async def test_a_batch_is_written_as_the_protocol_wants_it() -> None:
    script = Script(multipart(part(204), part(204), part(204)), tag="t")
    await script.client.batch(
        [
            operations.create("contacts", {"lastname": "Ł"}, group="a"),
            operations.update("contacts", ROW, {"x": 1}, if_match='W/"7"', group="a"),
            WebApiOperation(Method.GET, "contacts?$top=1"),
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
            delete("contacts", OTHER),
            delete("contacts", ROW),
        ]
    )
    assert (read.status, read.body, read.etag) == (200, body, 'W/"9"')
    assert (created.status, created.id) == (204, ROW)
    assert (missing.status, missing.code, type(missing.error)) == (404, "0x80040217", NotFoundError)
    assert isinstance(missing.error, NotFoundError)
    assert (failed.status, type(failed.error)) == (503, TransientError)


async def test_a_failed_change_set_fails_all_its_operations_and_no_others() -> None:
    script = Script(multipart(part(204), part(412, {"error": {"code": "0x80060882", "message": ""}}), part(204)))
    outcome = await script.client.batch(
        [
            delete("contacts", ROW),
            delete("leads", ROW, group="a"),
            delete("leads", OTHER, group="a"),
            delete("contacts", OTHER),
        ]
    )
    assert [result.status for result in outcome] == [204, 412, 412, 204]


async def test_a_batch_answered_in_part_leaves_no_operation_without_an_outcome() -> None:
    script = Script(multipart(part(204)))
    done, again, doubtful = await script.client.batch(
        [delete("contacts", ROW), delete("contacts", OTHER), operations.create("contacts", {})]
    )
    assert done.error is None
    assert isinstance(again.error, TransientError)
    assert isinstance(doubtful.error, UnknownOutcomeError)


async def test_results_before_a_failure_are_kept() -> None:
    first = multipart(*[part(204)] * 1000)
    script = Script(first, error(429, Retry_After="300"))
    outcome = await script.client.batch([delete("contacts", ROW)] * 1500)
    assert [result.status for result in outcome] == [204] * 1000 + [0] * 500
    assert all(isinstance(result.error, ThrottledError) for result in outcome[1000:])


async def test_a_line_break_in_a_header_cannot_start_another_request() -> None:
    with pytest.raises(ValueError, match="line break"):
        await Script(multipart()).client.batch([delete("contacts", ROW, if_match="*\r\n\r\nDELETE /")])

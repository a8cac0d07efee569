"""What a function receives, and what its answer becomes on the wire."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import azure.functions as func
import pytest
from azure.functions.timer import TimerRequest

from shared.local.functions_host.decode import (
    ScheduleStatus,
    decode_batch,
    decode_message,
    decode_request,
    decode_timer,
    encode_response,
)
from shared.ports.queue import ReceivedMessage

FIRST = ReceivedMessage(
    body=b'{"name": "J\xc3\xbcrgen"}',
    content_type="application/json",
    properties={"attempt": "2"},
    message_id="m-1",
    correlation_id="",
    delivery_count=3,
    enqueued_at=datetime(2026, 5, 1, 12, 30, 15, 250000, tzinfo=UTC),
    sequence_number=41,
    settlement="lock-1",
)
SECOND = replace(FIRST, body=b"second", message_id="m-2", correlation_id="c-2", properties={}, sequence_number=42)


@pytest.mark.parametrize("binary", [True, False])
def test_a_batch_carries_each_message_with_its_own_marks(*, binary: bool) -> None:
    first, second = decode_batch([FIRST, SECOND], binary=binary)

    assert (first.get_body(), second.get_body()) == (FIRST.body, b"second")
    assert (first.message_id, second.message_id) == ("m-1", "m-2")
    assert (first.sequence_number, second.sequence_number) == (41, 42)
    assert (first.delivery_count, first.lock_token, first.content_type) == (3, "lock-1", "application/json")
    assert (first.application_properties, second.application_properties) == ({"attempt": "2"}, {})


def test_a_single_message_is_no_list() -> None:
    message = decode_message(FIRST, binary=False)

    assert message.get_body() == FIRST.body
    assert (message.message_id, message.delivery_count, message.sequence_number) == ("m-1", 3, 41)
    assert message.user_properties == {"attempt": "2"}
    assert message.correlation_id is None


def test_the_time_of_a_message_is_utc_without_saying_so_as_in_azure() -> None:
    [message] = decode_batch([FIRST], binary=True)

    assert message.enqueued_time_utc == datetime(2026, 5, 1, 12, 30, 15, 250000)  # noqa: DTZ001  # the point


def test_in_a_batch_a_missing_correlation_id_moves_the_following_ones_forward_as_in_azure() -> None:
    first, second = decode_batch([FIRST, SECOND], binary=True)

    assert (first.correlation_id, second.correlation_id) == ("c-2", None)


def test_an_empty_body_is_fine_among_bytes_but_spoils_a_batch_of_text_as_in_azure() -> None:
    empty = replace(FIRST, body=b"")

    assert [message.get_body() for message in decode_batch([empty, SECOND], binary=True)] == [b"", b"second"]
    with pytest.raises(IndexError):
        decode_batch([empty, SECOND], binary=False)


def test_bytes_that_are_no_text_spoil_a_batch_of_text_only() -> None:
    broken = replace(FIRST, body=b"\xff\xfe")

    assert decode_batch([broken], binary=True)[0].get_body() == b"\xff\xfe"
    with pytest.raises(UnicodeDecodeError):
        decode_batch([broken], binary=False)


def test_a_request_keeps_its_body_and_joins_what_is_repeated() -> None:
    request = decode_request(
        method="POST",
        url="http://localhost/api/records/contact?tag=a&tag=b&empty=",
        headers=[("Accept", "text/html"), ("Accept", "text/plain")],
        query=[("tag", "a"), ("tag", "b"), ("empty", "")],
        route_parameters={"table": "contact"},
        body=b'{"ids": [1]}',
    )

    assert (request.method, request.url) == ("POST", "http://localhost/api/records/contact?tag=a&tag=b&empty=")
    assert request.headers["accept"] == "text/html,text/plain"
    assert dict(request.params) == {"tag": "a,b"}
    assert dict(request.route_params) == {"table": "contact"}
    assert request.get_json() == {"ids": [1]}


def test_a_timer_knows_whether_it_is_late_and_when_it_ran() -> None:
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    timer = decode_timer(past_due=True, status=ScheduleStatus(last=None, next=moment, last_updated=moment))

    assert isinstance(timer, TimerRequest)
    assert timer.past_due is True
    assert timer.schedule_status == {
        "Last": "0001-01-01T00:00:00",
        "Next": "2026-05-01T00:00:00+00:00",
        "LastUpdated": "2026-05-01T00:00:00+00:00",
    }


def test_a_response_keeps_status_headers_cookies_and_body() -> None:
    headers = {"Location": "/elsewhere", "Set-Cookie": "a=1; Path=/; HttpOnly"}
    response = encode_response(
        func.HttpResponse(json.dumps([1]), status_code=201, mimetype="application/json", headers=headers)
    )

    assert (response.status, response.body) == (201, b"[1]")
    assert response.headers == {"Location": "/elsewhere", "content-type": "application/json"}
    assert response.cookies == ("a=1; HttpOnly; Path=/",)


def test_text_is_an_answer_too_but_nothing_is_not() -> None:
    assert encode_response("hello").body == b"hello"
    with pytest.raises(TypeError, match="NoneType"):
        encode_response(None)

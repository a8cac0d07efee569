"""A refusal says what to do next, whatever its body looks like; the other side's words stay out of the log line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from shared.adapters.spotler.rest.errors import LONGEST_DETAIL, Complaint, complaint, refusal, retry_after
from shared.errors import (
    ConfigurationError,
    ConnectorError,
    DataError,
    NotFoundError,
    Service,
    ThrottledError,
    TransientError,
)

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
HTML = {"Content-Type": "text/html"}


def refused(response: httpx.Response, *, fixed_path: bool = False) -> ConnectorError:
    error = refusal(response, "contact.read", fixed_path=fixed_path, now=NOW)
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("status", "error_type", "kind"),
    [
        (400, "INVALID_PROPERTY", DataError),
        (400, "CONTACT_NOT_FOUND", NotFoundError),
        (400, "NOT_AUTHORIZED", ConfigurationError),
        (401, "AUTH_NOT_FOUND", ConfigurationError),
        (403, "", ConfigurationError),
        (404, "CONTACT_NOT_FOUND", NotFoundError),
        (408, "", TransientError),
        (410, "", NotFoundError),
        (413, "", DataError),
        (425, "", TransientError),
        (429, "", ThrottledError),
        (500, "BACKEND_EXCEPTION", TransientError),
        (502, "", TransientError),
        (504, "", TransientError),
        (302, "", ConfigurationError),
    ],
)
def test_status_and_error_type_decide(status: int, error_type: str, kind: type[ConnectorError]) -> None:
    body = {"errorType": error_type, "message": "jan@example.com is at fault"}
    error = refused(httpx.Response(status, json=body, headers={"Location": "/elsewhere"}))
    assert type(error) is kind
    assert (error.service, error.status, error.code) == (Service.SPOTLER, status, error_type)
    assert "jan@example.com" not in str(error)


def test_a_missing_fixed_path_is_no_missing_contact() -> None:
    assert type(refused(httpx.Response(404), fixed_path=True)) is ConfigurationError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"errorType": "INVALID_PROPERTY", "message": "city"}', Complaint("INVALID_PROPERTY", "city")),
        ('{"message": null}', Complaint("", "")),
        (
            "<error><message>a &amp; b</message><errorType>CONTACT_NOT_FOUND</errorType></error>",
            Complaint("CONTACT_NOT_FOUND", "a & b"),
        ),
        ('{"errorType": "CONTACT_OPTOUT", "mess', Complaint("CONTACT_OPTOUT", '{"errorType": "CONTACT_OPTOUT", "mess')),
        ("<error><errorType>CONTACT_OPT", Complaint("CONTACT_OPT", "<error><errorType>CONTACT_OPT")),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", Complaint("", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")),
        ('["a list"]', Complaint("", '["a list"]')),
        ("", Complaint("", "")),
        ("x" * 1000, Complaint("", "x" * LONGEST_DETAIL)),
    ],
)
def test_any_error_body_is_survived(text: str, expected: Complaint) -> None:
    assert complaint(text) == expected


def test_bytes_that_are_no_text_are_survived() -> None:
    assert type(refused(httpx.Response(500, content=b"\xff\xfe\x00\x81", headers=HTML))) is TransientError


def test_a_page_instead_of_an_answer_is_no_success() -> None:
    error = refused(httpx.Response(200, text="<html>please sign in</html>", headers=HTML))
    assert type(error) is TransientError
    assert error.code == "UNREADABLE_ANSWER"


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Retry-After": "7"}, timedelta(seconds=7)),
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, timedelta(seconds=90)),
        (
            {
                "Date": format_datetime(NOW + timedelta(hours=1), usegmt=True),
                "Retry-After": format_datetime(NOW + timedelta(hours=1, seconds=5), usegmt=True),
            },
            timedelta(seconds=5),
        ),
        ({"Retry-After": format_datetime(NOW - timedelta(seconds=90), usegmt=True)}, timedelta()),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "9" * 5000}, None),
        ({"Retry-After": "-1"}, None),
        ({}, None),
    ],
)
def test_the_asked_pause_is_read_as_seconds_or_as_a_date(headers: dict[str, str], pause: timedelta | None) -> None:
    assert retry_after(httpx.Response(429, headers=headers), NOW) == pause


def test_unavailable_with_a_pause_is_throttling_and_without_is_transient() -> None:
    throttled = refused(httpx.Response(503, headers={"Retry-After": "3"}))
    assert isinstance(throttled, ThrottledError)
    assert throttled.retry_after == timedelta(seconds=3)
    assert type(refused(httpx.Response(503))) is TransientError


@pytest.mark.parametrize(
    ("difference", "report"),
    [
        (timedelta(seconds=312), "the local clock is 312 s ahead of Spotler's: set it"),
        (timedelta(seconds=-61), "the local clock is 61 s behind Spotler's: set it"),
        (timedelta(seconds=60), "contact.read: check key, secret and licence"),
    ],
)
def test_a_refused_signature_reports_a_wrong_clock(difference: timedelta, report: str) -> None:
    date = format_datetime(NOW - difference, usegmt=True)
    assert report in str(refused(httpx.Response(401, headers={"Date": date})))


def test_a_refused_signature_without_a_readable_date_reports_what_was_said() -> None:
    error = refused(httpx.Response(403, json={"errorType": "X", "message": "no"}, headers={"Date": "today"}))
    assert error.detail == "no"

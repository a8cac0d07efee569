"""What a sender or a service can do to a reader: the cases that a search by random damage has found, and the largest.

The search itself: `tests/property/hostile_input/test_readers_refuse.py`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.adapters.dataverse.events.execution_context import read_event
from shared.adapters.dataverse.web_api import fetchxml
from shared.adapters.dataverse.web_api.answers import interpret
from shared.adapters.dataverse.web_api.batch import batches, results
from shared.adapters.dataverse.web_api.faults import fault
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.adapters.dataverse.web_api.throttling import ServiceProtection
from shared.adapters.spotler.rest.errors import refusal
from shared.domain.features.automation_fields import parse
from shared.domain.mapping.circles import circles
from shared.domain.mapping.findings import Finding
from shared.domain.mapping.formats.document import MOST_PROBLEMS, MappingError, read_mapping
from shared.domain.mapping.formats.strict_yaml import NotYamlError, load
from shared.domain.mapping.formats.yaml_format import from_yaml
from shared.domain.mapping.language.filters import parse_filter
from shared.domain.records.records import PersonTable
from shared.errors import LONGEST_PAUSE, ConnectorError, DataError, ThrottledError, TransientError
from shared.messages.lane_messages import LaneMessageError, read_lane_message
from tests.programs.times import effort

SAMPLE = Path(__file__).resolve().parents[3] / "samples/remote_execution_context/contact-update-27-members.json"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPERATION = WebApiOperation(Method.GET, "contacts")
DEEP = b"[" * 100_000
EMAIL = {"spotler": "email", "contact": "emailaddress1", "lead": "emailaddress1", "account": "emailaddress1"}


# ------------------------------------------------------------------------------------------------------------ messages


def test_an_organisation_that_is_no_address_costs_nobody_the_message() -> None:
    claims = {"http://schemas.microsoft.com/xrm/2011/Claims/Organization": "http://["}

    assert read_event(SAMPLE.read_bytes(), "", claims).origin.host == ""


@pytest.mark.parametrize("rows", [[None], ["x"], [[]], 7, "x", {}])
def test_a_collection_of_no_rows_costs_nobody_the_message(rows: object) -> None:
    message = json.loads(SAMPLE.read_bytes())
    message["InputParameters"].append({"key": "Odd", "value": {"__type": "EntityCollection:x", "Entities": rows}})

    assert read_event(json.dumps(message).encode(), "", {}).id is not None


@pytest.mark.parametrize(
    "part",
    [
        {"first_seen": "2026-03-01T12:00:00"},
        {"first_seen": "0001-01-01T00:00:00+14:00"},
        {"waits_since": "9999-12-31T23:59:59Z"},
        {"attempt": 10**30},
    ],
)
def test_a_lane_message_with_an_impossible_time_or_count_is_refused(part: dict[str, Any]) -> None:
    reference = {"table": "contact", "id": "6d81597f-0f9f-e711-8122-000d3aa2331c", "why": "saved", **part}

    with pytest.raises(LaneMessageError):
        read_lane_message(json.dumps({"kind": "references", "references": [reference]}).encode())


# ------------------------------------------------------------------------------------------------------------- answers


def test_an_error_that_is_nested_without_end_is_still_that_error() -> None:
    assert isinstance(fault("GET contacts", 500, {}, DEEP), TransientError)
    assert isinstance(interpret(OPERATION, 200, {}, DEEP).error, TransientError)
    answer = httpx.Response(500, content=DEEP)
    assert isinstance(refusal(answer, "contact.read", fixed_path=False, now=NOW), TransientError)


@pytest.mark.parametrize("text", ["1e9", "inf", "1e400", "nan", "999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_no_answer_stops_the_connector_for_more_than_an_hour(text: str) -> None:
    errors: list[ConnectorError | None] = [
        fault("GET contacts", 429, {"Retry-After": text}, b""),
        refusal(httpx.Response(429, headers={"Retry-After": text}), "contact.read", fixed_path=False, now=NOW),
    ]

    for error in errors:
        assert isinstance(error, ThrottledError)
        assert timedelta() <= error.retry_after <= LONGEST_PAUSE == timedelta(hours=1)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e400"])
def test_limits_that_are_no_numbers_are_passed_over(text: str) -> None:
    protection = ServiceProtection(concurrency=4)

    protection.note({"x-ms-dop-hint": text, "x-ms-ratelimit-time-remaining-xrm-requests": text})

    assert protection.concurrency == 4
    assert protection.budget.share == 1.0


def test_the_address_of_a_row_that_is_none_names_no_row() -> None:
    assert interpret(OPERATION, 204, {"OData-EntityId": f"x({'-' * 36})"}, b"").id is None
    assert interpret(OPERATION, 200, {}, b'{"@odata.etag": 7}').etag == ""


@pytest.mark.parametrize("annotation", [7, ["x"], "<cookie", "<!DOCTYPE x><x/>", "\ud800"])
def test_a_paging_cookie_that_cannot_be_read_is_a_damaged_answer(annotation: object) -> None:
    page = {
        "@Microsoft.Dynamics.CRM.morerecords": True,
        "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie": annotation,
    }

    with pytest.raises(TransientError):
        fetchxml.following(page, fetchxml.Cursor())


@pytest.mark.parametrize("inside", ["<a>" * 5_000 + "</a>" * 5_000, "\ud800"])
def test_a_query_of_a_list_that_no_editor_makes_is_refused(inside: str) -> None:
    query = f'<fetch><entity name="contact">{inside}</entity></fetch>'

    for read in (
        lambda: fetchxml.ids_only(query, "contactid"),
        lambda: fetchxml.page_of(query, fetchxml.Cursor(), size=1),
    ):
        with pytest.raises(DataError):
            read()


@pytest.mark.parametrize("header", ["ETag: \u00e9", "\u2028: x", "ETag: \ud83d\ude00"])
def test_a_header_within_a_batch_may_be_of_any_characters(header: str) -> None:
    batch = next(iter(batches([OPERATION], "/api/data/v9.2/")))
    part = "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n" + header + "\r\n\r\n{}\r\n--b--\r\n"

    (result,) = results(batch, "multipart/mixed; boundary=b", part.encode("utf-8", "surrogatepass"))

    assert result.status == 200


# --------------------------------------------------------------------------------------------------------- long texts


def test_a_column_full_of_automation_fields_is_read_in_a_moment() -> None:
    text = "".join(f"f{number}=\r\n" for number in range(60_000))

    assert effort(lambda: parse(text)) < 100
    assert str(parse(text)[-1].at) == "line 60000, column 1"


def test_positions_count_lines_however_they_end() -> None:
    found = parse("a=1\r\nb=2\rc=3\n  d=4;e=5")

    assert [(one.at.line, one.at.column) for one in found] == [(1, 1), (2, 1), (3, 1), (4, 3), (4, 7)]


def test_a_thousand_rows_are_read_in_a_moment() -> None:
    rows = [EMAIL, *({"spotler": f"p{number}", "contact": "a"} for number in range(999))]

    assert effort(lambda: read_mapping({"version": 1, "rows": rows})) < 70


def test_more_rows_than_any_account_has_properties_are_refused() -> None:
    rows = [EMAIL, *({"spotler": f"p{number}", "contact": "a"} for number in range(1_000))]

    with pytest.raises(MappingError, match="at most 1000 items"):
        read_mapping({"version": 1, "rows": rows})


def test_of_very_many_mistakes_the_first_ones_are_told() -> None:
    rows = [{"spotler": f"p{number}", "contact": "("} for number in range(500)]

    with pytest.raises(MappingError) as refusal:
        read_mapping({"version": 1, "rows": rows})
    assert len(refusal.value.places) == MOST_PROBLEMS + 1
    assert "and 400 more complaints" in str(refusal.value)


@pytest.mark.parametrize("is_closed", [True, False])
def test_circles_among_a_thousand_rows_are_found_in_a_moment(*, is_closed: bool) -> None:
    """A way through all rows, from contacts to leads and back: closed, each place leads to every other one."""
    steps = 249
    rows = [
        row
        for step in range(steps)
        for row in (
            {"spotler": f"p{step}", "contact": f"c{step}", "direction": "->"},
            {"spotler": f"p{step}", "lead": f"l{step}", "direction": "<-"},
            {"spotler": f"q{step}", "lead": f"l{step}", "direction": "->"},
            {"spotler": f"q{step}", "contact": f"c{(step + 1) % (steps + (not is_closed))}", "direction": "<-"},
        )
    ]
    mapping = read_mapping({"version": 1, "rows": [EMAIL, *rows]})
    found: list[Finding] = []

    assert effort(lambda: found.extend(circles(mapping, list(PersonTable)))) < 17
    assert len(found) == is_closed


def test_a_filter_of_many_conditions_is_read_in_a_moment() -> None:
    assert effort(lambda: parse_filter("a = 1 or " * 20_000 + "a = 1")) < 100


@pytest.mark.parametrize("with_libyaml", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "- " * 100_000,
        "? " * 100_000,
        "a: &a [x]\nb: *a",
        "a: 1\na: 2",
        "? [a]\n: b",
        "\0",
        "\ud800",
        "a: [",
    ],
)
def test_yaml_that_is_not_plain_is_refused_by_either_scanner(text: str, *, with_libyaml: bool) -> None:
    with pytest.raises(NotYamlError):
        load(text, with_libyaml=with_libyaml)


@pytest.mark.parametrize("with_libyaml", [True, False])
def test_both_scanners_read_the_same(*, with_libyaml: bool) -> None:
    text = "a: NO\nb: ~\nc:\nd: |\n  x\n  y\n'e': [1, yes, 0x1, 2026-03-01]\nf: !!python/none {g: null}\n"

    assert load(text, with_libyaml=with_libyaml) == {
        "a": "NO",
        "b": None,
        "c": None,
        "d": "x\ny\n",
        "e": ["1", "yes", "0x1", "2026-03-01"],
        "f": {"g": None},
    }


def test_keys_without_end_are_refused_in_a_moment() -> None:
    text = "{" + ",".join(f"a{number}: {{b: c}}" for number in range(11_000)) + "}"

    def read() -> None:
        with pytest.raises(MappingError, match="Extra inputs"):
            from_yaml(text)

    assert effort(read) < 100

"""Reports of website visits, as JSON and as CSV: what is read, and what is said of lines that are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.records.records import PersonTable
from shared.triggers.routes.engagement.visit_reports import items_of_csv, items_of_json, read_reports, without_query

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HEADER = "visitId,visitedAt,email,url,title,at,score"
FILE = f"""{HEADER}
v1,2026-05-01T09:00:00+02:00,ann@example.com,https://shop.example/offer?utm_source=mail&name=Ann,"An ""offer"", new",,
v2,2026-05-01T10:00:00+02:00,ben@example.com,,,,40
v1,2026-05-01T09:00:00+02:00,ann@example.com,https://shop.example/order,Order,2026-05-01T09:04:00+02:00,
"""


def test_lines_of_one_visit_are_its_pages_wherever_they_stand() -> None:
    found = read_reports(items_of_csv(FILE), NOW)
    line, ann = found.visits["v1"]
    assert (line, ann.email, ann.pages, ann.title) == (2, "ann@example.com", 2, 'An "offer", new')
    assert ann.seen == (
        'An "offer", new https://shop.example/offer?utm_source=mail',
        "Order https://shop.example/order",
    )
    assert (ann.url, ann.ended - ann.begun) == ("https://shop.example/offer?utm_source=mail", timedelta(minutes=4))
    assert (found.visits["v2"][1].pages, found.visits["v2"][1].worth, found.rejected) == (1, 40, [])


def test_a_spreadsheet_that_writes_semicolons_is_read_as_well() -> None:
    text = FILE.replace('"An ""offer"", new"', "Offer").replace(",", ";")
    assert read_reports(items_of_csv(text), NOW).visits.keys() == {"v1", "v2"}


def test_a_line_that_is_no_visit_is_rejected_by_its_number_and_field() -> None:
    text = f"""{HEADER}
,2026-05-01T09:00:00Z,ann@example.com
v2,yesterday,ann@example.com
v3,2026-05-01T09:00:00Z,nobody
v4,2026-07-01T09:00:00Z,ann@example.com
"""
    found = read_reports(items_of_csv(text), NOW)
    assert [(one.line, one.field) for one in found.rejected] == [
        (2, "visitId"),
        (3, "visitedAt"),
        (4, "email"),
        (5, "visitedAt"),
    ]
    assert not found.visits


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "visitId;email\nv1;x\n"])
def test_a_file_without_its_columns_is_refused_by_their_names(text: str) -> None:
    with pytest.raises(ValueError, match=r"names no column .*visitedAt"):
        items_of_csv(text)


def test_json_is_an_array_or_an_object_in_each_line() -> None:
    record = '{"visitId": "v1", "visitedAt": "2026-05-01T09:00:00Z", "crmTable": "lead", "crmId": "%s"}' % ("1" * 32)
    for text in (f"[{record}]", f"{record}\n\n"):
        _, visit = read_reports(items_of_json(text), NOW).visits["v1"]
        assert visit.record is not None
        assert visit.record.table is PersonTable.LEAD
    with pytest.raises(ValueError, match="no JSON"):
        items_of_json("visitId,visitedAt")


def test_of_addresses_only_parameters_of_campaigns_are_kept() -> None:
    assert without_query("https://me:pw@shop.example/a?x=1&utm_term=b#c") == "https://shop.example/a?utm_term=b"
    assert without_query("javascript:alert(1)") == ""

"""Values become part of a URL or a FetchXML text in one place, and cannot break out of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import parse_qs, quote, urlsplit
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from shared.adapters.dataverse.web_api import fetchxml, odata
from shared.adapters.dataverse.web_api.odata import Expand, ODataComparison
from shared.errors import DataError

ROW = UUID("6d81597f-0f9f-e711-8122-000d3aa2331c")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (7, "7"),
        (1.5, "1.5"),
        (Decimal("10.20"), "10.20"),
        ("O'Brien' or 1 eq 1", "'O''Brien'' or 1 eq 1'"),
        (ROW, "6d81597f-0f9f-e711-8122-000d3aa2331c"),
        (date(1980, 2, 3), "1980-02-03"),
        (datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:04:05Z"),
    ],
)
def test_a_value_is_written_as_dataverse_reads_it(value: odata.Value, written: str) -> None:
    assert odata.literal(value) == written


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        odata.literal(datetime(2026, 1, 2))  # noqa: DTZ001  # the point of the test


@pytest.mark.parametrize("text", ["", "a b", "a)", "a'", "1a", "a/b", "a$", "contact\n", "é"])
def test_a_text_that_is_not_a_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="name"):
        odata.name(text)


def test_filters_are_built_from_columns_and_values() -> None:
    assert odata.compare("dh_SpotlerInfo/dh_name", ODataComparison.EQUAL, "a&b") == "dh_SpotlerInfo/dh_name eq 'a&b'"
    assert odata.all_of("a eq 1", "", "b eq 2") == "(a eq 1) and (b eq 2)"
    assert odata.within("contactid", [ROW]) == (
        "Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=['6d81597f-0f9f-e711-8122-000d3aa2331c'])"
    )


def test_a_value_in_a_url_arrives_as_it_was() -> None:
    address = "a+b&$top=1#?%27@example.org"
    path = odata.reads(
        "contacts", {"$filter": odata.compare("emailaddress1", ODataComparison.EQUAL, address), "$top": ""}
    )
    assert parse_qs(urlsplit(path).query) == {"$filter": [f"emailaddress1 eq '{address}'"]}


def test_related_rows_are_read_by_navigation_property_and_columns() -> None:
    expand = Expand("dh_spotlerpermission_lead", ("dh_name", "dh_subscribed"))
    assert str(expand) == "dh_spotlerpermission_lead($select=dh_name,dh_subscribed)"
    with pytest.raises(ValueError, match="name"):
        str(Expand("a($select=b)", ("c",)))


def test_a_fetchxml_page_carries_the_cookie_decoded_twice() -> None:
    cookie = '<cookie page="1"><contactid last="{A}" first="{B}" /></cookie>'
    twice = quote(quote(cookie, safe=""), safe="")
    page = {
        "@Microsoft.Dynamics.CRM.morerecords": True,
        "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie": f'<cookie pagenumber="2" pagingcookie="{twice}" />',
    }
    cursor = fetchxml.following(page, fetchxml.Cursor())
    assert cursor == fetchxml.Cursor(2, cookie)
    fetch = ET.fromstring(fetchxml.page_of("<fetch><entity name='contact' /></fetch>", cursor, size=50))
    assert fetch.attrib == {"page": "2", "count": "50", "paging-cookie": cookie}


def test_paging_goes_on_without_a_cookie_and_ends_without_more_records() -> None:
    assert fetchxml.following({"@Microsoft.Dynamics.CRM.morerecords": True}, fetchxml.Cursor(3)) == fetchxml.Cursor(4)
    assert fetchxml.following({}, fetchxml.Cursor(3)) is None


def test_a_query_with_top_has_one_page_and_keeps_its_text() -> None:
    fetch = ET.fromstring(fetchxml.page_of('<fetch top="5"><entity name="lead" /></fetch>', fetchxml.Cursor(), size=50))
    assert fetch.attrib == {"top": "5"}


@pytest.mark.parametrize("text", ["", "<fetch>", "<entity />", '<!DOCTYPE x [<!ENTITY a "b">]><fetch>&a;</fetch>'])
def test_a_text_that_is_not_fetchxml_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        fetchxml.page_of(text, fetchxml.Cursor(), size=50)

"""The sandbox answers FetchXML as Dataverse does."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from tests.dataverse_sandbox.queries.rows import CONTOSO, ROWS
from tests.dataverse_sandbox.session import Dataverse


@pytest.fixture
def dataverse(dataverse: Dataverse) -> Dataverse:
    dataverse.restart(ROWS)
    return dataverse


def fetch(dataverse: Dataverse, inner: str, attributes: str = "", prefer: str = "") -> list[dict[str, object]]:
    return dataverse.values(
        "contacts", prefer, fetchXml=f"<fetch {attributes}><entity name='contact'>{inner}</entity></fetch>"
    )


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("<condition attribute='firstname' operator='eq' value='ANN'/>", ["Ann"]),
        ("<condition attribute='firstname' operator='ne' value='ann'/>", ["Bob", "Cas"]),
        ("<condition attribute='lastname' operator='like' value='%har_'/>", ["Bob"]),
        ("<condition attribute='lastname' operator='not-null'/>", ["Ann", "Bob"]),
        (
            "<condition attribute='firstname' operator='in'><value>ann</value><value>cas</value></condition>",
            ["Ann", "Cas"],
        ),
        (
            "<condition attribute='dh_engagementscore' operator='in'><value>10</value><value>20</value></condition>",
            ["Ann"],
        ),
        ("<condition attribute='lastusedincampaign' operator='on-or-after' value='2024-03-02'/>", ["Bob"]),
        ("<condition attribute='modifiedon' operator='last-x-days' value='2'/>", ["Ann", "Bob", "Cas"]),
        (f"<condition attribute='parentcustomerid' operator='eq' value='{{{CONTOSO}}}'/>", ["Ann"]),
        ("<condition attribute='ownerid' operator='eq-userid'/>", []),
    ],
)
def test_fetch_conditions_find_what_they_describe(dataverse: Dataverse, condition: str, names: list[str]) -> None:
    inner = f"<attribute name='firstname'/><order attribute='firstname'/><filter>{condition}</filter>"
    assert [row["firstname"] for row in fetch(dataverse, inner)] == names


def test_fetch_filters_nest(dataverse: Dataverse) -> None:
    inner = """<filter type='or'><condition attribute='firstname' operator='eq' value='Cas'/><filter type='and'>
      <condition attribute='donotemail' operator='eq' value='1'/>
      <condition attribute='lastname' operator='begins-with' value='o'/>
    </filter></filter>"""
    assert [row["firstname"] for row in fetch(dataverse, inner)] == ["Bob", "Cas"]


def test_inner_links_multiply_and_outer_links_keep_rows(dataverse: Dataverse) -> None:
    link = "<link-entity name='dh_spotlerpermission' from='dh_customerid' to='contactid' alias='p' link-type='{}'>"
    inner = (
        "<attribute name='firstname'/><order attribute='firstname'/>"
        + link
        + "<attribute name='dh_name'/></link-entity>"
    )
    rows = fetch(dataverse, inner.format("inner"))
    assert [(row["firstname"], row["p.dh_name"]) for row in rows] == [
        ("Ann", "News"),
        ("Ann", "Offers"),
        ("Bob", "News"),
    ]
    outer = fetch(dataverse, inner.format("outer"))
    assert [(row["firstname"], row.get("p.dh_name")) for row in outer][-1] == ("Cas", None)
    without = inner.format("outer") + "<filter><condition entityname='p' attribute='dh_name' operator='null'/></filter>"
    assert [row["firstname"] for row in fetch(dataverse, without)] == ["Cas"]
    assert [row["firstname"] for row in fetch(dataverse, inner.format("exists"))] == ["Ann", "Bob"]
    assert [row["firstname"] for row in fetch(dataverse, inner.format("not any"))] == ["Cas"]


def test_distinct_top_and_labels(dataverse: Dataverse) -> None:
    link = "<link-entity name='dh_spotlerpermission' from='dh_customerid' to='contactid'/>"
    inner = f"<attribute name='firstname'/><order attribute='firstname'/>{link}"
    assert len(fetch(dataverse, inner, "distinct='true'")) == 2
    assert len(fetch(dataverse, inner, "top='1'")) == 1
    label = "OData.Community.Display.V1.FormattedValue"
    only = "<filter><condition attribute='firstname' operator='eq' value='Ann'/></filter>"
    inner = f"<attribute name='parentcustomerid'/>{only}"
    (row,) = fetch(dataverse, inner, prefer=f'odata.include-annotations="{label}"')
    assert (row["_parentcustomerid_value"], row[f"_parentcustomerid_value@{label}"]) == (CONTOSO, "Contoso")


def test_fetch_counts_rows_and_columns_and_each_value_once(dataverse: Dataverse) -> None:
    link = "<link-entity name='account' from='accountid' to='parentcustomerid' link-type='outer'/>"
    attribute = "<attribute name='{}' alias='{}' aggregate='{}'/>"
    inner = attribute.format("contactid", "all", "count") + attribute.format("parentcustomerid", "firms", "countcolumn")
    inner += "<attribute name='parentcustomerid' alias='different' aggregate='countcolumn' distinct='true'/>" + link

    (row,) = fetch(dataverse, inner, "aggregate='true'")

    everybody = fetch(dataverse, "<attribute name='parentcustomerid'/>")
    firms = [one["_parentcustomerid_value"] for one in everybody if "_parentcustomerid_value" in one]
    assert row == {"all": len(everybody), "firms": len(firms), "different": len(set(map(str, firms)))}


@pytest.mark.parametrize(
    ("attribute", "status"),
    [
        ("<attribute name='contactid' alias='a' aggregate='sum'/>", 400),
        ("<attribute name='contactid' alias='a' aggregate='median'/>", 501),
        ("<attribute name='fullname' alias='a' aggregate='max'/>", 501),
        ("<attribute name='createdon' alias='a' groupby='true' dategrouping='fiscal-year'/>", 501),
        ("<attribute name='contactid' aggregate='count'/>", 400),
        ("<attribute name='contactid' alias='a' aggregate='count'/><order attribute='fullname'/>", 400),
    ],
)
def test_aggregates_that_there_are_not_are_refused(dataverse: Dataverse, attribute: str, status: int) -> None:
    xml = f"<fetch aggregate='true'><entity name='contact'>{attribute}</entity></fetch>"
    assert dataverse.http.get("contacts", params={"fetchXml": xml}).status_code == status


def test_the_example_of_microsoft_gives_their_figures(dataverse: Dataverse) -> None:
    cities = {None: [None], "Dallas": [6000], "Los Angeles": [2900], "Lynnwood": [2700], "Missoula": [4800]}
    cities |= {"Phoenix": [3900], "Redmond": [1500, 2900, 6200], "Santa Cruz": [4300]}
    rows = [
        ("account", {"name": "A", "numberofemployees": count, **({"address1_city": city} if city else {})})
        for city, counts in cities.items()
        for count in counts
    ]
    dataverse.restart(rows)
    attribute = "<attribute name='numberofemployees' alias='{0}' aggregate='{0}'/>"

    def answered(inner: str) -> list[dict[str, Any]]:
        xml = f"<fetch aggregate='true'><entity name='account'>{inner}</entity></fetch>"
        return dataverse.values("accounts", fetchXml=xml)

    functions = ("avg", "count", "countcolumn", "max", "min", "sum")
    (row,) = answered("".join(map(attribute.format, functions)))
    assert [row[name] for name in functions] == [3911, 10, 9, 6200, 1500, 35200]
    by_city = attribute.format("sum") + "<attribute name='address1_city' alias='City' groupby='true'/>"
    grouped = answered(f"{by_city}<order alias='City'/>")
    assert [(one.get("City"), one["sum"]) for one in grouped] == [
        (city, sum(count or 0 for count in counts)) for city, counts in cities.items()
    ]


def test_rows_are_grouped_by_parts_of_a_date_in_the_time_zone_of_the_organisation(dataverse: Dataverse) -> None:
    eve = {"lastname": "A", "lastusedincampaign": "2023-12-31T23:30:00Z"}
    dataverse.restart([("contact", eve)], time_zone="Europe/Amsterdam")
    parts = ("day", "week", "month", "quarter", "year")
    group = "<attribute name='lastusedincampaign' alias='{0}' groupby='true' dategrouping='{0}'/>"
    (row,) = fetch(dataverse, "".join(map(group.format, parts)), "aggregate='true'")
    assert row == dict(zip(parts, (1, 1, 1, 1, 2024), strict=True))


def test_fetch_pages_go_on_behind_the_twice_encoded_cookie(dataverse: Dataverse) -> None:
    dataverse.restart([("contact", {"lastname": f"{number:03}"}) for number in range(25)])
    crm = "Microsoft.Dynamics.CRM"
    prefer = f'odata.include-annotations="{crm}.fetchxmlpagingcookie,{crm}.morerecords"'
    names: list[str] = []
    place, more = "page='1'", True
    while more:
        xml = (
            f"<fetch count='10' {place}><entity name='contact'><attribute name='lastname'/>"
            "<order attribute='lastname'/></entity></fetch>"
        )
        answer = dataverse.get("contacts", prefer, fetchXml=xml)
        names += [row["lastname"] for row in answer["value"]]
        more = answer[f"@{crm}.morerecords"]
        if more:
            cookie = answer[f"@{crm}.fetchxmlpagingcookie"]
            inner = unquote(unquote(cookie.partition('pagingcookie="')[2].partition('"')[0]))
            assert inner.startswith('<cookie page="')
            escaped = inner.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
            page = cookie.partition('pagenumber="')[2].partition('"')[0]
            place = f"page='{page}' paging-cookie='{escaped}'"
    assert names == [f"{number:03}" for number in range(25)]


@pytest.mark.parametrize(
    "xml",
    [
        "<fetch>",
        "<fetch><entity name='account'/></fetch>",
        "<fetch><entity name='contact'><attribute name='shoesize'/></entity></fetch>",
        "<fetch><entity name='contact'><link-entity name='new_dog'/></entity></fetch>",
        "<fetch><entity name='contact'><filter><condition attribute='suffix' operator='is'/></filter></entity></fetch>",
        "<!DOCTYPE x [<!ENTITY a 'b'>]><fetch><entity name='contact'/></fetch>",
        "<fetch page='2' paging-cookie='x'><entity name='contact'/></fetch>",
    ],
)
def test_a_fetch_that_dataverse_would_not_understand_is_refused(dataverse: Dataverse, xml: str) -> None:
    assert dataverse.http.get("contacts", params={"fetchXml": xml}).status_code == 400

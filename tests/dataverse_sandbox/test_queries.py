"""The sandbox answers OData queries as Dataverse does: filters, expansions, pages, annotations, changes, metadata."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import pytest

from tests.dataverse_sandbox.session import Dataverse, Exchangeable, running

CONTOSO, FABRIKAM = (str(UUID(int=number)) for number in (101, 102))
ANN, BOB, CAS = (str(UUID(int=number)) for number in (1, 2, 3))
EARLY, LATE = "2024-03-01T09:00:00Z", "2024-03-02T10:30:00Z"
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("account", {"accountid": CONTOSO, "name": "Contoso", "accountnumber": "O'1"}),
    ("account", {"accountid": FABRIKAM, "name": "Fabrikam"}),
    (
        "contact",
        {
            "contactid": ANN,
            "firstname": "Ann",
            "lastname": "Lee",
            "emailaddress1": "Ann@Example.com",
            "gendercode": 2,
            "birthdate": "1980-02-03",
            "lastusedincampaign": EARLY,
            "dh_engagementscore": 10,
            "parentcustomerid": ("account", CONTOSO),
        },
    ),
    (
        "contact",
        {
            "contactid": BOB,
            "firstname": "Bob",
            "lastname": "O'Hara",
            "donotemail": True,
            "lastusedincampaign": LATE,
            "dh_engagementscore": 1500,
            "parentcustomerid": ("account", FABRIKAM),
        },
    ),
    ("contact", {"contactid": CAS, "firstname": "Cas", "parentcustomerid": ("contact", ANN)}),
    ("dh_spotlerpermission", {"dh_name": "News", "dh_subscribed": True, "dh_customerid": ("contact", ANN)}),
    ("dh_spotlerpermission", {"dh_name": "Offers", "dh_subscribed": False, "dh_customerid": ("contact", ANN)}),
    ("dh_spotlerpermission", {"dh_name": "News", "dh_subscribed": False, "dh_customerid": ("contact", BOB)}),
]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Exchangeable, str]]:
    with running() as server:
        yield server


@pytest.fixture
def dataverse(server: tuple[Exchangeable, str]) -> Iterator[Dataverse]:
    session = Dataverse(*server)
    session.restart(ROWS)
    with closing(session.http):
        yield session


def found(dataverse: Dataverse, condition: str) -> list[str]:
    rows = dataverse.values("contacts", **{"$filter": condition, "$select": "firstname", "$orderby": "firstname"})
    return [row["firstname"] for row in rows]


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("firstname eq 'ann'", ["Ann"]),
        ("lastname eq 'O''Hara'", ["Bob"]),
        ("lastname ne 'lee'", ["Bob", "Cas"]),
        ("emailaddress1 eq null", ["Bob", "Cas"]),
        ("emailaddress1 ne null", ["Ann"]),
        ("dh_engagementscore gt 10", ["Bob"]),
        ("dh_engagementscore ge 10 and dh_engagementscore le 10", ["Ann"]),
        ("dh_engagementscore lt 5", []),
        ("donotemail eq true", ["Bob"]),
        ("contains(lastname,'HAR')", ["Bob"]),
        ("startswith(firstname,'a') or endswith(firstname,'B')", ["Ann", "Bob"]),
        ("not contains(lastname,'e')", ["Bob", "Cas"]),
        ("not (firstname eq 'Ann' or firstname eq 'Bob')", ["Cas"]),
        ("firstname eq 'Ann' or firstname eq 'Bob' and dh_engagementscore eq 7", ["Ann"]),
        (f"contactid eq {ANN} or contactid eq {CAS}", ["Ann", "Cas"]),
        (f"_parentcustomerid_value eq {CONTOSO}", ["Ann"]),
        ("parentcustomerid_account/name eq 'fabrikam'", ["Bob"]),
        ("parentcustomerid_contact/firstname eq 'Ann'", ["Cas"]),
        ("parentcustomerid_account/name eq null", ["Cas"]),
        (f"lastusedincampaign gt {EARLY}", ["Bob"]),
        ("lastusedincampaign ge 2024-03-02", ["Bob"]),
        ("lastusedincampaign lt 2024-03-01T10:00:00+01:00", []),
        ("birthdate eq 1980-02-03", ["Ann"]),
        ("gendercode eq 2", ["Ann"]),
        ("Microsoft.Dynamics.CRM.In(PropertyName='firstname',PropertyValues=['ann','cas'])", ["Ann", "Cas"]),
        (f"Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=['{BOB}'])", ["Bob"]),
        ("Microsoft.Dynamics.CRM.NotIn(PropertyName='firstname',PropertyValues=['ann'])", ["Bob", "Cas"]),
        ("Microsoft.Dynamics.CRM.Between(PropertyName='dh_engagementscore',PropertyValues=['5','20'])", ["Ann"]),
        ("Microsoft.Dynamics.CRM.On(PropertyName='lastusedincampaign',PropertyValue='2024-03-01')", ["Ann"]),
        ("Microsoft.Dynamics.CRM.LastXHours(PropertyName='modifiedon',PropertyValue=1)", ["Ann", "Bob", "Cas"]),
        ("Microsoft.Dynamics.CRM.OlderThanXDays(PropertyName='lastusedincampaign',PropertyValue=3)", ["Ann", "Bob"]),
        ("Microsoft.Dynamics.CRM.Today(PropertyName='lastusedincampaign')", []),
        ("dh_spotlerpermission_customer_contact/any(p:p/dh_name eq 'News' and p/dh_subscribed eq false)", ["Bob"]),
        ("dh_spotlerpermission_customer_contact/any()", ["Ann", "Bob"]),
        ("dh_spotlerpermission_customer_contact/all(p:p/dh_subscribed eq false)", ["Bob", "Cas"]),
        ("not dh_spotlerpermission_customer_contact/any(p:p/dh_name eq 'Offers')", ["Bob", "Cas"]),
    ],
)
def test_filters_find_what_they_describe(dataverse: Dataverse, condition: str, names: list[str]) -> None:
    assert found(dataverse, condition) == names


@pytest.mark.parametrize(
    "condition",
    [
        "shoesize eq 44",
        "firstname eq",
        "firstname = 'Ann'",
        "firstname eq 'Ann' and",
        "(firstname eq 'Ann'",
        "firstname eq 'Ann' lastname eq 'Lee'",
        "firstname eq Ann",
        "firstname eq 7",
        f"contactid eq '{ANN}'",
        "donotemail eq 1",
        "parentcustomerid eq null",
        "contains(dh_engagementscore,'1')",
        "tolower(firstname) eq 'ann'",
        "dh_spotlerpermission_customer_contact/any(p:dh_name eq 'News')",
        "Microsoft.Dynamics.CRM.Sometimes(PropertyName='modifiedon')",
        "dh_engagementscore gt null",
    ],
)
def test_filters_that_dataverse_would_not_understand_are_refused(dataverse: Dataverse, condition: str) -> None:
    assert dataverse.http.get("contacts", params={"$filter": condition}).status_code == 400


def test_only_selected_columns_and_the_primary_key_are_returned(dataverse: Dataverse) -> None:
    row = dataverse.get(f"contacts({ANN})", **{"$select": "firstname,_parentcustomerid_value"})
    del row["@odata.context"], row["@odata.etag"]
    assert row == {"firstname": "Ann", "_parentcustomerid_value": CONTOSO, "contactid": ANN}


@pytest.mark.parametrize("query", ["$select=shoesize", "$expand=firstname", "$orderby=shoesize", "$skip=2", "$top=x"])
def test_query_options_are_checked(dataverse: Dataverse, query: str) -> None:
    assert dataverse.http.get(f"contacts?{query}").status_code == 400


def test_annotations_stand_before_their_values(dataverse: Dataverse) -> None:
    row = dataverse.get(
        f"contacts({BOB})",
        'odata.include-annotations="*"',
        **{"$select": "_parentcustomerid_value,donotemail,dh_engagementscore,lastusedincampaign"},
    )
    assert list(row.items())[2:-1] == [
        ("_parentcustomerid_value@OData.Community.Display.V1.FormattedValue", "Fabrikam"),
        ("_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty", "parentcustomerid_account"),
        ("_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname", "account"),
        ("_parentcustomerid_value", FABRIKAM),
        ("donotemail@OData.Community.Display.V1.FormattedValue", "Do Not Allow"),
        ("donotemail", True),
        ("dh_engagementscore@OData.Community.Display.V1.FormattedValue", "1,500"),
        ("dh_engagementscore", 1500),
        ("lastusedincampaign@OData.Community.Display.V1.FormattedValue", "3/2/2024 10:30 AM"),
        ("lastusedincampaign", LATE),
    ]


def test_only_the_annotations_asked_for_are_returned(dataverse: Dataverse) -> None:
    wanted = 'odata.maxpagesize=1,odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname"'
    answer = dataverse.http.get("contacts?$select=_parentcustomerid_value,donotemail", headers={"Prefer": wanted})
    assert answer.headers["Preference-Applied"] == wanted.replace(",odata", ", odata")
    (row,) = answer.json()["value"]
    assert [name for name in row if "@" in name] == [
        "@odata.etag",
        "_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname",
    ]


def test_expansions_follow_lookups_and_collections_with_options_of_their_own(dataverse: Dataverse) -> None:
    inner = "$select=dh_name;$filter=dh_subscribed eq false;$orderby=dh_name desc;$top=5"
    expand = f"parentcustomerid_account($select=name),dh_spotlerpermission_customer_contact({inner})"
    rows = dataverse.values("contacts", **{"$select": "firstname", "$expand": expand, "$orderby": "firstname"})
    assert [row["parentcustomerid_account"] and row["parentcustomerid_account"]["name"] for row in rows] == [
        "Contoso",
        "Fabrikam",
        None,
    ]
    assert [[one["dh_name"] for one in row["dh_spotlerpermission_customer_contact"]] for row in rows] == [
        ["Offers"],
        ["News"],
        [],
    ]


def test_expansions_nest(dataverse: Dataverse) -> None:
    row = dataverse.get(
        f"contacts({CAS})",
        **{"$expand": "parentcustomerid_contact($select=firstname;$expand=parentcustomerid_account($select=name))"},
    )
    assert row["parentcustomerid_contact"]["parentcustomerid_account"]["name"] == "Contoso"


def test_a_large_collection_is_expanded_by_one_page(dataverse: Dataverse) -> None:
    expand = "dh_spotlerpermission_customer_contact($select=dh_name)"
    row = dataverse.values("contacts", "odata.maxpagesize=1", **{"$expand": expand})[0]
    assert len(row["dh_spotlerpermission_customer_contact"]) == 1
    rest = dataverse.http.get(row["dh_spotlerpermission_customer_contact@odata.nextLink"]).json()["value"]
    assert [list(one) for one in rest] == [["@odata.etag", "dh_name", "dh_spotlerpermissionid"]]
    assert [one["dh_name"] for one in rest] == ["Offers"]


def test_rows_are_ordered_by_several_keys_with_nulls_lowest(dataverse: Dataverse) -> None:
    for order, names in {
        "lastname": ["Cas", "Ann", "Bob"],
        "lastname desc": ["Bob", "Ann", "Cas"],
        "donotemail desc,firstname desc": ["Bob", "Cas", "Ann"],
        "parentcustomerid_account/name desc": ["Bob", "Ann", "Cas"],
    }.items():
        rows = dataverse.values("contacts", **{"$orderby": order})
        assert [row["firstname"] for row in rows] == names, order


def test_pages_are_linked_until_the_end_and_hold_every_row_once(dataverse: Dataverse) -> None:
    dataverse.restart([("contact", {"lastname": f"{number:03}", "jobtitle": "%&<>'+"}) for number in range(25)])
    prefer = {"Prefer": "odata.maxpagesize=10"}
    query = {"$select": "lastname", "$orderby": "lastname desc", "$filter": "jobtitle eq '%&<>''+'", "$count": "true"}
    answer = dataverse.http.get("contacts", params=query, headers=prefer).json()
    names, pages = [], 0
    while True:
        pages += 1
        names += [row["lastname"] for row in answer["value"]]
        assert answer["@odata.count"] == 25
        if "@odata.nextLink" not in answer:
            break
        assert "$skiptoken=%3Ccookie%20pagenumber=%22" in answer["@odata.nextLink"]
        answer = dataverse.http.get(answer["@odata.nextLink"], headers=prefer).json()
    assert (pages, names) == (3, [f"{number:03}" for number in reversed(range(25))])


def test_a_row_deleted_between_two_pages_hides_no_other_row(dataverse: Dataverse) -> None:
    dataverse.restart([("contact", {"contactid": str(UUID(int=n)), "lastname": f"{n:03}"}) for n in range(1, 7)])
    prefer = {"Prefer": "odata.maxpagesize=3"}
    first = dataverse.http.get("contacts?$orderby=lastname", headers=prefer).json()
    dataverse.http.delete(f"contacts({UUID(int=1)})")
    second = dataverse.http.get(first["@odata.nextLink"], headers=prefer).json()
    assert [row["lastname"] for row in second["value"]] == ["004", "005", "006"]


def test_a_foreign_skip_token_is_refused(dataverse: Dataverse) -> None:
    assert dataverse.http.get("contacts?$skiptoken=7").json()["error"]["code"] == "0x80041129"


def test_top_and_count(dataverse: Dataverse) -> None:
    answer = dataverse.get("contacts", **{"$top": "1", "$count": "true"})
    assert (len(answer["value"]), answer["@odata.count"]) == (1, 3)
    assert dataverse.http.get("contacts/$count").text == "\ufeff3"
    assert dataverse.http.get("contacts/$count?$filter=donotemail eq true").text == "\ufeff1"


def test_links_carry_the_address_that_the_client_used(dataverse: Dataverse) -> None:
    answer = dataverse.http.get(
        "contacts", headers={"Prefer": "odata.maxpagesize=1", "Host": dataverse.origin.removeprefix("http://")}
    )
    assert answer.json()["@odata.nextLink"].startswith(f"{dataverse.origin}/api/data/v9.2/contacts?")


# ---------------------------------------------------------------------------------------------------- change tracking


def test_a_delta_link_returns_what_was_written_and_deleted_since(dataverse: Dataverse) -> None:
    first = dataverse.http.get("contacts?$select=firstname", headers={"Prefer": "odata.track-changes"})
    assert first.headers["Preference-Applied"] == "odata.track-changes"
    assert len(first.json()["value"]) == 3
    dataverse.http.patch(f"contacts({ANN})", json={"firstname": "Anna"})
    dataverse.http.delete(f"contacts({CAS})")
    second = dataverse.http.get(first.json()["@odata.deltaLink"]).json()
    changed, gone = second["value"]
    assert changed["firstname"] == "Anna"
    assert (gone["id"], gone["reason"]) == (CAS, "deleted")
    assert dataverse.http.get(second["@odata.deltaLink"]).json()["value"] == []


def test_change_tracking_takes_no_filter(dataverse: Dataverse) -> None:
    answer = dataverse.http.get("contacts?$filter=donotemail eq true", headers={"Prefer": "odata.track-changes"})
    assert answer.status_code == 400
    assert 'The "$filter" query parameter' in answer.json()["error"]["message"]


# ----------------------------------------------------------------------------------------------------------- metadata


def test_generic_clients_find_tables_and_columns(dataverse: Dataverse) -> None:
    query = {"$select": "LogicalName,EntitySetName,PrimaryIdAttribute", "$filter": "LogicalName eq 'dh_spotlerjob'"}
    (table,) = dataverse.values("EntityDefinitions", **query)
    assert (table["EntitySetName"], table["PrimaryIdAttribute"]) == ("dh_spotlerjobs", "dh_spotlerjobid")
    columns = dataverse.values(f"EntityDefinitions({table['MetadataId']})/Attributes")
    assert {one["LogicalName"]: one["AttributeType"] for one in columns}["dh_customerid"] == "Customer"
    assert dataverse.http.get("EntityDefinitions(LogicalName='new_dog')").status_code == 404


def test_choices_are_read_through_the_cast_with_their_labels(dataverse: Dataverse) -> None:
    path = "EntityDefinitions(LogicalName='contact')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
    rows = dataverse.values(path, **{"$select": "LogicalName", "$expand": "OptionSet($select=Options)"})
    gender = next(row for row in rows if row["LogicalName"] == "gendercode")
    labels = {one["Value"]: one["Label"]["UserLocalizedLabel"]["Label"] for one in gender["OptionSet"]["Options"]}
    assert labels == {1: "Male", 2: "Female"}


def test_alternate_keys_are_described(dataverse: Dataverse) -> None:
    dataverse.restart(alternate_keys={"account": [["accountnumber"]]})
    (key,) = dataverse.values("EntityDefinitions(LogicalName='account')/Keys")
    assert (key["KeyAttributes"], key["EntityKeyIndexStatus"]) == (["accountnumber"], "Active")


# ----------------------------------------------------------------------------------------------------------- FetchXML


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


def test_relative_days_are_whole_days(dataverse: Dataverse) -> None:
    now = datetime.now(UTC)
    yesterday = (now - timedelta(days=1)).replace(hour=0, minute=0, second=1).strftime("%Y-%m-%dT%H:%M:%SZ")
    dataverse.restart([("contact", {"contactid": str(uuid4()), "firstname": "Dan", "lastusedincampaign": yesterday})])
    for function, names in {"Yesterday": ["Dan"], "Today": [], "LastXDays": ["Dan"]}.items():
        count = ",PropertyValue=1" if function == "LastXDays" else ""
        condition = f"Microsoft.Dynamics.CRM.{function}(PropertyName='lastusedincampaign'{count})"
        assert found(dataverse, condition) == names, function

"""The sandbox answers collections as Dataverse does: columns, annotations, expansions, order, pages, counts, links."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.dataverse_sandbox.queries.rows import ANN, BOB, CAS, CONTOSO, FABRIKAM, LATE, ROWS
from tests.dataverse_sandbox.session import Dataverse


@pytest.fixture
def dataverse(dataverse: Dataverse) -> Dataverse:
    dataverse.restart(ROWS)
    return dataverse


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


def test_change_tracking_is_refused_by_name(dataverse: Dataverse) -> None:
    answer = dataverse.http.get("contacts", headers={"Prefer": "odata.track-changes"})
    assert (answer.status_code, "odata.track-changes" in answer.json()["error"]["message"]) == (501, True)
    answer = dataverse.http.get("contacts?$deltatoken=1!1")
    assert (answer.status_code, "$deltatoken" in answer.json()["error"]["message"]) == (501, True)

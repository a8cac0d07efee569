"""The sandbox answers `$filter` as Dataverse does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.dataverse_sandbox.queries.rows import ANN, BOB, CAS, CONTOSO, EARLY, ROWS
from tests.dataverse_sandbox.session import Dataverse


@pytest.fixture
def dataverse(dataverse: Dataverse) -> Dataverse:
    dataverse.restart(ROWS)
    return dataverse


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
        "Microsoft.Dynamics.CRM.Sometimes(PropertyName='modifiedon')",
        "dh_engagementscore gt null",
    ],
)
def test_filters_that_dataverse_would_not_understand_are_refused(dataverse: Dataverse, condition: str) -> None:
    assert dataverse.http.get("contacts", params={"$filter": condition}).status_code == 400


@pytest.mark.parametrize("quantifier", ["any()", "any(p:p/dh_name eq 'News')", "all(p:p/dh_subscribed eq false)"])
def test_lambda_operators_are_refused_by_name(dataverse: Dataverse, quantifier: str) -> None:
    answer = dataverse.http.get(f"contacts?$filter=dh_spotlerpermission_customer_contact/{quantifier}")
    assert answer.status_code == 501
    assert f"lambda operator '{quantifier[:3]}'" in answer.json()["error"]["message"]


def test_relative_days_are_whole_days(dataverse: Dataverse) -> None:
    now = datetime.now(UTC)
    yesterday = (now - timedelta(days=1)).replace(hour=0, minute=0, second=1).strftime("%Y-%m-%dT%H:%M:%SZ")
    dataverse.restart([("contact", {"contactid": str(uuid4()), "firstname": "Dan", "lastusedincampaign": yesterday})])
    for function, names in {"Yesterday": ["Dan"], "Today": [], "LastXDays": ["Dan"]}.items():
        count = ",PropertyValue=1" if function == "LastXDays" else ""
        condition = f"Microsoft.Dynamics.CRM.{function}(PropertyName='lastusedincampaign'{count})"
        assert found(dataverse, condition) == names, function

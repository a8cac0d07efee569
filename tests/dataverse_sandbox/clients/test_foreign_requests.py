"""The sandbox answers small requests of other clients as Dataverse does, or refuses them by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.installation.yaml_files import read_yaml
from tests.dataverse_sandbox.session import Dataverse, batch, part

CASES = read_yaml(Path(__file__).with_name("foreign_requests.yaml"))
METHODS = ("get", "post", "put", "patch", "delete")
ANN, BOB, KIM, CONTOSO, LEAD, EMAIL, ROLE = (str(UUID(int=number)) for number in range(1, 8))
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("account", {"accountid": CONTOSO, "name": "Contoso", "primarycontactid": ("contact", ANN)}),
    ("contact", {"contactid": ANN, "firstname": "Ann", "lastname": "Moore", "parentcustomerid": ("account", CONTOSO)}),
    ("contact", {"contactid": BOB, "firstname": "Bob", "lastname": "Lee"}),
    ("contact", {"contactid": KIM, "firstname": "Kim", "lastname": "Kim"}),
    ("lead", {"leadid": LEAD, "lastname": "Case"}),
    ("email", {"activityid": EMAIL, "subject": "Case"}),
    ("role", {"roleid": ROLE, "name": "Case"}),
]


@pytest.fixture
def dataverse(dataverse: Dataverse) -> Dataverse:
    dataverse.restart(ROWS)
    return dataverse


def known_names(dataverse: Dataverse) -> Mapping[str, str]:
    """The values of the names in angle brackets."""
    application = dataverse.get("WhoAmI")["UserId"]
    mine = f"contacts({ANN})"
    assert dataverse.http.patch(mine, json={"ownerid@odata.bind": f"/systemusers({application})"}).is_success
    query = {"$select": "azureactivedirectoryobjectid", "$filter": "accessmode eq 0"}
    (colleague,) = dataverse.values("systemusers", **query)
    return {
        "<contact>": ANN,
        "<bob>": BOB,
        "<account>": CONTOSO,
        "<lead>": LEAD,
        "<email>": EMAIL,
        "<role>": ROLE,
        "<crm>": "Microsoft.Dynamics.CRM",
        "<application>": application,
        "<colleague>": colleague["systemuserid"],
        "<colleague account>": colleague["azureactivedirectoryobjectid"],
    }


def filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {filled(key, names): filled(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, names) for one in value]
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace(name, text)
    return value


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_request_is_answered_as_by_dataverse_or_refused_by_name(dataverse: Dataverse, case: dict[str, Any]) -> None:
    case = filled(case, known_names(dataverse))
    method = next((name for name in METHODS if name in case), "get")
    path, query = case.get(method, "contacts"), {"fetchXml": case["fetch"]} if "fetch" in case else None
    url = f"{dataverse.origin}{path}" if path.startswith("/") else path
    content = {"content": case["text"]} if "text" in case else {"json": case["body"]} if "body" in case else {}

    answer = dataverse.http.request(method.upper(), url, params=query, headers=case.get("send"), **content)

    assert answer.status_code == case["status"], answer.text
    assert case.get("tells", "") in answer.text
    assert answer.text == case.get("is", answer.text)
    assert "lacks" not in case or case["lacks"] not in answer.text
    spelled = {name.decode(): value.decode() for name, value in answer.headers.raw}
    for name, value in case.get("headers", {}).items():
        assert value in spelled.get(name, ""), spelled


def test_a_request_that_is_refused_has_no_effect(dataverse: Dataverse) -> None:
    before = dataverse.http.get("contacts/$count").text
    assert dataverse.http.post("contacts?nosuch=1", json={"lastname": "Ghost"}).status_code == 501
    assert dataverse.http.patch(f"contacts({BOB})?$top=1", json={"lastname": "Ghost"}).status_code == 501
    assert dataverse.http.delete(f"contacts({BOB})?$select=lastname").status_code == 501
    assert dataverse.http.get("contacts/$count").text == before
    assert dataverse.get(f"contacts({BOB})")["lastname"] == "Lee"
    assert dataverse.messages == []


def test_a_step_on_a_message_that_never_fires_cannot_be_registered(dataverse: Dataverse) -> None:
    condition = "primaryobjecttypecode eq 'contact' and sdkmessageid/name eq '{}'"
    for message, status in (("Create", 204), ("CreateMultiple", 501)):
        (one,) = dataverse.values("sdkmessagefilters", **{"$filter": condition.format(message)})
        step = {"name": message, "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({one['sdkmessagefilterid']})"}
        answer = dataverse.http.post("sdkmessageprocessingsteps", json=step)
        assert (answer.status_code, "CreateMultiple" in answer.text) == (status, status == 501), answer.text


def test_parts_of_a_batch_are_held_to_the_same(dataverse: Dataverse) -> None:
    colleague = known_names(dataverse)["<colleague>"]
    content = batch(
        part("GET contacts?nosuch=1"),
        part("POST contacts", {"lastname": "Case"}, headers=f"MSCRMCallerID: {colleague}\r\n"),
        part("GET contacts?$filter=lastname eq 'Case'&$select=_createdby_value"),
    )
    headers = {"Content-Type": "multipart/mixed; boundary=b", "Prefer": "odata.continue-on-error"}
    answer = dataverse.http.post("$batch", content=content, headers=headers)
    assert "HTTP/1.1 501" in answer.text
    assert f'"_createdby_value":"{colleague}"' in answer.text
    assert dataverse.http.post("$batch?nosuch=1", content=content, headers=headers).status_code == 501


def test_an_owner_is_expanded_whether_user_or_team(dataverse: Dataverse) -> None:
    team = str(UUID(int=9))
    dataverse.restart([*ROWS, ("team", {"teamid": team, "name": "Sales"})])
    bound = {"ownerid@odata.bind": f"/teams({team})"}
    assert dataverse.http.patch(f"contacts({BOB})", json=bound).is_success, "a team can own"
    rows = dataverse.values("contacts", **{"$expand": "ownerid($select=ownerid)", "$orderby": "firstname"})
    assert [row["ownerid"]["ownerid"] for row in rows] == [rows[0]["_ownerid_value"], team, rows[2]["_ownerid_value"]]

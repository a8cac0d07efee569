"""Forms, views, web resources, commands and apps are published; an organisation can resist customisation."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.dataverse_sandbox.customisation.definitions import TYPE, column, label, table
from tests.dataverse_sandbox.session import Dataverse

UNPUBLISHED = f"{TYPE}RetrieveUnpublished"
ICON = "953b9fac-1e5e-e611-80d6-00155ded156f"
APP = {
    "name": "Hub",
    "uniquename": "new_hub",
    "clienttype": 4,
    "formfactor": 1,
    "navigationtype": 0,
    "webresourceid": ICON,
}
SITE_MAP = (
    '<SiteMap><Area Id="a" ShowGroups="true"><Group Id="g"><SubArea Id="s" Entity="contact" /></Group></Area></SiteMap>'
)


@pytest.fixture
def bare(dataverse: Dataverse) -> Dataverse:
    dataverse.restart(snapshot=None)
    return dataverse


def published(dataverse: Dataverse, parts: str) -> None:
    answer = dataverse.http.post("PublishXml", json={"ParameterXml": f"<importexportxml>{parts}</importexportxml>"})
    assert answer.status_code == 204, answer.text


def refused(dataverse: Dataverse, path: str, body: dict[str, Any], method: str = "POST") -> tuple[int, str]:
    answer = dataverse.http.request(method, path, json=body)
    assert answer.status_code >= 400, answer.text
    return answer.status_code, answer.json()["error"]["code"]


def form_of(dataverse: Dataverse, name: str) -> dict[str, Any]:
    query = {"$filter": f"objecttypecode eq '{name}' and type eq 2 and formactivationstate eq 1"}
    return dataverse.values("systemforms", **query)[0]


def test_an_edit_of_a_form_is_seen_after_its_publication_and_before_only_by_who_asks(bare: Dataverse) -> None:
    form = form_of(bare, "contact")
    changed = form["formxml"].replace('description="Summary"', 'description="Overview"')
    assert changed != form["formxml"]
    path = f"systemforms({form['formid']})"
    versioned = {"If-Match": form["@odata.etag"]}
    assert bare.http.patch(path, json={"formxml": changed}, headers=versioned).status_code == 204
    assert bare.http.patch(path, json={"formxml": changed}, headers=versioned).status_code == 412
    assert bare.get(path)["formxml"] == form["formxml"]
    assert bare.get(f"{path}/{UNPUBLISHED}()")["formxml"] == changed
    latest = bare.values(f"systemforms/{UNPUBLISHED}Multiple()", **{"$filter": f"formid eq {form['formid']}"})
    assert [one["formxml"] for one in latest] == [changed]
    published(bare, "<entities><entity>contact</entity></entities>")
    assert bare.get(path)["formxml"] == changed


def test_whether_a_form_may_be_changed_is_read_as_an_object(bare: Dataverse) -> None:
    forms = bare.values("systemforms", **{"$filter": "objecttypecode eq 'account' and type eq 2"})
    assert {form["name"]: form["iscustomizable"]["Value"] for form in forms} == {
        "Account": True,
        "Account for Interactive experience": False,
    }
    managed = next(form["formid"] for form in forms if not form["iscustomizable"]["Value"])
    assert refused(bare, f"systemforms({managed})", {"description": "x"}, "PATCH") == (400, "0x8004f027")


def test_a_new_table_has_its_views_and_forms_and_its_code_in_the_layout(bare: Dataverse) -> None:
    assert bare.http.post("EntityDefinitions", json=table("new_Boat")).status_code == 204
    code = bare.get("EntityDefinitions(LogicalName='new_boat')", **{"$select": "ObjectTypeCode"})["ObjectTypeCode"]
    views = bare.values("savedqueries", **{"$filter": "returnedtypecode eq 'new_boat'"})
    assert sorted(view["querytype"] for view in views) == [0, 0, 1, 2, 4, 64]
    assert all(f'object="{code}"' in view["layoutxml"] for view in views)
    forms = bare.values("systemforms", **{"$filter": "objecttypecode eq 'new_boat'"})
    assert sorted((form["name"], form["type"]) for form in forms) == [("Information", 2), ("Information", 11)]
    view = {"name": "Mine", "returnedtypecode": "new_boat", "querytype": 0, "fetchxml": views[0]["fetchxml"]}
    bare.create("savedqueries", **view, layoutxml=views[0]["layoutxml"])
    wrong = re.sub(r'object="\d+"', 'object="1"', views[0]["layoutxml"])
    assert refused(bare, "savedqueries", {**view, "layoutxml": wrong})[0] == 400


def test_a_web_resource_command_app_and_site_map_are_created_published_and_validated(bare: Dataverse) -> None:
    script = bare.create("webresourceset", name="new_a.js", displayname="a", webresourcetype=3, content="Lyo=")
    assert bare.http.get(f"webresourceset({script})").status_code == 404
    published(bare, f"<webresources><webresource>{script}</webresource></webresources>")
    assert bare.get(f"webresourceset({script})")["name"] == "new_a.js"
    contact = bare.get("EntityDefinitions(LogicalName='contact')", **{"$select": "MetadataId"})["MetadataId"]
    command = {
        "name": "sync", "uniquename": "new__contact!sync", "context": 1, "contextvalue": "contact", "location": 0,
        "type": 0, "buttonlabeltext": "Sync", "onclickeventtype": 2, "onclickeventjavascriptfunctionname": "A.b",
        "onclickeventjavascriptparameters": '[{"type":5,"value":null}]', "visibilitytype": 0,
        "OnClickEventJavaScriptWebResourceId@odata.bind": f"/webresourceset({script})",
        "ContextEntity@odata.bind": f"/entities({contact})",
    }  # fmt: skip
    bare.create("appactions", **command)
    assert refused(bare, "appactions", {**command, "uniquename": "sync"}) == (400, "0x800608ad")
    lower = {**command, "uniquename": "new_b", "contextentity@odata.bind": f"/entities({contact})"}
    assert refused(bare, "appactions", lower) == (400, "0x80048d19")

    app = bare.create("appmodules", **APP)
    assert refused(bare, "appmodules", APP) == (400, "0x80050135")
    site_map = bare.create(
        "sitemaps", sitemapname="Hub", sitemapnameunique="new_hub", sitemapxml=SITE_MAP, isappaware=True
    )
    components = [{"@odata.type": f"{TYPE}sitemap", "sitemapid": site_map}]
    assert bare.http.post("AddAppComponents", json={"AppId": app, "Components": components}).status_code == 204
    answer = bare.get(f"ValidateApp(AppModuleId={app})")["AppValidationResponse"]
    assert answer["ValidationSuccess"] is True
    role = bare.create("roles", name="R", **{"businessunitid@odata.bind": f"/businessunits({unit(bare)})"})
    address = {"@odata.id": f"{bare.origin}/api/data/v9.2/roles({role})"}
    assert bare.http.post(f"appmodules({app})/appmoduleroles_association/$ref", json=address).status_code == 204
    published(bare, f"<appmodules><appmodule>{app}</appmodule></appmodules>")
    assert bare.get(f"appmodules({app})")["uniquename"] == "new_hub"


def unit(dataverse: Dataverse) -> str:
    identifier: str = dataverse.values("businessunits")[0]["businessunitid"]
    return identifier


def test_an_organisation_may_lack_sales_and_speak_another_language(dataverse: Dataverse) -> None:
    dataverse.restart(snapshot=None, sales=False, languages=(1043, 1033))
    assert dataverse.http.get("EntityDefinitions(LogicalName='lead')").status_code == 404
    assert dataverse.http.get("leads").status_code == 404
    assert dataverse.values("organizations")[0]["languagecode"] == 1043
    assert dataverse.get("RetrieveProvisionedLanguages()")["RetrieveProvisionedLanguages"] == [1043, 1033]
    contact = dataverse.get("EntityDefinitions(LogicalName='contact')")
    assert contact["DisplayName"]["UserLocalizedLabel"]["LanguageCode"] == 1043
    assert refused(dataverse, "EntityDefinitions", table("new_Boat")) == (400, "0x80044183")


def test_blocked_customisations_are_refused_but_values_and_switches_are_not(dataverse: Dataverse) -> None:
    dataverse.control("customising", {"blocked": True})
    settings = dataverse.values("organizations")[0]["orgdborgsettings"]
    assert "<IsLockdownOfUnmanagedCustomizationEnabled>true<" in settings
    assert refused(dataverse, "EntityDefinitions", table("new_Boat"))[0] == 403
    resource = {"name": "new_a.js", "webresourcetype": 3, "content": "Lyo="}
    assert refused(dataverse, "webresourceset", resource)[0] == 403
    step = dataverse.values("sdkmessageprocessingsteps")[0]["sdkmessageprocessingstepid"]
    path = f"sdkmessageprocessingsteps({step})"
    assert dataverse.http.patch(path, json={"statecode": 1, "statuscode": 2}).status_code == 204
    assert refused(dataverse, path, {"name": "x"}, "PATCH")[0] == 403
    definition = dataverse.values("environmentvariabledefinitions")[0]["environmentvariabledefinitionid"]
    bind = {"EnvironmentVariableDefinitionId@odata.bind": f"/environmentvariabledefinitions({definition})"}
    dataverse.create("environmentvariablevalues", schemaname="dh_x", value="1", **bind)
    dataverse.create("contacts", lastname="Lee")


def test_faults_of_customising_come_as_often_as_asked(bare: Dataverse) -> None:
    attributes = "EntityDefinitions(LogicalName='new_boat')/Attributes"
    bare.control("customising", {"locked": 2, "unsettled": True, "stale": 1, "loses_apps": True})
    for _ in range(2):
        assert refused(bare, "EntityDefinitions", table("new_Boat")) == (429, "0x80071151")
    assert bare.http.post("EntityDefinitions", json=table("new_Boat")).status_code == 204
    boat = "EntityDefinitions(LogicalName='new_boat')"
    assert bare.http.get(boat, headers={"Consistency": "Strong"}).status_code == 200
    assert [bare.http.get(boat).status_code for _ in range(2)] == [404, 200]
    text = column("String", "new_Text", MaxLength=9)
    assert refused(bare, attributes, text) == (400, "0x80040216")
    assert bare.http.post(attributes, json=text).status_code == 204
    bare.create("appmodules", name="x", uniquename="new_x", webresourceid=ICON)
    assert bare.values(f"appmodules/{UNPUBLISHED}Multiple()") == []


def test_an_index_is_pending_until_it_is_built_and_fails_over_rows_with_the_same_values(bare: Dataverse) -> None:
    key = {"SchemaName": "new_Number", "KeyAttributes": ["accountnumber"], "DisplayName": label("Number")}
    keys = "EntityDefinitions(LogicalName='account')/Keys"
    bare.control("customising", {"builds_keys": False})
    twins = [bare.create("accounts", name="x", accountnumber="1") for _ in range(2)]
    assert bare.http.post(keys, json=key).status_code == 204

    assert bare.values(keys)[0]["EntityKeyIndexStatus"] == "Pending"
    bare.control("customising", {"builds_keys": True})
    assert bare.values(keys)[0]["EntityKeyIndexStatus"] == "Failed"
    assert bare.http.patch(f"accounts({twins[1]})", json={"accountnumber": "2"}).status_code == 204
    names = {"EntityLogicalName": "account", "EntityKeyLogicalName": "new_number"}
    assert bare.http.post("ReactivateEntityKey", json=names).status_code == 204
    assert bare.values(keys)[0]["EntityKeyIndexStatus"] == "Active"
    assert bare.get("accounts(accountnumber='2')")["accountid"] == twins[1]


def test_an_organisation_goes_back_to_a_checkpoint(bare: Dataverse) -> None:
    bare.create("contacts", lastname="Lee")
    bare.control("checkpoint", {})
    bare.create("contacts", lastname="Poe")
    assert bare.http.post("EntityDefinitions", json=table("new_Boat")).status_code == 204

    bare.control("checkpoint", {"rewind": True})

    assert [row["lastname"] for row in bare.values("contacts")] == ["Lee"]
    assert bare.http.get("EntityDefinitions(LogicalName='new_boat')").status_code == 404

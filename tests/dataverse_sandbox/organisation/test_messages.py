"""The sandbox's service endpoint posts what the real one posts, for the saves that have a step."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from shared.local.dataverse_sandbox.organisation.execution_context import CLAIMS, MAX_BYTES, ServiceEndpointMessage
from shared.local.dataverse_sandbox.organisation.service_endpoint import Delivery
from tests.dataverse_sandbox.session import (
    Dataverse,
    batch,
    change_set,
    pairs,
    part,
    summary,
    wait_until,
)

MEMBERS = [
    "BusinessUnitId",
    "CorrelationId",
    "Depth",
    "InitiatingUserAgent",
    "InitiatingUserAzureActiveDirectoryObjectId",
    "InitiatingUserId",
    "InputParameters",
    "IsExecutingOffline",
    "IsInTransaction",
    "IsOfflinePlayback",
    "IsolationMode",
    "MessageName",
    "Mode",
    "OperationCreatedOn",
    "OperationId",
    "OrganizationId",
    "OrganizationName",
    "OutputParameters",
    "OwningExtension",
    "ParentContext",
    "PostEntityImages",
    "PreEntityImages",
    "PrimaryEntityId",
    "PrimaryEntityName",
    "RequestId",
    "SecondaryEntityName",
    "SharedVariables",
    "Stage",
    "UserAzureActiveDirectoryObjectId",
    "UserId",
]
ENTITY, REFERENCE = (
    f"{kind}:http://schemas.microsoft.com/xrm/2011/Contracts" for kind in ("Entity", "EntityReference")
)


def target(context: dict[str, Any]) -> dict[str, Any]:
    value: dict[str, Any] = pairs(context["InputParameters"])["Target"]
    return value


def test_a_create_carries_the_row_with_its_defaults_and_labels(dataverse: Dataverse) -> None:
    contact = dataverse.create("contacts", firstname="Ann", lastname="Lee", birthdate="1980-02-03")
    (context,) = dataverse.contexts(1)
    assert list(context) == MEMBERS
    assert (context["MessageName"], context["Stage"], context["Mode"], context["Depth"]) == ("Create", 40, 1, 1)
    assert (context["PrimaryEntityName"], context["PrimaryEntityId"]) == ("contact", contact)
    assert pairs(context["OutputParameters"]) == {"id": contact}
    assert re.fullmatch(r"/Date\(\d+000\+0000\)/", context["OperationCreatedOn"])
    entity = target(context)
    assert next(iter(entity)) == "__type"
    assert (entity["__type"], entity["LogicalName"], entity["Id"]) == (ENTITY, "contact", contact)
    attributes = pairs(entity["Attributes"])
    assert attributes["fullname"] == "Ann Lee"
    assert attributes["statecode"]["Value"] == 0
    assert attributes["birthdate"] == "/Date(318384000000)/"
    assert attributes["ownerid"]["LogicalName"] == "systemuser"
    assert pairs(entity["FormattedValues"])["donotemail"] == "Allow"
    parent = context["ParentContext"]
    assert (parent["Stage"], parent["ParentContext"]) == (30, None)
    assert set(pairs(target(parent)["Attributes"])) == {"firstname", "lastname", "birthdate", "contactid"}


def test_slashes_are_escaped_on_the_wire(dataverse: Dataverse) -> None:
    dataverse.create("contacts", lastname="Lee")
    dataverse.contexts(1)
    body = dataverse.messages[0].body
    assert b"Entity:http:\\/\\/schemas.microsoft.com\\/xrm\\/2011\\/Contracts" in body
    assert not re.search(rb"[^\\]/", body)


def test_an_update_carries_only_what_changed(dataverse: Dataverse) -> None:
    contact = dataverse.create("contacts", firstname="Ann", lastname="Lee", jobtitle="Poet")
    dataverse.http.patch(f"contacts({contact})", json={"firstname": "Anna"})
    context = dataverse.contexts(2)[1]
    assert set(pairs(target(context)["Attributes"])) == {
        "contactid",
        "firstname",
        "fullname",
        "yomifullname",
        "modifiedon",
        "modifiedby",
        "modifiedonbehalfby",
    }
    assert set(pairs(target(context["ParentContext"])["Attributes"])) == {"contactid", "firstname"}
    image = pairs(context["PostEntityImages"])["AsynchronousStepPrimaryName"]
    assert "__type" not in image
    assert pairs(image["Attributes"])["fullname"] == "Anna Lee"


def test_an_update_that_changes_nothing_is_posted_all_the_same(dataverse: Dataverse) -> None:
    contact = dataverse.create("contacts", lastname="Lee")
    dataverse.http.patch(f"contacts({contact})", json={"lastname": "Lee"})
    assert dataverse.contexts(2)[1]["MessageName"] == "Update"


def test_a_delete_carries_a_reference_and_the_pre_image_of_its_step(dataverse: Dataverse) -> None:
    contact = dataverse.create("contacts", lastname="Lee")
    bind = {"dh_CustomerId_contact@odata.bind": f"/contacts({contact})"}
    permission = dataverse.create("dh_spotlerpermissions", dh_name="News", **bind)
    dataverse.http.delete(f"dh_spotlerpermissions({permission})")
    context = dataverse.contexts(3)[2]
    assert target(context) == {
        "__type": REFERENCE,
        "Id": permission,
        "KeyAttributes": [],
        "LogicalName": "dh_spotlerpermission",
        "Name": None,
        "RowVersion": None,
    }
    image = pairs(context["PreEntityImages"])["pre"]
    assert set(pairs(image["Attributes"])) == {"dh_customerid", "dh_spotlerpermissionid"}
    assert pairs(image["Attributes"])["dh_customerid"]["Id"] == contact


def test_updates_fire_for_their_filtering_columns_only(dataverse: Dataverse) -> None:
    dataverse.restart(filtering_columns={"contact": ["emailaddress1", "fullname"]})
    contact = dataverse.create("contacts", lastname="Lee")
    for change in (
        {"jobtitle": "Poet"},
        {"emailaddress1": "a@example.com"},
        {"dh_engagementscore": 1},
        {"firstname": "A"},
    ):
        dataverse.http.patch(f"contacts({contact})", json=change)
    changed = [set(pairs(target(context["ParentContext"])["Attributes"])) for context in dataverse.contexts(3)[1:]]
    assert changed == [{"contactid", "emailaddress1"}, {"contactid", "firstname"}]


def test_rows_without_a_step_say_nothing(dataverse: Dataverse) -> None:
    dataverse.create("dh_spotlerinfos", dh_name="x")
    dataverse.create("campaigns", name="x")
    dataverse.create("dh_spotlerjobs", dh_name="x", dh_operation=480000006)
    assert [context["PrimaryEntityName"] for context in dataverse.contexts(1)] == ["dh_spotlerjob"]


def test_qualifying_and_merging_have_messages_of_their_own(dataverse: Dataverse) -> None:
    lead = dataverse.create("leads", subject="x", lastname="Lee")
    body = {"CreateContact": True, "CreateAccount": False, "CreateOpportunity": False, "Status": 3}
    dataverse.http.post(f"leads({lead})/Microsoft.Dynamics.CRM.QualifyLead", json=body)
    contexts = dataverse.contexts(4)
    assert [summary(message) for message in dataverse.messages] == [
        "Create lead",
        "Create contact",
        "Update lead",
        "QualifyLead lead",
    ]
    parameters = pairs(contexts[3]["InputParameters"])
    assert (parameters["LeadId"]["Id"], parameters["Status"]["Value"]) == (lead, 3)
    kept, lost = dataverse.create("accounts", name="A"), dataverse.create("accounts", name="B")
    kind = {"@odata.type": "Microsoft.Dynamics.CRM.account"}
    merge = {"Target": {**kind, "accountid": kept}, "Subordinate": {**kind, "accountid": lost}}
    assert dataverse.http.post("Merge", json=merge).status_code == 204
    contexts = dataverse.contexts(8)
    assert [summary(message) for message in dataverse.messages][6:] == ["Update account", "Merge account"]
    parameters = pairs(contexts[7]["InputParameters"])
    assert (parameters["Target"]["Id"], parameters["SubordinateId"]) == (kept, lost)
    assert contexts[6]["PrimaryEntityId"] == lost


def test_the_tag_of_a_write_arrives_in_the_shared_variables(dataverse: Dataverse) -> None:
    dataverse.http.post("contacts?tag=spotler-connector", json={"lastname": "Lee"})
    (context,) = dataverse.contexts(1)
    assert pairs(context["SharedVariables"])["tag"] == "spotler-connector"
    assert pairs(context["ParentContext"]["SharedVariables"])["tag"] == "spotler-connector"


def test_the_properties_name_organisation_table_and_message(dataverse: Dataverse) -> None:
    user = dataverse.get("WhoAmI")["UserId"]
    dataverse.http.post(
        "contacts", json={"lastname": "Lee"}, headers={"User-Agent": "test/1", "x-ms-correlation-id": "c1"}
    )
    (context,) = dataverse.contexts(1)
    (message,) = dataverse.messages
    assert message.properties == {
        f"{CLAIMS}Organization": dataverse.origin.removeprefix("http://"),
        f"{CLAIMS}User": user,
        f"{CLAIMS}InitiatingUser": user,
        f"{CLAIMS}EntityLogicalName": "contact",
        f"{CLAIMS}RequestName": "Create",
        f"{CLAIMS}InitiatingUserAgent": "test/1",
    }
    assert (message.content_type, message.correlation_id, context["CorrelationId"]) == ("application/json", "c1", "c1")


def test_a_message_that_is_too_large_is_stripped_and_marked(dataverse: Dataverse) -> None:
    dataverse.create("dh_spotlerjobs", dh_automationfields="x" * 100_000)
    (context,) = dataverse.contexts(1)
    (message,) = dataverse.messages
    assert len(message.body) < MAX_BYTES
    assert (context["ParentContext"], context["InputParameters"], context["PostEntityImages"]) == (None, [], [])
    assert context["PrimaryEntityName"] == "dh_spotlerjob"
    assert [name for name in message.properties if "MessageMaxSizeExceeded" in name]


@pytest.mark.parametrize(
    "header",
    ["MSCRM.BypassBusinessLogicExecution: CustomSync,CustomAsync", "MSCRM.BypassBusinessLogicExecutionStepIds: {step}"],
)
def test_a_caller_can_pass_over_steps(dataverse: Dataverse, header: str) -> None:
    condition = "name eq 'Spotler Connector: Create of contact'"
    (step,) = dataverse.values("sdkmessageprocessingsteps", **{"$filter": condition})
    name, _, value = header.format(step=step["sdkmessageprocessingstepid"]).partition(": ")
    dataverse.http.post("contacts", json={"lastname": "Silent"}, headers={name: value})
    loud = dataverse.create("contacts", lastname="Loud")
    assert [context["PrimaryEntityId"] for context in dataverse.contexts(1)] == [loud]


def test_steps_are_registered_and_switched_off_through_the_web_api(dataverse: Dataverse) -> None:
    (endpoint,) = dataverse.values("serviceendpoints")
    condition = "primaryobjecttypecode eq 'campaign' and sdkmessageid/name eq 'Update'"
    (chosen,) = dataverse.values("sdkmessagefilters", **{"$filter": condition, "$expand": "sdkmessageid($select=name)"})
    step = dataverse.create(
        "sdkmessageprocessingsteps",
        name="x",
        mode=1,
        stage=40,
        filteringattributes="name",
        **{
            "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({endpoint['serviceendpointid']})",
            "sdkmessageid@odata.bind": f"/sdkmessages({chosen['sdkmessageid']['sdkmessageid']})",
            "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({chosen['sdkmessagefilterid']})",
        },
    )
    campaign = dataverse.create("campaigns", name="A")
    dataverse.http.patch(f"campaigns({campaign})", json={"name": "B"})
    assert dataverse.contexts(1)[0]["OwningExtension"]["Id"] == step
    dataverse.http.patch(f"sdkmessageprocessingsteps({step})", json={"statecode": 1})
    dataverse.http.patch(f"campaigns({campaign})", json={"name": "C"})
    dataverse.create("contacts", lastname="After")
    assert [context["PrimaryEntityName"] for context in dataverse.contexts(2)] == ["campaign", "contact"]


def test_messages_can_come_twice_and_out_of_order_without_delaying_the_save(dataverse: Dataverse) -> None:
    dataverse.restart(delivery=Delivery(max_delay=0.2, duplicate_rate=1.0, seed=1))
    ids = [dataverse.create("contacts", lastname=str(number)) for number in range(10)]
    arrived = [context["PrimaryEntityId"] for context in dataverse.contexts(20)]
    assert sorted(arrived) == sorted(ids * 2)
    assert arrived != sorted(arrived, key=ids.index)


def test_a_post_that_fails_is_found_among_the_system_jobs(dataverse: Dataverse) -> None:
    class Unreachable(list[ServiceEndpointMessage]):
        def append(self, _message: ServiceEndpointMessage) -> None:
            raise ConnectionError

    dataverse.messages = Unreachable()
    dataverse.create("contacts", lastname="Lee")
    wait_until(lambda: dataverse.control("counters", method="GET")["messages"]["failed"] == 1)
    (job,) = dataverse.values("asyncoperations", **{"$filter": "statuscode eq 31"})
    assert (job["statecode"], job["message"]) == (3, "ConnectionError")


def test_an_impersonated_user_is_the_user_and_the_application_the_initiator(dataverse: Dataverse) -> None:
    me = dataverse.get("WhoAmI")["UserId"]
    other = next(row["systemuserid"] for row in dataverse.values("systemusers") if row["systemuserid"] != me)
    dataverse.http.post("contacts", json={"lastname": "Lee"}, headers={"MSCRMCallerID": other})
    (context,) = dataverse.contexts(1)
    assert (context["UserId"], context["InitiatingUserId"]) == (other, me)
    assert json.loads(dataverse.messages[0].body)["ParentContext"]["UserId"] == other


def test_every_part_of_a_batch_has_a_tag_of_its_own(dataverse: Dataverse) -> None:
    own = part("POST contacts?tag=own", {"lastname": "A"}, 1)
    untagged = part("POST contacts", {"lastname": "B"}, 2)
    content = batch(change_set(own, untagged))
    dataverse.http.post(
        "$batch?tag=whole", content=content, headers={"Content-Type": "multipart/mixed; boundary=b"}
    ).raise_for_status()
    tags = [pairs(context["SharedVariables"]).get("tag") for context in dataverse.contexts(2)]
    assert tags == ["own", None]


def test_a_batch_bypasses_steps_for_all_its_parts(dataverse: Dataverse) -> None:
    headers = {
        "Content-Type": "multipart/mixed; boundary=b",
        "MSCRM.BypassBusinessLogicExecution": "CustomAsync",
    }
    content = batch(part("POST contacts", {"lastname": "Silent"}))
    assert dataverse.http.post("$batch", content=content, headers=headers).status_code == 200
    loud = dataverse.create("contacts", lastname="Loud")
    assert [context["PrimaryEntityId"] for context in dataverse.contexts(1)] == [loud]

"""The sandbox's Web API keeps the rules of Dataverse for writes."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.dataverse_sandbox.session import Dataverse


def test_a_created_row_has_its_defaults_owner_times_and_computed_name(dataverse: Dataverse) -> None:
    contact = dataverse.create("contacts", firstname="Ann", lastname="Lee")
    row = dataverse.get(f"contacts({contact})")
    assert row["fullname"] == "Ann Lee"
    assert (row["statecode"], row["statuscode"], row["donotemail"], row["followemail"]) == (0, 1, False, True)
    assert row["_ownerid_value"] == dataverse.get("WhoAmI")["UserId"]
    assert row["createdon"] == row["modifiedon"]
    assert row["createdon"].endswith("Z")
    assert row["emailaddress1"] is None


def test_the_representation_is_returned_on_demand(dataverse: Dataverse) -> None:
    answer = dataverse.http.post(
        "contacts?$select=fullname", json={"lastname": "Lee"}, headers={"Prefer": "return=representation"}
    )
    assert answer.status_code == 201
    assert answer.headers["Preference-Applied"] == "return=representation"
    assert answer.json()["fullname"] == "Lee"
    assert answer.json()["@odata.context"].endswith("#contacts(fullname)/$entity")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"shoesize": 44}, "0x80048d19"),
        ({"firstname": "x" * 51}, "0x80044331"),
        ({"gendercode": 7}, "0x8004431A"),
        ({"firstname": 7}, "0x80048d19"),
        ({"donotemail": "true"}, "0x80048d19"),
        ({"birthdate": "yesterday"}, "0x80048d19"),
        ({"statecode": 1, "statuscode": 1}, "0x80048408"),
        ({"_parentcustomerid_value": str(uuid4())}, "0x80060888"),
        ({"parentcustomerid_lead@odata.bind": "/leads(1)"}, "0x80048d19"),
        ({"dh_SpotlerInfo@odata.bind": "x"}, "0x80060888"),
    ],
)
def test_values_that_do_not_fit_a_column_are_refused(dataverse: Dataverse, body: dict[str, object], code: str) -> None:
    answer = dataverse.http.post("contacts", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_a_text_that_is_too_long_says_which_and_how_long(dataverse: Dataverse) -> None:
    answer = dataverse.http.post("leads", json={"mobilephone": "0" * 21})
    assert answer.json()["error"]["message"] == (
        "A validation error occurred.  The length of the 'mobilephone' attribute of the 'lead' entity "
        "exceeded the maximum allowed length of '20'."
    )


def test_read_only_columns_are_ignored(dataverse: Dataverse) -> None:
    contact = dataverse.create("contacts", lastname="Lee", fullname="Somebody Else", createdon="2001-01-01T00:00:00Z")
    row = dataverse.get(f"contacts({contact})")
    assert row["fullname"] == "Lee"
    assert row["createdon"] > "2020"


# ------------------------------------------------------------------------------------------------------ upsert matrix


def test_patch_creates_a_row_with_the_id_of_the_url(dataverse: Dataverse) -> None:
    identifier = str(uuid4())
    answer = dataverse.http.patch(f"contacts({identifier})", json={"lastname": "Lee"})
    assert answer.status_code == 204
    assert answer.headers["OData-EntityId"].endswith(f"/api/data/v9.2/contacts({identifier})")
    assert dataverse.get(f"contacts({identifier})")["lastname"] == "Lee"


def test_patch_with_if_match_star_never_creates(dataverse: Dataverse) -> None:
    answer = dataverse.http.patch(f"contacts({uuid4()})", json={"lastname": "Lee"}, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "0x80040217")


def test_patch_with_if_none_match_star_never_updates(dataverse: Dataverse) -> None:
    contact = dataverse.create("contacts", lastname="Lee")
    answer = dataverse.http.patch(f"contacts({contact})", json={"lastname": "X"}, headers={"If-None-Match": "*"})
    assert answer.status_code == 412
    assert answer.json()["error"]["message"] == "A record with matching key values already exists."
    assert dataverse.get(f"contacts({contact})")["lastname"] == "Lee"


def test_patch_and_delete_respect_the_version(dataverse: Dataverse) -> None:
    contact = dataverse.create("contacts", lastname="Lee")
    old = dataverse.get(f"contacts({contact})")["@odata.etag"]
    assert dataverse.http.patch(f"contacts({contact})", json={}, headers={"If-Match": old}).status_code == 204
    for method in ("PATCH", "DELETE"):
        answer = dataverse.http.request(method, f"contacts({contact})", json={}, headers={"If-Match": old})
        assert (answer.status_code, answer.json()["error"]["code"]) == (412, "0x80060882")
    new = dataverse.get(f"contacts({contact})")["@odata.etag"]
    assert dataverse.http.delete(f"contacts({contact})", headers={"If-Match": new}).status_code == 204
    assert dataverse.http.get(f"contacts({contact})").status_code == 404


def test_get_with_the_current_version_is_not_modified(dataverse: Dataverse) -> None:
    contact = dataverse.create("contacts", lastname="Lee")
    version = dataverse.get(f"contacts({contact})")["@odata.etag"]
    assert dataverse.http.get(f"contacts({contact})", headers={"If-None-Match": version}).status_code == 304


def test_upsert_by_alternate_key_creates_then_updates_the_same_row(dataverse: Dataverse) -> None:
    dataverse.restart(alternate_keys={"account": [["accountnumber"]]})
    for name in ("First", "Second"):
        answer = dataverse.http.patch("accounts(accountnumber='A''1')", json={"name": name})
        assert answer.status_code == 204
        assert answer.headers["OData-EntityId"].endswith("accounts(accountnumber='A''1')")
    assert [row["name"] for row in dataverse.values("accounts")] == ["Second"]


def test_key_columns_in_the_body_lose_on_update_and_win_on_create(dataverse: Dataverse) -> None:
    dataverse.restart(alternate_keys={"account": [["accountnumber"]]})
    for _ in range(2):
        dataverse.http.patch("accounts(accountnumber='url')", json={"accountnumber": "body"})
        dataverse.http.patch("accounts(accountnumber='body')", json={"accountnumber": "other"})
    assert [row["accountnumber"] for row in dataverse.values("accounts")] == ["body"]


def test_an_unknown_alternate_key_value_is_not_a_missing_id(dataverse: Dataverse) -> None:
    dataverse.restart(alternate_keys={"account": [["accountnumber"]]})
    answer = dataverse.http.get("accounts(accountnumber='none')")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "0x80060891")
    assert dataverse.http.get("accounts(name='none')").status_code == 400


def test_alternate_key_values_are_unique(dataverse: Dataverse) -> None:
    dataverse.restart(alternate_keys={"account": [["accountnumber"]]})
    dataverse.create("accounts", accountnumber="1")
    answer = dataverse.http.post("accounts", json={"accountnumber": "1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (412, "0x80060892")
    dataverse.create("accounts", name="no number")
    dataverse.create("accounts", name="no number either")


# ------------------------------------------------------------------------------------------------------------ lookups


def test_a_customer_lookup_is_bound_by_the_name_of_its_table_and_cleared_by_null(dataverse: Dataverse) -> None:
    account = dataverse.create("accounts", name="Contoso")
    contact = dataverse.create(
        "contacts", lastname="Lee", **{"parentcustomerid_account@odata.bind": f"/accounts({account})"}
    )
    row = dataverse.get(f"contacts({contact})")
    assert (row["_parentcustomerid_value"], row["_accountid_value"]) == (account, account)
    dataverse.http.patch(f"contacts({contact})", json={"parentcustomerid_account@odata.bind": None})
    row = dataverse.get(f"contacts({contact})")
    assert (row["_parentcustomerid_value"], row["_accountid_value"]) == (None, None)


def test_binding_demands_an_existing_row_and_the_spelling_of_the_schema(dataverse: Dataverse) -> None:
    missing = {"dh_LeadId@odata.bind": f"/leads({uuid4()})"}
    assert dataverse.http.post("dh_spotlerpermissions", json=missing).status_code == 404
    contact = dataverse.create("contacts", lastname="Lee")
    wrong = {"dh_CustomerId_account@odata.bind": f"/contacts({contact})"}
    assert dataverse.http.post("dh_spotlerpermissions", json=wrong).status_code == 400
    dataverse.create("dh_spotlerpermissions", **{"dh_CustomerId_contact@odata.bind": f"contacts({contact})"})
    (row,) = dataverse.values("dh_spotlerpermissions")
    assert row["_dh_customerid_value"] == contact


def test_lookups_can_be_set_and_cleared_by_reference(dataverse: Dataverse) -> None:
    account, contact = dataverse.create("accounts", name="Contoso"), dataverse.create("contacts", lastname="Lee")
    path = f"accounts({account})/primarycontactid/$ref"
    reference = {"@odata.id": f"{dataverse.http.base_url}contacts({contact})"}
    assert dataverse.http.put(path, json=reference).status_code == 204
    assert dataverse.get(f"accounts({account})/primarycontactid")["contactid"] == contact
    assert dataverse.http.delete(path).status_code == 204
    assert dataverse.http.get(f"accounts({account})/primarycontactid").status_code == 204


def test_single_columns_are_read_written_and_emptied(dataverse: Dataverse) -> None:
    contact = dataverse.create("contacts", lastname="Lee")
    assert dataverse.http.put(f"contacts({contact})/jobtitle", json={"value": "Poet"}).status_code == 204
    assert dataverse.get(f"contacts({contact})/jobtitle")["value"] == "Poet"
    assert dataverse.http.delete(f"contacts({contact})/jobtitle").status_code == 204
    assert dataverse.http.get(f"contacts({contact})/jobtitle").status_code == 204


def test_deleting_a_row_clears_lookups_to_it_and_takes_along_its_notes_and_what_cascades(dataverse: Dataverse) -> None:
    contact = dataverse.create("contacts", lastname="Lee")
    bind = {"dh_CustomerId_contact@odata.bind": f"/contacts({contact})"}
    job = dataverse.create("dh_spotlerjobs", dh_name="Sync", dh_operation=480000006, **bind)
    dataverse.create("dh_spotlerpermissions", dh_name="News", **bind)
    dataverse.create("annotations", subject="x", **{"objectid_contact@odata.bind": f"/contacts({contact})"})
    assert dataverse.http.delete(f"contacts({contact})").status_code == 204
    assert dataverse.get(f"dh_spotlerjobs({job})")["_dh_customerid_value"] is None
    assert dataverse.values("annotations") == dataverse.values("dh_spotlerpermissions") == []


# ------------------------------------------------------------------------------------------------- states, activities


def test_a_state_alone_brings_its_first_status_reason(dataverse: Dataverse) -> None:
    info = dataverse.create("dh_spotlerinfos", dh_name="x")
    assert dataverse.get(f"dh_spotlerinfos({info})")["statuscode"] == 1
    dataverse.http.patch(f"dh_spotlerinfos({info})", json={"statecode": 1})
    assert dataverse.get(f"dh_spotlerinfos({info})")["statuscode"] == 2


def test_a_status_reason_of_the_other_state_needs_that_state(dataverse: Dataverse) -> None:
    info = dataverse.create("dh_spotlerinfos", dh_name="x")
    answer = dataverse.http.patch(f"dh_spotlerinfos({info})", json={"statuscode": 480000002})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "0x80048408")
    both = {"statecode": 1, "statuscode": 480000002}
    assert dataverse.http.patch(f"dh_spotlerinfos({info})", json=both).status_code == 204


def test_an_email_is_recorded_in_two_steps_and_then_read_only(dataverse: Dataverse) -> None:
    contact = dataverse.create("contacts", lastname="Lee")
    email = dataverse.create(
        "emails",
        subject="Newsletter",
        statecode=1,
        **{
            "regardingobjectid_contact_email@odata.bind": f"/contacts({contact})",
            "email_activity_parties": [
                {"partyid_contact@odata.bind": f"/contacts({contact})", "participationtypemask": 2}
            ],
        },
    )
    assert dataverse.get(f"emails({email})")["statecode"] == 0
    assert dataverse.http.patch(f"emails({email})", json={"statecode": 1, "statuscode": 3}).status_code == 204
    assert dataverse.http.patch(f"emails({email})", json={"subject": "Changed"}).status_code == 400
    (party,) = dataverse.values(f"emails({email})/email_activity_parties")
    assert (party["_partyid_value"], party["participationtypemask"]) == (contact, 2)
    twin = dataverse.get(f"activitypointers({email})")
    assert (twin["subject"], twin["statecode"], twin["activitytypecode"]) == ("Newsletter", 1, "email")


def test_a_qualified_lead_becomes_a_contact_that_knows_where_it_came_from(dataverse: Dataverse) -> None:
    lead = dataverse.create("leads", subject="Fair", firstname="Ann", lastname="Lee", emailaddress1="a@example.com")
    action = f"leads({lead})/Microsoft.Dynamics.CRM.QualifyLead"
    body = {"CreateAccount": False, "CreateContact": True, "CreateOpportunity": False, "Status": 3}
    (made,) = dataverse.http.post(action, json=body).json()["value"]
    contact = dataverse.get(f"contacts({made['contactid']})")
    assert (contact["fullname"], contact["emailaddress1"]) == ("Ann Lee", "a@example.com")
    assert contact["_originatingleadid_value"] == lead
    row = dataverse.get(f"leads({lead})")
    assert (row["statecode"], row["statuscode"], row["_parentcontactid_value"]) == (1, 3, made["contactid"])
    assert dataverse.http.post(action, json=body).status_code == 400
    assert dataverse.http.patch(f"leads({lead})", json={"lastname": "X"}).status_code == 400
    assert dataverse.http.patch(f"leads({lead})", json={"dh_engagementscore": 4}).status_code == 204


def test_merging_closes_the_subordinate_and_gives_its_rows_to_the_target(dataverse: Dataverse) -> None:
    kept, lost = dataverse.create("contacts", lastname="Lee"), dataverse.create("contacts", lastname="Leigh")
    bind = {"dh_CustomerId_contact@odata.bind": f"/contacts({lost})"}
    permission = dataverse.create("dh_spotlerpermissions", dh_name="News", **bind)
    kind = "Microsoft.Dynamics.CRM.contact"
    body = {
        "Target": {"@odata.type": kind, "contactid": kept},
        "Subordinate": {"@odata.type": kind, "contactid": lost},
        "UpdateContent": {"@odata.type": kind, "jobtitle": "Poet"},
        "PerformParentingChecks": False,
    }
    assert dataverse.http.post("Merge", json=body).status_code == 204
    row = dataverse.get(f"contacts({lost})")
    assert (row["statecode"], row["merged"], row["_masterid_value"]) == (1, True, kept)
    assert dataverse.get(f"contacts({kept})")["jobtitle"] == "Poet"
    assert dataverse.get(f"dh_spotlerpermissions({permission})")["_dh_customerid_value"] == kept


# ------------------------------------------------------------------------------------------------------- lists, bulk


def test_members_come_to_a_list_by_action_and_by_reference_and_leave_by_reference(dataverse: Dataverse) -> None:
    marketing_list = dataverse.create("lists", listname="News", createdfromcode=2)
    first, second, third = (dataverse.create("contacts", lastname=name) for name in ("A", "B", "C"))
    members = [{"@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": one} for one in (first, second)]
    the_list = {"@odata.type": "Microsoft.Dynamics.CRM.list", "listid": marketing_list}
    assert dataverse.http.post("AddListMembersList", json={"List": the_list, "Members": members}).status_code == 204
    bound = f"lists({marketing_list})/Microsoft.Dynamics.CRM.AddMemberList"
    assert dataverse.http.post(bound, json={"EntityId": third}).status_code == 200
    association = f"lists({marketing_list})/listcontact_association"
    names = [row["lastname"] for row in dataverse.values(association)]
    assert names == ["A", "B", "C"]
    again = dataverse.http.post(f"{association}/$ref", json={"@odata.id": f"contacts({third})"})
    assert (again.status_code, again.json()["error"]["code"]) == (412, "0x80040237")
    assert dataverse.http.delete(f"{association}({third})/$ref").status_code == 204
    rows = dataverse.values("listmembers", **{"$filter": f"_listid_value eq {marketing_list}"})
    assert [(row["_entityid_value"], row["entitytype"]) for row in rows] == [(first, "contact"), (second, "contact")]
    assert dataverse.get(f"lists({marketing_list})")["membercount"] == 2


def test_a_list_takes_only_members_of_its_kind(dataverse: Dataverse) -> None:
    marketing_list = dataverse.create("lists", listname="News", createdfromcode=4)
    contact = dataverse.create("contacts", lastname="A")
    path = f"lists({marketing_list})/listcontact_association/$ref"
    assert dataverse.http.post(path, json={"@odata.id": f"contacts({contact})"}).status_code == 400


def test_bulk_messages_are_all_or_nothing(dataverse: Dataverse) -> None:
    kind = {"@odata.type": "Microsoft.Dynamics.CRM.contact"}
    targets = [{**kind, "lastname": "A"}, {**kind, "lastname": "B"}]
    created = dataverse.http.post("contacts/Microsoft.Dynamics.CRM.CreateMultiple", json={"Targets": targets}).json()
    first, second = created["Ids"]
    updates = [{**kind, "contactid": first, "lastname": "C"}, {**kind, "contactid": second, "lastname": "x" * 51}]
    path = "contacts/Microsoft.Dynamics.CRM.UpdateMultiple"
    assert dataverse.http.post(path, json={"Targets": updates}).status_code == 400
    assert [row["lastname"] for row in dataverse.values("contacts")] == ["A", "B"]
    assert dataverse.http.post(path, json={"Targets": [{"contactid": first}]}).status_code == 400


def test_unknown_paths_actions_and_methods_have_their_own_answers(dataverse: Dataverse) -> None:
    assert dataverse.http.get("new_dogs").status_code == 404
    assert dataverse.http.post("new_DoSomething", json={}).status_code == 404
    # Names without a prefix may be those of Dataverse: what the sandbox lacks it does not call missing.
    assert dataverse.http.get("dogs").status_code == 501
    assert dataverse.http.post("DoSomething", json={}).status_code == 501
    assert dataverse.http.get(f"contacts({dataverse.create('contacts', lastname='A')})/tail").status_code == 501
    assert dataverse.http.put("contacts", json={}).status_code == 405
    assert dataverse.http.post("contacts", content=b"{").status_code == 400

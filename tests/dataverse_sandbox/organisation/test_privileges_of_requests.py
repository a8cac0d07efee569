"""PERM-20, C-25: a privilege counts whichever way one asks: upsert, bulk message, change set, query, lookup."""

from __future__ import annotations

from uuid import uuid4

import pytest

from shared.local.pages.roles import SERVICE
from tests.dataverse_sandbox.organisation.office import (
    FETCH,
    READ_ONLY,
    SELLER,
    USER,
    Office,
    refused,
)
from tests.dataverse_sandbox.session import (
    CLIENT,
    batch,
    change_set,
    part,
)

# ------------------------------------------------------------------------------------------- whichever way one asks


def test_perm_20_a_row_is_not_created_by_an_upsert_or_a_bulk_message(office: Office) -> None:
    user = office[USER]
    target = {"@odata.type": "Microsoft.Dynamics.CRM.dh_spotlerpermission", "dh_name": "Offers"}

    answers = [
        user.patch(f"dh_spotlerpermissions({uuid4()})", json=office.row()),
        *(
            user.post(f"dh_spotlerpermissions/Microsoft.Dynamics.CRM.{message}", json={"Targets": [one]})
            for message, one in (
                ("CreateMultiple", target),
                ("UpsertMultiple", target | {"dh_spotlerpermissionid": str(uuid4())}),
            )
        ),
    ]

    assert [refused(answer, "prvCreatedh_spotlerpermission") for answer in answers] == [True] * 3
    assert office.names() == ["Newsletter"]


def test_perm_20_nor_with_its_person(office: Office) -> None:
    rows = {"dh_spotlerpermission_customer_contact": [{"dh_name": "Offers"}]}

    answer = office[SELLER].patch(f"contacts({office.contact})", json=rows)

    assert refused(answer, "prvCreatedh_spotlerpermission")
    assert office.names() == ["Newsletter"]


def test_perm_20_nor_in_a_change_set_which_is_undone_as_a_whole(office: Office) -> None:
    edit = part(f"PATCH dh_spotlerpermissions({office.permission})", {"dh_subscribed": True}, 1)
    body = batch(change_set(edit, part("POST dh_spotlerpermissions", office.row(), 2)))

    answer = office[USER].post("$batch", content=body, headers={"Content-Type": "multipart/mixed; boundary=b"})

    assert "HTTP/1.1 403" in answer.text
    assert office.names() == ["Newsletter"]
    assert office.admin.get(f"dh_spotlerpermissions({office.permission})")["dh_subscribed"] is not True


@pytest.mark.parametrize(
    "query",
    [
        "dh_spotlerpermissions",
        "dh_spotlerpermissions/$count",
        "dh_spotlerpermissions({0.permission})",
        "dh_spotlerpermissions({0.permission})/dh_name",
        "contacts({0.contact})/dh_spotlerpermission_customer_contact",
        "contacts({0.contact})?$expand=dh_spotlerpermission_customer_contact",
        f"contacts?fetchXml={FETCH}",
    ],
)
def test_a_table_that_one_may_not_read_is_not_looked_into(office: Office, query: str) -> None:
    assert refused(office[SELLER].get(query.format(office)), "prvReaddh_spotlerpermission")


@pytest.mark.parametrize(
    "option", ["$orderby=parentcustomerid_account/name", "$filter=parentcustomerid_account/name eq 'Lee'"]
)
def test_a_query_over_a_lookup_reads_its_table(office: Office, option: str) -> None:
    assert refused(office[SELLER].get(f"contacts?{option}"), "prvReadAccount")


def test_nobody_learns_whether_a_row_exists_that_they_may_not_see(office: Office) -> None:
    for identifier in (office.permission, str(uuid4())):
        path = f"dh_spotlerpermissions({identifier})"
        assert refused(office[SELLER].get(path), "prvReaddh_spotlerpermission")
        assert refused(office[SELLER].patch(path, json={}, headers={"If-Match": "*"}), "prvWritedh_spotlerpermission")


def test_a_lookup_needs_append_here_and_append_to_there(office: Office) -> None:
    account = office.admin.create("accounts", name="Lee B.V.")
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({account})"}

    assert refused(office[SELLER].patch(f"contacts({office.contact})", json=bind), "prvReadAccount")
    assert office[SERVICE].patch(f"contacts({office.contact})", json=bind).status_code == 204


def test_another_owner_needs_assign(office: Office) -> None:
    owner = office.admin.get("WhoAmI")["UserId"]

    answer = office[SELLER].patch(f"contacts({office.contact})", json={"ownerid@odata.bind": f"/systemusers({owner})"})

    assert refused(answer, "prvAssignContact")


def test_joining_a_list_appends_the_member_to_it(office: Office) -> None:
    marketing_list = office.admin.create("lists", listname="Garden", createdfromcode=2, type=False)
    members = {
        "List": {"@odata.type": "Microsoft.Dynamics.CRM.list", "listid": marketing_list},
        "Members": [{"@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": office.contact}],
    }

    assert refused(office[SELLER].post("AddListMembersList", json=members), "prvReadList")
    assert office[SERVICE].post("AddListMembersList", json=members).status_code == 204
    link = f"lists({marketing_list})/listcontact_association({office.contact})/$ref"
    assert refused(office[SELLER].delete(link), "prvWriteList")
    assert office[SERVICE].delete(link).status_code == 204


def test_messages_that_change_rows_need_what_they_change(office: Office) -> None:
    lead = office.admin.create("leads", lastname="Lee", subject="Hello")
    other = office.admin.create("contacts", lastname="Lee")
    described = [{"@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": one} for one in (office.contact, other)]
    merge = {"Target": described[0], "Subordinate": described[1], "PerformParentingChecks": False}
    query = {"EntityName": "contact", "Criteria": {"Conditions": []}}

    assert refused(office[USER].post(f"leads({lead})/Microsoft.Dynamics.CRM.QualifyLead", json={}), "prvWriteLead")
    assert refused(office[READ_ONLY].post("Merge", json=merge), "prvWriteContact")
    assert refused(office[USER].post("BulkDelete", json={"QuerySet": [query]}), "prvDeleteContact")


@pytest.mark.parametrize("path", ["WhoAmI", "EntityDefinitions(LogicalName='account')"])
def test_the_own_user_and_the_list_of_tables_need_no_privilege(office: Office, path: str) -> None:
    assert office[SELLER].get(path).status_code == 200


def test_the_sandbox_reports_which_privileges_a_role_needs(office: Office) -> None:
    office[SELLER].patch(f"contacts({office.contact})", json={"lastname": "Moss"})
    office[SELLER].get("leads")

    answered = office.admin.control("privileges", method="GET")

    assert answered[SELLER] == {"used": {"contact": ["write"]}, "missing": {"lead": ["read"]}}
    assert answered[CLIENT]["missing"] == {}

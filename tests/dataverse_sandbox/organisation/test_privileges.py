"""SEC-01..SEC-06, PERM-20, C-25: the sandbox refuses what a security role does not grant, in every kind of request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.local.dataverse_sandbox.organisation.privileges import Access, Privilege
from shared.local.pages.roles import SERVICE, roles
from tests.dataverse_sandbox.session import (
    CLIENT,
    SECRET,
    Dataverse,
    Exchangeable,
    batch,
    change_set,
    part,
)

READ_ONLY, USER, MARKETER, SELLER = "Spotler Read Only", "Spotler User", "Spotler Marketer", "seller"
SALES = {Privilege(access, "contact") for access in (Access.READ, Access.WRITE, Access.APPEND, Access.APPEND_TO)}
OWN_TABLES = ("dh_spotlerinfos", "dh_spotlerpermissions", "dh_spotlerjobs", "dh_spotlerautomations")
SYNC_CONTACT = 480000006
FETCH = (
    "<fetch><entity name='contact'>"
    "<link-entity name='dh_spotlerpermission' from='dh_customerid' to='contactid' link-type='any'/>"
    "</entity></fetch>"
)


@dataclass
class Office:
    """One organisation with an administrator, somebody with each role, and a seller who has none of ours."""

    admin: Dataverse
    clients: dict[str, httpx.Client]
    contact: str
    permission: str

    def __getitem__(self, name: str) -> httpx.Client:
        return self.clients[name]

    def row(self) -> dict[str, Any]:
        """A permission row to create."""
        return {"dh_name": "Offers", "dh_CustomerId_contact@odata.bind": f"/contacts({self.contact})"}

    def names(self) -> list[str]:
        return [row["dh_name"] for row in self.admin.values("dh_spotlerpermissions")]


@pytest.fixture
def office(server: tuple[Exchangeable, str]) -> Iterator[Office]:
    admin = Dataverse(*server)
    granted = {
        READ_ONLY: roles()[READ_ONLY].privileges,
        USER: roles()[USER].privileges | SALES,
        MARKETER: roles()[MARKETER].privileges | SALES,
        SERVICE: roles()[SERVICE].privileges,
        SELLER: frozenset(SALES),
    }
    admin.restart(clients={CLIENT: SECRET, **dict.fromkeys(granted, SECRET)}, privileges=granted)
    with ExitStack() as stack:
        stack.callback(admin.http.close)
        clients = {
            name: stack.enter_context(
                httpx.Client(
                    base_url=admin.http.base_url, headers={"Authorization": f"Bearer {admin.token(name)}"}, timeout=10
                )
            )
            for name in granted
        }
        contact = admin.create("contacts", lastname="Lee")
        office = Office(admin, {**clients, "administrator": admin.http}, contact, "")
        office.permission = admin.create("dh_spotlerpermissions", **{**office.row(), "dh_name": "Newsletter"})
        yield office


def refused(answer: httpx.Response, name: str) -> bool:
    """Whether an answer is that a privilege is missing."""
    error = answer.json()["error"]
    return (
        answer.status_code == 403
        and error["code"] == "0x80040220"
        and f"is missing {name} privilege" in error["message"]
    )


# ------------------------------------------------------------------------------------------------------------ the roles


@pytest.mark.parametrize("role", [READ_ONLY, USER, MARKETER, SERVICE])
@pytest.mark.parametrize("table", OWN_TABLES)
def test_sec_01_sec_05_everybody_with_a_role_sees_the_tables(office: Office, role: str, table: str) -> None:
    assert office[role].get(table).status_code == 200


def test_sec_05_read_only_changes_nothing(office: Office) -> None:
    viewer, path = office[READ_ONLY], f"dh_spotlerpermissions({office.permission})"

    assert refused(viewer.patch(path, json={"dh_subscribed": True}), "prvWritedh_spotlerpermission")
    assert refused(viewer.delete(path), "prvDeletedh_spotlerpermission")
    assert refused(viewer.post("dh_spotlerpermissions", json={"dh_name": "x"}), "prvCreatedh_spotlerpermission")
    assert refused(viewer.post("dh_spotlerjobs", json={"dh_operation": SYNC_CONTACT}), "prvCreatedh_spotlerjob")
    assert refused(viewer.get("contacts"), "prvReadContact")
    assert office.names() == ["Newsletter"]


def test_sec_01_a_user_reads_and_ticks_a_permission(office: Office) -> None:
    path = f"dh_spotlerpermissions({office.permission})"

    assert office[USER].patch(path, json={"dh_subscribed": True}, headers={"If-Match": "*"}).status_code == 204

    assert office[USER].get(path).json()["dh_subscribed"] is True


def test_sec_06_a_user_asks_for_a_job_about_somebody_and_an_automation(office: Office) -> None:
    automation = office.admin.create("dh_spotlerautomations", dh_name="Welcome")
    job = {
        "dh_operation": SYNC_CONTACT,
        "dh_CustomerId_contact@odata.bind": f"/contacts({office.contact})",
        "dh_AutomationId@odata.bind": f"/dh_spotlerautomations({automation})",
    }

    answer = office[USER].post("dh_spotlerjobs", json=job)

    assert answer.status_code == 204, answer.text
    identifier = answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")
    assert refused(
        office[USER].patch(f"dh_spotlerjobs({identifier})", json={"dh_resulttext": "fine"}), "prvWritedh_spotlerjob"
    )


def test_sta_03_sta_07_a_marketer_switches_synchronisation_of_a_record_off_and_on_and_a_user_does_not(
    office: Office,
) -> None:
    path = f"dh_spotlerinfos({office.admin.create('dh_spotlerinfos', dh_name='Lee')})"
    disabled, active = {"statecode": 1, "statuscode": 2}, {"statecode": 0, "statuscode": 1}

    assert refused(office[USER].patch(path, json=disabled), "prvWritedh_spotlerinfo")
    for wanted in (disabled, active):
        assert office[MARKETER].patch(path, json=wanted).status_code == 204
        assert office[MARKETER].get(path).json()["statuscode"] == wanted["statuscode"]


def test_perm_20_sec_04_c_25_a_user_creates_and_deletes_no_permission_row(office: Office) -> None:
    user = office[USER]

    assert refused(user.post("dh_spotlerpermissions", json=office.row()), "prvCreatedh_spotlerpermission")
    assert refused(user.delete(f"dh_spotlerpermissions({office.permission})"), "prvDeletedh_spotlerpermission")
    assert office.names() == ["Newsletter"]


def test_c_25_a_user_gives_no_permission_row_to_somebody_else(office: Office) -> None:
    other = office.admin.create("contacts", lastname="Moss")
    bind = {"dh_CustomerId_contact@odata.bind": f"/contacts({other})"}

    answer = office[USER].patch(f"dh_spotlerpermissions({office.permission})", json=bind)

    assert refused(answer, "prvAppenddh_spotlerpermission")


@pytest.mark.parametrize("who", ["administrator", SERVICE])
def test_perm_20_sec_04_c_25_administrators_and_the_connector_create_permission_rows(office: Office, who: str) -> None:
    assert office[who].post("dh_spotlerpermissions", json=office.row()).status_code == 204
    assert office.names() == ["Newsletter", "Offers"]


@pytest.mark.parametrize("path", ["contacts({0.contact})", "dh_spotlerpermissions({0.permission})"])
def test_sec_02_the_connector_deletes_nothing(office: Office, path: str) -> None:
    assert office[SERVICE].delete(path.format(office)).status_code == 403


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


# ------------------------------------------------------------------------------------------------- asking beforehand


def own_privileges(client: httpx.Client, *names: str) -> list[str]:
    """Ask which of these privileges the client's own user has, as the mapping check does."""
    function = f"systemusers({client.get('WhoAmI').json()['UserId']})/Microsoft.Dynamics.CRM."
    if not names:
        answer = client.get(f"{function}RetrieveUserPrivileges()")
    else:
        function += "RetrieveUserSetOfPrivilegesByNames(PrivilegeNames=@p1)"
        answer = client.get(function, params={"@p1": json.dumps(names)})
    assert answer.status_code == 200, answer.text
    return sorted(one["PrivilegeName"] for one in answer.json()["RolePrivileges"])


def test_one_may_ask_which_of_some_privileges_one_has(office: Office) -> None:
    assert own_privileges(office[SERVICE], "prvReadContact", "prvDeleteContact", "prvNoSuch") == ["prvReadContact"]
    assert own_privileges(office.admin.http, "prvReadContact", "prvReadUser") == ["prvReadContact", "prvReadUser"]


def test_one_may_ask_for_all_of_ones_privileges(office: Office) -> None:
    assert own_privileges(office[SELLER]) == sorted(one.name for one in SALES)


def test_to_ask_about_somebody_else_one_must_be_able_to_read_users(office: Office) -> None:
    other = office.admin.get("WhoAmI")["UserId"]

    answer = office[SELLER].get(f"systemusers({other})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges")

    assert refused(answer, "prvReadUser")


@pytest.mark.parametrize("path", ["PrivilegeNames=@p1)?@p1=prvReadUser", "PrivilegeNames=@p1)", "Name=@p1)?@p1=[]"])
def test_parameters_that_cannot_be_read_are_refused(office: Office, path: str) -> None:
    user = office.admin.get("WhoAmI")["UserId"]
    function = f"systemusers({user})/Microsoft.Dynamics.CRM.RetrieveUserSetOfPrivilegesByNames"

    assert office.admin.http.get(f"{function}({path}").status_code in {400, 501}


@pytest.mark.parametrize(
    ("table", "name"), [("systemuser", "prvReadUser"), ("contact", "prvReadContact"), ("task", "prvReadActivity")]
)
def test_a_table_lists_the_names_of_its_privileges(office: Office, table: str, name: str) -> None:
    path = f"EntityDefinitions(LogicalName='{table}')?$select=LogicalName,Privileges"

    answered = office[SELLER].get(path).json()["Privileges"]

    assert [one["Name"] for one in answered if one["PrivilegeType"] == "Read"] == [name]


def test_a_role_can_be_extended_while_somebody_works_with_it(office: Office) -> None:
    assert office[SELLER].get("accounts").status_code == 403
    office.admin.control("privileges", {"client": SELLER, "grant": {"account": ["read"]}})
    assert office[SELLER].get("accounts").status_code == 200


# ------------------------------------------------------------------------------------------------------- roles as rows


def test_a_user_may_do_what_the_roles_grant_as_soon_as_they_do(dataverse: Dataverse) -> None:
    application = "5d1f0000-0000-4000-8000-000000000001"
    dataverse.restart(clients={CLIENT: SECRET, application: SECRET}, privileges={application: frozenset()})
    headers = {"Authorization": f"Bearer {dataverse.token(application)}"}

    def may_read(path: str) -> bool:
        return dataverse.http.get(path, headers=headers).status_code == 200

    assert not may_read("dh_spotlerjobs")
    user = _user_of(dataverse, application)
    (role,) = dataverse.values("roles", **{"$filter": f"name eq '{READ_ONLY}'"})
    links = f"systemusers({user})/systemuserroles_association"
    address = f"{dataverse.origin}/api/data/v9.2/roles({role['roleid']})"
    assert dataverse.http.post(f"{links}/$ref", json={"@odata.id": address}).status_code == 204
    assert may_read("dh_spotlerjobs")
    assert not may_read("contacts")
    (read,) = dataverse.values("privileges", **{"$filter": "name eq 'prvReadContact'"})
    more = {"Privileges": [{"PrivilegeId": read["privilegeid"], "Depth": "Global"}]}
    action = f"roles({role['roleid']})/Microsoft.Dynamics.CRM.AddPrivilegesRole"
    assert dataverse.http.post(action, json=more).status_code == 204
    assert may_read("contacts")
    assert dataverse.http.delete(f"{links}({role['roleid']})/$ref").status_code == 204
    assert not may_read("dh_spotlerjobs")


def _user_of(dataverse: Dataverse, application: str) -> str:
    (user,) = dataverse.values("systemusers", **{"$filter": f"applicationid eq {application}"})
    identifier: str = user["systemuserid"]
    return identifier

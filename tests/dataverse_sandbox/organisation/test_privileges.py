"""SEC-01..SEC-06, PERM-20, C-25: the sandbox refuses what a security role does not grant."""

from __future__ import annotations

import pytest

from shared.local.pages.roles import SERVICE
from tests.dataverse_sandbox.organisation.office import (
    MARKETER,
    OWN_TABLES,
    READ_ONLY,
    SYNC_CONTACT,
    USER,
    Office,
    refused,
)
from tests.dataverse_sandbox.session import (
    CLIENT,
    SECRET,
    Dataverse,
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

"""Privileges can be asked for beforehand, and tables and roles tell them."""

from __future__ import annotations

import json

import httpx
import pytest

from shared.local.pages.roles import SERVICE
from tests.dataverse_sandbox.organisation.office import (
    SALES,
    SELLER,
    Office,
    refused,
)

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

"""The roles of `infra/dataverse/roles.yaml` grant what SEC-01..SEC-06, PERM-20 and C-25 say, and no more."""

from __future__ import annotations

import pytest

from shared.local.dataverse_sandbox.organisation.privileges import Access, Privilege, privilege
from shared.local.pages.roles import SERVICE, Depth, Role, roles
from tests.installed import installed_schema

READ_ONLY, USER, MARKETER = "Spotler Read Only", "Spotler User", "Spotler Marketer"
OWN = (
    "dh_spotlerinfo",
    "dh_spotlerpermission",
    "dh_spotlerjob",
    "dh_spotlerautomation",
    "dh_marketinginteraction",
    "dh_websitevisitor",
)
TABLES = installed_schema().tables
every_role = pytest.mark.parametrize("role", roles().values(), ids=lambda role: role.name)


@every_role
def test_a_role_says_whom_it_is_for(role: Role) -> None:
    assert role.name.startswith("Spotler ")
    assert len(role.meaning) > 20


@every_role
def test_tables_exist_and_rows_that_nobody_owns_are_reached_as_a_whole(role: Role) -> None:
    for table, accesses in role.depths.items():
        if "ownerid" not in TABLES[table].columns:
            assert set(accesses.values()) == {Depth.ORGANIZATION}
            assert Access.ASSIGN not in accesses


def test_c_25_there_are_three_roles_and_one_for_those_who_decide_about_records() -> None:
    assert list(roles()) == [READ_ONLY, USER, MARKETER, SERVICE]


def test_sec_05_read_only_sees_the_tables_of_the_connector_and_nothing_else() -> None:
    assert roles()[READ_ONLY].privileges == {Privilege(Access.READ, table) for table in OWN}


def test_sec_01_sec_06_c_25_a_user_also_edits_permissions_and_creates_jobs() -> None:
    assert roles()[USER].privileges - roles()[READ_ONLY].privileges == {
        Privilege(Access.WRITE, "dh_spotlerpermission"),
        Privilege(Access.CREATE, "dh_spotlerjob"),
        Privilege(Access.APPEND, "dh_spotlerjob"),
        Privilege(Access.APPEND_TO, "dh_spotlerautomation"),
    }
    assert roles()[READ_ONLY].privileges < roles()[USER].privileges


def test_sta_03_sta_07_a_marketer_also_switches_synchronisation_of_a_record_off_and_on() -> None:
    assert roles()[USER].privileges < roles()[MARKETER].privileges
    assert roles()[MARKETER].privileges - roles()[USER].privileges == {Privilege(Access.WRITE, "dh_spotlerinfo")}


@every_role
def test_perm_20_sec_04_c_25_of_these_roles_the_connectors_alone_creates_permission_rows(role: Role) -> None:
    creates = Privilege(Access.CREATE, "dh_spotlerpermission") in role.privileges

    assert creates == (role.name == SERVICE)


@every_role
def test_sec_02_deleting_is_for_administrators_except_for_interactions_of_erased_people(role: Role) -> None:
    may_delete = {one.table for one in role.privileges if one.access is Access.DELETE}
    assert may_delete == ({"dh_marketinginteraction"} if role.name == SERVICE else set())


@every_role
def test_rows_of_others_are_seen_by_everybody_who_may_see_any(role: Role) -> None:
    seen = [table for table in OWN if table in role.depths]

    assert {role.depths[table][Access.READ] for table in seen} == {Depth.ORGANIZATION}


def test_sec_02_the_service_reaches_all_rows() -> None:
    depths = {depth for accesses in roles()[SERVICE].depths.values() for depth in accesses.values()}

    assert depths == {Depth.ORGANIZATION}


@pytest.mark.parametrize(
    ("access", "table", "name"),
    [
        (Access.READ, "contact", "prvReadContact"),
        (Access.APPEND_TO, "list", "prvAppendToList"),
        (Access.WRITE, "task", "prvWriteActivity"),
        (Access.READ, "listmember", "prvReadList"),
        (Access.READ, "systemuser", "prvReadUser"),
        (Access.CREATE, "dh_spotlerpermission", "prvCreatedh_spotlerpermission"),
    ],
)
def test_privileges_are_called_as_dataverse_calls_them(access: Access, table: str, name: str) -> None:
    assert privilege(access, table).name == name

"""Publishers, solutions, roles, application users, variables and endpoints behave as an installer meets them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.dataverse_sandbox.customisation.definitions import TYPE, column, relationship, table
from tests.dataverse_sandbox.session import Dataverse

KEY = "k" * 44
ENDPOINT = {
    "name": "Queue", "contract": 6, "connectionmode": 1, "userclaim": 2, "namespaceformat": 2, "authtype": 2,
    "namespaceaddress": "sb://ns.servicebus.windows.net/", "solutionnamespace": "ns", "path": "events",
    "saskeyname": "send", "saskey": KEY, "messageformat": 2, "messagecharset": 1,
}  # fmt: skip
HOME = {"MSCRM.SolutionUniqueName": "boats"}


@pytest.fixture
def home(dataverse: Dataverse) -> Dataverse:
    """A bare organisation with a publisher and a solution."""
    dataverse.restart(snapshot=None)
    publisher = dataverse.create(
        "publishers",
        uniquename="sea",
        friendlyname="Sea",
        customizationprefix="sea",
        customizationoptionvalueprefix=48000,
    )
    dataverse.create(
        "solutions", uniquename="boats", friendlyname="Boats", version="1.0.0.0",
        **{"publisherid@odata.bind": f"/publishers({publisher})"},
    )  # fmt: skip
    return dataverse


def members(dataverse: Dataverse) -> dict[int, list[int]]:
    """The behaviours of the components of the solution, by component type."""
    query = {"$filter": "solutionid/uniquename eq 'boats'", "$select": "componenttype,rootcomponentbehavior"}
    found: dict[int, list[int]] = {}
    for row in dataverse.values("solutioncomponents", **query):
        found.setdefault(row["componenttype"], []).append(row["rootcomponentbehavior"])
    return {kind: sorted(several) for kind, several in found.items()}


def refused(dataverse: Dataverse, path: str, body: dict[str, Any], method: str = "POST") -> str:
    answer = dataverse.http.request(method, path, json=body)
    assert answer.status_code >= 400, answer.text
    code: str = answer.json()["error"]["code"]
    return code


def test_a_component_goes_into_the_solution_of_the_header_and_silently_nowhere_with_a_wrong_name(
    home: Dataverse,
) -> None:
    resource = {"displayname": "Script", "webresourcetype": 3, "content": "Lyo="}
    for name, solution in (("sea_a.js", "boats"), ("sea_b.js", "boots")):
        headers = {"MSCRM.SolutionUniqueName": solution}
        assert home.http.post("webresourceset", json={"name": name, **resource}, headers=headers).status_code == 204
    assert members(home) == {61: [0]}


def test_a_lookup_drags_the_table_that_it_points_to_into_the_solution_unless_it_is_there(home: Dataverse) -> None:
    assert home.http.post("EntityDefinitions", json=table("sea_Boat"), headers=HOME).status_code == 204
    contact = home.get("EntityDefinitions(LogicalName='contact')", **{"$select": "MetadataId"})["MetadataId"]
    added = {
        "ComponentId": contact, "ComponentType": 1, "SolutionUniqueName": "boats", "AddRequiredComponents": False,
        "DoNotIncludeSubcomponents": True,
    }  # fmt: skip
    assert home.http.post("AddSolutionComponent", json=added).status_code == 200
    for target in ("contact", "account"):
        body = relationship(f"sea_boat_{target}", target, "sea_boat", f"sea_{target}Id")
        assert home.http.post("RelationshipDefinitions", json=body, headers=HOME).status_code == 204
    assert members(home) == {1: [0, 0, 1]}
    path = "EntityDefinitions(LogicalName='contact')/Attributes"
    assert home.http.post(path, json=column("String", "sea_Text", MaxLength=9), headers=HOME).status_code == 204
    assert members(home) == {1: [0, 0, 1], 2: [0]}
    component = {"@odata.type": f"{TYPE}solutioncomponent", "solutioncomponentid": contact}
    taken = {"SolutionComponent": component, "ComponentType": 1, "SolutionUniqueName": "boats"}
    assert home.http.post("RemoveSolutionComponent", json=taken).status_code == 200
    assert members(home) == {1: [0, 0], 2: [0]}


def test_options_are_numbered_from_the_publishers_prefix(home: Dataverse) -> None:
    assert home.http.post("EntityDefinitions", json=table("sea_Boat")).status_code == 204
    choice = column(
        "Picklist",
        "sea_Way",
        OptionSet={"OptionSetType": "Picklist", "Options": [{"Label": column("String", "sea_x")["DisplayName"]}]},
    )
    assert home.http.post("EntityDefinitions(LogicalName='sea_boat')/Attributes", json=choice).status_code == 204
    home.create("sea_boats", sea_way=480_000_000)


def test_names_of_publishers_and_solutions_are_checked_and_unique(home: Dataverse) -> None:
    again = {
        "uniquename": "SEA",
        "friendlyname": "x",
        "customizationprefix": "sea",
        "customizationoptionvalueprefix": 48000,
    }
    assert refused(home, "publishers", again) == "0x80040237"
    assert refused(home, "publishers", {**again, "uniquename": "b", "customizationprefix": "mscrm1"}) == "0x8004f01a"
    assert refused(home, "solutions", {"uniquename": "c", "friendlyname": "c", "version": "1.0"}) == "0x80040203"


def test_a_new_role_has_nine_privileges_and_converges_except_for_those_of_sharepoint(home: Dataverse) -> None:
    home.http.post("EntityDefinitions", json=table("sea_Boat"))
    unit = home.values("businessunits", **{"$filter": "parentbusinessunitid eq null"})[0]["businessunitid"]
    role = home.create("roles", name="Sailor", **{"businessunitid@odata.bind": f"/businessunits({unit})"})

    def privileges() -> dict[str, str]:
        rows = home.get(f"RetrieveRolePrivilegesRole(RoleId={role})")["RolePrivileges"]
        return {row["PrivilegeName"]: row["Depth"] for row in rows}

    assert len(privileges()) == 9
    names = "['prvReadsea_Boat','prvReadContact','prvReadSolution']"
    query = {"$filter": "Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)", "@p1": "'name'", "@p2": names}
    ids = {row["name"]: row["privilegeid"] for row in home.values("privileges", **query)}
    assert len(ids) == 3
    wanted = [
        {"PrivilegeId": ids["prvReadsea_Boat"], "Depth": "Basic"},
        {"PrivilegeId": ids["prvReadContact"], "Depth": "Global"},
    ]
    path = f"roles({role})/{TYPE}"
    assert home.http.post(f"{path}ReplacePrivilegesRole", json={"Privileges": wanted}).status_code == 204
    assert len(privileges()) == 6
    assert (privileges()["prvReadsea_Boat"], privileges()["prvReadContact"]) == ("Basic", "Global")
    taken = {"Privilege": {"@odata.type": f"{TYPE}privilege", "privilegeid": ids["prvReadContact"]}}
    assert home.http.post(f"{path}RemovePrivilegeRole", json=taken).status_code == 204
    assert len(privileges()) == 5
    deep = [{"PrivilegeId": ids["prvReadSolution"], "Depth": "Basic"}]
    assert refused(home, f"{path}AddPrivilegesRole", {"Privileges": deep}) == "0x80040203"
    assert len(home.values(f"roles({role})/roleprivileges_association")) == 5
    masks = home.values("roleprivilegescollection", **{"$filter": f"roleid eq {role}", "$select": "privilegedepthmask"})
    assert sorted(row["privilegedepthmask"] for row in masks) == [1, 8, 8, 8, 8]


def test_an_application_user_is_created_once_gets_its_role_and_is_blocked_by_a_deleted_twin(home: Dataverse) -> None:
    app, twin = str(UUID(int=7)), str(UUID(int=8))
    home.restart([("systemuser", {"applicationid": twin, "deletedstate": 1, "lastname": "gone"})])
    unit = home.values("businessunits")[0]["businessunitid"]
    body = {"accessmode": 4, "isdisabled": False, "businessunitid@odata.bind": f"/businessunits({unit})"}
    user = home.create("systemusers", applicationid=app, **body)
    role = home.create("roles", name="Sailor", **{"businessunitid@odata.bind": f"/businessunits({unit})"})
    path = f"systemusers({user})/systemuserroles_association"
    address = {"@odata.id": f"{home.origin}/api/data/v9.2/roles({role})"}
    assert home.http.post(f"{path}/$ref", json=address).status_code == 204
    query = {"$filter": f"applicationid eq {app}", "$expand": "systemuserroles_association($select=name)"}
    (row,) = home.values("systemusers", **query)
    assert [one["name"] for one in row["systemuserroles_association"]] == ["Sailor"]
    assert refused(home, "systemusers", {"applicationid": app, **body}) == "0x80040237"
    assert refused(home, "systemusers", {"applicationid": twin, **body}) == "0x80041d67"


def test_the_key_of_an_endpoint_is_written_but_never_read_and_steps_keep_the_endpoint(home: Dataverse) -> None:
    endpoint = home.create("serviceendpoints", **ENDPOINT)
    row = home.get(f"serviceendpoints({endpoint})")
    assert (row["saskey"], row["issaskeyset"]) == (None, True)
    check = f"serviceendpoints({endpoint})/{TYPE}TriggerServiceEndpointCheck"
    assert home.http.post(check, json={}).status_code == 204
    assert home.http.patch(f"serviceendpoints({endpoint})", json={"saskey": None}).status_code == 204
    assert refused(home, check, {}) == "0x8004418b"
    message = home.values("sdkmessages", **{"$filter": "name eq 'Create'"})[0]["sdkmessageid"]
    step = {
        "name": "s", "mode": 1, "stage": 40, "rank": 1, "supporteddeployment": 0, "asyncautodelete": True,
        "sdkmessageid@odata.bind": f"/sdkmessages({message})",
    }  # fmt: skip
    handler = f"/serviceendpoints({endpoint})"
    wrong = {**step, "eventhandler_ServiceEndpoint@odata.bind": handler}
    assert refused(home, "sdkmessageprocessingsteps", wrong) == "0x80048d19"
    home.create("sdkmessageprocessingsteps", **step, **{"eventhandler_serviceendpoint@odata.bind": handler})
    assert refused(home, f"serviceendpoints({endpoint})", {}, "DELETE") == "0x8004f01f"
    lacking = {name: value for name, value in ENDPOINT.items() if name != "path"}
    assert refused(home, "serviceendpoints", lacking) == "0x80040203"


def test_a_variable_has_a_prefix_and_one_definition(home: Dataverse) -> None:
    variable = {"schemaname": "sea_depth", "displayname": "Depth", "type": 100_000_000}
    home.create("environmentvariabledefinitions", **variable)
    assert refused(home, "environmentvariabledefinitions", variable) == "0x80040237"
    assert refused(home, "environmentvariabledefinitions", {**variable, "schemaname": "depth"}) == "0x8004431a"

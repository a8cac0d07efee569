"""A snapshot has all that an organisation has beyond a new one, and another organisation begins with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.errors import ConfigurationError
from shared.local.sandbox.customisation import check_snapshot
from tests.dataverse_sandbox.customisation.definitions import column, label, relationship, table
from tests.dataverse_sandbox.session import Dataverse

LEE = "3f2a0f5e-6c51-4a52-9d8e-0d5a3d0a0001"
BOATS = "EntityDefinitions(LogicalName='new_boat')"


@pytest.fixture
def harbour(dataverse: Dataverse) -> Dataverse:
    """An organisation with a table, columns, a lookup, a key, rows, a changed row and a deleted one."""
    dataverse.restart(snapshot=None, languages=(1033, 1043))
    length = column("Decimal", "new_Length", Precision=1, MinValue=0, MaxValue=99)
    flag = column("Picklist", "new_Flag", DisplayName=label("Flag", "Vlag"))
    flag["OptionSet"] = {
        "@odata.type": "Microsoft.Dynamics.CRM.OptionSetMetadata",
        "IsGlobal": False,
        "OptionSetType": "Picklist",
        "Options": [{"Value": 1, "Label": label("Dutch", "Nederlands")}],
    }
    send(dataverse, "EntityDefinitions", table("new_Boat", length, flag))
    send(dataverse, "EntityDefinitions(LogicalName='contact')/Attributes", column("Integer", "new_Boats"))
    send(dataverse, "RelationshipDefinitions", relationship("new_skipper", "contact", "new_boat", "new_SkipperId"))
    send(dataverse, f"{BOATS}/Keys", {"SchemaName": "new_byname", "KeyAttributes": ["new_name"]} | _shown("By name"))
    skipper = dataverse.create("contacts", lastname="Lee", new_boats=2)
    bind = {"new_SkipperId@odata.bind": f"/contacts({skipper})"}
    dataverse.create("new_boats", new_name="Aphrodite", new_length=12.5, new_flag=1, **bind)
    (unit,) = dataverse.values("businessunits")
    assert dataverse.http.patch(f"businessunits({unit['businessunitid']})", json={"name": "Harbour"}).is_success
    return dataverse


def _shown(text: str) -> dict[str, Any]:
    return {"DisplayName": label(text)}


def send(dataverse: Dataverse, path: str, body: dict[str, Any]) -> None:
    answer = dataverse.http.post(path, json=body)
    assert answer.status_code in {200, 204}, answer.text


def begin_again(dataverse: Dataverse, folder: Path, **settings: Any) -> None:
    """Replace the organisation by one that begins with the snapshot of it."""
    path = folder / "organisation.json"
    path.write_text(json.dumps(dataverse.control("snapshot", method="GET")), encoding="utf-8")
    dataverse.restart(snapshot=path, **settings)


def test_tables_columns_relationships_and_keys_come_back_with_their_definitions(
    harbour: Dataverse, tmp_path: Path
) -> None:
    parts = "Attributes,Keys,OneToManyRelationships,ManyToOneRelationships"
    before = [harbour.get(one, **{"$expand": parts}) for one in (BOATS, "EntityDefinitions(LogicalName='contact')")]
    options = f"{BOATS}/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
    choices = harbour.values(options, **{"$expand": "OptionSet"})

    begin_again(harbour, tmp_path)

    after = [harbour.get(one, **{"$expand": parts}) for one in (BOATS, "EntityDefinitions(LogicalName='contact')")]
    assert after == before
    assert harbour.values(options, **{"$expand": "OptionSet"}) == choices


def test_rows_come_back_with_their_lookups_and_keys(harbour: Dataverse, tmp_path: Path) -> None:
    begin_again(harbour, tmp_path)

    boat = harbour.get("new_boats(new_name='Aphrodite')", **{"$expand": "new_SkipperId($select=lastname,new_boats)"})
    assert (boat["new_length"], boat["new_flag"]) == (12.5, 1)
    assert (boat["new_SkipperId"]["lastname"], boat["new_SkipperId"]["new_boats"]) == ("Lee", 2)
    assert [unit["name"] for unit in harbour.values("businessunits")] == ["Harbour"]


def test_a_snapshot_of_the_second_organisation_is_that_of_the_first(harbour: Dataverse, tmp_path: Path) -> None:
    first = harbour.control("snapshot", method="GET")

    begin_again(harbour, tmp_path)

    second = harbour.control("snapshot", method="GET")
    assert second["schema"] == first["schema"]
    assert second["rows"].keys() == first["rows"].keys()


def test_a_new_organisation_has_nothing_to_tell(dataverse: Dataverse) -> None:
    dataverse.restart(snapshot=None)
    dataverse.get("WhoAmI")

    told = dataverse.control("snapshot", method="GET")
    assert told["schema"] == {"tables": {}, "changes": {}, "one_to_many": [], "choices": {}}
    assert told["rows"].keys() == {"systemuser"}  # the user of the caller


def test_what_belongs_to_a_table_that_is_absent_is_left_out(dataverse: Dataverse) -> None:
    def handled() -> set[str]:
        expand = {"$expand": "sdkmessagefilterid($select=primaryobjecttypecode)"}
        steps = dataverse.values("sdkmessageprocessingsteps", **expand)
        return {step["sdkmessagefilterid"]["primaryobjecttypecode"] for step in steps}

    assert {"contact", "lead", "list"} <= handled()
    dataverse.restart(sales=False)
    assert handled() == {"contact", "account", "dh_spotlerjob", "dh_spotlerpermission"}
    assert dataverse.http.get("dh_spotlerpermissions?$select=_dh_leadid_value").status_code == 400


@pytest.mark.parametrize("content", [None, "no JSON", "[]", '{"rows": {}}'])
def test_a_file_that_is_no_snapshot_is_refused_by_its_name(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "organisation.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"organisation\.json (cannot be read|is no snapshot)"):
        check_snapshot(path)


def test_rows_are_brought_in_without_messages(dataverse: Dataverse) -> None:
    account = ["account", {"accountid": LEE, "name": "Lee"}]
    contact = ["contact", {"lastname": "Lee", "parentcustomerid": ["account", LEE]}]
    dataverse.control("rows", {"rows": [account, contact]})

    (found,) = dataverse.values("contacts", **{"$expand": "parentcustomerid_account($select=name)"})
    assert found["parentcustomerid_account"]["name"] == "Lee"
    assert dataverse.control("counters", method="GET")["messages"]["posted"] == 0

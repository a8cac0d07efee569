"""The sandbox describes tables, columns, choices and keys as Dataverse does."""

from __future__ import annotations

from tests.dataverse_sandbox.session import Dataverse


def test_generic_clients_find_tables_and_columns(dataverse: Dataverse) -> None:
    query = {"$select": "LogicalName,EntitySetName,PrimaryIdAttribute", "$filter": "LogicalName eq 'dh_spotlerjob'"}
    (table,) = dataverse.values("EntityDefinitions", **query)
    assert (table["EntitySetName"], table["PrimaryIdAttribute"]) == ("dh_spotlerjobs", "dh_spotlerjobid")
    columns = dataverse.values(f"EntityDefinitions({table['MetadataId']})/Attributes")
    assert {one["LogicalName"]: one["AttributeType"] for one in columns}["dh_customerid"] == "Customer"
    assert dataverse.http.get("EntityDefinitions(LogicalName='new_dog')").status_code == 404


def test_choices_are_read_through_the_cast_with_their_labels(dataverse: Dataverse) -> None:
    path = "EntityDefinitions(LogicalName='contact')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
    rows = dataverse.values(path, **{"$select": "LogicalName", "$expand": "OptionSet($select=Options)"})
    gender = next(row for row in rows if row["LogicalName"] == "gendercode")
    labels = {one["Value"]: one["Label"]["UserLocalizedLabel"]["Label"] for one in gender["OptionSet"]["Options"]}
    assert labels == {1: "Male", 2: "Female"}


def test_alternate_keys_are_described(dataverse: Dataverse) -> None:
    dataverse.restart(alternate_keys={"account": [["accountnumber"]]})
    (key,) = dataverse.values("EntityDefinitions(LogicalName='account')/Keys")
    assert (key["KeyAttributes"], key["EntityKeyIndexStatus"]) == (["accountnumber"], "Active")

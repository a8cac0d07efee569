"""Tables, columns, relationships, keys and choices that a client creates are usable at once."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.dataverse_sandbox.customisation.definitions import TYPE, column, label, lookup, options, relationship, table
from tests.dataverse_sandbox.session import Dataverse

BOAT = "EntityDefinitions(LogicalName='new_boat')"


@pytest.fixture
def bare(dataverse: Dataverse) -> Dataverse:
    dataverse.restart(snapshot=None)
    return dataverse


def send(dataverse: Dataverse, path: str, body: dict[str, Any], method: str = "POST", **headers: str) -> httpx.Response:
    answer = dataverse.http.request(method, path, json=body, headers=headers)
    assert answer.status_code in {200, 204}, answer.text
    return answer


def refusal(dataverse: Dataverse, path: str, body: dict[str, Any], method: str = "POST") -> str:
    answer = dataverse.http.request(method, path, json=body)
    assert answer.status_code >= 400, answer.text
    code: str = answer.json()["error"]["code"]
    return code


@pytest.fixture
def boats(bare: Dataverse) -> Dataverse:
    length = column("Decimal", "new_Length", MinValue=0, MaxValue=99, Precision=1)
    send(bare, "EntityDefinitions", table("new_Boat", length))
    return bare


def test_a_bare_organisation_has_standard_tables_only(bare: Dataverse) -> None:
    assert bare.http.get("EntityDefinitions(LogicalName='dh_spotlerinfo')").status_code == 404
    assert bare.http.get("dh_spotlerjobs").status_code == 404
    assert bare.values("environmentvariabledefinitions") == []
    assert bare.values("sdkmessageprocessingsteps") == []
    columns = bare.values("EntityDefinitions(LogicalName='contact')/Attributes", **{"$select": "LogicalName"})
    assert not [one for one in columns if one["LogicalName"].startswith("dh_")]


def test_rows_of_a_new_table_are_written_and_queried_at_once(boats: Dataverse) -> None:
    boat = boats.create("new_boats", new_name="Vliegende Hollander", new_length=12.5)
    (row,) = boats.values("new_boats", **{"$filter": "new_length gt 10", "$select": "new_name,statuscode"})
    assert (row["new_boatid"], row["new_name"], row["statuscode"]) == (boat, "Vliegende Hollander", 1)
    assert refusal(boats, "new_boats", {"new_length": 100}) == "0x80044330"


def test_a_new_table_is_described_with_type_code_privileges_and_message_filters(boats: Dataverse) -> None:
    query = {"$select": "SchemaName,ObjectTypeCode,EntitySetName,OwnershipType,IsManaged,Privileges,DisplayName"}
    boat = boats.get(BOAT, **query)
    assert (boat["SchemaName"], boat["EntitySetName"], boat["IsManaged"]) == ("new_Boat", "new_boats", False)
    assert boat["ObjectTypeCode"] > 10_000
    assert "prvCreatenew_Boat" in {one["Name"] for one in boat["Privileges"]}
    filters = {"$filter": "primaryobjecttypecode eq 'new_boat' and sdkmessageid/name eq 'Create'"}
    assert len(boats.values("sdkmessagefilters", **filters)) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"SchemaName": "new_boat"}, "0x80044363"),
        ({"SchemaName": "xyz_Car"}, "0x8004431a"),
        ({"SchemaName": "new_Car", "Attributes": []}, "0x80040203"),
        ({"SchemaName": "new_Car", "DisplayName": {"LocalizedLabels": []}}, "0x80044183"),
        ({"SchemaName": "new_Car", "DisplayName": {"LocalizedLabels": [], "@odata.type": "x"}}, "0x80040216"),
    ],
    ids=["taken", "no publisher's prefix", "no primary name", "no text in the base language", "type not first"],
)
def test_a_wrong_table_is_refused(boats: Dataverse, change: dict[str, Any], code: str) -> None:
    assert refusal(boats, "EntityDefinitions", {**table("new_Car"), **change}) == code


def test_columns_of_every_kind_are_added_to_a_standard_table(bare: Dataverse) -> None:
    path = "EntityDefinitions(LogicalName='contact')/Attributes"
    choice = send(
        bare,
        "GlobalOptionSetDefinitions",
        {**options("Sail", "Row", first=7), "Name": "new_way", "IsGlobal": True, "DisplayName": label("Way")},
    )
    way = choice.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")
    for one in (
        column("String", "new_Text", MaxLength=5),
        column("Memo", "new_Log", MaxLength=100000, Format="TextArea"),
        column("Integer", "new_Count", MinValue=0, MaxValue=10, Format="None"),
        column("DateTime", "new_Day", Format="DateOnly", DateTimeBehavior={"Value": "DateOnly"}),
        column(
            "Boolean",
            "new_Flag",
            DefaultValue=True,
            OptionSet={
                "TrueOption": {"Value": 1, "Label": label("Yes")},
                "FalseOption": {"Value": 0, "Label": label("No")},
            },
        ),
        column("Picklist", "new_Colour", OptionSet=options("Red", "Blue")),
        {**column("Picklist", "new_Way"), "GlobalOptionSet@odata.bind": f"/GlobalOptionSetDefinitions({way})"},
    ):
        send(bare, path, one)
    values = {"new_text": "abc", "new_count": 3, "new_day": "2026-11-30", "new_colour": 100_000_001, "new_way": 8}
    contact = bare.create("contacts", lastname="Lee", **values)
    row = bare.get(
        f"contacts({contact})", 'odata.include-annotations="*"', **{"$select": ",".join([*values, "new_flag"])}
    )
    assert {name: row[name] for name in values} == values
    assert row["new_flag"] is True
    label_of = "@OData.Community.Display.V1.FormattedValue"
    assert (row[f"new_colour{label_of}"], row[f"new_way{label_of}"]) == ("Blue", "Row")
    assert refusal(bare, path, column("String", "new_text")) == "0x80047013"
    assert refusal(bare, "contacts", {"new_text": "abcdef"}) == "0x80044331"


def test_a_changed_column_keeps_other_languages_only_if_labels_are_merged(bare: Dataverse) -> None:
    bare.restart(languages=(1033, 1043))
    path = "EntityDefinitions(LogicalName='contact')/Attributes"
    send(bare, path, column("String", "new_Text", MaxLength=5, DisplayName=label("Text", "Tekst")))
    cast = f"{path}(LogicalName='new_text')/{TYPE}StringAttributeMetadata"
    for headers, languages in (({"MSCRM.MergeLabels": "true"}, [1033, 1043]), ({}, [1033])):
        current = bare.get(cast)
        send(bare, cast, {**current, "MaxLength": 50, "DisplayName": label("Words")}, "PUT", **headers)
        changed = bare.get(cast)
        texts = {one["LanguageCode"]: one["Label"] for one in changed["DisplayName"]["LocalizedLabels"]}
        assert (changed["MaxLength"], list(texts), texts[1033]) == (50, languages, "Words")
    bare.create("contacts", lastname="Lee", new_text="longer than before")
    assert refusal(bare, cast, {}, "PATCH") == "0x80060888"


def test_a_lookup_comes_with_its_relationship_and_is_bound_by_its_exact_name(boats: Dataverse) -> None:
    cascade = {"CascadeConfiguration": {"Delete": "Cascade"}}
    send(
        boats,
        "RelationshipDefinitions",
        relationship("new_boat_owner", "contact", "new_boat", "new_OwnerId", **cascade),
    )
    ann = boats.create("contacts", lastname="Ann")
    boat = boats.create("new_boats", **{"new_name": "A", "new_OwnerId@odata.bind": f"/contacts({ann})"})
    (row,) = boats.values(f"contacts({ann})/new_boat_owner")
    assert (row["new_boatid"], row["_new_ownerid_value"]) == (boat, ann)
    assert refusal(boats, "new_boats", {"new_ownerid@odata.bind": f"/contacts({ann})"}) == "0x80048d19"
    (described,) = boats.values("RelationshipDefinitions", **{"$filter": "SchemaName eq 'new_boat_owner'"})
    assert described["ReferencingEntityNavigationPropertyName"] == "new_OwnerId"
    again = relationship("new_boat_owner", "account", "new_boat", "new_OtherId")
    assert refusal(boats, "RelationshipDefinitions", again) == "0x80072551"
    boats.http.delete(f"contacts({ann})")
    assert boats.values("new_boats") == []


def test_customers_and_other_lookups_point_to_several_tables(boats: Dataverse) -> None:
    def body(name: str, *targets: str) -> dict[str, Any]:
        several = [
            {"SchemaName": f"new_boat_{name}_{one}", "ReferencedEntity": one, "ReferencingEntity": "new_boat"}
            for one in targets
        ]
        return {"OneToManyRelationships": several, "Lookup": lookup(f"new_{name}Id", many=True)}

    answer = send(boats, "CreateCustomerRelationships", body("Customer", "account", "contact")).json()
    assert len(answer["RelationshipIds"]) == 2
    send(boats, "CreatePolymorphicLookupAttribute", body("Sailor", "lead", "contact", "account"))
    account, lead = boats.create("accounts", name="Contoso"), boats.create("leads", lastname="Lee")
    binds = {
        "new_CustomerId_account@odata.bind": f"/accounts({account})",
        "new_SailorId_lead@odata.bind": f"/leads({lead})",
    }
    boats.create("new_boats", **binds)
    (row,) = boats.values("new_boats", **{"$expand": "new_CustomerId_account($select=name)"})
    assert (row["new_CustomerId_account"]["name"], row["_new_sailorid_value"]) == ("Contoso", lead)
    columns = boats.values(f"{BOAT}/Attributes", **{"$select": "LogicalName,AttributeType"})
    assert {one["LogicalName"]: one["AttributeType"] for one in columns}["new_customerid"] == "Customer"


def test_rows_are_addressed_by_a_new_key(boats: Dataverse) -> None:
    key = {"SchemaName": "new_BoatName", "DisplayName": label("Name"), "KeyAttributes": ["new_name"]}
    boats.create("new_boats", new_name="Aphrodite")
    address = send(boats, f"{BOAT}/Keys", key).headers["OData-EntityId"]
    assert boats.get("new_boats(new_name='Aphrodite')")["new_name"] == "Aphrodite"
    assert refusal(boats, "new_boats", {"new_name": "aphrodite"}) == "0x80060892"
    assert boats.values(f"{BOAT}/Keys")[0]["EntityKeyIndexStatus"] == "Active"
    assert boats.http.delete(address).status_code == 204
    boats.create("new_boats", new_name="Aphrodite")


def test_options_and_status_reasons_are_added_relabelled_ordered_and_deleted(boats: Dataverse) -> None:
    send(boats, f"{BOAT}/Attributes", column("Picklist", "new_Colour", OptionSet=options("Red", "Blue", first=1)))
    colour = {"EntityLogicalName": "new_boat", "AttributeLogicalName": "new_colour"}
    status = {"EntityLogicalName": "new_boat", "AttributeLogicalName": "statuscode"}
    assert send(boats, "InsertOptionValue", {**colour, "Label": label("Green")}).json()["NewOptionValue"] == 100_000_000
    send(boats, "UpdateOptionValue", {**colour, "Value": 1, "Label": label("Crimson"), "MergeLabels": True})
    send(boats, "OrderOption", {**colour, "Values": [100_000_000, 2, 1]})
    send(boats, "DeleteOptionValue", {**colour, "Value": 2})
    sunk = {**status, "StateCode": 1, "Value": 7, "Label": label("Sunk")}
    assert send(boats, "InsertStatusValue", sunk).json()["NewOptionValue"] == 7
    assert refusal(boats, "InsertStatusValue", sunk) == "0x80048403"
    send(boats, "UpdateStateValue", {**status, "AttributeLogicalName": "statecode", "Value": 1, "Label": label("Gone")})
    expand = {"$select": "LogicalName", "$expand": "OptionSet"}
    (described,) = boats.values(f"{BOAT}/Attributes/{TYPE}PicklistAttributeMetadata", **expand)
    assert [one["Value"] for one in described["OptionSet"]["Options"]] == [100_000_000, 1]
    (reasons,) = boats.values(f"{BOAT}/Attributes/{TYPE}StatusAttributeMetadata", **expand)
    assert {one["Value"]: one["State"] for one in reasons["OptionSet"]["Options"]} == {1: 0, 2: 1, 7: 1}
    boat = boats.create("new_boats", new_name="Titanic")
    send(boats, f"new_boats({boat})", {"statecode": 1, "statuscode": 7}, "PATCH")


def test_a_table_is_changed_and_deleted_with_its_relationships(boats: Dataverse) -> None:
    send(boats, "RelationshipDefinitions", relationship("new_boat_owner", "contact", "new_boat", "new_OwnerId"))
    current = {name: value for name, value in boats.get(BOAT).items() if name != "Privileges"}
    send(
        boats,
        BOAT,
        {**current, "HasNotes": True, "IsAuditEnabled": {"Value": True}},
        "PUT",
        **{"MSCRM.MergeLabels": "true"},
    )
    boat = boats.create("new_boats", new_name="A")
    boats.create("annotations", **{"subject": "Leak", "objectid_new_boat@odata.bind": f"/new_boats({boat})"})
    assert refusal(boats, BOAT, {**current, "HasNotes": False}, "PUT") == "0x80040203"
    assert boats.http.delete(BOAT).status_code == 204
    assert boats.http.get("new_boats").status_code == 404
    assert boats.http.get("contacts", params={"$expand": "new_boat_owner"}).status_code in {400, 501}
    assert refusal(boats, "EntityDefinitions(LogicalName='contact')", {}, "DELETE") == "0x80047009"


def test_a_refused_change_changes_nothing(boats: Dataverse) -> None:
    bodies = {
        "OneToManyRelationships": [
            {"SchemaName": "new_a", "ReferencedEntity": "lead", "ReferencingEntity": "new_boat"},
            {"SchemaName": "new_a", "ReferencedEntity": "account", "ReferencingEntity": "new_boat"},
        ],
        "Lookup": lookup("new_XId", many=True),
    }
    assert refusal(boats, "CreatePolymorphicLookupAttribute", bodies) == "0x80072551"
    assert boats.http.get(f"{BOAT}/Attributes(LogicalName='new_xid')").status_code == 404
    assert refusal(boats, f"{BOAT}/Attributes", column("String", "new_Y", Odd=1)) == "0x80060888"

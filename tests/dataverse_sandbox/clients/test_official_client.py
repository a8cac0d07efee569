"""Microsoft's own clients work against the sandbox: azure-identity and PowerPlatform-Dataverse-Client."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError, MetadataError
from PowerPlatform.Dataverse.models.upsert import UpsertItem

from shared.installation.desired.reading import read_desired_state
from shared.installation.desired.state import ColumnType, Lookup, OnDelete, OwnTable, StandardTable
from shared.local.dataverse_sandbox.http.app import create_app
from shared.local.dataverse_sandbox.organisation.execution_context import ServiceEndpointMessage
from shared.local.sandbox.certificate import self_signed_certificate
from shared.local.sandbox.serving import serve_in_thread
from tests.installed import installed_settings


class Sail(IntEnum):
    """The options of a new choice."""

    GAFF = 1
    LUG = 2


async def forget(_message: ServiceEndpointMessage) -> None:
    """Nobody listens."""


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataverseClient]:
    certificate = self_signed_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.chain))
    settings = installed_settings(alternate_keys={"account": [["accountnumber"]]})
    with serve_in_thread(create_app(settings, forget), tls=certificate) as address:
        credential = ClientSecretCredential(
            tenant_id=str(uuid4()),
            client_id="sandbox",
            client_secret="sandbox",
            authority=address.url,
            disable_instance_discovery=True,
            transport=RequestsTransport(connection_verify=str(certificate.chain)),
        )
        with credential, DataverseClient(address.url, credential) as dataverse:
            yield dataverse


def test_rows_are_created_read_changed_and_deleted(client: DataverseClient) -> None:
    account = client.records.create("account", {"name": "Contoso"})
    contact = client.records.create(
        "contact",
        {"firstname": "Ann", "lastname": "Lee", "parentcustomerid_account@odata.bind": f"/accounts({account})"},
    )
    client.records.update("contact", contact, {"jobtitle": "Poet"})
    row = client.records.retrieve(
        "contact",
        contact,
        select=["fullname", "jobtitle"],
        expand=["parentcustomerid_account"],
        include_annotations="*",
    )
    assert row is not None
    assert (row["fullname"], row["jobtitle"], row["parentcustomerid_account"]["name"]) == ("Ann Lee", "Poet", "Contoso")
    client.records.delete("contact", contact)
    assert client.records.retrieve("contact", contact) is None
    with pytest.raises(HttpError, match="Does Not Exist"):
        client.records.update("contact", contact, {"jobtitle": "Ghost"})


def test_many_rows_are_created_changed_and_deleted_at_once(client: DataverseClient) -> None:
    ids = client.records.create("contact", [{"lastname": f"{number:03}"} for number in range(20)])
    client.records.update("contact", ids, {"jobtitle": "Poet"})
    client.records.update("contact", ids[:2], [{"jobtitle": "Cook"}, {"jobtitle": "Smith"}])
    rows = client.records.list("contact", select=["jobtitle"], orderby=["lastname"])
    assert [row["jobtitle"] for row in rows] == ["Cook", "Smith", *["Poet"] * 18]
    assert client.records.delete("contact", ids[5:])
    assert len(client.records.list("contact")) == 5


def test_rows_are_listed_page_by_page(client: DataverseClient) -> None:
    client.records.create("contact", [{"lastname": f"O'{number:03}"} for number in range(25)])
    pages = client.records.list_pages(
        "contact", filter="startswith(lastname,'O''')", orderby=["lastname desc"], page_size=10, count=True
    )
    names = [[row["lastname"] for row in page] for page in pages]
    assert [len(page) for page in names] == [10, 10, 5]
    assert [name for page in names for name in page] == [f"O'{number:03}" for number in reversed(range(25))]


def test_rows_are_upserted_by_alternate_key_one_by_one_and_in_bulk(client: DataverseClient) -> None:
    for names in (["A"], ["B"], ["C", "D"]):
        items: list[UpsertItem | dict[str, Any]]
        items = [UpsertItem({"accountnumber": f"N {number}"}, {"name": name}) for number, name in enumerate(names)]
        client.records.upsert("account", items)
    rows = client.records.list("account", select=["name", "accountnumber"], orderby=["accountnumber"])
    assert [(row["accountnumber"], row["name"]) for row in rows] == [("N 0", "C"), ("N 1", "D")]


def test_labels_are_translated_through_the_metadata(client: DataverseClient) -> None:
    contact = client.records.create("contact", {"lastname": "Lee", "gendercode": "Female"})
    row = client.records.retrieve("contact", contact, select=["gendercode"])
    assert row is not None
    assert row["gendercode"] == 2


def test_tables_and_their_columns_are_described(client: DataverseClient) -> None:
    table = client.tables.get("dh_spotlerpermission")
    assert table is not None
    assert table["entity_set_name"] == "dh_spotlerpermissions"
    assert client.tables.get("dog") is None
    with pytest.raises(MetadataError):
        client.records.create("dog", {"name": "Rex"})


def test_tables_columns_keys_and_lookups_are_created_and_deleted(client: DataverseClient) -> None:
    kinds = {
        "new_Length": "decimal",
        "new_Built": "date",
        "new_Steel": "bool",
        "new_Log": "multiline",
        "new_Crew": "int",
    }
    boat = client.tables.create("new_Boat", kinds, display_name="Boat")
    assert boat["entity_set_name"] == "new_boats"
    assert client.tables.add_columns("new_Boat", {"new_Sail": Sail, "new_Port": "string"})
    client.tables.create_lookup_field("new_boat", "new_ContactId", "contact", display_name="Skipper")
    key = client.tables.create_alternate_key("new_Boat", "new_BoatName", ["new_name"])
    assert key is not None
    skipper = client.records.create("contact", {"lastname": "Lee"})
    values = {"new_name": "Aphrodite", "new_length": 12.5, "new_steel": True, "new_crew": 3, "new_sail": 2}
    row = client.records.create("new_boat", {**values, "new_ContactId@odata.bind": f"/contacts({skipper})"})
    found = client.records.retrieve("new_boat", row, select=[*values, "_new_contactid_value"])
    assert found is not None
    assert {name: found[name] for name in values} == values
    assert found["_new_contactid_value"] == skipper
    client.tables.remove_columns("new_Boat", "new_Port")
    client.tables.delete("new_Boat")
    assert client.tables.get("new_Boat") is None


def test_fetchxml_pages_are_followed_by_their_cookies(client: DataverseClient) -> None:
    client.records.create("contact", [{"lastname": f"{number:03}"} for number in range(25)])
    columns = "<attribute name='lastname'/><order attribute='lastname'/>"
    xml = f"<fetch count='10'><entity name='contact'>{columns}</entity></fetch>"
    names = [row["lastname"] for page in client.query.fetchxml(xml).execute_pages() for row in page]
    assert names == [f"{number:03}" for number in range(25)]


def test_a_batch_with_a_change_set_succeeds_and_a_failed_one_is_undone(client: DataverseClient) -> None:
    request = client.batch.new()
    with request.changeset() as changes:
        contact = changes.records.create("contact", {"lastname": "Lee"})
        changes.records.create("dh_spotlerpermission", {"dh_name": "News", "dh_CustomerId_contact@odata.bind": contact})
    request.records.create("contact", {"lastname": "Other"})
    result = request.execute()
    assert (len(result.responses), result.has_errors) == (3, False)
    assert len(result.entity_ids) == 3

    request = client.batch.new()
    with request.changeset() as changes:
        changes.records.create("contact", {"lastname": "Undone"})
        changes.records.create("contact", {"lastname": "x" * 51})
    result = request.execute(continue_on_error=True)
    assert [response.error_code for response in result.responses] == ["0x80044331"]
    assert sorted(row["lastname"] for row in client.records.list("contact")) == ["Lee", "Other"]


# ------------------------------------------------------------------------------------ what `install` made, read by it

STATE = read_desired_state({})
_TYPES = {
    ColumnType.TEXT: "String",
    ColumnType.MEMO: "Memo",
    ColumnType.WHOLE: "Integer",
    ColumnType.DECIMAL: "Decimal",
    ColumnType.YES_NO: "Boolean",
    ColumnType.MOMENT: "DateTime",
    ColumnType.CHOICE: "Picklist",
}


def test_every_table_of_the_installer_is_found_by_its_schema_name(client: DataverseClient) -> None:
    for table in STATE.tables:
        info = client.tables.get(table.name)
        assert info is not None, table.name
        assert (info["table_schema_name"], info["entity_set_name"]) == (table.schema_name, f"{table.name}s")


@pytest.mark.parametrize("table", [*STATE.tables, *STATE.standard_tables], ids=lambda table: table.name)
def test_the_columns_of_a_table_have_the_types_and_labels_of_the_files(
    client: DataverseClient, table: OwnTable | StandardTable
) -> None:
    found = {
        one["LogicalName"]: (one["SchemaName"], one["AttributeType"], one["DisplayName"]["UserLocalizedLabel"]["Label"])
        for one in client.tables.list_columns(
            table.name, select=["LogicalName", "SchemaName", "AttributeType", "DisplayName"]
        )
        if one["LogicalName"].startswith(f"{STATE.publisher.prefix}_")
    }
    lookups = {one.logical for one in STATE.lookups if one.table == table.name}
    wanted = {one.logical: (one.schema_name, _TYPES[one.type], one.label.en) for one in table.columns}
    assert {name: facts for name, facts in found.items() if name in wanted} == wanted
    assert found.keys() - {f"{table.name}id"} == wanted.keys() | lookups


@pytest.mark.parametrize("lookup", STATE.lookups, ids=lambda lookup: lookup.name)
def test_the_relationships_of_a_lookup_lead_where_the_files_say(client: DataverseClient, lookup: Lookup) -> None:
    found = {
        one["SchemaName"]: (one["ReferencedEntity"], one["CascadeConfiguration"]["Delete"])
        for one in client.tables.list_table_relationships(lookup.table)
        if one.get("ReferencingAttribute") == lookup.logical and one.get("ReferencingEntity") == lookup.table
    }
    deletes = {OnDelete.CASCADE: "Cascade", OnDelete.REMOVE_LINK: "RemoveLink"}
    assert found == {target.relationship: (target.table, deletes[target.on_delete]) for target in lookup.targets}

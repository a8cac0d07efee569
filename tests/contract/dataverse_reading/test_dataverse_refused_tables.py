"""MAP-19, SEC-02: a related table that the connector's role does not cover costs its rows, and not the records.

Against the sandbox's Web API over real HTTP, with the role Spotler Service but for users.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.adapters.dataverse.metadata.mapped_schema import DataverseSchema
from shared.adapters.dataverse.metadata.refused_tables import LIFETIME, RefusedTables
from shared.adapters.dataverse.metadata.rights import read_rights
from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records.person_reader import PersonReader
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from shared.domain.records.table_schema import ReadRight, TableDefinition, TableReach
from shared.errors import ConfigurationError, TransientError
from shared.local.dataverse_sandbox.organisation.privileges import Access, Privilege, privilege
from shared.local.pages.roles import SERVICE, roles
from tests.contract.clocks import ManualClock
from tests.contract.custom_tables import PERIODIEK
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation
from tests.contract.dataverse_script import Script, error, multipart, part

ROLE = roles()[SERVICE].privileges - {privilege(Access.READ, "systemuser")}
"""As an organisation has it that has changed the delivered role."""
OWNER, PEER, ANN = UUID(int=99), UUID(int=98), UUID(int=10)
KEY = RecordKey(PersonTable.CONTACT, ANN)
CLIENT = "sandbox"
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("systemuser", {"systemuserid": str(OWNER), "fullname": "Olga Owner"}),
    (
        "contact",
        {
            "contactid": str(ANN),
            "lastname": "Proef",
            "emailaddress1": "ann@example.com",
            "address1_city": "Delft",
            "donotemail": True,
            "ownerid": ("systemuser", str(OWNER)),
        },
    ),
    (
        "new_periodiek",
        {"new_name": "Spring", "new_subscribed": True, "new_contactid": ("contact", str(ANN))},
    ),
    ("task", {"subject": "Call", "regardingobjectid": ("contact", str(ANN))}),
    ("list", {"listname": "Garden", "createdfromcode": 2, "type": False}),
]
OWNER_NAME = "ownerid(systemuser).fullname"
LAST_TASK = "@child(task.regardingobjectid).first(createdon DESC).subject"
USERS = "@odata:systemusers?$select=fullname&$filter=systemuserid eq $ID"
READ = {
    OWNER_NAME: ("systemuser", "prvReadUser"),
    LAST_TASK: ("task", "prvReadActivity"),
    USERS: ("systemuser", "prvReadUser"),
    "@map(list)": ("list", "prvReadList"),
    "@map(periodiek)": ("new_periodiek", "prvReadnew_periodiek"),
}
"""What rows may name, the table that it is read from, and the privilege that this takes."""


def mapping(*sources: str) -> FieldMapping:
    rows = [{"spotler": f"wanted{number}", "contact": source} for number, source in enumerate(sources)]
    own = [{"spotler": "email", "contact": "emailaddress1"}, {"spotler": "city", "contact": "address1_city"}]
    periodiek = {"table": "new_periodiek", "name": "new_name", "subscribed": "new_subscribed"}
    options = {"periodiek": {**periodiek, "contact": "new_contactid"}} if "@map(periodiek)" in sources else {}
    return read_mapping({"version": 1, "rows": [*own, *rows], **options})


@dataclass
class Office:
    """An organisation whose connector has a role, a schema cache for it, and its clock."""

    organisation: DataverseOrganisation
    schema: SchemaCache
    clock: ManualClock

    @property
    def client(self) -> DataverseClient:
        return self.organisation.client

    def reader(self, *sources: str) -> PersonReader:
        return PersonReader(self.client, self.schema, mapping(*sources), {PersonTable.CONTACT})

    async def rights(self, *sources: str) -> Mapping[str, ReadRight] | None:
        schema = DataverseSchema(self.client, self.schema, {PersonTable.CONTACT})
        return await schema.read_rights(mapping(*sources), await schema.read_schema(mapping(*sources)))

    async def grant(self, table: str) -> None:
        body = {"client": CLIENT, "grant": {table: ["read"]}}
        async with httpx.AsyncClient() as http:
            (await http.post(f"{self.organisation.url}/sandbox/privileges", json=body)).raise_for_status()


@asynccontextmanager
async def office_of(role: Iterable[Privilege] = ROLE) -> AsyncIterator[Office]:
    granted = {CLIENT: frozenset(role)}
    async with open_organisation(ROWS, privileges=granted, more_tables={"new_periodiek": PERIODIEK}) as opened:
        clock = ManualClock()
        yield Office(opened, SchemaCache(opened.client, clock=clock), clock)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """It may read neither users nor the table of periodieken."""
    async with office_of() as opened:
        yield opened


@pytest.fixture
async def small() -> AsyncIterator[Office]:
    """A role that lacks every related table of `READ`."""
    async with office_of(ROLE - {privilege(Access.READ, "task"), privilege(Access.READ, "list")}) as opened:
        yield opened


async def ann(reader: PersonReader) -> PersonRecord:
    return (await reader.read([KEY]))[KEY]


def why(privilege_name: str, table: str) -> str:
    return f"may not be read: the connector's role in Dataverse lacks {privilege_name} for {table}"


# ------------------------------------------------------------------------------------------------------------- records


@pytest.mark.parametrize("source", READ)
async def test_a_refused_related_table_costs_its_row_and_not_the_record(small: Office, source: str) -> None:
    record = await ann(small.reader(source))

    table, lacking = READ[source]
    assert (record.values["address1_city"], record.values["donotemail"]) == ("Delft", True)
    assert source not in record.values
    assert record.unread == {source: why(lacking, table)}


@pytest.mark.parametrize("source", READ)
async def test_only_the_row_that_needs_the_table_rests(small: Office, source: str) -> None:
    rows = mapping(source).rows
    record = await ann(small.reader(source))

    assert [row.rests(record) for row in rows] == [False, False, True]


async def test_several_refused_tables_are_left_out_together(small: Office) -> None:
    record = await ann(small.reader(*READ))

    assert record.unread.keys() == READ.keys()
    assert record.values["address1_city"] == "Delft"


async def test_a_row_of_several_sources_rests_as_a_whole_when_one_of_them_may_not_be_read(office: Office) -> None:
    (*_, row) = mapping(f"address1_city;{OWNER_NAME}").rows

    assert row.rests(await ann(office.reader(f"address1_city;{OWNER_NAME}"))) is True


async def test_with_the_privilege_everything_is_there() -> None:
    more = {privilege(Access.READ, table) for table in ("systemuser", "new_periodiek")}
    async with office_of(ROLE | more) as office:
        record = await ann(office.reader(*READ))

    assert record.unread == {}
    assert record.values[OWNER_NAME] == "Olga Owner"
    assert [(one.name, one.subscribed) for one in record.periodieken] == [("Spring", True)]
    assert [(one.name, one.subscribed) for one in record.lists] == [("Garden", False)]


@pytest.mark.parametrize("source", ["lastname", OWNER_NAME])
async def test_without_the_right_to_read_people_nothing_is_read(source: str) -> None:
    async with office_of(ROLE - {privilege(Access.READ, "contact")}) as office:
        with pytest.raises(ConfigurationError, match="lacks a privilege"):
            await office.reader(source).read([KEY])


async def test_periodieken_that_cannot_be_found_rest_too_and_are_no_withdrawals() -> None:
    without = {**PERIODIEK, "columns": {n: c for n, c in PERIODIEK["columns"].items() if n != "new_subscribed"}}
    async with open_organisation(ROWS[:2], more_tables={"new_periodiek": without}) as organisation:
        schema = SchemaCache(organisation.client, clock=ManualClock())
        record = await ann(PersonReader(organisation.client, schema, mapping("@map(periodiek)"), {PersonTable.CONTACT}))

    assert mapping("@map(periodiek)").rows[-1].rests(record) is True


# ------------------------------------------------------------------------------------------------------------ memory


async def test_a_refused_table_is_remembered_and_asked_for_again_after_some_minutes(office: Office) -> None:
    reader = office.reader(OWNER_NAME)
    await ann(reader)
    await office.grant("systemuser")
    office.organisation.sent.clear()

    assert OWNER_NAME in (await ann(reader)).unread
    assert office.organisation.sent == ["GET contacts"]

    office.clock.advance(LIFETIME + timedelta(seconds=1))
    record = await ann(reader)
    assert (record.values[OWNER_NAME], record.unread) == ("Olga Owner", {})


async def test_a_refused_query_is_not_sent_for_every_record_again(office: Office) -> None:
    reader = office.reader(USERS)
    await ann(reader)
    office.organisation.sent.clear()

    assert (await ann(reader)).unread == {USERS: why("prvReadUser", "systemuser")}
    assert office.organisation.sent == ["GET contacts"]


async def test_a_repaired_role_is_noticed_by_every_version_of_the_mapping(office: Office) -> None:
    await ann(office.reader(OWNER_NAME))
    assert OWNER_NAME in (await ann(office.reader(OWNER_NAME, "lastname"))).unread
    await office.grant("systemuser")
    office.clock.advance(LIFETIME + timedelta(seconds=1))

    assert await office.reader(OWNER_NAME).refused_tables() == {}
    assert (await ann(office.reader(OWNER_NAME, "lastname"))).values[OWNER_NAME] == "Olga Owner"


async def test_a_check_of_the_mapping_reads_repaired_roles_at_once(office: Office) -> None:
    reader = office.reader(OWNER_NAME)
    await ann(reader)
    await office.rights(OWNER_NAME)
    assert OWNER_NAME in (await ann(reader)).unread

    await office.grant("systemuser")
    await office.rights(OWNER_NAME)

    assert (await ann(reader)).values[OWNER_NAME] == "Olga Owner"


async def test_health_is_told_of_refused_tables_before_anybody_reads(small: Office) -> None:
    reader = small.reader(*READ)

    assert await reader.refused_tables() == {
        "list": "prvReadList",
        "new_periodiek": "prvReadnew_periodiek",
        "systemuser": "prvReadUser",
        "task": "prvReadActivity",
    }
    small.organisation.sent.clear()
    await reader.refused_tables()
    assert small.organisation.sent == []


# -------------------------------------------------------------------------------------------------------------- check


async def test_the_check_asks_for_the_privilege_of_every_related_table(small: Office) -> None:
    rights = await small.rights(*READ, "parentcustomerid(account).name")

    assert rights == {
        "account": ReadRight("prvReadAccount", TableReach.ALL),
        "list": ReadRight("prvReadList", TableReach.NOTHING),
        "new_periodiek": ReadRight("prvReadnew_periodiek", TableReach.NOTHING),
        "systemuser": ReadRight("prvReadUser", TableReach.NOTHING),
        "task": ReadRight("prvReadActivity", TableReach.NOTHING),
    }


async def test_without_related_tables_nothing_is_asked(office: Office) -> None:
    assert await office.rights("lastname") == {}


async def test_a_privilege_for_some_rows_shows_some_rows() -> None:
    user = {"UserId": str(PEER), "OrganizationId": str(OWNER), "BusinessUnitId": str(ANN)}
    privileges = {"RolePrivileges": [{"PrivilegeName": "prvReadUser", "Depth": "Local"}]}
    definition = {"Privileges": [{"PrivilegeType": "Read", "Name": "prvReadUser"}]}
    script = Script(
        multipart(part(200, definition)), httpx.Response(200, json=user), httpx.Response(200, json=privileges)
    )

    assert await rights_of(script) == {"systemuser": ReadRight("prvReadUser", TableReach.SOME)}
    assert script.requests[-1].url.params["@p1"] == '["prvReadUser"]'


async def test_where_dataverse_does_not_tell_privileges_a_row_is_read_instead() -> None:
    lacking = {"error": {"code": "0x80040220", "message": "is missing prvReadUser privilege for entity 'systemuser'."}}
    script = Script(multipart(part(403, lacking)), multipart(part(403, lacking)))

    assert await rights_of(script) == {"systemuser": ReadRight("prvReadUser", TableReach.NOTHING)}


async def test_without_privileges_and_rows_the_right_is_unknown() -> None:
    lacking = {"error": {"code": "0x80040220", "message": ""}}
    failing = {"error": {"code": "0x80040216", "message": ""}}
    script = Script(multipart(part(403, lacking)), multipart(part(400, failing)))

    assert await rights_of(script) is None


async def test_an_outage_of_dataverse_says_nothing_about_privileges() -> None:
    with pytest.raises(TransientError, match="Dataverse failed"):
        await rights_of(Script(multipart(part(500, {"error": {"code": "0x80040216", "message": ""}})), error(500)))


async def rights_of(script: Script) -> Mapping[str, ReadRight] | None:
    """Ask about users a Dataverse that gives prepared answers."""
    users = TableDefinition("systemuser", "systemusers", "systemuserid", "fullname", {})
    return await read_rights(script.client, [users], RefusedTables(script.client, ManualClock()))
